"""A Gaussian process whose inputs come in groups, each with a length scale of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from nassearch.types import Floats

STEPS = (1.0, 0.5, 0.25)
"""Steps of the search for hyperparameters, of logarithms. All that it compares lies on the grid of the last, so that
the last bits of a matrix product decide nothing but between values that are equal but for `MARGIN`."""
SWEEPS = 6
MARGIN = 1e-4
"""What a hyperparameter's move has to gain, of the logarithm of the posterior density."""
SHAPE = 1.0
"""Of the prior of the signal's variance, an inverse gamma of mean 1 for standardised values: as two values weigh."""


@dataclass(frozen=True)
class Prior:
    """Normal priors of the logarithms of the hyperparameters.

    Attributes:
        lengths: means for each group of inputs; two inputs at random are sqrt(2) apart.
        spread: deviation of each of them.
        noise: mean for the share of the noise in the signal's variance.
        noise_spread: its deviation.
    """

    lengths: tuple[float, ...]
    spread: tuple[float, ...]
    noise: float
    noise_spread: float

    @property
    def start(self) -> Floats:
        return np.array([*self.lengths, self.noise])

    def minus_log(self, theta: Floats) -> float:
        """Return minus the logarithm of the density, but for a constant."""
        away = (theta - self.start) / np.array([*self.spread, self.noise_spread])
        return float((away * away).sum()) / 2


def distances(one: Sequence[Floats], other: Sequence[Floats]) -> Floats:
    """Return squared distances by group, `[G, N, M]`, of inputs `[N, F]` and `[M, F]` each."""
    found = np.empty((len(one), len(one[0]), len(other[0])))
    for out, a, b in zip(found, one, other, strict=True):
        out[:] = (a * a).sum(1)[:, None] + (b * b).sum(1)
        out -= 2 * (a @ b.T)
    return np.maximum(found, 0, out=found)


def kernel(squared: Floats, theta: Floats) -> Floats:
    """Return the Matern kernel of smoothness 5/2 for squared distances `[G, N, M]`: `[N, M]`."""
    r = np.sqrt(5 * sum(d * math.exp(-2 * log_length) for d, log_length in zip(squared, theta, strict=False)))
    found: Floats = (1 + r + r * r / 3) * np.exp(-r)
    return found


def minus_log_posterior(theta: Floats, squared: Floats, y: Floats, prior: Prior) -> float:
    """Return minus the logarithm of the density of hyperparameters given values, the signal's variance integrated out.

    Args:
        theta: logarithms of the length scales `[G]`, then of the noise's share of the variance.
        squared: distances of the N inputs `[G, N, N]`.
        y: standardised values `[N]`.
    """
    found = _root(squared, theta)
    if found is None:
        return math.inf
    b = solve_triangular(found, y, lower=True, check_finite=False)
    n = len(y)
    logs = sum(map(math.log, found.diagonal().tolist()))
    return (
        (n / 2 + SHAPE) * math.log((float(b @ b) / 2 + SHAPE) / (n / 2 + SHAPE))
        + logs
        + prior.minus_log(theta)
    )


def _root(squared: Floats, theta: Floats) -> Floats | None:
    matrix = kernel(squared, theta)
    matrix.flat[:: len(matrix) + 1] += math.exp(theta[-1])
    try:
        root: Floats = cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    return root


def fit(theta: Floats, squared: Floats, y: Floats, prior: Prior) -> Floats:
    """Return the hyperparameters that steps along one of them at a time lead to, from those given.

    A search on a grid, not along gradients: it compares a few dozen densities, each as exact as a Cholesky factor, and
    ends at the same numbers on every make of processor. Gradients lead to places that differ by some 1e-6.
    """
    best = minus_log_posterior(theta, squared, y, prior)
    for step in STEPS:
        for _ in range(SWEEPS):
            before = best
            for which in range(len(theta)):
                for away in (step, -step):
                    tried = theta.copy()
                    tried[which] += away
                    value = minus_log_posterior(tried, squared, y, prior)
                    if value < best - MARGIN:
                        theta, best = tried, value
                        break
            if best == before:
                break
    return theta


class Posterior:
    """What M candidates are worth, given the values of the first N of the points told; grows with N.

    Args:
        candidates: inputs `[M, F]` of each group.
    """

    def __init__(self, candidates: Sequence[Floats]) -> None:
        self.candidates = candidates
        self._known = 0
        self._squared = np.empty((len(candidates), 0, len(candidates[0])))
        self._solved = np.empty((0, len(candidates[0])))
        self._theta = np.empty(0)
        self.noise = 0.0
        """Variance of the noise, in the unit of y squared, after a call of `predict`."""

    def predict(
        self, points: Sequence[Floats], squared: Floats, y: Floats, theta: Floats
    ) -> tuple[Floats, Floats]:
        """Return mean and deviation `[M]` of the signal, in the unit of y.

        Args:
            points: inputs of the N points; those of the last call come first.
            squared: distances between them `[G, N, N]`.
            y: their standardised values.
            theta: hyperparameters.
        """
        n, known = len(y), self._known
        self._squared, self._solved = _roomy(self._squared, n, 1), _roomy(self._solved, n, 0)
        self._squared[:, known:n] = distances([group[known:] for group in points], self.candidates)
        done = known if np.array_equal(theta, self._theta) else 0
        root = _root(squared, theta)
        if root is None:  # rounding, of points that are nearly the same: they are told apart a little more
            return self.predict(points, squared, y, np.array([*theta[:-1], theta[-1] + 1]))
        self._theta, self._known = theta, n
        rest = kernel(self._squared[:, done:n], theta) - root[done:, :done] @ self._solved[:done]
        self._solved[done:n] = solve_triangular(root[done:, done:], rest, lower=True, check_finite=False)
        solved = self._solved[:n]
        b = solve_triangular(root, y, lower=True, check_finite=False)
        scale = (float(b @ b) / 2 + SHAPE) / (n / 2 + SHAPE)
        self.noise = scale * math.exp(theta[-1])
        left = np.maximum(1 - np.einsum("ij,ij->j", solved, solved), 1e-10)
        return b @ solved, np.sqrt(left * scale)


def _roomy(held: Floats, rows: int, axis: int) -> Floats:
    """Return an array with room for so many rows along an axis, the first of them those that are held."""
    there = held.shape[axis]
    if there >= rows:
        return held
    shape = list(held.shape)
    shape[axis] = max(rows, 2 * there, 16)
    larger = np.empty(shape)
    larger[(slice(None),) * axis + (slice(there),)] = held
    return larger
