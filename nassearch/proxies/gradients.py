"""Saliencies of single weights, summed over a network: one forward and one backward pass gives all of them.

Only weights of convolutions and linear layers count. Batch norm and biases are left out, as in the code of Abdelfattah
et al.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe

ZERO_COST = "Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021, arXiv 2101.08134)"


@model_proxy(
    reference=f"{ZERO_COST}, section 3.1", needs=("inputs", "labels"), reads=("gradients",), revision=2
)
def grad_norm(probe: Probe) -> float:
    """Sum the Euclidean norms of dL/dW over the layers; higher is better."""
    return sum(float(g.norm()) for g in probe.gradients)


@model_proxy(
    reference="Mozer and Smolensky, Skeletonization (1989), as W * dL/dW; as a proxy: the code of "
    + ZERO_COST,
    needs=("inputs", "labels"),
    reads=("gradients",),
    revision=2,
)
def plain(probe: Probe) -> float:
    """Sum W * dL/dW with its sign; higher is better."""
    return sum(float((w * g).sum()) for w, g in zip(probe.weights, probe.gradients, strict=True))


@model_proxy(reference=f"the code of {ZERO_COST}", needs=(), reads=())
def l2_norm(probe: Probe) -> float:
    """Sum the Euclidean norms of W over the layers; no data is looked at; higher is better."""
    return sum(float(w.norm()) for w in probe.weights)


@model_proxy(
    reference="Lee et al., SNIP: single-shot network pruning based on connection sensitivity (2019); as a proxy: "
    f"{ZERO_COST}, eq. 1",
    needs=("inputs", "labels"),
    reads=("gradients",),
    revision=2,
)
def snip(probe: Probe) -> float:
    """Sum |W * dL/dW|; higher is better."""
    return sum(float((w * g).abs().sum()) for w, g in zip(probe.weights, probe.gradients, strict=True))
