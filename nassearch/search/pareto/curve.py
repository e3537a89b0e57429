"""The curve of a search: the best value so far, or for several objectives the hypervolume of its front so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nassearch.search.curves import Curve
from nassearch.search.quantity import plain_quantity
from nassearch.search.records import Header
from nassearch.search.runner import Round
from nassearch.statistics.hypervolume import hypervolumes, nondominated
from nassearch.types import Floats

PERCENT = 100.0


def curve_of(
    header: Header,
    rounds: Sequence[Round],
    show: str = "test",
    choose: str = "valid",
    x: str = "models",
    further: Sequence[Floats] | None = None,
) -> Curve:
    """Return the curve of a result; see `Curve.from_rounds`.

    For several objectives it is of hypervolumes, see `nassearch.statistics.hypervolume`: as percent of that of all
    architectures of the space where it is known, in the product of the units where not. After each model those
    architectures count that no other one dominates by `choose`, with their values by `show`. Of a `further` metric it
    is what the best by `choose` has of it, for several objectives too.

    Raises:
        BadData: no rounds, or rounds of different lengths.
        InvalidSetting: show or choose is neither test nor valid, or x neither models nor distinct.
    """
    show, choose = plain_quantity(header).metrics(show, choose)
    curve = Curve.from_rounds(rounds, show, choose, x, further)
    several = header.experiment.get("objectives")
    if not several or further is not None:
        return curve
    reference, front = reference_of(header, rounds), header.experiment.get("front") or {}
    scale = PERCENT / front[show] if front.get(show) else 1.0
    rows = []
    for each in rounds:
        shown, chosen = (points_of(each, several, by) for by in (show, choose))
        rows.append(scale * hypervolumes(shown, chosen, reference))
    if x == "distinct":
        rows = [_distinct(row, each, curve.values.shape[1]) for row, each in zip(rows, rounds, strict=True)]
    return replace(curve, values=np.stack(rows))


def _distinct(row: Floats, each: Round, count: int) -> Floats:
    """Return the last value before each model that was not there before."""
    firsts = [place for place, arch in enumerate(each.archs) if arch not in each.archs[:place]]
    return row[[*(place - 1 for place in firsts[1:]), len(row) - 1]][:count]


def points_of(finished: Round, objectives: Sequence[Mapping[str, Any]], by: str) -> Floats:
    """Return what each model of a round reached in all objectives, `[T, M]`; higher is better."""
    columns = [
        getattr(finished, by) if each["trained"] else _sign(each) * finished.further[each["name"]]
        for each in objectives
    ]
    return np.stack(columns, axis=1)


def _sign(objective: Mapping[str, Any]) -> float:
    return -1.0 if objective["lower_is_better"] else 1.0


def reference_of(header: Header, rounds: Sequence[Round]) -> Floats:
    """Return the reference point, `[M]`, higher is better: of the header, or the worst of all that was trained."""
    several = header.experiment["objectives"]
    if all(each["reference"] is not None for each in several):
        return np.array([_sign(each) * each["reference"] for each in several])
    points = [points_of(each, several, by) for each in rounds for by in ("test", "valid")]
    worst: Floats = np.nanmin(np.concatenate(points), axis=0)
    return worst


def front_of(
    header: Header, rounds: Sequence[Round], show: str = "test", choose: str = "valid"
) -> list[dict[str, Any]]:
    """Return the front of all rounds together, as published: for each of it the architecture and its values."""
    several = header.experiment["objectives"]
    archs = [arch for each in rounds for arch in each.archs]
    shown, chosen = (
        np.concatenate([points_of(each, several, by) for each in rounds]) for by in (show, choose)
    )
    signs = [_sign(each) for each in several]
    rows = {
        archs[place]: {
            "arch": archs[place],
            **{
                each["name"]: sign * v
                for each, sign, v in zip(several, signs, shown[place].tolist(), strict=True)
            },
        }
        for place in np.flatnonzero(nondominated(chosen)).tolist()
    }
    cost = next(each["name"] for each in several if not each["trained"])
    return sorted(rows.values(), key=lambda row: row[cost])
