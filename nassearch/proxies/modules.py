"""What proxies of torch modules share: which options mean something, and which modules can be scored at all."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nassearch.errors import InvalidModel, InvalidSetting
from nassearch.networks.module_network import ModuleNetwork
from nassearch.types import Batch

SEED = "seed"
"""The option that says by which seed the weights of a space's modules are drawn."""


def own_options(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the options of what a proxy is for one module, with their defaults."""
    found = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY}


def chosen_options(name: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a proxy of modules: those that are given, and defaults for the others.

    Raises:
        InvalidSetting: one that is given has no meaning for modules.
    """
    for option, value in given.items():
        if option not in known:
            raise InvalidSetting(
                f"option {option} of {name} has no meaning for torch modules, which keep the weights that they are "
                f"built with: leave {option}={value!r} out"
            )
    return {**known, **given}


def noise_for(network: ModuleNetwork, count: int = 2, seed: int = 0) -> Batch:
    """Return inputs of the shape that a module is for: N(0, 1), or uniform words.

    Raises:
        InvalidSetting: nobody has said which shape that is.
    """
    if network.input_shape is None:
        raise InvalidSetting(
            "a torch module that belongs to no space does not say what its inputs are: give a batch"
        )
    rng, shape = np.random.default_rng(seed), (count, *network.input_shape)
    if network.words is not None:
        return Batch(rng.integers(network.words, size=shape))
    return Batch(rng.standard_normal(shape, np.float32))


def fault_of(network: ModuleNetwork, batch: Batch | None) -> str:
    """Say why a module cannot be scored at all; "" where it can: it is there, takes the inputs and gives logits."""
    if network.fault:
        return network.fault
    from nassearch.networks.tracing.trying import try_for_classes

    try:
        try_for_classes(network.module, batch or noise_for(network), network.classes)
    except InvalidModel as error:
        return str(error)
    return ""
