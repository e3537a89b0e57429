"""One ask: an architecture that somebody is to train, and what is needed to build its network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nassearch.benchmarks.trained.builder import Builder
from nassearch.errors import BrokenPart, InvalidModel
from nassearch.networks.graph import Network
from nassearch.networks.recurrent import RecurrentNetwork
from nassearch.provenance.blame import blamed
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built
from nassearch.types import Arch, Task, plain

if TYPE_CHECKING:
    from torch import nn

SEED = 0
"""Of weights that are drawn where nobody says another."""


@dataclass(frozen=True)
class Ask:
    """One ask.

    Attributes:
        id: its number in its folder, from 1, by which its value is told.
        arch, text: the architecture, and how its space writes it.
        epochs: of a shorter training, where the strategy asks for such; None for a whole one.
        worker: whom it was handed to, where that was said.
        space, task, named: whose it is, what its network is built for, and the space as it was named.
    """

    id: int
    arch: Arch
    text: str
    epochs: int | None
    worker: str | None
    space: SearchSpace = field(repr=False)
    task: Task = field(repr=False)
    named: str = field(repr=False)

    @property
    def choices(self) -> dict[str, Any] | None:
        """Return what a user's own `build` is called with; None for a space without choices by name."""
        chosen = getattr(self.space, "chosen", None)
        return None if chosen is None else dict(chosen(self.arch))

    def network(self) -> Any:
        """Return the network as its space gives it: a description, or a new torch module within a `ModuleNetwork`."""
        with blamed(self.space):
            return built(self.space, self.arch, self.task, SEED)

    def module(self, seed: int = SEED) -> nn.Module:
        """Return the network as a torch module, its weights drawn from a seed.

        Raises:
            InvalidModel, InvalidSetting: the space gives none, or one that is no module.
        """
        with blamed(self.space):
            return Builder(self.space, self.arch, self.task, seed)()

    def as_dict(self) -> dict[str, Any]:
        """Return what is needed to build it as plain JSON values.

        That is the choices of a user's own space, or the layers of the network, see `nassearch.networks.graph`; or
        `fault`, which says why this architecture has none.
        """
        said: dict[str, Any] = {
            "id": self.id,
            "text": self.text,
            "arch": list(self.arch),
            "epochs": self.epochs,
            "worker": self.worker,
            "space": self.named,
            "task": self.task.as_dict(),
        }
        if (choices := self.choices) is not None:
            return {**said, "choices": {name: _plain(value) for name, value in choices.items()}}
        try:
            network = self.network()
        except (InvalidModel, BrokenPart) as error:
            return {**said, "fault": str(error)}
        if isinstance(network, Network):
            chain = [{"repeats": repeats, "layers": [_short(each) for each in block]}
                     for block, repeats in network.chain]  # fmt: skip
            return {**said, "network": {"blocks": chain}}
        if isinstance(network, RecurrentNetwork):
            nodes = [node._asdict() for node in network.cell.nodes]
            cell = {"outputs": network.cell.outputs, "nodes": nodes}
            return {**said, "network": {**network._asdict(), "cell": cell}}
        return said


def _short(layer: Any) -> dict[str, Any]:
    """Return the fields of a layer without those that are as usual."""
    usual = layer._field_defaults
    return {
        name: value for name, value in layer._asdict().items() if name not in usual or value != usual[name]
    }


def _plain(value: Any) -> Any:
    """Return an option of a choice as JSON has it: functions and classes by their names."""
    value = plain(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "__qualname__", str(value))
