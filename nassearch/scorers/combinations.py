"""The combinations: mean rank, majority of pairs, and a scorer that stands in where another has no score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.scorers.combined import combination
from nassearch.statistics.ranks import midranks_among
from nassearch.types import Floats

AT_ONCE = 2**19
"""Pairs that are compared at a time: few enough to stay in the processor's cache, which bounds the memory too."""


@combination(reference="ours; with log=true the aggregation of Lee and Ham, AZ-NAS (2024), eq. 9", revision=2)
def rank(
    parts: Floats,
    among: Floats,
    *,
    weights: Sequence[float] | None = None,
    log: bool = False,
    missing: str = "skip",
) -> Floats:
    """Average the ranks by several scorers; what one cannot score is ranked by the rest.

    A rank is the share of the architectures compared with that score no better, so from 0 to 1. Equal scores have the
    mean of their ranks. By the first scorer here the ranks are 1/3, 2/3, 3/3, by the second 3/3, 1/3, 2/3:

    >>> parts = np.array([[1.0, 2.0, 3.0], [9.0, 7.0, 8.0]])
    >>> rank.function(parts, parts).round(3)
    array([0.667, 0.5  , 0.833])

    Args:
        parts: scores `[P, N]`.
        among: scores `[P, M]` of the architectures compared with.
        weights: one positive number for each part; None for equal ones.
        log: average the logarithms of the ranks, so that a rank near the bottom counts more than one near the top.
        missing: what an architecture without a score is ranked: "skip" leaves that part out of its mean, "last" ranks
            it below all that have one.

    Returns:
        float64 `[N]`; NaN where no part has a score.

    Raises:
        InvalidSetting: an option has no meaning.
    """
    weight = _weights(weights, len(parts))
    if missing not in ("skip", "last"):
        raise InvalidSetting(f"missing of rank is skip or last, not {missing!r}")
    unknown = np.isnan(parts)
    if missing == "last":
        # A part that can score none of them says nothing, so it is left out all the same.
        some = ~np.isnan(among).all(axis=1, keepdims=True)
        parts = np.where(unknown & some, -np.inf, parts)
        among = np.where(np.isnan(among) & some, -np.inf, among)
    ranks = np.array([share(own, others) for own, others in zip(parts, among, strict=True)])
    counts = weight[:, None] * ~np.isnan(ranks)
    # Not np.log, whose last bit moves with the vector instructions of a processor.
    values = np.nan_to_num(
        np.reshape([*map(math.log, ranks.ravel().tolist())], ranks.shape) if log else ranks
    )
    with np.errstate(invalid="ignore"):
        mean = (counts * values).sum(axis=0) / counts.sum(axis=0)
    return np.asarray(np.where(unknown.all(axis=0), np.nan, mean))


@combination(
    reference="Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), section 4.1.2",
    default=("synflow", "jacob_cov", "snip"),
)
def vote(parts: Floats, among: Floats) -> Floats:
    """Count the comparisons that an architecture wins by a majority of several scorers (Copeland's rule).

    Of two architectures the one that more parts score higher wins; a part that cannot score one of them abstains,
    and a draw is half a win. A majority may prefer a to b, b to c and c to a, so it is no ranking: the wins are one.
    How often the majority itself is right is `pair_accuracy`. Quadratic in time, not in memory: for three parts and
    N = M, 0.6 s for 15,625 architectures and 8 minutes for 423,624 on one core.

    Two of these three scorers prefer the second architecture to the first, and all prefer the third. Each has half a
    win against itself:

    >>> parts = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [2.0, 1.0, 3.0]])
    >>> vote.function(parts, parts)
    array([0.5, 1.5, 2.5])

    Args:
        parts: scores `[P, N]`.
        among: scores `[P, M]` of the architectures compared with.

    Returns:
        float64 `[N]`, wins from 0 to M; NaN where no part has a score.
    """
    wins = np.empty(parts.shape[1])
    for rows, majority in _majorities(parts, among):
        wins[rows] = (majority > 0).sum(axis=1) + (majority == 0).sum(axis=1) / 2
    return np.where(np.isnan(parts).all(axis=0), np.nan, wins)


@combination(
    reference="ours, for proxies such as epsilon (arXiv 2302.04406), which has no score for 41 % of NAS-Bench-201",
    least=2,
)
def fallback(parts: Floats, among: Floats, *, place: str = "interleave") -> Floats:
    """Rank by the first scorer, and what it cannot score by the next.

    Architectures that the first scores keep its order exactly, ties included; those that only the next scores keep
    the order of the next. Here the first has no score for the middle one, which the next puts between the others:

    >>> parts = np.array([[5.0, np.nan, 7.0], [1.0, 2.0, 3.0]])
    >>> fallback.function(parts, parts).argsort()
    array([0, 1, 2])
    >>> fallback.function(parts, parts, place="last").argsort()
    array([1, 0, 2])

    Args:
        parts: scores `[P, N]`.
        among: scores `[P, M]` of the architectures compared with.
        place: where those that only the next can score come. "interleave": the next ranks all, those that
            both score are put in the first's order in the places they hold there, and what only the first scores
            goes between them by its rank. "last": below all that the first can score, as if it had found them bad.

    Returns:
        float64 `[N]`; NaN where no part has a score.

    Raises:
        InvalidSetting: no such place.
    """
    if place not in ("interleave", "last"):
        raise InvalidSetting(f"place of fallback is interleave or last, not {place!r}")
    own, others = parts[-1], among[-1]
    for first, first_others in zip(parts[-2::-1], among[-2::-1], strict=True):
        merge = _interleave if place == "interleave" else _below
        own, others = (
            merge(first, first_others, own, others),
            merge(first_others, first_others, others, others),
        )
    return np.asarray(own)


