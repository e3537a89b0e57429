"""Counts as proxies: the baselines that many proxies do not beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nassearch.networks import counting
from nassearch.networks.graph import Network
from nassearch.proxies.base import proxy
from nassearch.types import Batch, Floats


@proxy(reference="a count; baseline of every published comparison", per_key=False, chunk=1024)
def params(networks: Sequence[Network], batch: Batch | None) -> Floats:
    """Count trainable parameters; higher is better."""
    return np.array([counting.parameters(network) for network in networks], np.float64)


@proxy(reference="a count; baseline of every published comparison", per_key=False, chunk=1024)
def flops(networks: Sequence[Network], batch: Batch | None) -> Floats:
    """Count the multiply-accumulates of convolutions and classifier for one input; higher is better."""
    return np.array([counting.macs(network) for network in networks], np.float64)
