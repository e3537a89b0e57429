"""Curves as a page holds them: steps are kept where they are, so that nothing is lost and little is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nassearch.search.curves import AXES, Curve
from nassearch.search.outcome import Outcome
from nassearch.search.quantity import Quantity, plain_quantity
from nassearch.types import Floats

MOST_STEPS = 1500
"""Of one line. More are thinned evenly, which the page says."""
VIEWS = (("test", "valid"), ("test", "test"))
"""What is shown, and by what a model becomes the best so far: what a search hands over, and what most papers draw."""


def views(outcome: Outcome, shown: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the ways in which the curves of searches on one data set can be looked at, the usual one first.

    Args:
        outcome: one of the searches.
        shown: further metrics, each of them one more way.
    """
    metrics = plain_quantity(outcome.header).metrics
    found = dict.fromkeys(metrics(*view) for view in (*VIEWS, *((name, "valid") for name in shown)))
    return [_view(outcome.quantity_of(show), show, choose) for show, choose in found]


def _view(quantity: Quantity, show: str, choose: str) -> dict[str, Any]:
    told = {"name": quantity.name, "unit": quantity.unit, "lower_is_better": quantity.sign < 0}
    return {"show": show, "choose": choose, "words": quantity.of_the_best(show, choose), "quantity": told}


def line(outcome: Outcome, show: str, choose: str) -> dict[str, Any]:
    """Return one search under one view, by what is counted: `models` and `distinct`.

    Each has `at`, the numbers of models after which a quartile changes, the first and the last, and as many values of
    `low`, `median`, `high` (as published) and `seconds` (median training time so far); `length` is the number of
    models, and `thinned` how many steps there were where not all are here, else None.
    """
    return {axis: _steps(outcome.curve(show, choose, axis), outcome.quantity_of(show)) for axis in AXES}


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
