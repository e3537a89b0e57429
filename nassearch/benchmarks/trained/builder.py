"""The network of an architecture for training, counted as it is built."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nassearch.errors import BadData, InvalidSetting, quoted, told
from nassearch.files.bounded import guarded
from nassearch.networks.module_network import ModuleNetwork
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built
from nassearch.training.single.recipe import Recipe
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from torch import nn


def task_for(task: Task, recipe: Recipe) -> Task:
    """Return the task of a recipe's networks: of smaller inputs and fewer channels where it says so."""
    if recipe.size is not None:
        task = replace(task, input_shape=(task.input_shape[0], *(recipe.size for _ in task.input_shape[1:])))
    if recipe.channels is not None and recipe.channels != task.channels[0]:
        first = task.channels[0]
        widths = tuple(max(1, round(width * recipe.channels / first)) for width in task.channels)
        task = replace(task, channels=widths)
    return task


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
        from nassearch.networks.tracing.macs import module_macs

        network: Any = built(self._space, self._arch, self._task, self._seed)
        if isinstance(network, Network):
            self.params, self.flops = parameters(network), macs(network)
            return TorchNetwork(network, torch.Generator().manual_seed(self._seed))
        if not isinstance(network, ModuleNetwork):
            raise InvalidSetting(f"a space builds networks or modules of torch, not {quoted(network)}")
        module: nn.Module = network.module
        self.params = module_parameters(module)
        with suppress(
            Exception, SystemExit
        ):  # a module that takes none such fails in training, which says why
            self.flops = module_macs(module, self._task.input_shape, words=self._task.tokens)
        return module


def load_weights(module: nn.Module, path: Path) -> nn.Module:
    """Put weights from a file into a module, and return it.

    Raises:
        MissingData, BadData: there is no such file, or it holds the weights of another network.
    """
    from safetensors import SafetensorError

    from nassearch.training.single.state import read_weights

    remedy = "train it again, in a new folder"
    try:
        with guarded(path, remedy, what="file of weights"):
            module.load_state_dict(read_weights(path))
    except (RuntimeError, SafetensorError) as error:
        raise BadData(f"{path} does not hold the weights of this network: {told(error)}; {remedy}") from None
    return module
