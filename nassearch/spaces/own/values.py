"""How the options of a choice are written: each as one text that no other option of the choice has."""

from __future__ import annotations

import ast
import copy
import enum
import json
import re
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType
from typing import Any

from nassearch.errors import InvalidArch, InvalidSetting, excerpt, quoted

WORD = re.compile(r"[A-Za-z_0-9][A-Za-z_0-9./+-]*", re.ASCII)
"""Texts that are written as they are, where they do not read as another value."""
RULE = "numbers, texts, true or false, None, tuples and lists of these, and functions and classes that have a name"


def text_of(value: Any) -> str:
    """Return the text of an option.

    >>> [text_of(each) for each in (3, 0.5, "basic", "16", "two words", None, (3, 5), Exception)]
    ['3', '0.5', 'basic', '"16"', '"two words"', 'None', '(3,5)', 'Exception']

    Raises:
        InvalidSetting: a value of this kind has no text that stays.
    """
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, bool | int | float | None):
        return repr(value)
    if isinstance(value, str):
        return value if WORD.fullmatch(value) and not _is_literal(value) else json.dumps(value)
    if isinstance(value, tuple | list):
        inner = ",".join(map(text_of, value))
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    name = getattr(value, "__name__", None)
    if isinstance(value, type | FunctionType | BuiltinFunctionType) and str(name).isidentifier():
        return str(name)
    what = "a function without a name (lambda)" if name == "<lambda>" else f"{quoted(value)}"
    raise InvalidSetting(f"options are {RULE}, not {what}: give it a name, and look it up in build")


def given(value: Any) -> Any:
    """Return an option as build gets it: lists, which it could change, as copies."""
    return copy.deepcopy(value) if isinstance(value, list) else value


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text.lower() in ("inf", "nan", "true", "false", "none")
    return True


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each `name=value` between commas; those in brackets and in quotes part nothing.

    >>> [*pairs('depth=2, kernel=(3,5), note="a,b"')]
    [('depth', '2'), ('kernel', '(3,5)'), ('note', '"a,b"')]

    Raises:
        InvalidArch: it cannot be read so.
    """
    for part in _parts(text):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InvalidArch(f"{excerpt(part.strip())} in {excerpt(text)} is no name=value")
        yield name.strip(), value.strip()


def _parts(text: str) -> Iterator[str]:
    start, depth, quoting, escaped = 0, 0, False, False
    for place, letter in enumerate(text):
        if quoting:
            quoting = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoting = True
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]
