"""Combinations of scorers as values: their text, their scores from columns of scores, and how they are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nassearch.scorers.combinations import fallback, rank
from nassearch.statistics.correlation import spearman

Columns = Mapping[str, np.ndarray]
"""Scores `[N]` of each proxy by its text."""


@dataclass(frozen=True)
class Mean:
    """The mean of ranks, or of their logarithms; what is listed twice counts twice."""

    parts: tuple[str | Filled, ...]
    log: bool

    @property
    def text(self) -> str:
        distinct = list(dict.fromkeys(self.parts))
        options = ", log=true" if self.log else ""
        weights = [self.parts.count(part) for part in distinct]
        if set(weights) != {1}:
            options += f", weights=({', '.join(map(str, weights))})" if len(weights) > 1 else ""
        if len(distinct) == 1:
            return text(distinct[0])
        return f"rank({', '.join(map(text, distinct))}{options})"

    def scores(self, columns: Columns) -> np.ndarray:
        parts = np.array([scores(part, columns) for part in self.parts])
        return rank.function(parts, parts, log=self.log) if len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class Filled:
    """A proxy, and another where it has no score."""

    first: str
    second: str

    @property
    def text(self) -> str:
        return f"fallback({self.first}, {self.second})"

    def scores(self, columns: Columns) -> np.ndarray:
        parts = np.array([columns[self.first], columns[self.second]])
        return fallback.function(parts, parts)


Part = str | Filled
Any_ = str | Filled | Mean


def text(one: Any_) -> str:
    return one if isinstance(one, str) else one.text


def scores(one: Any_, columns: Columns) -> np.ndarray:
    return columns[one] if isinstance(one, str) else one.scores(columns)


def leaves(one: Any_) -> list[str]:
    """Return the proxies of a combination, each once."""
    if isinstance(one, str):
        return [one]
    if isinstance(one, Filled):
        return [one.first, one.second]
    return list(dict.fromkeys(leaf for part in one.parts for leaf in leaves(part)))


def agreement(one: Any_, columns: Columns, reached: Sequence[np.ndarray]) -> float:
    """Return the mean of rho over data sets; what has no score counts as worse than all that have one."""
    found = np.nan_to_num(scores(one, columns), nan=-np.inf)
    return float(np.mean([spearman(found, values).value for values in reached]))


def units(columns: Columns, full: float = 0.98) -> list[Part]:
    """Return what is combined: each proxy that scores nearly all, and each other one filled by each of those."""
    covered = {name: float(np.mean(~np.isnan(values))) for name, values in columns.items()}
    most = [name for name in columns if covered[name] >= full]
    return [*most, *(Filled(name, other) for name in columns if name not in most for other in most)]


def paths(
    candidates: Sequence[Part], columns: Columns, reached: Sequence[np.ndarray], largest: int
) -> list[Mean]:
    """Return what greedy selection with replacement (Caruana et al., 2004) meets, of one part to `largest`, by both means.

    Each step adds the part with which the agreement is best; a part that is added again has more weight.
    """
    found = []
    for log in (False, True):
        chosen: tuple[Part, ...] = ()
        for _ in range(largest):
            grown = [Mean((*chosen, part), log) for part in candidates]
            best = max(grown, key=lambda one: agreement(one, columns, reached))
            chosen = best.parts
            found.append(best)
    return found


def cut(columns: Columns, places: Any) -> dict[str, np.ndarray]:
    """Return the scores of some architectures alone."""
    return {name: values[places] for name, values in columns.items()}
