"""Build the network of an architecture, whatever kind it is of; the weights of a torch module follow a seed."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from nassearch.errors import InvalidModel
from nassearch.networks.graph import Network
from nassearch.networks.module_network import ModuleNetwork, is_module
from nassearch.provenance.blame import blamed
from nassearch.provenance.sources import is_foreign
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from nassearch.spaces.base import SearchSpace

TRIES = 8
"""Architectures that are looked at for the kind of a space's networks, where the first have none."""
_kinds: WeakKeyDictionary[Any, dict[Task, type]] = WeakKeyDictionary()


def kind_of(space: SearchSpace, task: Task) -> type:
    """Return what kind the networks of a space are of: `Network`, `ModuleNetwork` for torch modules, or another.

    One is built where the space does not say, and the answer is remembered.

    Raises:
        BrokenPart: the space is someone else's, and fails.
        InvalidModel: the first architectures have no networks.
    """
    if space.network_kind is not None:
        return space.network_kind
    try:
        known = _kinds.setdefault(space, {})
        if task not in known:
            known[task] = type(_first(space, task))
        return known[task]
    except TypeError:  # a space or a task that is equal to others by its values, and has no hash
        return type(_first(space, task))


def _first(space: SearchSpace, task: Task) -> Any:
    fault: InvalidModel | None = None
    with blamed(space):
        for arch in islice(space.all(), TRIES):
            try:
                return built(space, arch, task)
            except InvalidModel as error:
                fault = fault or error
    if fault is not None:
        raise fault
    return Network(())


def gives_modules(space: SearchSpace, task: Task) -> bool:
    """Say whether the networks of a space are torch modules; nassearch's own spaces are not asked for one."""
    if space.network_kind is None and not is_foreign(type(space).__module__):
        return False
    return issubclass(kind_of(space, task), ModuleNetwork)


def built(space: SearchSpace, arch: Arch, task: Task, seed: int = 0) -> Any:
    """Return the network of an architecture; a torch module as a `ModuleNetwork` with weights that follow a seed.

    Global generators are afterwards as they were before.

    Raises:
        InvalidModel: this architecture has no network.
    """
    if space.network_kind is None and not is_foreign(type(space).__module__):
        return space.network(arch, task)
    known = space.network_kind is not None or "torch" in sys.modules
    network = _seeded(space, arch, task, seed if known else None)
    if not is_module(network):
        return network
    # Torch came with this very network, so that nothing could set its generator before.
    module = network if known else _seeded(space, arch, task, seed)
    return ModuleNetwork(module, task.input_shape, task.classes, task.words)


def _seeded(space: SearchSpace, arch: Arch, task: Task, seed: int | None) -> Any:
    if seed is None:
        return space.network(arch, task)
    from nassearch.networks.modules.foreign import derivatives
    from nassearch.networks.modules.isolation import isolated

    with derivatives(), isolated(seed):
        return space.network(arch, task)


def built_or_fault(space: SearchSpace, arch: Arch, task: Task, seed: int = 0) -> Any:
    """Return the network of an architecture as `built` does, or a `ModuleNetwork` that says why there is none."""
    try:
        with blamed(space):
            return built(space, arch, task, seed)
    except InvalidModel as error:
        return ModuleNetwork(None, task.input_shape, task.classes, task.words, str(error))
