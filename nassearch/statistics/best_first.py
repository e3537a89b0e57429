"""Statistics in which the best architectures count most: nDCG and weighted tau, of rankings as in `ranks`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nassearch.statistics.ranks import Ranks
from nassearch.types import Floats

PLACES = 1000
"""Places that nDCG looks at, as table 1 of its paper does."""


def gains(accuracies: Floats) -> Floats:
    """Return what each architecture is worth at the first place, `[N]`, over what the best is worth before the -1.

    2^a - 1 for accuracies a in percent (Tybl and Neumann, "Training-free NAS through Variance of Knowledge of Deep
    Network Weights", 2025, eq. 14). Where some are below 0, as negated losses are, 2^a less that of the worst, so that
    no gain is negative: 2^a - 2^min(0, worst). One unit better is worth twice as much, so the unit counts.

    >>> gains(np.array([3.0, 0.0, 1.0])) * 2**3, gains(np.array([-1.0, -3.0, -2.0])) * 2**-1
    (array([7., 0., 1.]), array([0.375, 0.   , 0.125]))
    """
    best = float(accuracies.max(initial=-math.inf))
    if not math.isfinite(best):
        return np.full(len(accuracies), np.nan)
    # Over 2^best, which cancels in nDCG, no power is too large. Not np.exp2, whose last bit moves with the processor.
    worst = 2.0 ** (min(0.0, float(accuracies.min())) - best)
    return np.array([2.0 ** (a - best) - worst for a in accuracies.tolist()])


def ndcg(scores: Ranks, accuracies: Ranks, worth: Floats, places: int = PLACES) -> float:
    """Return the normalised discounted cumulative gain of the first places (2025, eq. 14), from 0 to 1.

    sum over places j = 1 ... P of gain_j / log2(1 + j), with architectures in the order of their scores, over the same
    sum in the order of their accuracies. Equal scores share the mean of their gains. NaN where no gain is above 0.

    The example of the paper's figure 2, whose best of ten architectures comes third:

    >>> accuracies = np.array([80.0, 70, 100, 90, 60, 50, 40, 30, 20, 10])
    >>> order = np.array([7, 6, 9, 8, 5, 4, 3, 2, 1, 0])  # dense ranks of the accuracies
    >>> round(ndcg(np.arange(10)[::-1], order, gains(accuracies)[np.argsort(order)]), 2)
    0.5

    Args:
        scores, accuracies: `[N]`, dense ranks; numbers may be missing in between.
        worth: `gains` by rank of the accuracy.
        places: P; all, where there are fewer architectures.
    """
    found = worth[accuracies]
    ideal = _discounted(accuracies, found, places)
    return _discounted(scores, found, places) / ideal if ideal > 0 else float("nan")


def weighted_tau(scores: Ranks, accuracies: Ranks) -> float:
    """Return the weighted tau of Vigna (2015), additive and hyperbolic; NaN for under two pairs or a constant side.

    tau-b in which a pair of architectures at the places r and s, counted from 1 at the best, has the weight 1/r + 1/s.
    Places are by score and by accuracy, one tau for each, whose mean it is: of equals by one, the better by the other
    has the better place. Of the three pairs here the first two agree and weigh 3/2 and 4/3; the last does not, 5/6:

    >>> round(weighted_tau(np.arange(3), np.array([1, 0, 2])), 6), round((3 / 2 + 4 / 3 - 5 / 6) / (11 / 3), 6)
    (0.545455, 0.545455)
    """
    if len(scores) < 2 or np.ptp(scores) == 0 or np.ptp(accuracies) == 0:
        return float("nan")
    from scipy import stats  # here, since it takes longer to import than all else that a search needs

    # Its sums leave 1 - 4e-16 for two equal rankings.
    return round(float(stats.weightedtau(scores, accuracies)[0]), 14)


def _discounted(ranks: Ranks, found: Floats, places: int) -> float:
    """Return the sum of gains over the first places, best rank first, each group of equals at its mean."""
    counts = np.bincount(ranks)[::-1]
    sums = np.bincount(ranks, weights=found)[::-1]
    ends: NDArray[np.int64] = np.minimum(np.cumsum(counts), places)
    until = np.cumsum([0.0, *(1 / math.log2(1 + j) for j in range(1, int(ends[-1]) + 1))])
    return float((sums / np.maximum(counts, 1) * np.diff(until[ends], prepend=0.0)).sum())
