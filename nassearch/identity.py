"""Which code a number comes from, so that what one code computed is never taken for the work of another."""

from __future__ import annotations

from typing import Any


def identity(part: Any) -> str:
    """Return a text that is another one whenever a part would compute other numbers.

    Args:
        part: a proxy, combination, space, strategy or benchmark: the object, or its class.
    """
    return f"revision {part.revision}"
