"""Words for what is counted."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3
LONGEST = 2000
"""Characters of a sentence: files may be called by thousands of them."""


def whole(text: str) -> str:
    """Return a text that can be written as UTF-8: names of files may hold bytes that are none.

    >>> whole("a\\udcff.png")
    'a\\\\udcff.png'
    """
    return text.encode("utf-8", "backslashreplace").decode()


def sentence(text: str) -> str:
    """Return a note as it is kept: whole, and cut where nobody would read on."""
    return whole(text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)")


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
