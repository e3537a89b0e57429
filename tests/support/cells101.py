"""Cells of NAS-Bench-101 for tests, without its tables."""

from __future__ import annotations

import numpy as np

Cell = tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]
OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")


def cell(edges: str, ops: str) -> Cell:
    """Return the cell with edges such as "01 02 13 23" and inner operations such as "3p", of 3x3, 1x1 and pooling."""
    size = len(ops) + 2
    matrix = [[0] * size for _ in range(size)]
    for edge in edges.split():
        matrix[int(edge[0])][int(edge[1])] = 1
    names = [OPS["31p".index(op)] for op in ops]
    return tuple(map(tuple, matrix)), ("input", *names, "output")


def random_cells(count: int, seed: int = 0) -> list[Cell]:
    """Draw cells of up to 7 vertices and 9 edges, all of them used."""
    rng = np.random.default_rng(seed)
    cells: list[Cell] = []
    while len(cells) < count:
        matrix = np.triu(rng.integers(2, size=(7, 7)), 1)
        reach = np.linalg.matrix_power(matrix + np.eye(7, dtype=int), 7) > 0
        used = np.flatnonzero(reach[0] & reach[:, 6])
        if {0, 6} <= set(used.tolist()) and matrix[np.ix_(used, used)].sum() <= 9:
            names = [OPS[k] for k in rng.integers(3, size=len(used) - 2)]
            rows = matrix[np.ix_(used, used)].tolist()
            cells.append((tuple(map(tuple, rows)), ("input", *names, "output")))
    return cells
