"""Naswot: how differently the ReLUs of an untrained network see the samples of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nassearch.proxies.base import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe import Probe


@model_proxy(
    reference="Mellor et al., Neural architecture search without training (2021, arXiv 2006.04647), eq. 2, and its "
    "released code",
    reads=("relu_kernel",),
    batch_size=128,
)
def naswot(probe: Probe) -> float:
    """Take the log determinant of K, K[i, j] the units of live ReLUs in which samples i and j agree; higher is better.

    A ReLU is live if a backward pass from the output reaches it. In networks of a search space all ReLUs are, those
    that lead nowhere included, since published networks multiply by zero where an edge carries nothing, and a backward
    pass goes through that product. NaN: K is singular, as for equal samples.
    """
    sign, logarithm = np.linalg.slogdet(probe.relu_kernel.numpy())
    return float(logarithm) if sign > 0 else float("nan")
