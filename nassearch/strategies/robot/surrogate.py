"""A Gaussian process of few points in few dimensions: what is known of a value between the weights that were tried.

Every step is one of elements, in a fixed order, so that numbers are the same bytes on every processor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nassearch.types import Floats

LENGTHS = tuple(0.05 * 2.0 ** (step / 2) for step in range(15))
"""Length scales that are tried, from 0.05 to 6.4: weights lie in [-1, 1]."""
JITTER = 1e-6
"""Added to the variance of what was seen, as the package of the paper does."""


class Surrogate:
    """A Gaussian process with a Matern kernel of 5/2 and one length scale, that of the largest likelihood.

    Values are centred and scaled first (Rasmussen and Williams, 2006, algorithm 2.1, equations 4.17 and 5.8).

    Args:
        points: N places `[N, D]`.
        values: `[N]`, finite.
    """

    def __init__(self, points: Floats, values: Sequence[float]) -> None:
        self._points, count = points, len(values)
        self.mean = math.fsum(values) / count
        spread = math.sqrt(math.fsum((value - self.mean) ** 2 for value in values) / count)
        self.scale = spread if spread > 0 else 1.0
        targets = np.array([(value - self.mean) / self.scale for value in values])
        apart = _distances(points, points)
        found = []
        for length in LENGTHS:
            lower = _cholesky(_matern(apart / length))
            solved = _forward(lower, targets[:, None])[:, 0]
            halves = math.fsum(x * x for x in solved.tolist()) / 2
            found.append((halves + math.fsum(map(math.log, np.diag(lower).tolist())), length, lower, solved))
        _, self.length, self._lower, self._solved = min(found, key=lambda each: each[0])

    def predict(self, places: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the value at M places `[M, D]`, each `[M]`."""
        solved = _forward(self._lower, _matern(_distances(self._points, places) / self.length))
        mean, variance = np.zeros(len(places)), np.ones(len(places))
        for row, target in zip(solved, self._solved.tolist(), strict=True):
            mean += row * target
            variance -= row * row
        return self.mean + self.scale * mean, self.scale * np.sqrt(np.maximum(variance, 0.0))


def _distances(one: Floats, other: Floats) -> Floats:
    squares = np.zeros((len(one), len(other)))
    for a, b in zip(one.T, other.T, strict=True):
        squares += (a[:, None] - b[None, :]) ** 2
    return np.asarray(np.sqrt(squares))


def _matern(apart: Floats) -> Floats:
    far = math.sqrt(5.0) * apart
    # Not np.exp, whose last bit moves with the vector instructions of a processor.
    decay = np.array([*map(math.exp, (-far).ravel().tolist())]).reshape(far.shape)
    return np.asarray((1.0 + far + far * far / 3.0) * decay)


def _cholesky(matrix: Floats) -> Floats:
    rest, lower = matrix + JITTER * np.eye(len(matrix)), np.zeros_like(matrix)
    for k in range(len(matrix)):
        # Points nearly alike leave a pivot that rounding decides: never below the jitter.
        column = rest[k:, k] / math.sqrt(max(rest[k, k], JITTER))
        lower[k:, k] = column
        rest[k:, k:] -= column[:, None] * column[None, :]
    return lower


def _forward(lower: Floats, right: Floats) -> Floats:
    """Solve a lower triangular system for each column of `right` `[N, M]`."""
    rest, solved = right.copy(), np.empty_like(right)
    for k in range(len(lower)):
        solved[k] = rest[k] / lower[k, k]
        rest[k + 1 :] -= lower[k + 1 :, k, None] * solved[k]
    return solved
