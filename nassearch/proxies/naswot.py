"""Naswot: how differently the ReLUs of an untrained network see the samples of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


@model_proxy(
    reference="Mellor et al., Neural architecture search without training (2021, arXiv 2006.04647), eq. 2, and its "
    "released code",
    reads=("relu_kernel",),
    batch_size=128,
)
def naswot(probe: Probe) -> float | str:
    """Take the log determinant of K, K[i, j] the units of live ReLUs in which samples i and j agree; higher is better.

    A ReLU is live if a backward pass from the output reaches it. In networks of a search space all ReLUs are, those
    that lead nowhere included, since published networks multiply by zero where an edge carries nothing, and a backward
    pass goes through that product. Layers may have samples first, positions first, or both on one axis. NaN, with the
    reason: which samples a ReLU sees cannot be told, or K is singular. Its entries are whole numbers, so that this is
    known exactly and does not depend on the order of the samples.
    """
    from nassearch.networks.probe.whole_rank import log_determinant

    kernel = probe.relu_kernel.numpy()
    found = log_determinant(kernel)
    if isinstance(found, float):
        return found
    alike = int(((kernel == kernel[0, 0]).sum(axis=1) > 1).sum())
    shared = f"{alike} samples share their pattern with another" if alike else "none share a pattern"
    return f"K is singular: its rank is {found} for {len(kernel)} samples, of which {shared}"
