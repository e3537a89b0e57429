"""Fisher: how much the loss would change without each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


@model_proxy(
    reference="Theis et al., Faster gaze prediction with dense networks and Fisher pruning (2018), eq. 10; as a "
    "proxy: Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), eq. 3, and its code",
    needs=("inputs", "labels"),
    reads=("gradients", "saliency"),
    revision=2,
)
def fisher(probe: Probe) -> float:
    """Sum 0.5 * mean((sum over positions of z * dL/dz)^2) over channels; higher is better.

    z is what a weight makes of a signal, before batch norm: a channel of a convolution, an output of a linear layer.
    Positions are all of a sample's, those in the axis of the batch and those of several calls included. As in the code
    of the paper, a channel counts as often as it has weights. NaN where a layer mixes samples.
    """
    return sum(float(channels.sum() * weights) for channels, weights in probe.saliency)
