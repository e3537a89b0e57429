"""What a network looks like, whatever kind it is of, as plain data that compares by its values."""

from __future__ import annotations

from typing import Any

import numpy as np

from nassearch.errors import InvalidModel
from nassearch.networks.module_network import ModuleNetwork
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built
from nassearch.types import Arch, Task

SAMPLES = 2


def looks(space: SearchSpace, arch: Arch, task: Task) -> Any:
    """Return the network of an architecture; of a torch module its layers, its parameters and what it answers.

    An architecture that has no module is looked at too: by what it says instead.
    """
    try:
        network = built(space, arch, task)
    except InvalidModel as error:
        return str(error)
    return layers_and_logits(network, task) if isinstance(network, ModuleNetwork) else network


def layers_and_logits(network: ModuleNetwork, task: Task) -> tuple[str, tuple[Any, ...], bytes]:
    """Return layers as text, names and shapes of parameters, and the logits of two inputs, dropout off."""
    import torch

    from nassearch.networks.modules.foreign import seeded

    module, rng, shape = network.module, np.random.default_rng(0), (SAMPLES, *task.input_shape)
    inputs = (
        rng.integers(task.words or 1, size=shape) if task.tokens else rng.standard_normal(shape, np.float32)
    )
    with seeded(), torch.no_grad():
        logits = module.eval()(torch.from_numpy(inputs))
    shapes = tuple((name, tuple(parameter.shape)) for name, parameter in module.named_parameters())
    return repr(module), shapes, logits.numpy().tobytes()
