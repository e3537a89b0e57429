"""Cells of DARTS (Liu et al., 2019) as tuples of decisions, and the one order of their nodes that stands for all.

A cell has the inputs 0 and 1, which are the outputs of the two cells before it, and the nodes 2 to 5. A node is the sum
of two operations on two different earlier ones; its *edges* are pairs (input, operation), in the order of their inputs.
As decisions a cell is 11 numbers: two operations for node 2, and for each other node a place in the list of pairs of
earlier ones and two operations.

>>> edges = edges_of((3, 3, 2, 2, 0, 0, 3, 3, 9, 0, 6))
>>> edges
(((0, 3), (1, 3)), ((1, 2), (2, 0)), ((0, 3), (1, 3)), ((3, 0), (4, 6)))
>>> cell_of(edges)
(3, 3, 2, 2, 0, 0, 3, 3, 9, 0, 6)

Nodes may be numbered in any order in which each stands behind its inputs. The canonical order is that of the least
decisions:

>>> canonical(edges)
(((0, 3), (1, 3)), ((0, 3), (1, 3)), ((1, 2), (2, 0)), ((3, 6), (4, 0)))
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, permutations

OPS = (
    *("max_pool_3x3", "avg_pool_3x3", "skip_connect"),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)
"""In the order of NASLib and of NAS-Bench-301's own code."""
INPUTS, NODES = 2, 4
PAIRS = tuple(tuple(combinations(range(INPUTS + node), 2)) for node in range(NODES))
"""By node, the pairs of earlier ones that it may read."""

Edge = tuple[int, int]
Node = tuple[Edge, Edge]
Edges = tuple[Node, ...]


@lru_cache(maxsize=1 << 14)
def edges_of(cell: tuple[int, ...]) -> Edges:
    """Return the edges of each node of a cell, given as decisions."""
    (first, second), rest = cell[:2], cell[2:]
    nodes = [((0, first), (1, second))]
    for node in range(1, NODES):
        pair, first, second = rest[3 * node - 3 : 3 * node]
        a, b = PAIRS[node][pair]
        nodes.append(((a, first), (b, second)))
    return tuple(nodes)


def cell_of(edges: Edges) -> tuple[int, ...]:
    """Return the decisions of a cell, given as the edges of each node in the order of their inputs."""
    decisions: list[int] = []
    for node, ((a, first), (b, second)) in enumerate(edges):
        decisions += [PAIRS[node].index((a, b)), first, second] if node else [first, second]
    return tuple(decisions)


def node_of(one: Edge, other: Edge) -> Node:
    """Return two edges of a node in the order of their inputs."""
    return (one, other) if one < other else (other, one)


@lru_cache(maxsize=1 << 14)
def canonical(edges: Edges) -> Edges:
    """Return the cell with its nodes in the order of the least decisions."""
    ordered = (_renumbered(edges, order) for order in permutations(range(NODES)))
    return min((each for each in ordered if each), key=cell_of)


def _renumbered(edges: Edges, order: Sequence[int]) -> Edges:
    """Return the cell whose nodes are these ones of another; of none where a node stands before one that it reads."""
    place = {0: 0, 1: 1} | {INPUTS + old: INPUTS + new for new, old in enumerate(order)}
    nodes = [node_of(*((place[source], op) for source, op in edges[old])) for old in order]
    fits = all(b < INPUTS + node for node, (_, (b, _)) in enumerate(nodes))
    return tuple(nodes) if fits else ()


def moves(edges: Edges) -> list[Edges]:
    """Return the cells that another operation on one edge, or another input of it, makes of this one."""
    found = []
    for place, node in enumerate(edges):
        for (source, op), kept in (node, node[::-1]):
            changed = [(source, other) for other in range(len(OPS)) if other != op]
            changed += [(other, op) for other in range(INPUTS + place) if other not in (source, kept[0])]
            found += [(*edges[:place], node_of(edge, kept), *edges[place + 1 :]) for edge in changed]
    return found
