"""Curves as a page holds them: steps are kept where they are, so that nothing is lost and little is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nassearch.search.curves import AXES, Curve
from nassearch.search.outcome import Outcome
from nassearch.search.quantity import METRIC, Quantity
from nassearch.types import Floats

MOST_STEPS = 1500
"""Of one line. More are thinned evenly, which the page says."""
VIEWS = (("test", "valid"), ("test", "test"))
"""What is shown, and by what a model becomes the best so far: what a search hands over, and what most papers draw."""


def views(quantity: Quantity) -> list[dict[str, str]]:
    """Return the ways in which curves of a quantity can be looked at, the usual one first."""
    found = dict.fromkeys(quantity.metrics(*view) for view in VIEWS)
    return [
        {"show": show, "choose": choose, "words": _words(quantity, show, choose)} for show, choose in found
    ]


def _words(quantity: Quantity, show: str, choose: str) -> str:
    name = f"{METRIC[show]} {quantity.name}"
    if show != choose:
        return f"{name} of the best by {METRIC[choose]}"
    without = "" if quantity.validated and quantity.tested else "test" if quantity.validated else "validation"
    return f"best {name} so far" + (f" (no {without} values)" if without else "")


def line(outcome: Outcome, show: str, choose: str) -> dict[str, Any]:
    """Return one search under one view, by what is counted: `models` and `distinct`.

    Each has `at`, the numbers of models after which a quartile changes, the first and the last, and as many values of
    `low`, `median`, `high` (as published) and `seconds` (median training time so far); `length` is the number of
    models, and `thinned` how many steps there were where not all are here, else None.
    """
    return {axis: _steps(outcome.curve(show, choose, axis), outcome.quantity) for axis in AXES}


def _steps(curve: Curve, quantity: Quantity) -> dict[str, Any]:
    bands = quantity.band(*curve.band())
    kept, thinned = changes(bands)
    low, median, high = (values[kept].tolist() for values in bands)
    return {
        "at": (kept + 1).tolist(),
        "low": low,
        "median": median,
        "high": high,
        "seconds": curve.time_axis()[kept].tolist(),
        "length": curve.budget,
        "thinned": thinned,
    }


def changes(bands: Sequence[Floats]) -> tuple[np.ndarray, int | None]:
    """Return the places at which one of several rows changes, the first and the last, and how many were too many.

    >>> changes([np.array([1.0, 1.0, 2.0, 2.0])])
    (array([0, 2, 3]), None)
    """
    rows = np.stack(list(bands))
    same = (rows[:, 1:] == rows[:, :-1]) | (np.isnan(rows[:, 1:]) & np.isnan(rows[:, :-1]))
    kept = np.flatnonzero(np.concatenate([[True], ~same.all(axis=0)]))
    kept = np.unique(np.append(kept, rows.shape[1] - 1))
    if len(kept) <= MOST_STEPS:
        return kept, None
    return kept[np.unique(np.linspace(0, len(kept) - 1, MOST_STEPS).round().astype(int))], len(kept)
