"""What a proxy returns: a number for each network, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nassearch.errors import InvalidModel
from nassearch.types import Floats

Scores = tuple[Floats, dict[int, str]]
"""Raw scores `[N]`, and by position what went wrong where a network could not be scored; its score is NaN."""
INFINITE = "its value is infinite, beyond float64, and no score that others could be compared with"


def parted(found: Any) -> Scores:
    """Part what a proxy returned into scores and reasons.

    >>> parted([1.0, "no layer"])
    (array([ 1., nan]), {1: 'no layer'})
    """
    reasons: dict[int, str] = {}
    if isinstance(found, list):
        reasons = {place: each for place, each in enumerate(found) if isinstance(each, str)}
        found = [np.nan if isinstance(each, str) else each for each in found]
    return np.asarray(found, dtype=np.float64), reasons


def finite(scores: Floats, reasons: Mapping[int, str]) -> Scores:
    """Return scores with NaN in the place of what is infinite, and the reasons with that of these.

    >>> finite(np.array([1.0, np.inf]), {})[0]
    array([ 1., nan])
    """
    infinite = np.isinf(scores)
    if not infinite.any():
        return scores, dict(reasons)
    told = dict.fromkeys(np.flatnonzero(infinite).tolist(), INFINITE)
    return np.where(infinite, np.nan, scores), {**told, **reasons}


def told_or_float(found: float | str) -> float:
    """Return a raw score, or raise `InvalidModel` with the reason why there is none."""
    if isinstance(found, str):
        raise InvalidModel(found)
    return float(found)
