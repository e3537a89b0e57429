"""The cell space of NAS-Bench-101 (Ying et al., 2019, arXiv 1902.09635)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nassearch.errors import InvalidArch, InvalidSetting, excerpt
from nassearch.spaces.base import CellGraph, CellGraphs, SearchSpace
from nassearch.spaces.nasbench101.archs import (
    INPUT,
    OPS,
    OUTPUT,
    PUBLISHED,
    archs_of,
    canonical,
    cell,
    code_of,
    pruned,
    sample_matrices,
)
from nassearch.spaces.nasbench101.cells import BITS, INNER, KINDS, MOST_EDGES, cells
from nassearch.spaces.nasbench101.hash import module_hash
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from nassearch.networks.graph import Network

SAMPLING = ("unique", "matrix")
NASLIB_OPS = (INPUT, OUTPUT, PUBLISHED[2], PUBLISHED[1], PUBLISHED[0])
"""Operations in the order of NASLib, `naslib/search_spaces/nasbench101/conversions.py`."""
EXAMPLE = "110-01-1:conv3x3,maxpool3x3"


class NASBench101(SearchSpace):
    """A cell of up to seven vertices and nine edges with three operations: 423,624 architectures.

    An architecture is 26 numbers: the upper triangle of a 7x7 matrix row by row (1 where the vertex of the row feeds
    that of the column), then an index into `OPS` for each of vertices 1 to 5. Vertex 0 is the input and vertex 6 the
    output. What does not lie on a way from input to output is pruned away; vertices left unused stand last, before
    the output, without edges and with operation 0. Of all numberings of the vertices only the canonical one belongs
    to the space: that which the script that made the benchmark meets first, so the published and trained one. No two
    architectures are isomorphic, and all keys differ. `all()` is in the order of that script: by vertices, then by
    matrix, column by column from the last, then by operations.

    Two architectures are neighbours where one edit leads from a matrix and operations of the one to a matrix and
    operations of the other, pruned or not: another operation, or one edge more or less. So an edge taken away may
    take with it the vertices that it fed alone, and one edge may bring in vertices, of any operation, that were unused
    and joined among themselves. Neighbourhood is mutual. An architecture has 21.6 neighbours on average and 17 in the
    median; the 91 of at most four vertices have from 104 to 52,602.

    Args:
        sampling: `"unique"` draws uniformly from the 423,624 cells; `"matrix"` draws matrix and operations uniformly
            and draws again where they mean no cell, as the paper's own experiments do, which favours small cells.

    >>> space = NASBench101()
    >>> arch = space.parse("110-01-1:conv3x3,maxpool3x3")
    >>> space.format(arch), space.key(arch)[:8]
    ('110-01-1:conv3x3,maxpool3x3', '7c65f6bd')
    """

    name: ClassVar[str] = "nasbench101"
    skeleton: ClassVar[dict[str, Any]] = {"channels": (128, 256, 512), "cells": 3}
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {"epsilon": {"weights": (1e-4, 10.0)}}
    keys_differ: ClassVar[bool] = True

    def __init__(self, sampling: str = "unique") -> None:
        if sampling not in SAMPLING:
            raise InvalidSetting(f"sampling is one of {', '.join(SAMPLING)}, not {sampling!r}")
        self.sampling = sampling

    @property
    def size(self) -> int:
        return len(cells().codes)

    @property
    def options(self) -> tuple[int, ...]:
        return (2,) * BITS + (KINDS,) * INNER

    def decide(self, decisions: tuple[int, ...]) -> Arch | None:
        """Return the cell that a matrix and operations mean once pruned; None without a way or with over 9 edges."""
        return canonical(decisions)

    def all(self) -> Iterator[Arch]:
        codes = cells().codes
        for start in range(0, len(codes), 10_000):
            yield from archs_of(codes[start : start + 10_000])

    def index(self, arch: Arch) -> int:
        place: dict[int, int] = cells().place
        found = place.get(code_of(arch))
        if found is None:
            found = place[code_of(self.check(arch))]
        return found

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if self.sampling == "matrix":
            return sample_matrices(n, rng)
        return archs_of(cells().codes[rng.integers(self.size, size=n)])

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        near = cells().neighbours(code_of(self.check(arch)))
        return archs_of(near[[rng.integers(len(near))]])[0]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        return tuple(archs_of(cells().neighbours(code_of(self.check(arch)))))

    def is_valid(self, arch: Arch) -> bool:
        return isinstance(arch, tuple) and set(map(type, arch)) == {int} and code_of(arch) in cells().place

    def rule(self) -> str:
        return (
            f"the {BITS} bits of a 7x7 matrix and {INNER} operations from 0 to {KINDS - 1}, pruned to a way from "
            f"vertex 0 to 6, at most {MOST_EDGES} edges, in canonical order; decide() and parse() bring others into it"
        )

    def key(self, arch: Arch) -> str:
        """Return the published hash of the cell; on all 423,624 cells it differs."""
        return _key(arch)

    def parse(self, text: str) -> Arch:
        """Read what `format` writes, the bits of a whole matrix with published names, or a place in `all()`.

        A cell may come unpruned and in any order of its vertices.
        """
        text = text.strip()
        if re.fullmatch(r"[+-]?\d{1,18}", text):
            index = int(text)
            if not 0 <= index < self.size:
                raise InvalidArch(f"an index of {self.name} is from 0 to {self.size - 1}, not {index}")
            return archs_of(cells().codes[[index]])[0]
        if re.fullmatch(r"[0-9a-fA-F]{32}", text):
            raise InvalidArch(
                f"{text} is a hash, which says nothing of its cell; give the cell, such as {EXAMPLE}"
            )
        bits, colon, names = text.partition(":")
        if not colon or not re.fullmatch("[01]+(-[01]+)*", bits):
            raise InvalidArch(
                f"{excerpt(text)} is not rows of bits, a colon and operations; an example: {EXAMPLE}"
            )
        ops = [name.strip() for name in names.split(",")] if names.strip() else []
        return cell(_matrix(text, bits), ops)

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        """Return the cell of NASLib's numbers: its matrix row by row, then V indices into `NASLIB_OPS`."""
        size = (math.isqrt(4 * len(numbers) + 1) - 1) // 2
        if size * size + size != len(numbers) or not all(
            0 <= number < len(NASLIB_OPS) for number in numbers[size * size :]
        ):
            raise InvalidArch(
                f"NASLib writes a cell of V vertices of {self.name} as the V * V numbers of its matrix and V "
                f"operations from 0 to {len(NASLIB_OPS) - 1}, not {numbers}"
            )
        rows = [numbers[v * size : (v + 1) * size] for v in range(size)]
        return cell(rows, [NASLIB_OPS[number] for number in numbers[size * size :]])

    def format(self, arch: Arch) -> str:
        """Write the rows of the upper triangle of the pruned matrix, then the operations of its inner vertices."""
        matrix, ops = pruned(self.check(arch))
        rows = ("".join(map(str, row[v + 1 :])) for v, row in enumerate(matrix[:-1]))
        return f"{'-'.join(rows)}:{','.join(OPS[op] for op in ops)}"

    def graph(self, arch: Arch) -> CellGraph:
        """Return the pruned cell, `[V]` vertices from input to output; V is from 2 to 7."""
        matrix, ops = pruned(self.check(arch))
        return CellGraph(
            np.array(matrix, dtype=bool), np.array([KINDS, *ops, KINDS + 1]), (*OPS, INPUT, OUTPUT)
        )

    def graphs(self, archs: Sequence[Arch]) -> CellGraphs:
        """Return the cells, `[7]` vertices each, of which those that are unused have no edges."""
        numbers = np.array(archs)
        adjacency = np.zeros((len(archs), INNER + 2, INNER + 2), dtype=bool)
        adjacency[:, *np.triu_indices(INNER + 2, 1)] = numbers[:, :BITS]
        ops = np.full((len(archs), INNER + 2), KINDS)
        ops[:, 1:-1], ops[:, -1] = numbers[:, BITS:], KINDS + 1
        return CellGraphs(adjacency, ops, (*OPS, INPUT, OUTPUT), (1, 1))

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the skeleton of the paper's figure 1 with this cell: stem, three stacks of cells, classifier."""
        from nassearch.spaces.nasbench101.network import network101

        matrix, ops = pruned(self.check(arch))
        return network101(matrix, (INPUT, *(PUBLISHED[op] for op in ops), OUTPUT), task)


def _matrix(text: str, bits: str) -> list[list[int]]:
    """Return the matrix that bits stand for: the rows of an upper triangle, or all of a square."""
    rows = bits.split("-")
    size = round(len(bits) ** 0.5)
    if len(rows) == 1 and len(bits) > 1:
        if size * size != len(bits):
            raise InvalidArch(f"{text!r} has {len(bits)} bits, which are no square; an example: {EXAMPLE}")
        return [[int(bit) for bit in bits[v * size : (v + 1) * size]] for v in range(size)]
    size = len(rows) + 1
    for v, row in enumerate(rows):
        if len(row) != size - 1 - v:
            raise InvalidArch(
                f"row {v + 1} of {text!r} has {len(row)} bits, not {size - 1 - v} for the vertices after it; "
                f"an example: {EXAMPLE}"
            )
    return [[0] * (v + 1) + [int(bit) for bit in row] for v, row in enumerate([*rows, ""])]


@lru_cache(maxsize=1 << 16)
def _key(arch: Arch) -> str:
    return module_hash(*pruned(arch))
