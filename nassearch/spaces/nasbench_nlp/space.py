"""The space of NAS-Bench-NLP: a list of recurrent cells (Klyuchnikov et al., 2022)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidArch, InvalidSetting
from nassearch.files.plain_json import read_json
from nassearch.networks.recurrent import OPS, RecurrentNetwork
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.spaces.nasbench_nlp.recipes import EXAMPLE, to_arch, to_cell, to_recipe
from nassearch.types import Arch, Task

NEAREST = 10
"""Neighbours of an architecture, and more where several are as far as the tenth."""
NAMES = (*OPS, "x", "h_prev_0", "h_prev", "h_new_0", "h_new")
"""Labels of a cell's vertices; of the states the first alone is told apart, since it is what a layer gives out."""
X, FIRST_PREV, PREV, FIRST_NEW, NEW = range(len(OPS), len(NAMES))
ENDS = (3, 2)


class NASBenchNLP(SearchSpace):
    """A list of recurrent cells out of some 10^53: those that were trained (Klyuchnikov et al., 2022).

    An architecture is the canonical tuple of a recipe, see `nassearch.spaces.nasbench_nlp.recipes`, so that it means
    something without the list; recipes that differ in names and order only are one architecture.

    **Neighbours are not one edit away.** The list is too sparse: of 265 published cells 222 have none in it that one
    changed operation or one changed input would make of them. So neighbours are the nearest of the list, ten and all
    that are as near as the tenth; the distance is the number of labelled vertices and labelled edges that one cell has
    and the other has not. The published evolution does alike: it disturbs an embedding of the cell and takes the
    nearest of the list. One cell may be near another whose own neighbours are nearer still, so the relation has a
    direction.

    Args:
        archs: the list; what is there twice counts once.
    """

    name: ClassVar[str] = "nasbench-nlp"
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "epsilon": {"weights": (1e-5, 1e-3)},
        "synflow": {"estimator": "sampled"},
    }

    def __init__(self, archs: Iterable[Arch] = ()) -> None:
        self._archs = list(dict.fromkeys(archs))
        self._near: dict[Arch, tuple[Arch, ...]] = {}

    @property
    def size(self) -> int:
        return len(self._archs)

    def all(self) -> Iterator[Arch]:
        return iter(self._archs)

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if not self._archs:
            raise InvalidSetting(
                f"{self.name} is a list of trained cells, and this one is empty: import a table first"
            )
        return [self._archs[i] for i in rng.integers(self.size, size=n).tolist()]

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """Return a uniform draw from `neighbours`.

        Raises:
            InvalidSetting: the list has one architecture only.
        """
        near = self.neighbours(arch)
        if not near:
            raise InvalidSetting(f"{self.name} with one architecture has no other to change it into")
        return near[int(rng.integers(len(near)))]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        """Return the nearest architectures of the list, in its order: 10, and all that are as near as the tenth."""
        if arch not in self._near:
            counts = self._counts
            here = self.index(arch)
            distances = np.abs(counts - counts[here]).sum(axis=1)
            distances[here] = np.iinfo(distances.dtype).max
            reach = np.sort(distances)[: min(NEAREST, self.size - 1)]
            near = np.flatnonzero(distances <= reach.max(initial=-1)).tolist()
            self._near[arch] = tuple(self._archs[i] for i in near)
        return self._near[arch]

    @cached_property
    def _counts(self) -> NDArray[np.int16]:
        """How often each architecture has each labelled vertex and edge, `[N, F]`."""
        held = [_labels(self.graph(arch)) for arch in self._archs]
        column = {label: i for i, label in enumerate(sorted(set().union(*held)))}
        counts = np.zeros((len(held), len(column)), np.int16)
        for row, labels in zip(counts, held, strict=True):
            row[[column[label] for label in labels]] = list(labels.values())
        return counts

    def is_valid(self, arch: Arch) -> bool:
        return isinstance(arch, tuple) and arch in self._places

    def rule(self) -> str:
        return f"one of the {self.size} recurrent cells of its list"

    def key(self, arch: Arch) -> str:
        """Return the architecture as text. It is canonical already, so that isomorphic cells share it."""
        return ",".join(map(str, arch))

    def parse(self, text: str) -> Arch:
        """Read a recipe such as `{"f":{"op":"linear",...},...}`, or a place in the list such as `17`.

        A recipe need not be in the list: what has no meaning outside of it, such as a query, refuses it later.
        """
        if re.fullmatch(r"\s*\d{1,9}\s*", text):
            place = int(text.strip())
            if place >= self.size:
                raise InvalidArch(
                    f"a place in the list of {self.name} is from 0 to {self.size - 1}, not {place}"
                )
            return self._archs[place]
        try:
            recipe = read_json(text)
        except ValueError as error:
            raise InvalidArch(
                f"{text[:60]!r} is no recipe in JSON ({error}); an example: {EXAMPLE}"
            ) from None
        return to_arch(recipe)

    def format(self, arch: Arch) -> str:
        return json.dumps(to_recipe(arch), separators=(",", ":"))

    def graph(self, arch: Arch) -> CellGraph:
        """Return the cell as a graph: x, the S last states, the nodes, and the S new states, each behind its node.

        The order of inputs, which means something to `blend` only, is not in it.
        """
        cell = to_cell(arch)
        first, new = cell.states + 1, cell.states + 1 + len(cell.nodes)
        adjacency = np.zeros((new + cell.states,) * 2, dtype=bool)
        for k, node in enumerate(cell.nodes):
            adjacency[list(node.inputs), first + k] = True
        adjacency[list(cell.outputs), range(new, new + cell.states)] = True
        labels = [X, FIRST_PREV, *[PREV] * (cell.states - 1), *(OPS.index(node.op) for node in cell.nodes)]
        labels += [FIRST_NEW, *[NEW] * (cell.states - 1)]
        return CellGraph(adjacency, np.array(labels), NAMES, ENDS)

    def network(self, arch: Arch, task: Task) -> RecurrentNetwork:
        """Return the language model of the benchmark with this cell.

        Args:
            arch: need not be in the list.
            task: its channels are the units of each layer, its classes the vocabulary.
        """
        return RecurrentNetwork(to_cell(arch), task.channels, task.classes)


def _labels(graph: CellGraph) -> Counter[tuple[int, ...]]:
    """Count vertices by label and edges by the labels at both ends."""
    sources, targets = np.nonzero(graph.adjacency)
    edges = zip(graph.ops[sources].tolist(), graph.ops[targets].tolist(), strict=True)
    return Counter([*((label,) for label in graph.ops.tolist()), *edges])
