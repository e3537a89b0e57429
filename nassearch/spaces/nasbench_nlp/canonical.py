"""The canonical order of a recurrent cell."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from nassearch.errors import InvalidArch
from nassearch.networks.recurrent import Cell, CellNode

MOST_LEAVES = 1000
"""Orders compared before a cell counts as too symmetric."""


def canonical(cell: Cell) -> Cell:
    """Return the cell with states but the first, nodes, and inputs whose order means nothing in canonical order.

    Isomorphic cells give equal ones: the least of the orders that colour refinement cannot tell from each other.

    McKay, Practical graph isomorphism (1981): refine; where classes are left, set one member of the first apart and
    refine again, for each of its members. A member whose first leaf is known already is the image of one that has
    been looked at.

    Raises:
        InvalidArch: it is so symmetric that this takes too long.
    """
    links = _links(cell)
    leaves = 0

    def leaf(colours: list[int]) -> Cell:
        nonlocal leaves
        leaves += 1
        if leaves > MOST_LEAVES:
            raise InvalidArch(
                f"this recipe has too many interchangeable nodes: {MOST_LEAVES} orders were tried"
            )
        while (tied := _tied(colours)) is not None:
            colours = _refine(_apart(colours, tied[0]), links)
        return _ordered(cell, colours)

    def search(colours: list[int]) -> set[Cell]:
        tied = _tied(colours)
        if tied is None:
            return {leaf(colours)}
        found: set[Cell] = set()
        for member in tied:
            chosen = _refine(_apart(colours, member), links)
            if not found or leaf(chosen) not in found:
                found |= search(chosen)
        return found

    marks = [("x",), *(("state", i == 0) for i in range(cell.states)), *((node.op,) for node in cell.nodes)]
    return min(search(_refine(_ranks(marks), links)))


def _links(cell: Cell) -> list[list[tuple[int, int]]]:
    """Return for each vertex its links, (kind, other): what it reads, what reads it, its state before or after."""
    links: list[list[tuple[int, int]]] = [[] for _ in range(cell.states + 1 + len(cell.nodes))]
    for k, node in enumerate(cell.nodes):
        for slot, source in enumerate(node.inputs):
            kind = 2 * slot if node.op == "blend" else 0
            links[cell.states + 1 + k].append((kind, source))
            links[source].append((kind + 1, cell.states + 1 + k))
    for i, output in enumerate(cell.outputs):
        links[1 + i].append((-1, output))
        links[output].append((-2, 1 + i))
    return links


def _ranks(marks: Sequence[Any]) -> list[int]:
    ranks = {mark: rank for rank, mark in enumerate(sorted(set(marks), key=repr))}
    return [ranks[mark] for mark in marks]


def _refine(colours: list[int], links: list[list[tuple[int, int]]]) -> list[int]:
    while True:
        marks = [
            (colour, *sorted((kind, colours[other]) for kind, other in linked))
            for colour, linked in zip(colours, links, strict=True)
        ]
        ranks = {mark: rank for rank, mark in enumerate(sorted(set(marks)))}
        if len(ranks) == len(set(colours)):
            return colours
        colours = [ranks[mark] for mark in marks]


def _tied(colours: list[int]) -> list[int] | None:
    """Return the vertices of the first colour that several have, or None where there is none."""
    shared = [colour for colour in colours if colours.count(colour) > 1]
    return [v for v, colour in enumerate(colours) if colour == min(shared)] if shared else None


def _apart(colours: list[int], member: int) -> list[int]:
    return [2 * colour + (vertex != member) for vertex, colour in enumerate(colours)]


def _ordered(cell: Cell, colours: list[int]) -> Cell:
    """Return the cell with its states and nodes in the order of their colours, as far as what they read allows."""
    first = cell.states + 1
    states = [0, *sorted(range(1, cell.states), key=lambda i: colours[1 + i])]
    place = {0: 0} | {1 + old: 1 + new for new, old in enumerate(states)}
    waiting = [len({i for i in node.inputs if i >= first}) for node in cell.nodes]
    ready = [(colours[first + k], k) for k, count in enumerate(waiting) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        _, k = heappop(ready)
        place[first + k] = first + len(order)
        order.append(k)
        for later, node in enumerate(cell.nodes):
            if first + k in node.inputs:
                waiting[later] -= 1
                if not waiting[later]:
                    heappush(ready, (colours[first + later], later))
    nodes = []
    for k in order:
        inputs = [place[i] for i in cell.nodes[k].inputs]
        op = cell.nodes[k].op
        nodes.append(CellNode(op, tuple(inputs if op == "blend" else sorted(inputs))))
    return Cell(tuple(place[cell.outputs[i]] for i in states), tuple(nodes))
