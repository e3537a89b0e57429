"""Numbers that describe cells: what lies on their ways from input to output, in the spirit of GRAF."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from nassearch.spaces.base import CellGraphs

Marks = NDArray[np.bool_]
FAR = 100
"""More than the vertices of a way: stands for no way while lengths are compared."""
LONGEST = 8
"""Of the shortest ways; longer ones count as so long, and so does none."""
MOST_SUBSETS = 32
"""Sets of operations whose own ways are measured; with more operations, single ones and all but one."""


def graph_features(cells: CellGraphs) -> NDArray[np.float64]:
    """Return what describes N cells, `[N, F]`; F depends on the number of operations alone.

    What lies on no way from an input to an output is taken away first. Of the rest: vertices by operation, edges,
    vertices, the logarithm of the number of ways; the most and the fewest vertices of each operation, and of any, on a
    way; vertices by operation that an input feeds and that feed an output, and edges there; the shortest way by the
    operations of a set alone, for sets of operations. In the spirit of GRAF (Kadlecova et al., 2024).

    Args:
        cells: in an order in which every vertex stands behind those that feed it.
    """
    inner, first, last = _ends(cells)
    alive = _alive(cells.adjacency, first, last)
    edges = cells.adjacency & alive[:, :, None] & alive[:, None, :]
    label: Marks = np.stack([cells.ops == kind for kind in range(len(cells.names))], 2) & alive[:, :, None]
    own = label[:, :, : len(cells.names) - sum(cells.ends)]
    on_way = np.concatenate([own, inner[:, :, None]], 2).astype(np.int16)
    most = _ways(edges, on_way, first, last, np.maximum, -FAR)
    fewest = _ways(edges, on_way, first, last, np.minimum, FAR)
    connected = np.any(alive & last, 1, keepdims=True)
    into: Marks = edges & last[:, None, :]
    out_of: Marks = edges & first[:, :, None]
    fed = (np.any(out_of, 1)[:, :, None] & label).sum(1)
    feeding = (np.any(into, 2)[:, :, None] & label).sum(1)
    outside = ~_subsets(len(cells.names) - sum(cells.ends), len(cells.names))[:, cells.ops].transpose(1, 2, 0)
    forbidden = np.where(outside & inner[:, :, None], FAR, inner[:, :, None]).astype(np.int16)
    within = np.minimum(_ways(edges, forbidden, first, last, np.minimum, FAR), LONGEST)
    columns = [
        label.sum(1),
        np.stack([edges.sum((1, 2)), alive.sum(1), _log_ways(edges, first, last)], 1),
        np.where(connected, most, 0),
        np.where(connected, np.minimum(fewest, LONGEST), LONGEST),
        *(fed, feeding),
        np.stack([out_of.sum((1, 2)), into.sum((1, 2))], 1),
        within,
    ]
    return np.concatenate(columns, 1).astype(np.float64)


def edge_features(cells: CellGraphs) -> NDArray[np.float64]:
    """Return the edges of N cells by the labels at both ends, on ways from input to output, `[N, labels^2]`."""
    _, first, last = _ends(cells)
    alive = _alive(cells.adjacency, first, last)
    edges = cells.adjacency & alive[:, :, None] & alive[:, None, :]
    cell, source, target = np.nonzero(edges)
    labels = len(cells.names)
    place = (cell * labels + cells.ops[cell, source]) * labels + cells.ops[cell, target]
    return np.bincount(place, minlength=len(edges) * labels**2).reshape(len(edges), -1).astype(np.float64)


def _ends(cells: CellGraphs) -> tuple[Marks, Marks, Marks]:
    """Return which vertices are inner ones, inputs and outputs, bool `[N, V]` each."""
    outputs = len(cells.names) - cells.ends[1]
    inputs = outputs - cells.ends[0]
    inner = (cells.ops >= 0) & (cells.ops < inputs)
    return inner, (cells.ops >= inputs) & (cells.ops < outputs), cells.ops >= outputs


def _alive(adjacency: Marks, first: Marks, last: Marks) -> NDArray[np.bool_]:
    """Return which vertices lie on a way from an input to an output, bool `[N, V]`."""
    forward, backward = first.copy(), last.copy()
    for v in range(adjacency.shape[1]):
        forward[:, v] |= (forward & adjacency[:, :, v]).any(1)
    for v in reversed(range(adjacency.shape[1])):
        backward[:, v] |= (backward & adjacency[:, v, :]).any(1)
    both: NDArray[np.bool_] = forward & backward
    return both


def _ways(
    edges: Marks, steps: NDArray[np.int16], first: Marks, last: Marks, better: np.ufunc, none: int
) -> NDArray[np.int16]:
    """Return the best sum of steps `[N, V, K]` on a way from input to output, `[N, K]`; about `none` for no way."""
    best = np.where(first[:, :, None], np.int16(0), np.int16(none)) * np.ones(steps.shape[2], np.int16)
    for v in range(edges.shape[1]):
        for u in range(v):
            there = edges[:, u, v]
            if there.any():
                through = np.where(there[:, None], best[:, u] + steps[:, v], np.int16(none))
                best[:, v] = better(best[:, v], through)
    found: NDArray[np.int16] = better.reduce(np.where(last[:, :, None], best, np.int16(none)), axis=1)
    return found


def _log_ways(edges: Marks, first: Marks, last: Marks) -> NDArray[np.float64]:
    """Return log(1 + n) for the n ways of each cell, `[N]`."""
    count = first.astype(np.float64)
    for v in range(edges.shape[1]):
        count[:, v] += (count * edges[:, :, v]).sum(1)
    ways, which = np.unique((count * last).sum(1), return_inverse=True)
    return np.array([math.log1p(each) for each in ways.tolist()])[which]


def _subsets(kinds: int, labels: int) -> NDArray[np.bool_]:
    """Return sets of the first labels, bool `[S, labels + 1]`; the last column, for what is no vertex, is False."""
    sizes = range(1, kinds) if 2**kinds - 2 <= MOST_SUBSETS else sorted({1, kinds - 1})
    chosen = [pick for size in sizes for pick in combinations(range(kinds), size)]
    found = np.zeros((len(chosen), labels + 1), bool)
    for row, pick in zip(found, chosen, strict=True):
        row[list(pick)] = True
    return found
