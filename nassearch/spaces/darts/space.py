"""The space of DARTS (Liu et al., 2019), which NAS-Bench-301 is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from nassearch.networks.graph import Network
from nassearch.spaces.base import CellGraph
from nassearch.spaces.choices import Choices
from nassearch.spaces.darts.cells import INPUTS, NODES, OPS, PAIRS, Edges, canonical, cell_of, edges_of, moves
from nassearch.spaces.darts.network import CHANNELS, LAYERS, darts_network
from nassearch.spaces.darts.texts import KINDS, of_numbers, of_settings, read, write
from nassearch.types import Arch, Task

PAIRS_WRITTEN = tuple(tuple("_".join(map(str, pair)) for pair in pairs) for pairs in PAIRS)
CELL = (OPS, OPS, *(names for pairs in PAIRS_WRITTEN[1:] for names in (pairs, OPS, OPS)))
"""Decisions of a cell: two operations for node 2, and for each other node its two inputs and their operations."""
NAMES = (
    *(f"{kind} {op}" for kind in KINDS for op in OPS),
    *(f"{kind} input {source}" for kind in KINDS for source in range(INPUTS)),
    *(f"{kind} output" for kind in KINDS),
)
"""Labels of the vertices of a graph."""


class Darts(Choices):
    """A normal and a reduction cell of four nodes, each of which adds operations on two different earlier ones.

    There are 1.08e18 architectures: seven operations on each of 16 edges, and 180 ways to choose the inputs of a cell.
    `none`, which only a search by gradients needs, is not among the operations. An architecture is 11 decisions for
    each cell, see `nassearch.spaces.darts.cells`; its text is a genotype as DARTS prints it. Draws are uniform over
    these genotypes: the two inputs of a node are one of the pairs of earlier ones, in no order.

    One edit gives one edge another operation or another input, the other edge of the node left alone: 120 neighbours.

    >>> space = Darts()
    >>> edges = "('sep_conv_3x3', 0), ('skip_connect', 1), " * 3 + "('max_pool_3x3', 4), ('dil_conv_5x5', 2)"
    >>> arch = space.parse(f"Genotype(normal=[{edges}], reduce=[{edges}])")
    >>> arch[:11], len(space.neighbours(arch)), f"{space.size:.2e}"
    ((3, 2, 0, 3, 2, 0, 3, 2, 8, 6, 0), 120, '1.08e+18')

    Keys see that nodes may be numbered in another order, which only changes the order of channels in the cell's output.
    The network of an architecture is that of its canonical order, so that isomorphic cells have one network.
    """

    name: ClassVar[str] = "darts"
    choices: ClassVar[tuple[tuple[str, ...], ...]] = CELL * 2
    keys_differ: ClassVar[bool] = False
    skeleton: ClassVar[dict[str, Any]] = {"channels": (CHANNELS,), "layers": LAYERS}
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {"epsilon": {"weights": (1e-3, 1.0)}}
    """Below the first, outputs of 20 cells are equal; those of any module."""

    def rule(self) -> str:
        known = ", ".join(map(str, map(len, CELL)))
        return f"{len(CELL)} decisions for each of two cells, each below its number of options: {known}"

    def edges(self, arch: Arch) -> tuple[Edges, Edges]:
        """Return the edges of the normal and of the reduction cell, see `nassearch.spaces.darts.cells`."""
        self.check(arch)
        return edges_of(arch[: len(CELL)]), edges_of(arch[len(CELL) :])

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        normal, reduce = self.edges(arch)
        found = [_arch(each, reduce) for each in moves(normal)]
        return (*found, *(_arch(normal, each) for each in moves(reduce)))

    def key(self, arch: Arch) -> str:
        """Return the decisions of both cells, their nodes in the canonical order."""
        return "/".join("".join(map(str, cell_of(canonical(edges)))) for edges in self.edges(arch))

    def of_key(self, key: str) -> Arch | None:
        digits = key.replace("/", "", 1)
        arch = tuple(map(int, digits)) if digits.isascii() and digits.isdigit() else ()
        return arch if self.is_valid(arch) and self.key(arch) == key else None

    def parse(self, text: str) -> Arch:
        """Read a genotype as DARTS, NAS-Bench-301 or NASLib write it, see `nassearch.spaces.darts.texts`."""
        return _arch(*read(text))

    def from_settings(self, settings: Mapping[str, Any]) -> Arch:
        """Return the genotype of the settings of a training of NAS-Bench-301."""
        return _arch(*of_settings(settings))

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        """Return the genotype of NASLib's 32 numbers: pairs of input and operation, of the normal cell first."""
        return _arch(*of_numbers(numbers))

    def format(self, arch: Arch) -> str:
        return write(self.edges(arch))

    def graph(self, arch: Arch) -> CellGraph:
        """Return both cells, `[22]` vertices: for each its two inputs, its eight edges and its output.

        The vertex of an edge has the operation of it, and feeds the edges that read its node. Operations of the normal
        and of the reduction cell are different ones.
        """
        each = INPUTS + 2 * NODES + 1
        adjacency, ops = np.zeros((2 * each, 2 * each), dtype=bool), np.zeros(2 * each, dtype=np.int64)
        inputs, outputs = len(KINDS) * len(OPS), len(KINDS) * (len(OPS) + INPUTS)
        for number, edges in enumerate(self.edges(arch)):
            start = number * each
            ops[start : start + INPUTS] = [inputs + number * INPUTS + source for source in range(INPUTS)]
            for place, (source, op) in enumerate(edge for node in edges for edge in node):
                here = start + INPUTS + place
                first = source if source < INPUTS else INPUTS + 2 * (source - INPUTS)
                adjacency[start + first : start + first + (1 if source < INPUTS else 2), here] = True
                ops[here] = number * len(OPS) + op
            end = start + each - 1
            adjacency[start + INPUTS : end, end] = True
            ops[end] = outputs + number
        return CellGraph(adjacency, ops, NAMES, (len(KINDS) * INPUTS, len(KINDS)))

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the CIFAR network of DARTS, see `nassearch.spaces.darts.network`.

        It has `task.layers` cells (None: 20), and the first has the first of `task.channels` (published: 36).
        """
        normal, reduce = map(canonical, self.edges(arch))
        return darts_network(normal, reduce, task)


def _arch(*cells: Iterable[Any]) -> Arch:
    return tuple(option for edges in cells for option in cell_of(edges))  # type: ignore[arg-type]
