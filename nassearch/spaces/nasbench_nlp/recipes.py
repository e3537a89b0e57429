"""Recipes of recurrent cells: as NAS-Bench-NLP publishes them, and as one canonical tuple of numbers.

A recipe is a JSON object, `{"f": {"op": "linear", "input": ["x", "h_prev_0"]}, "h_new_0": {"op": "activation_tanh",
"input": ["f"]}}`. What its nodes are called, in which order they stand, the order of the inputs of sums, products
and linear nodes and the numbering of the states but the first mean nothing: recipes that differ in no more have one
tuple.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from nassearch.errors import InvalidArch
from nassearch.networks.recurrent import ARITY, OPS, Cell, CellNode
from nassearch.spaces.nasbench_nlp.canonical import canonical
from nassearch.types import Arch

MOST_NODES = 100
"""Far above the 24 of the published generator; a bound for files that come from anywhere."""
EXAMPLE = '{"f":{"op":"linear","input":["x","h_prev_0"]},"h_new_0":{"op":"activation_tanh","input":["f"]}}'


def to_arch(recipe: Any) -> Arch:
    """Return the canonical tuple of a recipe, as JSON gives it: new states, then operation and inputs of each node.

    Raises:
        InvalidArch: it is not a recipe; the message says where.
    """
    return to_tuple(canonical(_read(recipe)))


def to_recipe(arch: Arch) -> dict[str, dict[str, Any]]:
    """Return the recipe that a tuple stands for, its nodes in the order of the tuple."""
    cell = to_cell(arch)
    first = cell.states + 1
    new = {output: f"h_new_{i}" for i, output in enumerate(cell.outputs)}
    names = ["x", *(f"h_prev_{i}" for i in range(cell.states))]
    names += [new.get(first + k, f"node_{k}") for k in range(len(cell.nodes))]
    return {
        names[first + k]: {"op": node.op, "input": [names[i] for i in node.inputs]}
        for k, node in enumerate(cell.nodes)
    }


def to_cell(arch: Arch) -> Cell:
    """Return the cell that a tuple stands for.

    Raises:
        InvalidArch: it stands for none.
    """
    numbers = list(arch)
    if not all(type(n) is int and 0 <= n <= 4 * MOST_NODES for n in numbers):
        raise InvalidArch(f"a recurrent cell is a tuple of small whole numbers, not {arch!r}")
    try:
        states, numbers = numbers[0], numbers[1:]
        outputs, numbers = tuple(numbers[:states]), numbers[states:]
        nodes = []
        while numbers:
            op, count = OPS[numbers[0]], numbers[1]
            nodes.append(CellNode(op, tuple(numbers[2 : 2 + count])))
            if len(nodes[-1].inputs) < count:
                raise IndexError
            numbers = numbers[2 + count :]
    except IndexError:
        raise InvalidArch(
            f"{arch!r} ends in the middle, or names no operation: not a recurrent cell"
        ) from None
    cell = Cell(outputs, tuple(nodes))
    _check(cell, arch)
    return cell


def to_tuple(cell: Cell) -> Arch:
    """Return a cell as numbers: how many new states, which nodes, then operation and inputs of each node."""
    nodes = (n for node in cell.nodes for n in (OPS.index(node.op), len(node.inputs), *node.inputs))
    return (cell.states, *cell.outputs, *nodes)


def _check(cell: Cell, told: object) -> None:
    first = cell.states + 1
    if not cell.outputs or len(set(cell.outputs)) < cell.states:
        raise InvalidArch(f"a recurrent cell has one or more new states, each a node of its own: {told}")
    if not all(first <= output < first + len(cell.nodes) for output in cell.outputs):
        raise InvalidArch(f"every new state of a recurrent cell is one of its nodes: {told}")
    for k, node in enumerate(cell.nodes):
        wanted = ARITY.get(node.op, 1)
        if not node.inputs or wanted not in (None, len(node.inputs)):
            raise InvalidArch(f"{node.op} takes {wanted or 'some'} inputs, not {len(node.inputs)}: {told}")
        if node.op != "linear" and 0 in node.inputs:
            raise InvalidArch(f"x has a width of its own, so only linear reads it, not {node.op}: {told}")
        if max(node.inputs) >= first + k:
            raise InvalidArch(f"node {k} of a recurrent cell reads one that comes after it: {told}")


def _read(recipe: Any) -> Cell:
    """Return the cell of a recipe, its nodes in some order."""
    if not isinstance(recipe, Mapping) or not 0 < len(recipe) <= MOST_NODES:
        raise InvalidArch(f"a recipe is a JSON object of 1 to {MOST_NODES} nodes such as {EXAMPLE}")
    reads: dict[str, list[str]] = {}
    for name, node in recipe.items():
        if not isinstance(node, Mapping) or set(node) != {"op", "input"} or node["op"] not in OPS:
            raise InvalidArch(
                f"node {name!r} of a recipe is op (one of {', '.join(OPS)}) and input, not {node!r}"
            )
        if not isinstance(node["input"], list) or not all(isinstance(i, str) for i in node["input"]):
            raise InvalidArch(f"input of node {name!r} of a recipe is a list of names, not {node['input']!r}")
        reads[name] = node["input"]
    states = sum(re.fullmatch(r"h_new_\d+", name) is not None for name in reads)
    given = ["x", *(f"h_prev_{i}" for i in range(states))]
    for i in range(states):
        if f"h_new_{i}" not in reads:
            raise InvalidArch(
                f"a recipe with {states} new states has h_new_0 to h_new_{states - 1}; h_new_{i} is missing"
            )
    for name, inputs in reads.items():
        unknown = [i for i in inputs if i not in reads and i not in given]
        if unknown or name in given:
            raise InvalidArch(
                f"{(unknown or [name])[0]!r} is no node of this recipe, nor one of {', '.join(given)}"
            )
    try:
        order = [name for name in TopologicalSorter(reads).static_order() if name in reads]
    except CycleError as error:
        raise InvalidArch(f"the nodes {' -> '.join(error.args[1])} of a recipe wait for each other") from None
    place = {name: i for i, name in enumerate([*given, *order])}
    nodes = (CellNode(recipe[name]["op"], tuple(place[i] for i in reads[name])) for name in order)
    cell = Cell(tuple(place[f"h_new_{i}"] for i in range(states)), tuple(nodes))
    _check(cell, "in a recipe")
    return cell
