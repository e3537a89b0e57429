"""How much a search may still train: a number of models, hours of wall clock, or both."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from nassearch.benchmarks.trained.entry import TRAINED, Entry

ROUNDING = 1e-9
RESERVE = 1.1
"""Of the seconds that the final training is expected to take."""


@dataclass
class Clock:
    """What is left of a budget.

    Attributes:
        models: that may be trained, shorter trainings at their share; None for any number.
        seconds: of wall clock; None for any.
        before: seconds that earlier processes have had.
        final: the final training, as a multiple of a whole one; at most, where `part` limits it.
        part: of the seconds, what is kept for the final training at most.
        trial: expected seconds of a whole training before one has ended; None where nobody tried.
    """

    models: float | None
    seconds: float | None
    before: float = 0.0
    final: float = 0.0
    part: float = 1.0
    trial: float | None = None
    asked: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Return the seconds that the search has had."""
        return self.before + time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Return the seconds that are left, infinity where there is no end."""
        return math.inf if self.seconds is None else self.seconds - self.spent

    def expected(self, entries: Sequence[Entry], best: Entry | None = None) -> float:
        """Return the seconds that a whole training is expected to take: the median of those that ended."""
        seen = [entry.seconds / entry.share for entry in entries if entry.status == TRAINED]
        if best is not None and best.share:
            return best.seconds / best.share
        return median(seen) if seen else self.trial or 0.0

    def has(self, share: float) -> bool:
        """Say whether so much of a training is left of the models."""
        return self.models is None or self.asked + share <= self.models + ROUNDING

    def allows(self, share: float, entries: Sequence[Entry], best: Entry | None) -> bool:
        """Say whether one more training of this share may begin: it and the final one have to end in time."""
        if self.seconds is None or not self.has(share):
            return self.has(share)
        kept = min(RESERVE * self.final * self.expected(entries, best), self.part * self.seconds)
        return self.left >= kept + share * self.expected(entries)
