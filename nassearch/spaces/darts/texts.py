"""Genotypes of DARTS as people and files write them. Nothing of a text is run.

`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6))` is
what DARTS prints. Lists may be tuples, the two edges of a node may be bracketed, a concatenation may be a list, the
four parts may come in any order or without their names, and in JSON they are a dictionary.

NAS-Bench-301 writes the settings of a training, `{"NetworkSelectorDatasetInfo:darts:edge_normal_0": "sep_conv_3x3",
"NetworkSelectorDatasetInfo:darts:inputs_node_normal_3": "0_1", ...}`: of the edges from all earlier ones to all nodes,
numbered node by node, those that are there. NASLib writes `[[(0, 3), (1, 3), ...], [...]]`, edges as pairs of input and
operation, or the same as plain numbers.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nassearch.errors import InvalidArch, excerpt, quoted
from nassearch.spaces.darts.cells import INPUTS, NODES, OPS, Edge, Edges, node_of

PREFIX = "NetworkSelectorDatasetInfo:darts:"
KINDS = ("normal", "reduce")
PARTS = tuple(f"{kind}{part}" for kind in KINDS for part in ("", "_concat"))
JOINED = [*range(INPUTS, INPUTS + NODES)]
EDGES = INPUTS * NODES
LONGEST = 20_000
"""Characters of a text; a genotype has some 450, the settings of a training some 3,000."""
OUTSIDE = ("none", "sep_conv_7x7", "conv_7x1_1x7", "conv_3x1_1x3")
"""Operations of other spaces that are written alike."""


class _Call(NamedTuple):
    """`Genotype(...)`, as it is written."""

    values: list[Any]
    named: dict[str, Any]


def read(text: str) -> tuple[Edges, Edges]:
    """Return the edges of the normal and of the reduction cell.

    Raises:
        InvalidArch: it is no genotype of this space; the message says where.
    """
    if len(text) > LONGEST:
        raise InvalidArch(f"a genotype has at most {LONGEST} characters, not {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python, on how a text is spelt
            written = _literal(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise InvalidArch(
            f"{excerpt(text)} is no genotype: write Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, "
            "6), reduce=[...], reduce_concat=range(2, 6)), the settings of NAS-Bench-301 or the pairs of NASLib"
        ) from None
    if isinstance(written, Mapping) and any(str(key).startswith(PREFIX) for key in written):
        return of_settings(written)
    if isinstance(written, list) and all(type(each) is int for each in written):
        return of_numbers(written)
    if isinstance(written, list) and len(written) == len(KINDS):
        cells = [_cell(kind, each, text, numbers=True) for kind, each in zip(KINDS, written, strict=True)]
        return cells[0], cells[1]
    return _of_parts(_parts(written, text), text)


def of_numbers(numbers: Sequence[int]) -> tuple[Edges, Edges]:
    """Return the edges of NASLib's 32 numbers: pairs of input and operation, of the normal cell first."""
    if len(numbers) != 4 * EDGES:
        raise InvalidArch(f"NASLib writes a genotype of darts as {4 * EDGES} numbers, not {len(numbers)}")
    pairs = [*zip(numbers[::2], numbers[1::2], strict=True)]
    text = str(tuple(numbers))
    cells = [
        _cell(kind, pairs[start : start + EDGES], text, numbers=True)
        for kind, start in zip(KINDS, (0, EDGES), strict=True)
    ]
    return cells[0], cells[1]


def of_settings(settings: Mapping[str, Any]) -> tuple[Edges, Edges]:
    """Return the edges of the settings of a training of NAS-Bench-301; what else they say is not looked at."""
    cells: list[Edges] = []
    for kind in KINDS:
        given = {
            key: value for key, value in settings.items() if str(key).startswith(f"{PREFIX}edge_{kind}_")
        }
        pairs: list[list[tuple[Any, int]]] = []
        start = 0
        for node in range(NODES):
            numbers = range(start, start + INPUTS + node)
            names = [f"{PREFIX}edge_{kind}_{number}" for number in numbers]
            found = [(given.pop(name), source) for source, name in enumerate(names) if name in given]
            if len(found) != 2:
                raise InvalidArch(
                    f"node {INPUTS + node} of the {kind} cell has {len(found)} edges of {PREFIX}edge_{kind}_"
                    f"{numbers[0]} to {numbers[-1]}, not 2"
                )
            listed = settings.get(f"{PREFIX}inputs_node_{kind}_{INPUTS + node}")
            meant = "_".join(str(source) for _, source in found)
            if listed is not None and listed != meant:
                raise InvalidArch(
                    f"inputs_node_{kind}_{INPUTS + node} is {quoted(listed)}, and the edges of that node come from "
                    f"{meant}"
                )
            pairs.append(found)
            start += len(numbers)
        if given:
            raise InvalidArch(f"{quoted(next(iter(given)))} is no edge: they are 0 to {start - 1}")
        cells.append(_cell(kind, [edge for node in pairs for edge in node], "the settings", numbers=False))
    return cells[0], cells[1]


