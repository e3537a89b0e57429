"""Try a user's space before anything is scored or trained: what is wrong with all of it is told at once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.errors import InvalidModel
from nassearch.networks.module_network import ModuleNetwork
from nassearch.spaces.built import built
from nassearch.types import Arch, Batch, Task

if TYPE_CHECKING:
    from torch import nn

    from nassearch.spaces.base import SearchSpace

TRIES = 8
"""Architectures that may fail before it is said that all do."""


def try_space(space: SearchSpace, task: Task) -> None:
    """Build architectures until one works: it takes two inputs of the task and gives a logit for each class.

    That one is built again: the two may share nothing, and a seed gives both the same weights.

    Raises:
        InvalidModel: all of `TRIES` fail, or modules share parameters.

    Warns:
        RuntimeWarning: the weights are others though the seed is the same.
    """
    rng = np.random.default_rng(0)
    tried = list(dict.fromkeys([*space.sample_many(TRIES, rng)]))
    faults: list[tuple[Arch, str]] = []
    for arch in tried:
        try:
            network: ModuleNetwork = built(space, arch, task)
            _try(network, task)
        except InvalidModel as error:
            faults.append((arch, str(error)))
            continue
        again = built(space, arch, task)
        return _compare(space.format(arch), network.module, again.module)
    arch, fault = faults[0]
    raise InvalidModel(
        f"none of {len(tried)} architectures of {space.name} gives a module that works, so that there is nothing to "
        f"search (build is given classes and input_shape of the data where its signature has them); "
        f"{space.format(arch)}: {fault}"
    )


def _try(network: ModuleNetwork, task: Task) -> None:
    from nassearch.networks.tracing.trying import try_for_classes

    rng, shape = np.random.default_rng(0), (2, *task.input_shape)
    inputs: Any = (
        rng.integers(task.words or 1, size=shape) if task.tokens else rng.standard_normal(shape, np.float32)
    )
    try_for_classes(network.module, Batch(inputs), task.classes)


def _compare(shown: str, one: nn.Module, other: nn.Module) -> None:
    mine = dict(one.named_parameters())
    theirs = {id(parameter) for parameter in other.parameters()}
    shared = [name for name, parameter in mine.items() if id(parameter) in theirs]
    if shared:
        raise InvalidModel(
            f"two calls of build({shown}) return modules that share {shared[0]}, and training one would train the "
            "other: let build make new layers in each call"
        )
    differ = [
        name
        for name, parameter in other.named_parameters()
        if name in mine and not mine[name].equal(parameter)
    ]
    if differ:
        warnings.warn(
            f"two calls of build({shown}) with one seed give {differ[0]} different weights, so that scores and "
            "trainings cannot be repeated: draw them from torch's, numpy's or Python's global generator",
            RuntimeWarning,
            stacklevel=2,
        )
