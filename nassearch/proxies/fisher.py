"""Fisher: how much the loss would change without each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.base import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe import Probe


@model_proxy(
    reference="Theis et al., Faster gaze prediction with dense networks and Fisher pruning (2018), eq. 10; as a "
    "proxy: Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), eq. 3, and its code",
    needs=("inputs", "labels"),
    reads=("gradients", "saliency"),
)
def fisher(probe: Probe) -> float:
    """Sum 0.5 * mean((sum over positions of z * dL/dz)^2) over channels; higher is better.

    z is what a convolution or linear layer gives out, before batch norm. As in the code of the paper, a channel
    counts as often as it has weights.
    """
    return sum(float(channels.sum() * layer.weight[0].numel()) for layer, channels in probe.saliency)
