"""The number of trainable layers: the baseline that counts depth and branches, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks import counting, recurrent
from nassearch.networks.graph import Network
from nassearch.proxies.base import proxy
from nassearch.types import Batch, Floats


@proxy(
    reference="a count; baseline in table 1 of Tybl and Neumann, Training-free neural architecture search through "
    "variance of knowledge of deep network weights (2025, arXiv 2502.04975)",
    chunk=1024,
    revision=2,
)
def layers(networks: Sequence[Network], batch: Batch | None) -> Floats:
    """Count the layers with weights that training reaches: convolutions, linear and recurrent layers; higher is better.

    Normalisation does not count, nor do layers on no path from the input to the output: no gradient is left there. A
    recurrent network counts its matrices, the embedding once. Of a torch module its trainable weights count, the
    parameters that multiply signals in a sum, however it writes them, and that have a gradient; one that
    is used twice counts once.
    """
    return np.array([counting.layers(network) for network in networks], np.float64)


@layers.for_networks(recurrent.RecurrentNetwork)
def _layers_recurrent(networks: Sequence[recurrent.RecurrentNetwork], batch: Batch | None) -> Floats:
    return np.array([recurrent.matrices(network) for network in networks], np.float64)


@layers.for_model
def _layers_of_model(model: Any, batch: Batch | None) -> float:
    if batch is None:
        raise InvalidSetting(
            "layers of a module needs a batch: a pass shows which parameters multiply signals"
        )
    from nassearch.networks.tracing.trained import trained_weights

    return float(trained_weights(model, batch.inputs))
