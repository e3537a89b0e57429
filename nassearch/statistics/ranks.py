"""Statistics of two rankings, fast enough to be resampled a thousand times.

Values come as dense ranks: 0 for the lowest, one number for equals. Numbers may be missing in between, as they are in
a resample, so a draw costs no sorting.

Mid-ranks count from 1, and equal values share the mean of their places:
mid(i) = #{j: a_j < a_i} + (#{j: a_j = a_i} + 1) / 2.

    >>> values = np.array([10.0, 20.0, 20.0, 50.0])
    >>> dense(values), midranks(dense(values))
    (array([0, 1, 1, 2]), array([1. , 2.5, 2.5, 4. ]))
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.types import Floats

Ranks = NDArray[np.int64]


def dense(values: NDArray[Any]) -> Ranks:
    """Return the dense ranks of values without NaN; infinities are values like others."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def midranks(a: Ranks) -> Floats:
    """Return the mid-ranks of N values, from 1 to N."""
    counts = np.bincount(a)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[a])


def midranks_among(values: Floats, others: Floats) -> Floats:
    """Return the mid-ranks of values `[N]` among others `[M]`, which hold no NaN; a NaN counts as above all.

    What is not among them stands in between: below all it has 1/2, above all M + 1/2.

    >>> midranks_among(np.array([5.0, 4.0]), np.array([7.0, 5.0, 3.0, 5.0]))
    array([2.5, 1.5])
    """
    known = np.sort(others)
    return np.asarray(
        (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right") + 1) / 2
    )


def rho(a: Ranks, b: Ranks) -> float:
    """Return Spearman's rho, the correlation of mid-ranks; NaN where either side is constant.

    rho = sum (x_i - mean x)(y_i - mean y) / sqrt(sum (x_i - mean x)^2 sum (y_i - mean y)^2), x and y the mid-ranks.
    Without ties that is 1 - 6 sum d_i^2 / (N (N^2 - 1)) for differences d_i of ranks; here 1 - 6 * 2 / (4 * 15).

    >>> round(rho(np.array([0, 1, 2, 3]), np.array([0, 2, 1, 3])), 12)
    0.8
    """
    x, y = midranks(a), midranks(b)
    x -= x.mean()
    y -= y.mean()
    # Not x @ y, which adds in an order that the make of processor chooses.
    spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / spread if spread else float("nan")


def above(a: Ranks, share: float) -> NDArray[np.bool_]:
    """Mark what lies above a percentile: the 90th for a share of 0.1.

    The percentile lies between the order statistics k and k + 1 for k = floor((1 - share) * (N - 1)), so what exceeds
    it exceeds the lower of the two. Rounded first, since 0.9 * 10 is below 9 for some shares written as floats.
    """
    k = int(np.floor(round((1 - share) * (len(a) - 1), 9)))
    return np.asarray(a > np.searchsorted(np.cumsum(np.bincount(a)), k, side="right"))


def overlap(scores: Ranks, accuracies: Ranks, share: float) -> float:
    """Return the share of the top scores that belong to top models; NaN where ties leave no top score."""
    best = above(scores, share)
    return float(np.mean(above(accuracies, share)[best])) if best.any() else float("nan")


def hits(scores: Ranks, accuracies: Ranks, k: int, share: float) -> int:
    """Return how many of exactly k best scores belong to top models; of equal scores the earlier count."""
    top = above(accuracies, share)
    if len(scores) <= k:
        return int(top.sum())
    from_above = np.cumsum(np.bincount(scores)[::-1])
    last = len(from_above) - 1 - int(np.searchsorted(from_above, k))
    sure = scores > last
    places = np.flatnonzero(scores == last)[: k - int(sure.sum())]
    return int(top[sure].sum() + top[places].sum())


def untied(a: Ranks) -> Floats:
    """Return for each of N values the share of the N - 1 others that differ from it."""
    return np.asarray((len(a) - np.bincount(a)[a]) / (len(a) - 1))


def tau_a(a: Ranks, b: Ranks) -> float:
    """Return Kendall's tau-a of N pairs, at least two: (agreeing - disagreeing) / (N (N - 1) / 2); a tie is neither.

    Of the six pairs of these four, five agree and one does not.

    >>> round(tau_a(np.array([0, 1, 2, 3]), np.array([0, 2, 1, 3])), 12) == round((5 - 1) / 6, 12)
    True
    """
    return float(_balance(a, b).sum() / (len(a) * (len(a) - 1)))


def concordance(a: Ranks, b: Ranks) -> Floats:
    """Return for each of N pairs how many others it agrees with in order, less those it disagrees with, over N - 1.

    The mean is Kendall's tau-a.

    >>> (3 * concordance(np.array([0, 1, 2, 3]), np.array([0, 2, 1, 3]))).tolist()
    [3.0, 1.0, 1.0, 3.0]
    """
    return np.asarray(_balance(a, b) / (len(a) - 1))


def _balance(a: Ranks, b: Ranks) -> Ranks:
    """Return for each i how many j it agrees with, less those it disagrees with, in O(N log N)."""
    count_a, count_b = np.bincount(a), np.bincount(b)
    below_a, below_b = (np.cumsum(count_a) - count_a)[a], (np.cumsum(count_b) - count_b)[b]
    above_a = len(a) - below_a - count_a[a]
    less_among_a, less_among_b, same = _below_among(a, b), _below_among(b, a), _same(a, b)
    more_among_b = count_b[b] - less_among_b - same
    # Write < and > for below and above in a, then b: (<<) + (>>) - (<>) - (><), where (<>) is what is below in a but
    # neither (<<) nor equal in b, and so on.
    balance = 4 * _both_below(a, b) + above_a - below_a - 2 * below_b + 2 * less_among_a
    return np.asarray(balance + less_among_b - more_among_b)


def _below_among(group: Ranks, values: Ranks) -> Ranks:
    """Return for each i the number of j with group[j] == group[i] and values[j] < values[i]."""
    order = np.lexsort((values, group))
    ordered = np.stack([group[order], values[order]])
    place = np.arange(len(order))
    starts = np.r_[True, ordered[0, 1:] != ordered[0, :-1]]
    fresh = starts | np.r_[True, ordered[1, 1:] != ordered[1, :-1]]
    found = np.empty_like(place)
    first_of = np.maximum.accumulate(np.where(fresh, place, 0))
    found[order] = first_of - np.maximum.accumulate(np.where(starts, place, 0))
    return found


def _same(a: Ranks, b: Ranks) -> Ranks:
    """Return for each i the number of j, i among them, that equal it on both sides."""
    _, inverse, counts = np.unique(a * (b.max() + 1) + b, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse])


