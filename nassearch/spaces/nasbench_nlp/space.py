"""The space of NAS-Bench-NLP: a list of recurrent cells (Klyuchnikov et al., 2022)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Hashable
from typing import Any, ClassVar

import numpy as np

from nassearch.errors import InvalidArch
from nassearch.files.plain_json import read_json
from nassearch.networks.recurrent import OPS, RecurrentNetwork
from nassearch.spaces.base import CellGraph
from nassearch.spaces.listed import Listed
from nassearch.spaces.nasbench_nlp.recipes import EXAMPLE, to_arch, to_cell, to_recipe
from nassearch.types import Arch, Task

NAMES = (*OPS, "x", "h_prev_0", "h_prev", "h_new_0", "h_new")
"""Labels of a cell's vertices; of the states the first alone is told apart, since it is what a layer gives out."""
X, FIRST_PREV, PREV, FIRST_NEW, NEW = range(len(OPS), len(NAMES))
ENDS = (3, 2)


class NASBenchNLP(Listed):
    """A list of recurrent cells out of some 10^53: those that were trained (Klyuchnikov et al., 2022).

    An architecture is the canonical tuple of a recipe, see `nassearch.spaces.nasbench_nlp.recipes`, so that it means
    something without the list; recipes that differ in names and order only are one architecture.

    **Neighbours are the nearest of the list**, see `nassearch.spaces.listed`: of 265 published cells 222 have none in
    it that one changed operation or one changed input would make of them. The distance is the number of labelled
    vertices and labelled edges that one cell has and the other has not. The published evolution does alike: it disturbs
    an embedding of the cell and takes the nearest of the list.

    Args:
        archs: the list; what is there twice counts once.
    """

    name: ClassVar[str] = "nasbench-nlp"
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "epsilon": {"weights": (1e-5, 1e-3)},
        "synflow": {"estimator": "sampled"},
    }

    def marks(self, arch: Arch) -> Counter[Hashable]:
        """Count vertices by label and edges by the labels at both ends."""
        graph = self.graph(arch)
        sources, targets = np.nonzero(graph.adjacency)
        edges = zip(graph.ops[sources].tolist(), graph.ops[targets].tolist(), strict=True)
        return Counter([*((label,) for label in graph.ops.tolist()), *edges])

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
            return self.at(int(text.strip()))
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
