"""Counts as proxies: the baselines that many proxies do not beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks import counting, recurrent
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


@params.for_networks(recurrent.RecurrentNetwork)
def _params_recurrent(networks: Sequence[recurrent.RecurrentNetwork], batch: Batch | None) -> Floats:
    return np.array([recurrent.parameters(network) for network in networks], np.float64)


@flops.for_networks(recurrent.RecurrentNetwork)
def _flops_recurrent(networks: Sequence[recurrent.RecurrentNetwork], batch: Batch | None) -> Floats:
    """Count for one word."""
    return np.array([recurrent.macs(network) for network in networks], np.float64)


@params.for_model
def _params(model: Any, batch: Batch | None) -> float:
    from nassearch.networks.modules.foreign import module_parameters

    return float(module_parameters(model))


@flops.for_model
def _flops(model: Any, batch: Batch | None) -> float:
    if batch is None:
        raise InvalidSetting("flops of a module needs a batch, for the shape of its inputs")
    from nassearch.networks.tracing.macs import module_macs

    words = batch.inputs.dtype.kind != "f"
    return float(module_macs(model, batch.inputs.shape[1:], len(batch.inputs), words))
