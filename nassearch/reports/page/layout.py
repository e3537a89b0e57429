"""Where the vertices and edges of a cell stand when it is drawn: in layers, each below those that feed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from nassearch.spaces.base import CellGraph

LETTER, PADDING, NARROWEST = 6.6, 18.0, 30.0
"""Width of a letter of a name, of what is left and right of a name, and of the smallest vertex."""
HEIGHT, BETWEEN, BESIDE, BEND = 24.0, 26.0, 14.0, 10.0
"""Of a vertex, between two layers, between neighbours, and of a place where a long edge passes a layer."""
LONGEST = 22
"""Letters of a name that are drawn; the whole name is there to be read by pointing at it."""
SWEEPS = 8


def layout(graph: CellGraph) -> dict[str, Any]:
    """Return a drawing of a cell: `width`, `height`, `vertices` and `edges`.

    A vertex has `x`, `y` (of its middle), `width`, `name`, `short` and `kind`: input, output, inner, or idle where it
    lies on no way from an input to an output. An edge is a list of points that it passes, and whether it is idle.
    Vertices without any edge, which take part in nothing, are left out. Layers are the longest ways from an input;
    within them vertices stand at the mean place of their neighbours (Sugiyama, Tagawa and Toda, 1981).
    """
    graph = _connected(graph)
    feeds = [np.flatnonzero(row).tolist() for row in graph.adjacency]
    names = [graph.names[op] for op in graph.ops]
    depth = _depths(feeds)
    ways, layers = _layered(feeds, depth)
    order = _ordered(layers, ways)
    widths = {v: max(NARROWEST, LETTER * len(_short(name)) + PADDING) for v, name in enumerate(names)}
    x, width = _across(order, ways, widths)
    used = _used(graph, feeds)
    y = [HEIGHT / 2 + 2 + layer * (HEIGHT + BETWEEN) for layer in range(len(layers))]
    kinds = _kinds(graph)
    return {
        "width": round(width, 1),
        "height": round(y[-1] + HEIGHT / 2 + 2, 1),
        "vertices": [
            {
                "x": round(x[v], 1),
                "y": y[depth[v]],
                "width": round(widths[v], 1),
                "name": name,
                "short": _short(name),
                "kind": kinds[v] if v in used else "idle",
            }
            for v, name in enumerate(names)
        ],
        "edges": [
            {
                "points": [[round(x[v], 1), y[depth[way[0]] + step]] for step, v in enumerate(way)],
                "idle": not {way[0], way[-1]} <= used,
            }
            for way in ways
        ],
    }


def _connected(graph: CellGraph) -> CellGraph:
    kinds = _kinds(graph)
    joined = (graph.adjacency | graph.adjacency.T).any(axis=0).tolist()
    kept = [v for v, kind in enumerate(kinds) if joined[v] or kind != "inner"]
    return graph._replace(adjacency=graph.adjacency[np.ix_(kept, kept)], ops=graph.ops[kept])


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _depths(feeds: Sequence[Sequence[int]]) -> list[int]:
    """Return the length of the longest way to each vertex; they stand in an order in which edges go forward."""
    depth = [0] * len(feeds)
    for v, fed in enumerate(feeds):
        for w in fed:
            depth[w] = max(depth[w], depth[v] + 1)
    return depth


def _layered(feeds: Sequence[Sequence[int]], depth: Sequence[int]) -> tuple[list[list[int]], list[list[int]]]:
    """Return each edge as the vertices and bends that it passes, one a layer, and the layers with both."""
    layers: list[list[int]] = [[] for _ in range(max(depth) + 1)]
    for v, place in enumerate(depth):
        layers[place].append(v)
    ways, bends = [], len(feeds)
    for v, fed in enumerate(feeds):
        for w in fed:
            between = range(depth[v] + 1, depth[w])
            way = [v, *range(bends, bends + len(between)), w]
            for bend, place in zip(way[1:-1], between, strict=True):
                layers[place].append(bend)
            bends += len(between)
            ways.append(way)
    return ways, layers


def _ordered(layers: Sequence[Sequence[int]], ways: Sequence[Sequence[int]]) -> list[list[int]]:
    above, below = _neighbours(ways)
    order = [list(layer) for layer in layers]
    for sweep in range(SWEEPS):
        near = above if sweep % 2 == 0 else below
        for layer in order if sweep % 2 == 0 else reversed(order):
            place = {v: i / len(each) for each in order for i, v in enumerate(each)}
            old = {v: i for i, v in enumerate(layer)}
            mean = {v: _mean([place[n] for n in near.get(v, ())], place[v]) for v in layer}
            layer.sort(key=lambda v: (mean[v], old[v]))
    return order


def _neighbours(ways: Sequence[Sequence[int]]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for way in ways:
        for v, w in pairwise(way):
            below.setdefault(v, []).append(w)
            above.setdefault(w, []).append(v)
    return above, below


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _across(
    order: Sequence[Sequence[int]], ways: Sequence[Sequence[int]], widths: Mapping[int, float]
) -> tuple[dict[int, float], float]:
    """Return where each vertex and bend stands from left to right, and the width of all."""
    above, below = _neighbours(ways)
    x: dict[int, float] = {}
    for layer in order:
        at = 0.0
        for v in layer:
            x[v] = at + widths.get(v, BEND) / 2
            at += widths.get(v, BEND) + BESIDE
        middle = (at - BESIDE) / 2
        x.update({v: x[v] - middle for v in layer})
    for sweep in range(SWEEPS):
        near = below if sweep % 2 else above
        for layer in reversed(order) if sweep % 2 else order:
            wanted = [_mean([x[n] for n in near.get(v, ())], x[v]) for v in layer]
            _place(layer, wanted, widths, x)
    left = min(x[v] - widths.get(v, BEND) / 2 for v in x) - 2
    right = max(x[v] + widths.get(v, BEND) / 2 for v in x) + 2
    return {v: at - left for v, at in x.items()}, right - left


def _place(
    layer: Sequence[int], wanted: Sequence[float], widths: Mapping[int, float], x: dict[int, float]
) -> None:
    """Move a layer towards where it wants to be: pushed apart to the right, then back by half of the excess."""
    at, shifts = -np.inf, []
    for v, want in zip(layer, wanted, strict=True):
        half = widths.get(v, BEND) / 2
        x[v] = max(want, at + half)
        at = x[v] + half + BESIDE
        shifts.append(x[v] - want)
    back = (min(shifts) + max(shifts)) / 2
    for v in layer:
        x[v] -= back


def _used(graph: CellGraph, feeds: Sequence[Sequence[int]]) -> set[int]:
    """Return the vertices on a way from an input to an output."""
    kinds = _kinds(graph)
    fed_by: list[list[int]] = [[] for _ in feeds]
    for v, fed in enumerate(feeds):
        for w in fed:
            fed_by[w].append(v)
    ahead = _reached([v for v, kind in enumerate(kinds) if kind == "input"], feeds)
    return ahead & _reached([v for v, kind in enumerate(kinds) if kind == "output"], fed_by)


def _reached(start: Sequence[int], feeds: Sequence[Sequence[int]]) -> set[int]:
    found, left = set(start), list(start)
    while left:
        new = [w for w in feeds[left.pop()] if w not in found]
        found.update(new)
        left += new
    return found


def _kinds(graph: CellGraph) -> list[str]:
    inputs, outputs = graph.ends
    inner = len(graph.names) - inputs - outputs
    return [
        "inner" if op < inner else "input" if op < inner + inputs else "output" for op in graph.ops.tolist()
    ]
