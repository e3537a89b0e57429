"""How far a search that trains has come, as its folder says: for whoever watches, in whatever process."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from filelock import Timeout

from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.benchmarks.trained.ledger import read_ledger
from nassearch.files.locks import held
from nassearch.search.store import is_search
from nassearch.search.trained.asked import BUDGET
from nassearch.search.trained.folder import EVENTS, LEDGER, WINNER, SearchFolder
from nassearch.search.trained.winner import TIMES


@dataclass(frozen=True)
class Standing:
    """What has been done of a search, and what is left.

    Attributes:
        made: what was asked for; empty for trainings of `nassearch run`.
        told: trainings that have ended, in their order.
        running: how many are being trained, or wait for it where nobody is at it.
        spent: seconds of wall clock that the search has had.
        used: models of the budget that are used up; an architecture that was asked for twice counts twice.
        left: seconds that it may still take, the final training included; None where that is not known.
        winner: what it came to; None before its end.
    """

    made: dict[str, Any]
    told: tuple[Entry, ...]
    running: int = 0
    spent: float = 0.0
    used: float = 0.0
    left: float | None = None
    winner: dict[str, Any] | None = None

    @classmethod
    def of(cls, path: Path) -> Standing:
        """Read a folder of `nassearch search`, or one of trainings that `nassearch run` keeps.

        Raises:
            MissingData: it is neither.
            BadData: a file in it is damaged.
        """
        if not is_search(path) and (path / LEDGER).is_file():
            return cls({}, tuple(read_ledger(path / LEDGER)[1]))
        folder = SearchFolder.open(path)
        told, winner = tuple(folder.entries), folder.winner if folder.ended else None
        whole = folder.made["recipe"]["epochs"]
        used = math.fsum((each.epochs or whole) / whole for each in folder.events if each.kind == "tell")
        left = 0.0 if winner is not None else _left(folder.made, told, folder.spent, used)
        return cls(dict(folder.made), told, folder.running, folder.spent, used, left, winner)

    @property
    def best(self) -> Entry | None:
        """Return the best whole training, the first of equals; None where there is none."""
        whole = [entry for entry in self.told if entry.status == TRAINED and entry.share == 1.0]
        return max(whole, key=lambda entry: entry.valid or 0.0, default=None)

    @property
    def models(self) -> float:
        """Return how many were trained, shorter trainings at their share."""
        return math.fsum(entry.share for entry in self.told)

    @property
    def budget(self) -> int | None:
        """Return how many may be trained; None where hours or nobody says."""
        return _budget(self.made) if self.made else None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, with the best by its place in the order."""
        best = self.best
        return {
            "models": self.models,
            "budget": self.budget,
            "hours": self.made.get("hours"),
            "running": self.running,
            "spent": self.spent,
            "left": self.left,
            "best": None if best is None else {**_short(best), "model": 1 + self.told.index(best)},
            "trained": [_short(entry) for entry in self.told],
            "winner": self.winner,
        }

    @property
    def finishing(self) -> bool:
        """Say whether only the final training is left, as far as the models say."""
        out = self.budget is not None and self.used >= self.budget
        return out and not self.running and self.winner is None


def is_driven(path: Path) -> bool:
    """Say whether a process is at the search in this folder now, and so holds its lock."""
    if not (path / EVENTS).exists():
        return False
    try:
        with held(path / EVENTS):
            return False
    except Timeout:
        return True
    except OSError:  # a folder in which nothing may be written: until there is a winner
        return not (path / WINNER).exists()


def _short(entry: Entry) -> dict[str, Any]:
    names = ("arch", "text", "status", "valid", "seconds", "params")
    return {name: value for name, value in entry.as_dict().items() if name in names}


def _budget(made: dict[str, Any]) -> int | None:
    return made.get("budget") or (None if made.get("hours") else BUDGET)


def _left(made: Any, told: tuple[Entry, ...], spent: float, used: float) -> float | None:
    """Return the seconds that are left by the hours, or by the models at the median of those that were trained."""
    hours = made.get("hours")
    ends = [max(0.0, 3600 * hours - spent)] if hours else []
    seconds = [entry.seconds / entry.share for entry in told if entry.status == TRAINED]
    budget = _budget(dict(made))
    if budget is not None and seconds:
        models = max(0.0, budget - used)
        epochs, final = made["recipe"]["epochs"], made.get("final_epochs")
        times = TIMES if final is None else final / epochs
        ends.append((models / made.get("workers", 1) + times) * median(seconds))
    return min(ends, default=None)
