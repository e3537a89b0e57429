"""Architectures of NAS-Bench-101 as tuples, and as the numbers of `nassearch.spaces.nasbench101.cells`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import numpy as np

from nassearch.errors import InvalidArch
from nassearch.spaces.nasbench101.cells import (
    BITS,
    COLOURS,
    EDGES,
    INNER,
    KINDS,
    LENGTH,
    MOST_EDGES,
    SHIFTS,
    VERTICES,
    cells,
)
from nassearch.types import Arch

OPS = ("conv3x3", "conv1x1", "maxpool3x3")
PUBLISHED = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
INPUT, OUTPUT = "input", "output"
_CODES = {name: code for names in (OPS, PUBLISHED) for code, name in enumerate(names)}
_TO_DIGITS = bytes(b"012"[value] if value < KINDS else ord("x") for value in range(256))
_SHIFTS = np.array(SHIFTS)
_IN_ORDER = itemgetter(*(SHIFTS.index(shift) for shift in reversed(range(BITS))), *range(BITS, LENGTH))
"""The numbers of an architecture, those of the matrix from the most significant bit of a drawing on."""
_POWERS = KINDS ** np.arange(INNER)[::-1]


def pruned(arch: Arch) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Return the matrix `[V, V]` of the vertices in use, input first and output last, and V - 2 operations."""
    matrix = _matrix_of(arch[:BITS])
    return matrix, arch[BITS : BITS + len(matrix) - 2]


@lru_cache(maxsize=4096)  # a matrix belongs to as many as 243 architectures
def _matrix_of(bits: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    edges = [edge for edge, bit in zip(EDGES, bits, strict=True) if bit]
    used = sorted({v for edge in edges for v in edge})
    return tuple(tuple(int((i, j) in edges) for j in used) for i in used)


def cell(matrix: Sequence[Sequence[int]], ops: Sequence[str]) -> Arch:
    """Return the architecture of a matrix `[V, V]` and V - 2 operations (or V with input and output), V up to 7.

    Raises:
        InvalidArch: they mean no cell; the message says why.
    """
    size = len(matrix)
    if not 2 <= size <= VERTICES:
        raise InvalidArch(f"a cell of nasbench101 has from 2 to {VERTICES} vertices, not {size}")
    if len(ops) == size and ops[0] == INPUT and ops[-1] == OUTPUT:
        ops = ops[1:-1]
    if len(ops) != size - 2:
        raise InvalidArch(
            f"a matrix of {size} vertices has {size - 2} operations between input and output, not {len(ops)}"
        )
    for op in ops:
        if op not in _CODES:
            raise InvalidArch(f"{op!r} is not an operation; known: {', '.join(OPS)}")
    if any(len(row) != size or not {0, 1}.issuperset(row) for row in matrix):
        raise InvalidArch(f"a matrix of {size} vertices is square, of zeros and ones")
    if any(any(row[: v + 1]) for v, row in enumerate(matrix)):
        raise InvalidArch("edges go from lower to higher vertices: the matrix is 0 on its diagonal and below")
    unused = [0] * (VERTICES - size)
    decisions: list[int] = []
    for v, row in enumerate(matrix[:-1]):
        decisions += [*row[v + 1 : -1], *unused, row[-1]]
    decisions += [0] * (len(EDGES) - len(decisions))
    decisions += [*(_CODES[op] for op in ops), *unused]
    arch = tuple(map(int, decisions))
    if code_of(arch) in cells().place:  # as all published cells are
        return arch
    found = canonical(arch)
    if found is None:
        raise InvalidArch(
            "no cell is left of the matrix once pruned: the input has to reach the output, by at most "
            f"{MOST_EDGES} edges"
        )
    return found


def canonical(decisions: Sequence[int]) -> Arch | None:
    """Return the architecture that a matrix and operations mean; None where they mean none."""
    code = int(cells().canonical(*_numbers(decisions)))
    return None if code < 0 else archs_of([code])[0]


def sample_matrices(n: int, rng: np.random.Generator) -> list[Arch]:
    """Draw n cells as the paper's experiments do: every bit and operation at random, again where they mean none."""
    found = np.empty(0, dtype=np.int64)
    while len(found) < n:
        # About three in four matrices mean a cell.
        count = (n - len(found)) * 3 // 2 + 1
        drawn = cells().canonical(rng.integers(1 << BITS, size=count), rng.integers(COLOURS, size=count))
        found = np.append(found, drawn[drawn >= 0])
    return archs_of(found[:n])


def _numbers(arch: Sequence[int]) -> tuple[int, int]:
    """Return matrix and colours of 26 numbers; (-1, 0) where they are not bits and operations."""
    try:
        digits = bytes(_IN_ORDER(arch)).translate(_TO_DIGITS)
        return int(digits[:BITS], 2), int(digits[BITS:], KINDS)
    except (IndexError, TypeError, ValueError):
        return -1, 0


def code_of(arch: Arch) -> int:
    """Return the number of a cell, that of no cell where it is none."""
    if len(arch) != LENGTH:
        return -1
    matrix, colours = _numbers(arch)
    return matrix * COLOURS + colours


def archs_of(codes: Any) -> list[Arch]:
    """Return the architectures of cells as numbers, see `nassearch.spaces.nasbench101.cells`."""
    matrices, colours = np.divmod(np.asarray(codes)[:, None], COLOURS)
    numbers = np.hstack([matrices >> _SHIFTS & 1, colours // _POWERS % KINDS])
    return list(map(tuple, numbers.tolist()))
