"""A kind of block as a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nassearch.export.code.kinds import MODULES, Kind, Signature, depthwise
from nassearch.export.code.layout import INDENT, WIDTH, Call, lay_out
from nassearch.export.code.modules import Module, kept, modules_of
from nassearch.export.code.pieces import Functions, Piece, chains, cut

UNREAD = "# Nothing reads these: they only count among the parameters, as in the search."
TYPES = {"size": "tuple[int, ...]", "activation": "type[nn.Module]"}


class BlockClass:
    """The class of a kind of block: its code, and where the weights of each layer are in it.

    Args:
        name, about: of the class: what it is called, and a sentence.
        kind, made: of the blocks.
    """

    def __init__(self, name: str, about: str, kind: Kind, made: Signature) -> None:
        self.name, self.about, self.kind, self.made = name, about, kind, made
        self.rows = [cut(kind, row, made.codes) for row in chains(kind)]
        self._names = _attribute_names(kind, self.rows, made)

    @property
    def pieces(self) -> list[Piece]:
        """Return all pieces, for `Functions`."""
        return [piece for row in self.rows for piece in row]

    def call(self, place: int) -> Call:
        """Return the code that makes the block at a place among those of this kind."""
        given = []
        for name, column in self.made.arguments.items():
            first = name in ("channels", "in_channels", "out_channels")
            given.append(f"{column[place]}" if first else f"{name}={column[place]}")
        return Call(f"{self.name}(", tuple(given))

    def lines(self, functions: Functions) -> list[str]:
        """Return the class as lines of code."""
        arguments = ["self", *(f"{name}: {TYPES.get(name, 'int')}" for name in self.made.arguments)]
        made, forward = self._modules(functions), _Forward(self)
        lines = ["", "", f"class {self.name}(nn.Module):", f'{INDENT}"""{self.about}"""', ""]
        lines += lay_out(Call("def __init__(", tuple(arguments)), 1, after=" -> None:")
        lines += [f"{INDENT * 2}super().__init__()"]
        lines += [f"{INDENT * 2}self.{name} = {name}" for name in self.made.arguments if name in forward.kept]
        for name, module in made.items():
            lines += [f"{INDENT * 2}{UNREAD}"] if name == "unread" else []
            lines += lay_out(module.code, 2, f"self.{name} = ")
        lines += ["", f"{INDENT}def forward(self, x: Tensor) -> Tensor:"]
        return lines + [line for code in forward.statements for line in lay_out(code[1], 2, code[0])]

    def weights(self, functions: Functions) -> list[tuple[int, str]]:
        """Return where the weights of each layer are."""
        return [at for name, module in self._modules(functions).items() for at in module.below(name)]

    def _modules(self, functions: Functions) -> dict[str, Module]:
        rows = zip(self._names, self.rows, strict=True)
        found = {name: functions.module(row) for name, row in rows}
        unread = [p for p in self.kind.unread if self.kind.layers[p][0] in MODULES]
        modules = [m for p in unread for m in modules_of(self.kind, [p], self.made.codes) if m.weights]
        if modules:
            found["unread"] = kept(modules)
        return found

    def attribute(self, position: int) -> str | None:
        """Return the name of the row of modules that ends at a position."""
        ends = {row[-1].positions[-1]: name for name, row in zip(self._names, self.rows, strict=True)}
        return ends.get(position)

    def reads(self, position: int) -> int:
        """Return what the row that ends at a position reads."""
        row = next(row for row in self.rows if row[-1].positions[-1] == position)
        return self.kind.layers[row[0].positions[0]][1][0]


class _Forward:
    """The statements of `forward`.

    Attributes:
        statements: pairs of what stands before an expression, and the expression.
        kept: arguments of the class that they use.
    """

    def __init__(self, of: BlockClass) -> None:
        self.statements: list[tuple[str, Call | str]] = []
        self.kept: set[str] = set()
        self._of, self._count = of, Counter[str]()
        kind = of.kind
        values: dict[int, str] = {}
        inner = {p for row in of.rows for piece in row for p in piece.positions} - {
            row[-1].positions[-1] for row in of.rows
        }
        shown = [position for position in kind.live if position not in inner]
        reads = {p: self._reads(p) for p in shown}
        readers = Counter(read for p in shown for read in reads[p])
        for position in shown:
            last = position == len(kind.layers) - 1
            code = self._expression(position, [values[read] for read in reads[position]])
            if last and code == "x":
                break
            if last:
                self._say("x", code)
            elif isinstance(code, Call) or (readers[position] > 1 and not code.isidentifier()):
                values[position] = self._named("node", code)
            else:
                values[position] = code
        self._say("return", "x")

    def _reads(self, position: int) -> tuple[int, ...]:
        named = self._of.attribute(position)
        return self._of.kind.layers[position][1] if named is None else (self._of.reads(position),)

    def _say(self, name: str, code: Call | str) -> None:
        self.statements.append(("return " if name == "return" else f"{name} = ", code))

    def _named(self, word: str, code: Call | str) -> str:
        self._count[word] += 1
        name = f"{word}{self._count[word]}"
        self._say(name, code)
        return name

    def _expression(self, position: int, read: list[str]) -> Call | str:
        kind, op = self._of.kind, self._of.kind.layers[position][0]
        if (name := self._of.attribute(position)) is not None:
            operand = self._short(read, len(name) + 20)
            return f"self.{name}({operand[0]})"
        if op == "input":
            return "x"
        if op == "zeros":
            return self._zeros(position)
        if op == "add":
            return self._sum(self._short(read, 12))
        if op == "multiply":
            wide = [_bracketed(text) for text in self._short(read, 40)]
            pooled = _pooled(kind, kind.layers[position][1][1])
            return f"{wide[0]} * {wide[1]}" + (f"[:, :{', None' * kind.axes}]" if pooled else "")
        if op == "truncate":
            return f"{_bracketed(self._short(read, 40)[0])}[:, : {self._kept(position, 'out')}]"
        if op == "tail":
            return f"{_bracketed(self._short(read, 40)[0])}[:, -{self._kept(position, 'out')} :]"
        if op == "shift":
            inner, ends = ", ".join(["1:"] * kind.axes), ", ".join(["0, 1"] * kind.axes)
            return f"functional.pad({_bracketed(self._short(read, 50)[0])}[:, :, {inner}], ({ends}))"
        return Call("torch.cat(", (Call("[", tuple(self._short(read, 24)), "]"), "1"))

    def _zeros(self, position: int) -> str:
        if (position, "size") not in self._of.made.codes:
            return "torch.zeros_like(x)"
        return f"x.new_zeros(x.shape[0], {self._kept(position, 'out')}, *{self._kept(position, 'size')})"

    def _kept(self, position: int, number: str) -> str:
        code = self._of.made.codes[position, number]
        if code not in self._of.made.arguments:
            return code
        self.kept.add(code)
        return f"self.{code}"

    def _short(self, texts: Sequence[str], around: int) -> list[str]:
        """Return operands, each under a name of its own where all of them would make a long line."""
        found = list(texts)
        while sum(len(text) + 3 for text in found) + around > WIDTH:
            longest = max(range(len(found)), key=lambda place: len(found[place]))
            if found[longest].isidentifier():
                break
            found[longest] = self._named("branch", found[longest])
        return found

    def _sum(self, terms: list[str]) -> str:
        """Return a sum, in several statements where it is long; numbers are added in the order of the terms."""
        while len(" + ".join(terms)) > WIDTH - 12:
            few = next(n for n in range(len(terms), 1, -1) if len(" + ".join(terms[:n])) <= WIDTH - 24)
            terms = [self._named("total", " + ".join(terms[:few])), *terms[few:]]
        return " + ".join(terms)


def _bracketed(text: str) -> str:
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if not depth and text[place : place + 3] in (" + ", " * "):
            return f"({text})"
    return text


def _pooled(kind: Kind, position: int) -> bool:
    """Say whether a layer lies behind a global pooling."""
    while position:
        op, reads, _ = kind.layers[position]
        if op in ("global_pool", "linear"):
            return True
        if not reads:
            return False
        position = reads[0]
    return False


def _attribute_names(kind: Kind, rows: Sequence[Sequence[Piece]], made: Signature) -> list[str]:
    """Return what a person would call the modules of a block: by their convolution, or by what they are for."""
    last = len(kind.layers) - 1
    small = depthwise(kind, {slot: (code,) for slot, code in made.codes.items()})
    wanted = [_wanted(kind, row, last, small) for row in rows]
    count, seen = Counter(wanted), Counter[str]()
    found = []
    for name in wanted:
        seen[name] += 1
        found.append(f"{name}_{seen[name]}" if count[name] > 1 else name)
    return found


def _wanted(kind: Kind, row: Sequence[Piece], last: int, small: bool) -> str:
    ops = [op for piece in row for op in piece.ops]
    convolutions = [piece for piece in row if piece.convolution is not None]
    end = row[-1].positions[-1]
    if "linear" in ops:
        gates = any(op == "multiply" and reads[1:] == (end,) for op, reads, _ in kind.layers)
        return "gate" if gates else "classifier"
    if ops[0] == "avg_pool" and len(convolutions) == 1:
        return "shortcut"
    if len(convolutions) > 1:
        return "convolutions"
    if not convolutions:
        return next((op for op in ops if op.endswith("pool")), ops[0])
    kernel = convolutions[0].number("kernel")
    if small:
        return "project" if kernel == "1" and end in (last, *kind.layers[last][1]) else "features"
    if not kernel.isdigit():
        return "conv"
    return f"conv{kernel}x{kernel}" if kind.axes == 2 else f"conv{kernel}"
