"""What became of one piece of work, and what pools of such have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Done:
    """What became of one piece of work.

    Attributes:
        item: as it was submitted.
        result: of the function; None where it raised or its process died.
        error: what it raised, or None.
        died: how its process died, or None.
    """

    item: Any
    result: Any = None
    error: BaseException | None = None
    died: str | None = None


class Pool(ABC):
    """What pools have in common: items in work, by whoever works on each.

    Attributes:
        workers: how many items are in work at a time.
    """

    workers: int
    _busy: dict[Any, Any]

    @property
    def pending(self) -> list[Any]:
        """Return the items in work, in the order in which they were submitted."""
        return list(self._busy.values())

    @property
    def free(self) -> int:
        """Return how many items more can be in work."""
        return self.workers - len(self._busy)

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def submit(self, item: Any) -> None:
        """Begin with an item; there has to be a free place."""

    @abstractmethod
    def wait(self, timeout: float | None = None) -> list[Done]:
        """Return what has finished, at least one unless the time is over; nothing where nothing is in work."""
