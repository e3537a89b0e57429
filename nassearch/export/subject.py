"""What is exported: an architecture of a space, what its network reads, and its weights where there are any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nassearch.datasets import OwnDataset
from nassearch.errors import BadData, InvalidSetting
from nassearch.export.code.file import Reading
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

SEED = 0
"""Of weights that are drawn where none are trained."""
IMAGE, CLASSES = (3, 32, 32), 10
"""What a network is built for where nobody says it."""


@dataclass(frozen=True)
class Subject:
    """What is exported.

    Attributes:
        space, arch: the architecture.
        space_text: the space as it was named, with its options.
        task: what its network is built for.
        reads: what the network reads, and what its logits mean.
        weights: of the searched module, by the names of its `state_dict`; None where none are trained.
        facts: what there is to say of it, as plain JSON, by the headings of the card.
        data: opens the data set that it was trained on; None where there is none.
    """

    space: SearchSpace
    arch: Arch
    space_text: str
    task: Task
    reads: Reading
    weights: Mapping[str, Tensor] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    data: Callable[[], OwnDataset] | None = None

    @property
    def text(self) -> str:
        """Return the architecture as it is written."""
        return self.space.format(self.arch)

    def network(self) -> Any:
        """Return the network as its space gives it: a description, or a torch module."""
        return self.space.network(self.arch, self.task)

    def module(self, network: Any) -> nn.Module:
        """Return the searched module with its weights, in evaluation mode; where none are trained they are drawn.

        Raises:
            BadData: the weights are not those of this network.
            InvalidSetting: nothing is known of this kind of network.
        """
        module = built(network)
        if self.weights is not None:
            try:
                module.load_state_dict(dict(self.weights))
            except RuntimeError as error:
                first = " ".join(str(error).split())[:200]
                raise BadData(
                    f"the weights are not those of {self.text} in {self.space_text} ({first}); give the result that "
                    "they are of"
                ) from error
        return module.eval()


def built(network: Any) -> nn.Module:
    """Return a network as a torch module, with weights drawn from `SEED` where it brings none.

    Raises:
        InvalidSetting: nothing is known of this kind of network.
    """
    import torch

    from nassearch.networks.graph import Network
    from nassearch.networks.modules.network import TorchNetwork
    from nassearch.networks.modules.recurrent import RecurrentModule
    from nassearch.networks.recurrent import RecurrentNetwork

    generator = torch.Generator().manual_seed(SEED)
    if isinstance(network, Network):
        return TorchNetwork(network, generator)
    if isinstance(network, RecurrentNetwork):
        return RecurrentModule(network, generator)
    if isinstance(network, torch.nn.Module):
        return network
    raise InvalidSetting(
        f"a {type(network).__name__} cannot be exported: let network() of the space return a description or a torch "
        "module"
    )


def reading(task: Task, data: Mapping[str, Any] | None = None) -> Reading:
    """Return what networks for a task read; `data` is what a data set says of itself, where there is one."""
    if task.tokens:
        return Reading(task.input_shape, words=True)
    if data is None:
        return Reading(task.input_shape, tuple(str(number) for number in range(task.classes)))
    mean, std = (tuple(float(value) for value in data[name]) for name in ("mean", "std"))
    shrunk = tuple(data["shape"]) != task.input_shape
    return Reading(task.input_shape, tuple(map(str, data["classes"])), mean, std, shrunk=shrunk)
