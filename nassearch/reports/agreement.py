"""How proxies agree with one another: rank correlations over the architectures that all of them score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nassearch.reports.correlation import Correlation
from nassearch.statistics import intervals
from nassearch.statistics.correlation import ranked
from nassearch.statistics.intervals import Estimate
from nassearch.types import Floats


@dataclass(frozen=True)
class Agreement:
    """Rank correlations among proxies, all over the same architectures.

    Attributes:
        proxies: P names.
        architectures: how many have a score by every proxy. The rest is left out.
        accuracy: `[P]`, Spearman's rho of each proxy with what the architectures reach.
        rho, tau: `[P, P]`, Spearman's and Kendall's tau-b of each two of them.
    """

    proxies: tuple[str, ...]
    architectures: int
    accuracy: tuple[Estimate, ...]
    rho: tuple[tuple[Estimate, ...], ...]
    tau: tuple[tuple[Estimate, ...], ...]

    def rows(self) -> list[tuple[str, tuple[Estimate, ...]]]:
        """Return every row in words, with a figure for each proxy."""
        found = [("rho with what is reached", self.accuracy)]
        for name, pairs in (("rho", self.rho), ("tau", self.tau)):
            found += [(f"{name} with {each}", row) for each, row in zip(self.proxies, pairs, strict=True)]
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        pairs = {
            name: [[each._asdict() for each in row] for row in rows]
            for name, rows in (("rho", self.rho), ("tau", self.tau))
        }
        accuracy = [each._asdict() for each in self.accuracy]
        return {
            "proxies": list(self.proxies),
            "architectures": self.architectures,
            "accuracy": accuracy,
            **pairs,
        }


def agreement(found: Correlation) -> Agreement:
    """Compare the proxies of a correlation with one another, with its intervals.

    So a proxy of this package is held against the scores that others published of it: both are judged on the same
    architectures, and equal rankings have a rho of 1 whatever the scale of their scores.
    """
    scores = np.stack([report.scores for report in found.reports])
    both = ~np.isnan(scores).any(axis=0)
    scores, reached, how = scores[:, both], found.accuracies[both], found.how

    def estimate(one: Floats, other: Floats, name: str) -> Estimate:
        x, y, _ = ranked(one, other)
        value: Estimate = getattr(intervals, name)(x, y, how)
        return value

    count = len(scores)
    rho: list[list[Estimate]] = [[Estimate(1.0, 1.0, 1.0)] * count for _ in range(count)]
    tau = [list(row) for row in rho]
    for kind, rows in (("rho", rho), ("tau", tau)):
        for i in range(count):
            for j in range(i):
                rows[i][j] = rows[j][i] = estimate(scores[i], scores[j], kind)
    return Agreement(
        tuple(report.proxy for report in found.reports),
        int(both.sum()),
        tuple(estimate(row, reached, "rho") for row in scores),
        tuple(map(tuple, rho)),
        tuple(map(tuple, tau)),
    )
