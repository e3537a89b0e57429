"""What a worker on another machine has computed, until it is brought home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Brought(NamedTuple):
    """What a scorer brings home from a worker.

    Attributes:
        scores: by key, those that are in no cache yet.
        read, computed: keys whose scores it had from the cache, and that it computed.
        failure: why the first that it failed on has no score, or None.
    """

    scores: dict[str, float]
    read: set[str]
    computed: set[str]
    failure: str | None


class Notes:
    """Stand in for a `ScoreCache` where its file is not: hold what is put in, in memory, until it is taken."""

    def __init__(self) -> None:
        self._new: dict[str, float] = {}

    def get(self, keys: Sequence[str]) -> dict[str, float]:
        """Return nothing: what was known came along with the scorer."""
        return {}

    def put(self, scores: Mapping[str, float]) -> None:
        """Hold scores by key."""
        self._new.update(scores)

    def take(self) -> dict[str, float]:
        """Return what was put in since the last call."""
        taken, self._new = self._new, {}
        return taken