def _both_below(a: Ranks, b: Ranks) -> Ranks:
    """Return for each i the number of j with a[j] < a[i] and b[j] < b[i].

    In the order of a, falling b among equals, j has to come before i with b[j] < b[i]. Two numbers differ first, from
    the top, in one bit. So numbers that agree above a bit are kept together, in order, each one counts the zeros
    before it, and zeros and ones part.
    """
    place = np.lexsort((-b, a))
    values = b[place]
    found = np.zeros(len(values), dtype=np.int64)
    for bit in reversed(range(int(values.max()).bit_length())):
        ones = (values >> bit) & 1
        sizes = np.bincount(values >> (bit + 1))
        sizes = sizes[sizes > 0]
        ends = np.cumsum(sizes)
        zeros = np.r_[0, np.cumsum(1 - ones)]
        starts = ends - sizes
        zeros_before = zeros[:-1] - np.repeat(zeros[starts], sizes)
        found[place] += ones * zeros_before
        inside = np.arange(len(values)) - np.repeat(starts, sizes)
        behind_zeros = np.repeat(zeros[ends] - zeros[starts], sizes) + inside - zeros_before
        target = np.repeat(starts, sizes) + np.where(ones == 1, behind_zeros, zeros_before)
        place[target], values[target] = place.copy(), values.copy()
    return found
