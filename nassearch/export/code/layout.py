"""Python code laid out as `ruff format` lays it out, whatever the length of its lines is set to.

A call stands on one line where it fits into the shorter of the usual lengths, and otherwise has an argument and a comma
on each line, which the formatter leaves so at any length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 88
"""The formatter's own length of a line."""
INDENT = "    "


class Call(NamedTuple):
    """A call, or a list, with its arguments: `open` and `close` are its two ends, such as `nn.Linear(` and `)`."""

    open: str
    arguments: tuple[str | Call, ...]
    close: str = ")"

    def flat(self) -> str:
        """Return it in one line."""
        return self.open + ", ".join(map(flat, self.arguments)) + self.close


Code = str | Call


def flat(code: Code) -> str:
    """Return code in one line."""
    return code if isinstance(code, str) else code.flat()


def lay_out(code: Code, depth: int, before: str = "", after: str = "") -> list[str]:
    """Return the lines of code at a depth, with something before it and behind it."""
    line = INDENT * depth + before + flat(code) + after
    if isinstance(code, str) or not code.arguments or len(line) <= WIDTH:
        return [line]
    inner = [part for argument in code.arguments for part in lay_out(argument, depth + 1, after=",")]
    return [INDENT * depth + before + code.open, *inner, INDENT * depth + code.close + after]


def tuple_of(items: Sequence[str]) -> Code:
    """Return a tuple of expressions."""
    return f"({items[0]},)" if len(items) == 1 else Call("(", tuple(items))


def literal(text: object) -> str:
    r"""Return a text as a literal of Python, quoted as the formatter quotes it; what acts on a terminal is escaped.

    >>> print(literal('cat'), literal("it's"), literal('a "b"'), literal("x\n\u202e"))
    "cat" "it's" 'a "b"' "x\n\u202e"
    """
    text = str(text)
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(character, quote) for character in text) + quote


def _escaped(character: str, quote: str) -> str:
    if character in ("\\", quote):
        return "\\" + character
    if character.isprintable():
        return character
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    code = ord(character)
    return named or (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
