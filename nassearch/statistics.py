"""How well scores rank architectures, and how sure one can be of a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.types import Floats


class Correlation(NamedTuple):
    """A rank correlation, the number of pairs behind it, and the number of pairs dropped for a NaN.

    The value is NaN where fewer than two pairs are left or one side of them is constant.
    """

    value: float
    used: int
    dropped: int


def spearman(scores: Floats, accuracies: Floats, top: float | None = None) -> Correlation:
    """Return Spearman's rho, with its sign.

    Args:
        scores, accuracies: `[N]` each; higher is better in both.
        top: share of the architectures to look at, by accuracy: 0.1 keeps those above the 90th percentile.
    """
    return _correlation("spearmanr", scores, accuracies, top)


def kendall(scores: Floats, accuracies: Floats, top: float | None = None) -> Correlation:
    """Return Kendall's tau-b, with its sign; arguments as for `spearman`."""
    return _correlation("kendalltau", scores, accuracies, top)


def coverage(scores: Floats) -> float:
    """Return the share of architectures that have a score. State it beside every correlation."""
    return float(np.mean(~np.isnan(scores)))


def top_overlap(scores: Floats, accuracies: Floats, share: float = 0.1) -> float:
    """Return the share of the top scores that belong to top models.

    Top is above the percentile: the 90th for a share of 0.1. NaN pairs are dropped first; the result is NaN
    where ties leave no score above it.
    """
    scores, accuracies, _ = _pairs(scores, accuracies)
    if not len(scores):
        return float("nan")
    best_scores, best_models = _above(scores, share), _above(accuracies, share)
    return float(np.mean(best_models[best_scores])) if best_scores.any() else float("nan")


def top_count(scores: Floats, accuracies: Floats, k: int = 64, share: float = 0.05) -> int:
    """Return how many of the k best scored architectures are among the best `share` of the models.

    Exactly k count (all, where fewer have a score): of equal scores the earlier ones in the order given.
    """
    scores, accuracies, _ = _pairs(scores, accuracies)
    if not len(scores):
        return 0
    return int(_above(accuracies, share)[np.argsort(-scores, kind="stable")[:k]].sum())


def bootstrap(
    statistic: Callable[..., Floats],
    *samples: NDArray[Any],
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = 2000,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic (Efron, 1979).

    Args:
        statistic: maps arrays `[draws, R]`, one for each sample, to `[draws]`.
        samples: one-dimensional; each is resampled on its own.
        rng: where the resampling comes from.
        level: share of the replicates inside the interval.

    Replicates that are NaN are left out; NaN, NaN is returned where all are. The ends are replicates, not
    interpolated, so that they may be infinite.
    """
    if not 0 < level < 1:
        raise InvalidSetting(f"the level of an interval lies between 0 and 1, not {level}")
    resampled = (sample[rng.integers(len(sample), size=(draws, len(sample)))] for sample in samples)
    replicates = statistic(*resampled)
    replicates = replicates[~np.isnan(replicates)]
    if not len(replicates):
        return float("nan"), float("nan")
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(replicates, ends, method="inverted_cdf")
    return float(low), float(high)


def _pairs(scores: Floats, accuracies: Floats) -> tuple[Floats, Floats, int]:
    scores, accuracies = np.asarray(scores, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    if scores.shape != accuracies.shape or scores.ndim != 1:
        raise InvalidSetting(
            f"scores and accuracies are two lists of one length, not {scores.shape} and {accuracies.shape}"
        )
    both = ~(np.isnan(scores) | np.isnan(accuracies))
    return scores[both], accuracies[both], int((~both).sum())


def _above(values: Floats, share: float) -> np.ndarray:
    if not 0 < share <= 1:
        raise InvalidSetting(f"a top share lies above 0 and at most at 1, not {share}")
    return np.asarray(values > np.percentile(values, 100 * (1 - share)))


def _correlation(
    measure: str,
    scores: Floats,
    accuracies: Floats,
    top: float | None,
) -> Correlation:
    scores, accuracies, dropped = _pairs(scores, accuracies)
    if top is not None and len(scores):
        kept = _above(accuracies, top)
        scores, accuracies = scores[kept], accuracies[kept]
    if len(scores) < 2 or np.ptp(scores) == 0 or np.ptp(accuracies) == 0:
        return Correlation(float("nan"), len(scores), dropped)
    from scipy import stats  # here, since it takes longer to import than all else that a search needs

    return Correlation(float(getattr(stats, measure)(scores, accuracies)[0]), len(scores), dropped)
