"""Layers in a row, cut where a person would cut them, and the small functions that make what occurs more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nassearch.export.code.kinds import ACTIVATION, MODULES, NONLINEAR, Codes, Kind
from nassearch.export.code.layout import Call, lay_out
from nassearch.export.code.modules import Module, in_order, modules_of

CONVOLUTIONS = ("conv", "frame_conv")
AROUND = ("batch_norm", "cap", ACTIVATION)
SHORT = {"batch_norm": "bn", "frame_conv": "conv", **{made: op for op, made in NONLINEAR.items()}}
ARGUMENTS = {"in": "in_channels", "out": "out_channels", "kernel": "kernel_size"}
OPTIONS = {"stride": "1", "padding": "0", "dilation": "1", "groups": "1", "before": "0", "after": "0"}


class Piece(NamedTuple):
    """Layers of a block that follow each other, with what stands for their numbers."""

    kind: Kind
    positions: tuple[int, ...]
    codes: Codes

    @property
    def ops(self) -> tuple[str, ...]:
        return tuple(self.kind.layers[position][0] for position in self.positions)

    @property
    def words(self) -> tuple[str, ...]:
        """Return its ops, an activation by its class; `activation` where that is an argument."""
        classes = (self.codes.get((position, "class"), "") for position in self.positions)
        known = (made if made in NONLINEAR.values() else "" for made in classes)
        return tuple(made or op for made, op in zip(known, self.ops, strict=True))

    @property
    def activation(self) -> int | None:
        """Return the position of an activation that is an argument."""
        return next(
            (at for at, word in zip(self.positions, self.words, strict=True) if word == ACTIVATION), None
        )

    @property
    def convolution(self) -> int | None:
        """Return the position of its convolution."""
        return next((at for at, op in zip(self.positions, self.ops, strict=True) if op in CONVOLUTIONS), None)

    @property
    def alike(self) -> tuple[object, ...]:
        """Return what pieces share that one function makes."""
        biases = tuple(self.kind.layers[position][2] for position in self.positions)
        return self.kind.axes, self.words, biases

    def number(self, name: str) -> str:
        """Return what stands for a number of its convolution."""
        assert self.convolution is not None
        return self.codes.get((self.convolution, name), OPTIONS.get(name, ""))


def chains(kind: Kind) -> list[list[int]]:
    """Return the longest rows of live modules of which each is read by the next alone."""
    readers = Counter(read for position in kind.live for read in kind.layers[position][1])
    found: list[list[int]] = []
    ends: dict[int, list[int]] = {}
    for position in kind.live:
        op, reads, _ = kind.layers[position]
        if op not in MODULES:
            continue
        row = ends.pop(reads[0], None) if readers[reads[0]] == 1 else None
        if row is None:
            found.append(row := [])
        row.append(position)
        ends[position] = row
    return found


def cut(kind: Kind, row: Sequence[int], codes: Codes) -> list[Piece]:
    """Cut a row of layers into pieces of one convolution each, with the normalisation and activation that go with it.

    Where the row begins by an activation each convolution has the one in front of it, elsewhere the one behind it.
    """
    ops = [kind.layers[position][0] for position in row]
    begins = next((op for op in ops if op in CONVOLUTIONS or op == ACTIVATION), None)
    found: list[list[int]] = []
    convolved = False
    for position, op in zip(row, ops, strict=True):
        joins = op in AROUND or op in CONVOLUTIONS
        new = convolved and (op in CONVOLUTIONS or (op == begins == ACTIVATION))
        if not found or new or not joins or kind.layers[found[-1][-1]][0] not in (*AROUND, *CONVOLUTIONS):
            found.append([])
            convolved = False
        found[-1].append(position)
        convolved |= op in CONVOLUTIONS
    return [Piece(kind, tuple(positions), codes) for positions in found]


class Functions:
    """The functions of a file that make what occurs in it more than once.

    Args:
        pieces: all of the file.
    """

    def __init__(self, pieces: Iterable[Piece]) -> None:
        uses: dict[object, list[Piece]] = {}
        for piece in pieces:
            if piece.convolution is not None and len(piece.ops) > 1:
                uses.setdefault(piece.alike, []).append(piece)
        self._uses = {alike: found for alike, found in uses.items() if len(found) > 1}
        self._names: dict[object, str] = {}
        for alike, found in self._uses.items():
            name = "_".join(SHORT.get(word, word) for word in found[0].words)
            taken = list(self._names.values()).count(name)
            self._names[alike] = f"{name}{taken + 1}" if taken else name

    def module(self, row: Sequence[Piece]) -> Module:
        """Return the module of pieces that follow each other."""
        modules: list[Module] = []
        for piece in row:
            if piece.alike in self._uses:
                modules.append(self._call(piece))
            else:
                modules += modules_of(piece.kind, piece.positions, piece.codes)
        return in_order(modules)

    def _call(self, piece: Piece) -> Module:
        given = [piece.number(name) for name in ARGUMENTS]
        if piece.activation is not None:
            given.append(piece.codes[piece.activation, "class"])
        for name in self._options(piece.alike):
            if piece.number(name) != OPTIONS[name]:
                given.append(f"{name}={piece.number(name)}")
        first, body = self._uses[piece.alike][0], self._body(piece.alike)
        weights = tuple((piece.positions[first.positions.index(at)], path) for at, path in body.weights)
        return Module(Call(f"{self._names[piece.alike]}(", tuple(given)), weights)

    def _options(self, alike: object) -> list[str]:
        """Return the numbers that are not the usual ones in some use."""
        uses = self._uses[alike]
        found = [name for name, usual in OPTIONS.items() if any(use.number(name) != usual for use in uses)]
        return [name for name in found if name != "padding" or not _centred(uses)]

    def lines(self) -> list[str]:
        """Return the functions as lines of code."""
        found: list[str] = []
        for alike, name in self._names.items():
            arguments = [f"{argument}: int" for argument in ARGUMENTS.values()]
            if self._uses[alike][0].activation is not None:
                arguments.append(f"{ACTIVATION}: type[nn.Module]")
            arguments += [f"{option}: int = {OPTIONS[option]}" for option in self._options(alike)]
            head = Call(f"def {name}(", tuple(arguments))
            found += ["", "", *lay_out(head, 0, after=" -> nn.Sequential:")]
            found += lay_out(self._body(alike).code, 1, "return ")
        return found

    def _body(self, alike: object) -> Module:
        """Return the modules that a function makes, with the positions of the first piece that it is used for."""
        uses, options = self._uses[alike], self._options(alike)
        first = uses[0]
        assert first.convolution is not None
        codes = {(first.convolution, name): argument for name, argument in ARGUMENTS.items()}
        for name, usual in OPTIONS.items():
            codes[first.convolution, name] = name if name in options else usual
        if _centred(uses):
            codes[first.convolution, "padding"] = "kernel_size // 2"
        for position, op, word in zip(first.positions, first.ops, first.words, strict=True):
            if op == ACTIVATION:
                codes[position, "class"] = word
            if op == "batch_norm":
                codes[position, "out"] = ARGUMENTS["in" if position < first.convolution else "out"]
        return in_order(modules_of(first.kind, first.positions, codes))


def _centred(uses: Sequence[Piece]) -> bool:
    """Say whether the padding is half the kernel in all uses, and not 0 in all."""
    pairs = {(use.number("kernel"), use.number("padding")) for use in uses}
    fits = all(
        padding == (str(int(kernel) // 2) if kernel.isdigit() else f"{kernel} // 2")
        for kernel, padding in pairs
    )
    return fits and any(padding != "0" for _, padding in pairs)