def pair_accuracy(parts: Floats, accuracies: Floats) -> float:
    """Return the share of pairs of architectures that a majority of scorers puts in the order of their accuracies.

    This, and no rank correlation, is what arXiv 2101.08134 gives for `vote`. Pairs of equal accuracy are left out;
    where the majority is undecided a pair counts half. For one scorer this is (tau + 1) / 2, ties aside. Quadratic.

    Args:
        parts: scores `[P, N]`, higher is better; a NaN abstains.
        accuracies: `[N]`.
    """
    right = pairs = 0.0
    for rows, majority in _majorities(parts, parts):
        order = np.sign(accuracies[rows, None] - accuracies[None, :]).astype(np.int8)
        verdict = np.sign(majority) * order
        right += float((verdict > 0).sum()) + float(((majority == 0) & (order != 0)).sum()) / 2
        pairs += float((order != 0).sum())
    return right / pairs if pairs else float("nan")


def share(scores: Floats, among: Floats) -> Floats:
    """Return the mean rank of each score among others as a share of them, `(0, 1]` for one of them; NaN for NaN.

    >>> share(np.array([3.0, 5.0, 5.0, np.nan]), np.array([3.0, 5.0, 5.0, np.nan])).round(3)
    array([0.333, 0.833, 0.833,   nan])
    """
    known = among[~np.isnan(among)]
    if not len(known):
        return np.full(len(scores), np.nan)
    return np.where(np.isnan(scores), np.nan, midranks_among(scores, known) / len(known))


def _weights(weights: Any, parts: int) -> Floats:
    if weights is None:
        return np.ones(parts)
    given = weights if isinstance(weights, tuple | list) else (weights,)
    numbers = all(isinstance(w, int | float) and not isinstance(w, bool) and w > 0 for w in given)
    if not numbers or len(given) != parts:
        raise InvalidSetting(
            f"weights of rank are one positive number for each of {parts} parts, not {weights}"
        )
    return np.array(given, np.float64)


def _majorities(parts: Floats, among: Floats) -> Iterator[tuple[slice, NDArray[np.int8]]]:
    """Yield rows, and for them against all others how many more parts score them higher than lower, `[rows, M]`."""
    # Places in a common order, exact in float32 up to 16 million and twice as fast; a NaN equals nothing.
    codes = []
    for own, others in zip(parts, among, strict=True):
        values, places = np.unique(np.concatenate([own, others]), return_inverse=True)
        codes.append(np.where(np.isnan(values[places]), np.nan, places).astype(np.float32))
    count = parts.shape[1]
    step = max(1, AT_ONCE // max(1, among.shape[1]))
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        majority = np.zeros((rows.stop - start, among.shape[1]), np.int8)
        for code in codes:
            own, others = code[:count][rows, None], code[None, count:]
            majority += (own > others).view(np.int8)
            majority -= (own < others).view(np.int8)
        yield rows, majority


def _interleave(first: Floats, first_among: Floats, second: Floats, second_among: Floats) -> Floats:
    own, places = _share(second, second_among), share(second_among, second_among)
    both = ~np.isnan(first_among) & ~np.isnan(places)
    if not both.any():  # nothing says how the two scales lie to each other: ranks, each among its own
        return _in_order(np.where(np.isnan(first), own, _share(first, first_among)), first, second)
    count = int(both.sum())
    ranks = share(first, first_among[both])
    found = np.interp(ranks * count - 1, np.arange(count), np.sort(places[both]))
    # Places that the next scorer cannot tell apart: by the first, within less than half the least step between places.
    found += (share(first, first_among) - 0.5) / (4 * len(places))
    return _in_order(np.where(np.isnan(first), own, found), first, second)


def _below(first: Floats, first_among: Floats, second: Floats, second_among: Floats) -> Floats:
    below, above = _share(second, second_among), 1 + _share(first, first_among)
    return _in_order(np.where(np.isnan(first), below, above), first, second)


def _share(scores: Floats, among: Floats) -> Floats:
    """Return the mean ranks of scores, among themselves where none of those compared with has a score."""
    return share(scores, scores if np.isnan(among).all() else among)


def _in_order(places: Floats, first: Floats, second: Floats) -> Floats:
    """Part places that tie although scores differ, which lie between the same two of those compared with.

    The next floating-point number is far enough. Places are positive and follow the scores, ties aside.
    """
    places = places.copy()
    for scores in (first, np.where(np.isnan(first), second, np.nan)):
        known = np.flatnonzero(~np.isnan(scores))
        if len(known):
            values, at = np.unique(scores[known], return_inverse=True)
            bits = np.empty(len(values), np.int64)
            bits[at] = places[known].view(np.int64)  # of positive numbers these are in their order
            steps = np.arange(len(values))
            places[known] = (np.maximum.accumulate(bits - steps) + steps)[at].view(np.float64)
    return places
