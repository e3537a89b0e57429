"""Saliencies of single weights, summed over a network: one forward and one backward pass gives them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.base import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe import Probe


@model_proxy(
    reference="Lee et al., SNIP: single-shot network pruning based on connection sensitivity (2019); as a proxy: "
    "Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), eq. 1",
    needs=("inputs", "labels"),
    reads=("gradients",),
)
def snip(probe: Probe) -> float:
    """Sum |W * dL/dW|; higher is better."""
    return sum(float((w * g).abs().sum()) for w, g in zip(probe.weights, probe.gradients, strict=True))
