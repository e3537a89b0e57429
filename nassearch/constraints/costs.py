"""What a network costs: counted from its description, or found out by running the module once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from nassearch.constraints.limits import UNITS, written
from nassearch.errors import InvalidModel, InvalidSetting, NassearchError
from nassearch.networks import counting, recurrent
from nassearch.networks.graph import Network
from nassearch.networks.module_network import ModuleNetwork
from nassearch.networks.recurrent import RecurrentNetwork
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built
from nassearch.types import Arch, Task

FLOAT = 4
"""Bytes of a number in float32."""
COUNTED = ("params", "flops", "memory")


@dataclass(frozen=True)
class Costs:
    """What a network costs, in the units of `Constraints`; None for what was not asked for."""

    params: float | None = None
    flops: float | None = None
    latency: float | None = None
    memory: float | None = None

    def __str__(self) -> str:
        found = {name: getattr(self, name) for name in UNITS}
        return ", ".join(
            f"{name} {written(name, value)}" for name, value in found.items() if value is not None
        )


def cost_of(space: SearchSpace, arch: Arch, task: Task, names: Collection[str] = COUNTED) -> Costs:
    """Return what the network of an architecture costs, its latency aside.

    Parameters and multiply-accumulates are those of the proxies `params` and `flops`. Memory is bytes in float32: the
    parameters, and the most activations that are held at a time while one input passes. Of a description each
    activation is held until the last layer that reads it is computed; a module is run once and looked at.

    Args:
        space, arch: which.
        task: what the network is built for.
        names: what to find out, of params, flops and memory.

    Raises:
        InvalidSetting: nothing is known of this kind of network.
        Exception: whatever a module of someone else's raises as it is built or run.
    """
    network = built(space, arch, task)
    return Costs(**{name: float(_COUNTS[name](network, task)) for name in names})


def of_the_network(error: Exception) -> bool:
    """Say whether an error is of the one network that was to be looked at: others may have a cost."""
    return isinstance(error, InvalidModel) or not isinstance(error, NassearchError)


def module_of(network: Any, seed: int = 0) -> Any:
    """Return a network as a torch module; weights that it has none of are drawn from the seed.

    Raises:
        InvalidSetting: nothing is known of this kind of network.
    """
    import torch

    if isinstance(network, ModuleNetwork):
        return network.module
    generator = torch.Generator().manual_seed(seed)
    if isinstance(network, Network):
        from nassearch.networks.modules.network import TorchNetwork

        return TorchNetwork(network, generator)
    if isinstance(network, RecurrentNetwork):
        from nassearch.networks.modules.recurrent import RecurrentModule

        return RecurrentModule(network, generator)
    raise InvalidSetting(
        f"what a {type(network).__name__} costs is not known: limits are on descriptions of networks and on modules of "
        "torch; let network() return one of these"
    )


def _params(network: Any, task: Task) -> int:
    if isinstance(network, Network):
        return counting.parameters(network)
    if isinstance(network, RecurrentNetwork):
        return recurrent.parameters(network)
    from nassearch.networks.modules.foreign import module_parameters

    return module_parameters(module_of(network))


def _flops(network: Any, task: Task) -> int:
    if isinstance(network, Network):
        return counting.macs(network)
    if isinstance(network, RecurrentNetwork):
        return recurrent.macs(network)
    from nassearch.networks.tracing.macs import module_macs

    return module_macs(module_of(network), task.input_shape, words=task.tokens)


def _memory(network: Any, task: Task) -> int:
    weights = FLOAT * _params(network, task)
    if isinstance(network, Network):
        return weights + FLOAT * counting.activations(network)
    from nassearch.networks.tracing.held import module_activations

    return weights + module_activations(module_of(network), task.input_shape, task.tokens)


_COUNTS: dict[str, Callable[[Any, Task], int]] = {"params": _params, "flops": _flops, "memory": _memory}
