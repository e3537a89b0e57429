"""The network of an architecture for training, counted as it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nassearch.errors import InvalidSetting, quoted
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from torch import nn


class Builder:
    """Build the network of an architecture, and count it on the way."""

    def __init__(self, space: SearchSpace, arch: Arch, task: Task, seed: int) -> None:
        self._space, self._arch, self._task, self._seed = space, arch, task, seed
        self.params: int | None = None
        self.flops: int | None = None

    def count(self) -> int | None:
        """Build it and return how many numbers are in its parameters."""
        self()
        return self.params

    def __call__(self) -> nn.Module:
        import torch

        from nassearch.networks.counting import macs, parameters
        from nassearch.networks.graph import Network
        from nassearch.networks.modules.foreign import module_parameters
        from nassearch.networks.modules.network import TorchNetwork

        built: Any = self._space.network(self._arch, self._task)
        if isinstance(built, Network):
            self.params, self.flops = parameters(built), macs(built)
            return TorchNetwork(built, torch.Generator().manual_seed(self._seed))
        if not isinstance(built, torch.nn.Module):
            raise InvalidSetting(f"a space builds networks or modules of torch, not {quoted(built)}")
        self.params = module_parameters(built)
        return built
