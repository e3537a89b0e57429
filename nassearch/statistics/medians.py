"""The best so far in the rounds of a search, their medians, and the models after which these reach a target."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nassearch.types import Floats


def incumbents(values: Floats) -> np.ndarray:
    """Return the position of the best so far, `[..., T]`; ties keep the earlier, NaN is worst.

    >>> incumbents(np.array([1.0, 3.0, 2.0, 3.0, 4.0])).tolist()
    [0, 1, 1, 1, 4]
    """
    values = np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    before = np.maximum.accumulate(values, axis=-1)[..., :-1]
    improves = np.zeros(values.shape, dtype=bool)
    improves[..., 1:] = values[..., 1:] > before
    return np.maximum.accumulate(np.where(improves, np.arange(values.shape[-1]), 0), axis=-1)


def quantiles(values: Floats, shares: Sequence[float], of_known: bool) -> Floats:
    """Return quantiles over the rounds, `[len(shares), T]`, NaN where one is unknown; `of_known` leaves these out.

    >>> quantiles(np.array([[1.0], [3.0], [np.nan]]), [0.5], True).tolist()
    [[2.0]]
    """
    if not of_known or not np.isnan(values).any():
        return np.asarray(np.quantile(values, shares, axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of places where no round is known
        return np.asarray(np.nanquantile(values, shares, axis=0))


def models_to(medians: Floats, target: float) -> Floats:
    """Return the models after which medians `[..., T]` first reach target; inf where never."""
    reached = medians >= target
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1.0, np.inf)


def resampled(
    values: Floats, rounds: NDArray[np.intp], target: float, of_known: bool, chunk: int = 50
) -> Floats:
    """Return `models_to` of the median of each row of rounds `[draws, R]`, a few rows at a time to spare memory."""
    parts = np.split(rounds, range(chunk, len(rounds), chunk))
    if not of_known or not np.isnan(values).any():
        medians = (np.median(values[part], axis=1) for part in parts)
        return np.concatenate([models_to(each, target) for each in medians])
    drawn = (quantiles(values[row], [0.5], True)[0] for part in parts for row in part)
    return np.array([models_to(each, target) for each in drawn])


def ratio_of(theirs: Floats, ours: Floats) -> Floats:
    """Return ratios of numbers of models; NaN where both are infinite."""
    with np.errstate(invalid="ignore"):
        return np.asarray(theirs / ours)