def write(cells: Sequence[Edges]) -> str:
    """Return a genotype as DARTS prints it."""
    parts = []
    for kind, edges in zip(KINDS, cells, strict=True):
        listed = ", ".join(f"('{OPS[op]}', {source})" for node in edges for source, op in node)
        parts.append(f"{kind}=[{listed}], {kind}_concat=range({JOINED[0]}, {JOINED[-1] + 1})")
    return f"Genotype({', '.join(parts)})"


def _literal(node: ast.expr) -> Any:
    """Return what is written: numbers, texts, lists, dictionaries, a range, or a call of `Genotype`.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(node, ast.Constant) and type(node.value) in (int, str, float, bool, type(None)):
        return node.value
    if isinstance(node, ast.Name) and node.id in ("true", "false", "null"):  # of JSON
        return {"true": True, "false": False, "null": None}[node.id]
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        return -_number(node.operand)
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(each) for each in node.elts]
    if isinstance(node, ast.Dict):
        keys = [_literal(key) for key in node.keys if key is not None]
        if len({*map(str, keys)}) != len(node.keys) or not all(isinstance(key, str) for key in keys):
            raise ValueError("keys are texts, each there once")
        return dict(zip(keys, map(_literal, node.values), strict=True))
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        values = [_literal(each) for each in node.args]
        if name == "range" and len(values) == 2 and all(type(v) is int and 0 <= v < 100 for v in values):
            return [*range(*values)]
        named = {word.arg: _literal(word.value) for word in node.keywords if word.arg}
        if name == "Genotype" and len(named) == len(node.keywords):
            return _Call(values, named)
    raise ValueError("this is not written in a genotype")


def _number(node: ast.Constant) -> float:
    if type(node.value) not in (int, float):
        raise ValueError("this is no number")
    return node.value  # type: ignore[return-value]


def _parts(written: Any, text: str) -> dict[str, Any]:
    if isinstance(written, _Call):
        if len(written.values) > len(PARTS) or set(PARTS[: len(written.values)]) & set(written.named):
            raise InvalidArch(f"{excerpt(text)} gives a part twice, of {', '.join(PARTS)}")
        written = dict(zip(PARTS, written.values, strict=False)) | written.named
    if not isinstance(written, dict):
        raise InvalidArch(f"{excerpt(text)} is no genotype with the parts {', '.join(PARTS)}")
    if unknown := sorted(set(written) - set(PARTS)):
        raise InvalidArch(
            f"{excerpt(text)} has a part {quoted(unknown[0])}; a genotype has {', '.join(PARTS)}"
        )
    if missing := [part for part in KINDS if part not in written]:
        raise InvalidArch(f"{excerpt(text)} has no part {missing[0]}; a genotype has {', '.join(PARTS)}")
    return written


def _of_parts(parts: Mapping[str, Any], text: str) -> tuple[Edges, Edges]:
    cells = []
    for kind in KINDS:
        joined = parts.get(f"{kind}_concat", JOINED)
        if joined != JOINED:
            raise InvalidArch(
                f"{kind}_concat is {quoted(joined)}: cells of darts put all of their nodes side by side, {JOINED}"
            )
        cells.append(_cell(kind, parts[kind], text, numbers=False))
    return cells[0], cells[1]


def _cell(kind: str, written: Any, text: str, numbers: bool) -> Edges:
    """Return the edges of a cell written as a list of pairs: (operation, input), or numbers, (input, operation)."""
    pairs = [*written] if isinstance(written, list) else []
    if len(pairs) == NODES and all(isinstance(node, list) and len(node) == 2 for node in pairs):
        pairs = [edge for node in pairs for edge in node]
    if len(pairs) != EDGES:
        raise InvalidArch(
            f"the {kind} cell of {excerpt(text)} has {len(pairs)} edges, not {EDGES}: two for each of {NODES} nodes"
        )
    edges = [_edge(kind, INPUTS + place // 2, pair, numbers) for place, pair in enumerate(pairs)]
    nodes = []
    for node in range(NODES):
        one, other = edges[2 * node : 2 * node + 2]
        if one[0] == other[0]:
            raise InvalidArch(
                f"node {INPUTS + node} of the {kind} cell reads {one[0]} twice; its two inputs differ"
            )
        nodes.append(node_of(one, other))
    return tuple(nodes)


def _edge(kind: str, node: int, pair: Any, numbers: bool) -> Edge:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        wanted = "an input and an operation as numbers" if numbers else "an operation and an input"
        raise InvalidArch(f"{quoted(pair)} in the {kind} cell is not a pair of {wanted}")
    op, source = pair[::-1] if numbers else pair
    if numbers and type(op) is int and 0 <= op < len(OPS):
        op = OPS[op]
    if op not in OPS:
        more = ", which other spaces have" if op in OUTSIDE else ""
        known = f"0 to {len(OPS) - 1}" if numbers else ", ".join(OPS)
        raise InvalidArch(
            f"{quoted(op)} in the {kind} cell is not an operation of darts{more}: they are {known}"
        )
    if type(source) is not int or not 0 <= source < node:
        raise InvalidArch(
            f"node {node} of the {kind} cell reads {quoted(source)}; an input of it is 0 to {node - 1}"
        )
    return source, OPS.index(op)
