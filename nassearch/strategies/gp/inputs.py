"""What a surrogate knows of architectures: their graphs, what the space adds, and ranks by scorers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from nassearch.spaces.base import SearchSpace
from nassearch.statistics.ranks import midranks_among
from nassearch.strategies.gp.graphs import edge_features, graph_features
from nassearch.types import Arch, Floats, Scorer

TOP = 0.01
"""Share of the ranks within which they are told apart no further."""
DIGITS = 6
"""Ranks that are estimated are rounded to so many."""


def decides(space: SearchSpace) -> bool:
    """Return whether an architecture of a space is its decisions, which are free."""
    return space.options is not None and type(space.unconstrained).decide is SearchSpace.decide


def described(space: SearchSpace, archs: Sequence[Arch]) -> list[Floats]:
    """Return what is known of N architectures without a scorer, by group, `[N, F]` each.

    First what the ways through the graph and the space say, then the edges by operation and, where `decides`, one
    column for each option.
    """
    cells = space.graphs(archs)
    found = [graph_features(cells), edge_features(cells)]
    if type(space.unconstrained).features is not SearchSpace.features:
        more = [[*space.features(arch).values()] for arch in archs]
        found[0] = np.concatenate([found[0], np.array(more, np.float64)], 1)
    if decides(space):
        columns = zip(np.array(archs).T, space.options or (), strict=True)
        found.append(
            np.concatenate([column[:, None] == np.arange(count) for column, count in columns], 1) * 1.0
        )
    return found


@lru_cache(maxsize=2)  # read again by every round
def whole(space: SearchSpace) -> tuple[list[Arch], list[Floats]]:
    """Return every architecture and what is known of it."""
    archs = list(space.all())
    return archs, described(space, archs)


def spread_out(ranks: Floats) -> Floats:
    """Return ranks `[N]` with the top drawn apart, -log(1 - rank + TOP), `[N, 1]`.

    The best are a few in a thousand, which ranks alone hardly tell apart.
    """
    return np.array([[-math.log(1 - rank + TOP)] for rank in ranks.tolist()]).reshape(-1, 1)


class Scale:
    """Puts inputs on one scale: those of a sample have mean 0 and are sqrt(2) apart in the mean of squares.

    Args:
        sample: inputs `[N, F]`; columns without spread are left out.
    """

    def __init__(self, sample: Floats) -> None:
        spread = sample.std(0)
        self._used = spread > 1e-9 * (1 + np.abs(sample).max(0, initial=0))
        self._mean = sample.mean(0)[self._used]
        self._spread = spread[self._used] * max(1, self._used.sum()) ** 0.5

    def __call__(self, inputs: Floats) -> Floats:
        scaled: Floats = (inputs[:, self._used] - self._mean) / self._spread
        return scaled


class Guides:
    """Ranks by scorers, from 0 for the lowest to 1 for the highest score of those that were scored first.

    What a scorer has no number for, or was not asked about, gets the rank that a linear regression on the other inputs
    expects. So it is like what looks like it, and no outlier.

    Args:
        scorers: by name.
        archs: that are scored, and set the ranks.
        inputs: what is known of them otherwise, scaled, `[N, F]`.
    """

    RIDGE = 1.0
    """Weight of the regression's penalty, as much as of one architecture."""

    def __init__(self, scorers: Mapping[str, Scorer], archs: Sequence[Arch], inputs: Floats) -> None:
        self.scorers = dict(scorers)
        self._scores: dict[Arch, Floats] = {}
        scores = self._ask(archs)
        self._known = [column[np.isfinite(column)] for column in scores]
        self._laws = [
            self._law(inputs[np.isfinite(column)], self._rank(column[np.isfinite(column)], known))
            for column, known in zip(scores, self._known, strict=True)
        ]

    def _ask(self, archs: Sequence[Arch]) -> Floats:
        scores = np.array([scorer(archs) for scorer in self.scorers.values()]).reshape(-1, len(archs))
        self._scores.update(zip(archs, scores.T, strict=True))
        return scores

    def ask(self, archs: Sequence[Arch]) -> None:
        """Score those that were not."""
        if new := [arch for arch in dict.fromkeys(archs) if arch not in self._scores]:
            self._ask(new)

    def ranks(self, archs: Sequence[Arch], inputs: Floats) -> Floats:
        """Return the ranks of N architectures, `[G, N]`."""
        nothing = np.full(len(self.scorers), np.nan)
        scores = np.array([self._scores.get(arch, nothing) for arch in archs]).T.reshape(-1, len(archs))
        found = np.empty_like(scores)
        for out, column, known, law in zip(found, scores, self._known, self._laws, strict=True):
            out[:] = np.where(np.isfinite(column), self._rank(column, known), np.nan)
            lacking = np.isnan(out)
            if lacking.any():
                guess = law[0] + inputs[lacking] @ law[1:]
                out[lacking] = np.clip(np.round(guess, DIGITS), 0, 1)
        return found

    def _rank(self, scores: Floats, known: Floats) -> Floats:
        return (midranks_among(scores, known) - 0.5) / max(1, len(known))

    def _law(self, inputs: Floats, ranks: Floats) -> Floats:
        centre = ranks.mean() if len(ranks) else 0.5
        rows = inputs * inputs.shape[1] ** 0.5  # of columns with spread 1
        matrix = rows.T @ rows + self.RIDGE * np.eye(inputs.shape[1])
        slopes = cho_solve(cho_factor(matrix), rows.T @ (ranks - centre)) * inputs.shape[1] ** 0.5
        return np.array([centre, *slopes])
