"""Words for what is counted."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3


def counted(number: int, word: str) -> str:
    """Write a number of things.

    >>> counted(1, "image"), counted(3000, "class")
    ('1 image', '3000 classes')
    """
    return f"{number} {word if number == 1 else word + ('es' if word.endswith('s') else 's')}"


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """Write the first of some names, and how many more there are.

    >>> listed(["ant", "bee", "cow", "dog"])
    'ant, bee, cow and 1 more'
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
