"""Read other people's JSON: its size is bounded first, each name may occur once, and NaN is refused."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: bytes | str, most: int = 1_000_000, constants: bool = False) -> Any:
    """Read JSON of at most so many values.

    Args:
        text: in UTF-8.
        most: values; counted before any is made, as each takes up to thirty times its bytes.
        constants: take NaN and Infinity too, which JSON does not have and Python writes.

    Raises:
        ValueError: it is none, has a name twice in one object, or is too large or too deep; the message says which.
    """
    marks: Any = (b"[", b"{", b",") if isinstance(text, bytes) else ("[", "{", ",")
    if sum(map(text.count, marks)) > most:
        raise ValueError(f"more than {most} values")

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no number here")

    try:
        return json.loads(text, parse_constant=None if constants else refuse, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("lists within lists, deeper than any file goes") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:80]!r} is there twice")
    return found
