"""A network description as the code of a torch module, and where in it each weight belongs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from nassearch.errors import InvalidSetting
from nassearch.export.code.classes import BlockClass
from nassearch.export.code.kinds import MODULES, NONLINEAR, Codes, Kind, depthwise, numbers_of, signature
from nassearch.export.code.layout import INDENT, WIDTH, Call, Code, flat, lay_out
from nassearch.export.code.modules import Module
from nassearch.export.code.pieces import CONVOLUTIONS, Functions, Piece, chains, cut
from nassearch.export.code.snippets import needed
from nassearch.networks.graph import Block, Network

ABOUT = {
    "Stem": "Read the input.",
    "Head": "Map what the layers before see to classes.",
    "Reduction": "Halve the signal.",
    "ResidualBlock": "Layers beside a shortcut (He et al., 2016).",
    "InvertedResidual": "Expand, convolve each channel by itself, project, and add the input (Sandler et al., 2018).",
    "InvertedBottleneck": "Expand, convolve each channel by itself, and project (Sandler et al., 2018).",
    "Cell": "The graph of layers that the search has found.",
}

KNOWN = (
    MODULES | NONLINEAR.keys() | {"input", "zeros", "add", "multiply", "truncate", "tail", "shift", "concat"}
)


class Written(NamedTuple):
    """A module as code.

    Attributes:
        lines: of the classes and functions; the module is the class `Network`.
        weights: names in the state of the searched module, or all of them but the last part, with those in this one's.
    """

    lines: list[str]
    weights: dict[str, str]

    def renamed(self, name: str) -> str:
        """Return what a weight of the searched module is called in this one."""
        if name in self.weights:
            return self.weights[name]
        layer, _, last = name.rpartition(".")
        return f"{self.weights[layer]}.{last}"


def write_network(network: Network) -> Written:
    """Return a network as readable code.

    Blocks that differ in numbers alone share a class; layers in a row that occur more than once share a function.

    Raises:
        InvalidSetting: it has a layer that is not known here.
    """
    blocks = list(dict.fromkeys(block for block, _ in network.chain))
    for op in (layer.op for block in blocks for layer in block):
        if op not in KNOWN:
            raise InvalidSetting(
                f"a layer {op!r} cannot be written as code: let network() of the space return a torch module, which is "
                "exported as a program"
            )
    classes = _classes(network, blocks)
    inline = {block: _Inline(block) for block in blocks if not any(block in of for _, of in classes.values())}
    rows = [piece for made, _ in classes.values() for piece in made.pieces]
    functions = Functions([*rows, *(piece for each in inline.values() for piece in each.row)])
    places = _Places(network, classes, inline, functions)
    lines = functions.lines()
    for made, _ in classes.values():
        lines += made.lines(functions)
    lines += places.lines()
    return Written([*needed(lines), *lines], places.weights)


class _Inline:
    """A block that is a few layers in a row, written where it stands."""

    def __init__(self, block: Block) -> None:
        kind = Kind.of(block)
        codes: Codes = {slot: str(value) for slot, value in numbers_of(block).items()}
        (row,) = chains(kind)
        self.row: list[Piece] = cut(kind, row, codes)


def _classes(network: Network, blocks: Sequence[Block]) -> dict[Kind, tuple[BlockClass, list[Block]]]:
    kinds: dict[Kind, list[Block]] = {}
    for block in blocks:
        kinds.setdefault(Kind.of(block), []).append(block)
    found: dict[Kind, tuple[BlockClass, list[Block]]] = {}
    taken: list[str] = []
    for kind, alike in kinds.items():
        uses = sum(repeats for block, repeats in network.chain if block in alike)
        convolutions = sum(op in CONVOLUTIONS for op, _, _ in kind.layers)
        ends = uses == 1 and alike[0] in (network.chain[0][0], network.chain[-1][0])
        if kind.in_a_row and (ends or convolutions < 2):
            continue
        role = _role(kind, alike, network)
        name = f"Gated{role}" if any(op == "multiply" for op, _, _ in kind.layers) else role
        if name in taken and kind.layers[-1][0] == "add" and 0 not in kind.layers[-1][1]:
            name = f"Projected{name}"
        taken.append(name)
        if (times := taken.count(name)) > 1:
            name = f"{name}{times}"
        found[kind] = BlockClass(name, ABOUT[role], kind, signature(kind, alike)), alike
    return found


def _role(kind: Kind, blocks: Sequence[Block], network: Network) -> str:
    """Return what a person would call such blocks."""
    numbers = [numbers_of(block) for block in blocks]
    last = kind.layers[-1]
    residual = last[0] == "add" and len(last[1]) == 2
    if network.chain[0][0] in blocks and len(blocks) == 1:
        return "Stem"
    if network.chain[-1][0] in blocks and len(blocks) == 1:
        return "Head"
    if any(op == "tail" for op, _, _ in kind.layers):
        return "Cell"
    if depthwise(kind, {slot: tuple(each[slot] for each in numbers) for slot in numbers[0]}):
        return "InvertedResidual" if residual and 0 in last[1] else "InvertedBottleneck"
    if all(block[-1].size != block[0].size for block in blocks):
        return "Reduction"
    return "ResidualBlock" if residual else "Cell"


class _Places:
    """The class of the whole network: its blocks in stem, body and head, and where each lies."""

    def __init__(
        self,
        network: Network,
        classes: dict[Kind, tuple[BlockClass, list[Block]]],
        inline: dict[Block, _Inline],
        functions: Functions,
    ) -> None:
        self.weights: dict[str, str] = {}
        self._parts: dict[str, list[Code]] = {}
        number, ends = 0, {0: "stem", len(network.chain) - 1: "head"}
        for place, (block, repeats) in enumerate(network.chain):
            part = ends.get(place, "body") if repeats == 1 else "body"
            code, below = self._made(block, classes, inline, functions)
            for _ in range(repeats):
                index = len(self._parts.setdefault(part, []))
                self._parts[part].append(code)
                path = part if part != "body" else f"body.{index}"
                for position, inner in below:
                    self.weights[f"blocks.{number}.layers.{position}"] = f"{path}.{inner}".rstrip(".")
                number += 1

    @staticmethod
    def _made(
        block: Block,
        classes: dict[Kind, tuple[BlockClass, list[Block]]],
        inline: dict[Block, _Inline],
        functions: Functions,
    ) -> tuple[Code, Sequence[tuple[int, str]]]:
        if block in inline:
            module: Module = functions.module(inline[block].row)
            return module.code, module.weights
        made, alike = classes[Kind.of(block)]
        return made.call(alike.index(block)), made.weights(functions)

    def lines(self) -> list[str]:
        """Return the class as lines of code."""
        lines = ["", "", "class Network(nn.Module):", f'{INDENT}"""The whole network."""', ""]
        lines += [f"{INDENT}def __init__(self) -> None:", f"{INDENT * 2}super().__init__()"]
        for part, codes in self._parts.items():
            code = _sequence(codes) if part == "body" else codes[0]
            lines += lay_out(code, 2, f"self.{part} = ")
        lines += ["", f"{INDENT}def forward(self, x: Tensor) -> Tensor:"]
        lines += [f"{INDENT * 2}x = self.{part}(x)" for part in self._parts]
        return [*lines, f"{INDENT * 2}return x"]


def _sequence(codes: Sequence[Code]) -> Code:
    """Return blocks one after the other, with a loop where one is repeated."""
    found: list[Code] = []
    for _, same in groupby(codes, flat):
        row = list(same)
        loop = f"*[{flat(row[0])} for _ in range({len(row)})]"
        found += [loop] if len(row) > 1 and len(loop) <= WIDTH - 13 else row
    return Call("nn.Sequential(", tuple(found))
