"""Texts in the brackets of a lookup may be written bare: `table(my scores.csv, epsilon)`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

QUOTES = "'\""


def with_quotes(text: str, names: Sequence[str]) -> str:
    """Return the text of a scorer with quotes around what stands bare in the brackets of these names.

    >>> with_quotes("rank(table(a b.csv, synflow(seed=3), dataset=ImageNet16-120), epsilon)", ["table"])
    "rank(table('a b.csv', 'synflow(seed=3)', dataset='ImageNet16-120'), epsilon)"
    """
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\s*\(") if names else None
    parts, at = [], 0
    while pattern is not None and (match := pattern.search(text, at)):
        inside = list(_split(text, match.end()))
        end = match.end() + sum(len(each) + 1 for each in inside) - 1
        parts += [text[at : match.end()], ", ".join(map(_quoted, filter(str.strip, inside)))]
        at = end
    return "".join([*parts, text[at:]])


def _split(text: str, start: int) -> Iterator[str]:
    """Yield what stands between the commas of a bracket that is open, up to where it closes, or to the end."""
    depth, quote, first = 0, "", start
    for at in range(start, len(text)):
        character = text[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in QUOTES and not text[first:at].rpartition("=")[2].strip():
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]" and depth:
            depth -= 1
        elif character in ",)" and not depth:
            yield text[first:at]
            first = at + 1
            if character == ")":
                return
    yield text[first:]


def _quoted(part: str) -> str:
    option = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*=\s*(.*)", part, re.DOTALL)
    if option:
        name, value = option[1], option[2].strip()
        return f"{name}={value if _is_python(value) else repr(value)}"
    text = part.strip()
    return text if text[:1] in QUOTES else repr(text)


def _is_python(value: str) -> bool:
    """Say whether this is a word, a number or a text in quotes as Python writes it."""
    try:
        ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return value.isidentifier()
    return True
