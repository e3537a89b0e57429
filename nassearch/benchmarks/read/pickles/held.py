"""Count how much of a pickle is held while its containers are filled, so that no small file fills memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nassearch.errors import BadData

MOST = 6_000_000
"""Values: half a gigabyte. Files that are read as a whole, those of NAS-Bench-ASR, have some 500,000, and of files that
are read as they come, such as that of NAS-Bench-201, no more are held."""
MOST_NOTES = 40_000_000
"""Places in the list of what later instructions may refer to; NAS-Bench-201 has some three million."""
MOST_LARGE = 1000
"""Whole numbers of more than 64 bits. All of them can have one hash, and a dictionary of these takes for ever."""
BYTES = 64
"""Of a text, count as one value."""
FEW = 64
"""Entries of a container down to which it is looked into, to count what goes when it is let go of."""


class Held:
    """The number of values that a reader holds, at most.

    Attributes:
        count: of values in containers.
    """

    def __init__(self) -> None:
        self.count, self._large, self._before, self._texts, self._known = 0, 0, 0, 0, 0

    def check(self, waiting: int, texts: Mapping[str, str], memo: Sequence[Any]) -> None:
        """Raise `BadData` where that is too much; `waiting` values are in no container yet."""
        if len(texts) > 2 * self._known:  # seldom: long texts are counted one by one
            self._known, self._texts = len(texts), sum(map(len, texts)) // BYTES
        self.notes(len(memo))
        self._refuse(self.count + waiting + len(texts) + self._texts)

    def add(self, *values: Any) -> None:
        """Count values by their length, as what is made of them may be as long."""
        for value in values:
            if isinstance(value, str | bytes | bytearray):
                self.count += len(value) // BYTES
            elif isinstance(value, dict | list | set | tuple):
                self.count += len(value)
        self.count += 2
        self._refuse(self.count)

    def whole(self, length: int) -> None:
        """Count a whole number of so many bytes."""
        self._large += length > 8
        if self._large > MOST_LARGE:
            raise BadData(f"more than {MOST_LARGE} whole numbers of more than 64 bits")
        self.count += length // BYTES

    def notes(self, count: int) -> None:
        """Raise `BadData` where there are more notes than a file has."""
        if count > MOST_NOTES:
            raise BadData(f"more than {MOST_NOTES} notes of what came before")

    def before(self, target: dict[Any, Any]) -> None:
        """Count what is in a dictionary that is handed out."""
        self._before = _inside(target)

    def after(self, target: dict[Any, Any]) -> None:
        """Take off what was let go of meanwhile."""
        self.count = max(0, self.count - max(0, self._before - _inside(target)))

    def _refuse(self, count: int) -> None:
        if count > MOST:
            raise BadData(f"more than {MOST} values at a time, which no file of a benchmark has")


def _inside(value: Any, levels: int = 3) -> int:
    """Count the values in a container, and in containers in it that are short."""
    if not isinstance(value, dict | list | tuple | set):
        return 0
    count = len(value) * (2 if isinstance(value, dict) else 1)
    if levels and len(value) <= FEW:
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        count += sum(_inside(part, levels - 1) for part in parts)
    return count
