"""How well scores rank architectures, and how sure one can be of a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.statistics import ranks
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
    x, y, dropped = ranked(scores, accuracies, top)
    return Correlation(ranks.rho(x, y) if len(x) > 1 else float("nan"), len(x), dropped)


def kendall(scores: Floats, accuracies: Floats, top: float | None = None) -> Correlation:
    """Return Kendall's tau-b, with its sign, in O(N log N); arguments as for `spearman`."""
    x, y, dropped = ranked(scores, accuracies, top)
    return Correlation(tau_b(x, y), len(x), dropped)


def tau_b(x: ranks.Ranks, y: ranks.Ranks) -> float:
    """Return Kendall's tau-b of two rankings; NaN for fewer than two pairs or a constant side.

    tau-b = (agreeing - disagreeing) / sqrt((n0 - ties in x) (n0 - ties in y)), counted in pairs, of which
    there are n0 = N (N - 1) / 2. Of these six, five agree and one is a tie in x: (5 - 0) / sqrt((6 - 1) * 6).

    >>> round(tau_b(np.array([0, 1, 1, 2]), np.array([0, 2, 1, 3])), 12) == round(5 / 30**0.5, 12)
    True
    """
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    from scipy import stats  # here, since it takes longer to import than all else that a search needs

    return float(stats.kendalltau(x, y)[0])


def coverage(scores: Floats) -> float:
    """Return the share of architectures that have a score. State it beside every correlation."""
    return float(np.mean(~np.isnan(scores)))


def top_overlap(scores: Floats, accuracies: Floats, share: float = 0.1) -> float:
    """Return the share of the top scores that belong to top models.

    Top is above the percentile: the 90th for a share of 0.1. NaN pairs are dropped first; the result is NaN
    where ties leave no score above it.
    """
    _check_share(share)
    x, y, _ = ranked(scores, accuracies)
    return ranks.overlap(x, y, share) if len(x) else float("nan")


def top_count(scores: Floats, accuracies: Floats, k: int = 64, share: float = 0.05) -> int:
    """Return how many of the k best scored architectures are among the best `share` of the models.

    Exactly k count (all, where fewer have a score): of equal scores the earlier ones in the order given.
    """
    _check_share(share)
    x, y, _ = ranked(scores, accuracies)
    return ranks.hits(x, y, k, share) if len(x) else 0


def slope(scores: Floats, accuracies: Floats) -> float:
    """Return the slope of the least squares line of log(1 - score) over accuracy.

    From figure 5 of "Improving Zero-Shot NAS with Parameters Scoring" (2020), which shows absolute values.
    Scores of exactly 1 have no logarithm and are left out, NaN pairs are dropped. The result is NaN where a score
    lies outside 0 to 1, or fewer than two accuracies are left. With x the accuracies and y the logarithms it is
    sum (x_i - mean x) y_i / sum (x_i - mean x)^2; here y falls by log 10 at each step.

    >>> round(slope(np.array([0.0, 0.9, 0.99]), np.array([70.0, 71.0, 72.0])), 6)  # - log 10
    -2.302585
    """
    scores, accuracies, _ = pairs(scores, accuracies)
    if not len(scores) or scores.min() < 0 or scores.max() > 1:
        return float("nan")
    kept = scores < 1
    # Neither np.log1p nor products of matrices: their last bits move with the make of processor.
    x, y = accuracies[kept], np.array([math.log1p(-score) for score in scores[kept].tolist()])
    x = x - x.mean() if len(x) else x
    return float((x * y).sum() / (x * x).sum()) if len(x) > 1 and x.any() else float("nan")


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
    resampled = (sample[rng.integers(len(sample), size=(draws, len(sample)))] for sample in samples)
    return ends(statistic(*resampled), level)


def ends(replicates: Floats, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of replicates: the order statistics at (1 - level) / 2 and (1 + level) / 2.

    >>> ends(np.arange(1.0, 101.0), level=0.9)
    (5.0, 95.0)
    """
    if not 0 < level < 1:
        raise InvalidSetting(f"the level of an interval lies between 0 and 1, not {level}")
    replicates = replicates[~np.isnan(replicates)]
    if not len(replicates):
        return float("nan"), float("nan")
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(replicates, tails, method="inverted_cdf")
    return float(low), float(high)


def pairs(scores: Floats, accuracies: Floats) -> tuple[Floats, Floats, int]:
    """Return the pairs without a NaN, and how many had one.

    Raises:
        InvalidSetting: these are not two lists of one length.
    """
    scores, accuracies = np.asarray(scores, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    if scores.shape != accuracies.shape or scores.ndim != 1:
        raise InvalidSetting(
            f"scores and accuracies are two lists of one length, not {scores.shape} and {accuracies.shape}"
        )
    both = ~(np.isnan(scores) | np.isnan(accuracies))
    return scores[both], accuracies[both], int((~both).sum())


def ranked(
    scores: Floats, accuracies: Floats, top: float | None = None
) -> tuple[ranks.Ranks, ranks.Ranks, int]:
    """Return the dense ranks of the pairs without a NaN, of the top by accuracy where asked, and how many had one."""
    scores, accuracies, dropped = pairs(scores, accuracies)
    x, y = ranks.dense(scores), ranks.dense(accuracies)
    if top is not None and len(x):
        _check_share(top)
        kept = ranks.above(y, top)
        x, y = ranks.dense(x[kept]), ranks.dense(y[kept])
    return x, y, dropped


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise InvalidSetting(f"a top share lies above 0 and at most at 1, not {share}")
