"""What became of one piece of work, and what pools of such have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


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


class Pool(Protocol):
    """What pools have in common."""

    @property
    def free(self) -> int: ...

    def submit(self, item: Any) -> None: ...

    def wait(self, timeout: float | None = None) -> list[Done]: ...
