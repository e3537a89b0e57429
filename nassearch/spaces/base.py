"""A search space is a set of architectures with the moves between them and the network of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from nassearch.errors import InvalidArch
from nassearch.files.inert import inert
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from nassearch.networks.graph import Network


class CellGraph(NamedTuple):
    """A cell for predictors, its vertices in an order in which each stands behind those that feed it.

    Attributes:
        adjacency: bool `[V, V]`; the row feeds the column.
        ops: int `[V]`, a label for each vertex.
        names: of the labels: those of inner vertices first, then those of inputs, then those of outputs.
        ends: how many of the labels are of inputs and of outputs.
    """

    adjacency: np.ndarray
    ops: np.ndarray
    names: tuple[str, ...]
    ends: tuple[int, int] = (1, 1)


class CellGraphs(NamedTuple):
    """N cells in one: `adjacency` bool `[N, V, V]`, `ops` int `[N, V]`, -1 behind the vertices of smaller cells.

    What a vertex of a cell is, is that of a vertex of `CellGraph`; one that lies on no way may be there.
    """

    adjacency: np.ndarray
    ops: np.ndarray
    names: tuple[str, ...]
    ends: tuple[int, int]


class SearchSpace(ABC):
    """A set of architectures with the moves between them.

    A subclass is one file and one line in `nassearch/registry.py`. Where it can be made without arguments, users name
    it: see `nassearch.spaces.open_space`.
    """

    name: ClassVar[str]
    revision: ClassVar[int] = 1
    """Raised with every change after which an architecture has another network, key, sample or neighbour."""
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {}
    """Options that a paper chose for this space, by proxy: `{"epsilon": {"weights": (1e-7, 1.0)}}`."""
    skeleton: ClassVar[dict[str, Any]] = {}
    """Fields of a `Task` that its networks follow, with usual values: `{"channels": (16, 32, 64), "cells": 5}`. They
    are the options of the space where it is named: `nasbench201(cells=2)`."""
    keys_differ: ClassVar[bool] = False
    """Whether no two architectures share a key, so that scores by key can do without making them."""
    has_cells: ClassVar[bool] = True
    """Whether graphs are of cells, whose ways from input to output mean something; decisions say more where not."""
    network_kind: ClassVar[type | None] = None
    """What kind its networks are of, `ModuleNetwork` for torch modules; None where one has to be built to know."""

    def __repr__(self) -> str:
        return inert(f"{type(self).__name__}({self.name})")

    @property
    def unconstrained(self) -> SearchSpace:
        """Return the whole space, of which limits on costs may have left a part; here this one."""
        return self

    @property
    def made_of(self) -> tuple[Any, ...]:
        """Return functions and classes that its networks are made by, beside its own class; here none."""
        return ()

    def try_out(self, task: Task) -> None:
        """Raise what is wrong with the networks of all architectures, before any is scored or trained; here nothing.

        Raises:
            InvalidModel: no architecture has a network that works for the task.
        """
        return None

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of architectures, isomorphic ones counted apart."""

    def fits(self, most: int) -> bool:
        """Say whether `all()` gives at most so many, and each at once, as it does here."""
        return self.size <= most

    @property
    def options(self) -> tuple[int, ...] | None:
        """Return the number of options of each decision, for strategies that decide; None where there are none."""
        return None

    def decide(self, decisions: tuple[int, ...]) -> Arch | None:
        """Return the architecture that one choice per decision of `options` means, or None where it means none.

        Here the choices themselves.
        """
        return decisions

    def decided(self, arch: Arch) -> Iterator[tuple[int, int]]:
        """Yield the decisions that an architecture is made of, as pairs of place and option; here all of them."""
        return enumerate(arch)

    @abstractmethod
    def all(self) -> Iterator[Arch]:
        """Yield every architecture, in the space's own index order."""

    @cached_property
    def _places(self) -> dict[Arch, int]:
        return {arch: place for place, arch in enumerate(self.all())}

    def index(self, arch: Arch) -> int:
        """Return the place of an architecture in `all()`, 0 for the first.

        Raises:
            InvalidArch: it does not belong to the space.
        """
        place = self._places.get(arch)
        return self._places[self.check(arch)] if place is None else place

    @abstractmethod
    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        """Draw n architectures uniformly, with replacement."""

    def sample(self, rng: np.random.Generator) -> Arch:
        """Draw one architecture uniformly."""
        return self.sample_many(1, rng)[0]

    @abstractmethod
    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """Return a uniform draw from the architectures one edit away."""

    @abstractmethod
    def neighbours(self, arch: Arch) -> Sequence[Arch]:
        """Return every architecture one edit away, each once, in a fixed order: a tuple, or a list of its own.

        Nobody who changes what was returned changes what is returned next.
        """

    def admits(self, arch: Arch) -> bool:
        """Say whether an architecture of the space may be trained, here any; asked before each training.

        A limit on a latency that has to be measured is held here, see `nassearch.constraints`.
        """
        return True

    @abstractmethod
    def is_valid(self, arch: Arch) -> bool:
        """Say whether arch belongs to the space."""

    def check(self, arch: Arch) -> Arch:
        """Return arch, or raise `InvalidArch` where it does not belong to the space."""
        if not self.is_valid(arch):
            raise InvalidArch(f"{arch!r} is not an architecture of {self.name}: {self.rule()}")
        return arch

    @abstractmethod
    def rule(self) -> str:
        """Say in a line what makes an architecture of this space valid."""

    @abstractmethod
    def key(self, arch: Arch) -> str:
        """Return what architectures that compute one function share: scores are computed once per key.

        Architectures that share a key compute the same function where equal layers have equal weights. Different
        keys may still stand for one function: each space says what its key sees through.
        """

    @cached_property
    def _by_key(self) -> dict[str, Arch]:
        firsts: dict[str, Arch] = {}
        for arch in self.all():
            firsts.setdefault(self.key(arch), arch)
        return firsts

    def of_key(self, key: str) -> Arch | None:
        """Return the first of the architectures with this key in `all()`, None where there is none.

        The first call computes every key.
        """
        return self._by_key.get(key)

    def representative(self, arch: Arch) -> Arch:
        """Return the one architecture that a score by key is computed for, whichever of its key was asked for.

        Members of one key add the same terms in different orders, so their scores differ by rounding: without a
        representative a score would depend on who asked first. An architecture outside `all()` represents itself.
        """
        return arch if self.keys_differ else self.of_key(self.key(arch)) or arch

    @abstractmethod
    def parse(self, text: str) -> Arch:
        """Read an architecture as people write it; raise `InvalidArch` with the place where it goes wrong."""

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        """Return the architecture that NASLib writes as these numbers, as NAS-Bench-Suite-Zero does.

        Here none, for spaces of which that is not known.

        Raises:
            InvalidArch: they mean none.
        """
        raise InvalidArch(
            f"{numbers} is how NASLib writes an architecture, which is not known of {self.name}: {self.rule()}"
        )

    @abstractmethod
    def format(self, arch: Arch) -> str:
        """Write an architecture as people read it; `parse(format(arch)) == arch`."""

    @abstractmethod
    def graph(self, arch: Arch) -> CellGraph:
        """Return the cell as a graph with operations on its vertices."""

    def graphs(self, archs: Sequence[Arch]) -> CellGraphs:
        """Return the cells of one architecture or more as graphs, in one; a space may know a quicker way."""
        graphs = [self.graph(arch) for arch in archs]
        most = max(len(graph.ops) for graph in graphs)
        adjacency = np.zeros((len(graphs), most, most), dtype=bool)
        ops = np.full((len(graphs), most), -1)
        for n, graph in enumerate(graphs):
            size = len(graph.ops)
            adjacency[n, :size, :size], ops[n, :size] = graph.adjacency, graph.ops
        return CellGraphs(adjacency, ops, graphs[0].names, graphs[0].ends)

    def features(self, arch: Arch) -> dict[str, float]:
        """Return what predictors should know of an architecture beside its graph: the same names for every one.

        Here nothing.
        """
        return {}

    @abstractmethod
    def network(self, arch: Arch, task: Task) -> Network | Any:
        """Return the whole network: plain data, or a new torch.nn.Module.

        A module is built with torch's global generator at the seed of a proxy or of a training, so that its weights
        follow that seed, see `nassearch.spaces.built`.

        Raises:
            InvalidModel: this architecture has none; it has no score, and a search goes on.
        """
