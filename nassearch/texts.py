"""Texts such as `name(option=value)`, read without being evaluated."""

from __future__ import annotations

import ast
import re
from typing import Any


def read_call(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of a text. Bare words are texts.

    >>> read_call("nats-size(width=0.5, reduction=pool, channels=(8, 16))")
    ('nats-size', {'width': 0.5, 'reduction': 'pool', 'channels': (8, 16)})
    >>> read_call("mobile")
    ('mobile', {})

    Raises:
        ValueError: it is not a name, or one with options in brackets, each once.
    """
    found = re.fullmatch(r"\s*([^\s()]+)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    if not found:
        raise ValueError(text)
    try:
        call = ast.parse(f"f({found[2] or ''})", mode="eval").body
    except (SyntaxError, MemoryError, RecursionError):  # both of the last: brackets too deep
        raise ValueError(text) from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
        raise ValueError(text)
    options: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in options:
            raise ValueError(text)
        options[keyword.arg] = literal(keyword.value)
    return found[1], options


def literal(node: ast.expr) -> Any:
    """Return the value that is written: a number, a text, true, false or none, a bare word, or a tuple of such.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "none": None}.get(node.id.lower(), node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(map(literal, node.elts))
    try:
        return ast.literal_eval(node)
    except (TypeError, MemoryError, RecursionError) as error:
        raise ValueError(ast.dump(node)) from error
