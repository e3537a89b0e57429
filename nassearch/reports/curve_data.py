"""What a picture of curves shows, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.search.curves import Curve
from nassearch.search.quantity import Quantity
from nassearch.types import Floats

COUNTED = {"models": "models trained", "distinct": "different models trained"}
ORDERS = ("given", "final", "name")
START = 0.03
"""Share of the budget that the value axis leaves out of account: there the curves still fall together."""


@dataclass(frozen=True, eq=False)
class Line:
    """One search: its label, x, lower quartile, median and upper quartile, `[T]` each, and over how many rounds."""

    label: str
    x: Floats
    low: Floats
    median: Floats
    high: Floats
    rounds: int = 1


@dataclass(frozen=True, eq=False)
class PlotData:
    """All that one panel shows, as plain values.

    Attributes:
        best: level of the benchmark, or None.
        falling: whether lower is better.
        sought: whether searches are after it; else, as with the latency of the best, lines go up and down.
    """

    lines: tuple[Line, ...]
    x_label: str
    y_label: str
    title: str = ""
    best: float | None = None
    falling: bool = False
    sought: bool = True


def collect(
    curves: Mapping[str, Curve],
    *,
    x: str = "models",
    quantity: Quantity | None = None,
    title: str = "",
    best: float | None = None,
) -> PlotData:
    """Gather what a plot of curves shows.

    Args:
        curves: by label, in the order of the legend; all with one `show` and one `choose`.
        x: `models` as the curves count them, or `seconds` for the median training time of as many.
        quantity: what the values are; accuracy in percent where None.
        best: highest value of the benchmark, a loss negated as in the curves, or None.

    Raises:
        InvalidSetting: no curves, an unknown x, curves of different quantities, or times that are not known.
    """
    if not curves:
        raise InvalidSetting("a plot takes at least one curve")
    if x not in ("models", "seconds"):
        raise InvalidSetting(f"x is models or seconds, not {x!r}")
    quantity = quantity or Quantity()
    kinds = {(curve.show, curve.choose, curve.x) for curve in curves.values()}
    if len(kinds) > 1:
        raise InvalidSetting(f"one plot shows one quantity, not several (show, choose, x): {sorted(kinds)}")
    show, choose, counted = kinds.pop()
    lines = []
    longest = [float(curve.time_axis()[-1]) for curve in curves.values()]
    if x == "seconds" and np.isnan(longest).any():
        raise InvalidSetting("the data behind these results has no training times: leave x at models")
    scale, time_unit = time_scale(max(longest))
    for label, curve in curves.items():
        axis = np.arange(1.0, curve.budget + 1) if x == "models" else curve.time_axis() / scale
        lines.append(Line(label, axis, *quantity.band(*curve.band()), curve.rounds))
    return PlotData(
        tuple(lines),
        COUNTED[counted] if x == "models" else f"training time ({time_unit})",
        f"{quantity.of_the_best(show, choose)} ({quantity.short_unit})",
        title,
        None if best is None else quantity.shown(best),
        quantity.sign < 0,
        not quantity.trained,
    )


def time_scale(longest: float) -> tuple[float, str]:
    """Return the unit in which so many seconds are easy to read: its length in seconds and its name."""
    units = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))
    return next(((length, name) for length, name in units if longest >= 3 * length), (1.0, "seconds"))


def renamed(panels: Sequence[PlotData], labels: Mapping[str, str]) -> list[PlotData]:
    """Return the panels with other labels, by the present ones.

    Raises:
        UnknownName: no line has such a label.
        InvalidSetting: two lines of a panel would have one label.
    """
    known = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
    for name in labels:
        if name not in known:
            raise UnknownName("search", name, known)
    found = []
    for panel in panels:
        lines = tuple(replace(line, label=labels.get(line.label, line.label)) for line in panel.lines)
        names = [line.label for line in lines]
        for name in names:
            if names.count(name) > 1:
                raise InvalidSetting(f"two searches cannot both be called {name!r}: give each its own label")
        found.append(replace(panel, lines=lines))
    return found


def ordered(panels: Sequence[PlotData], order: str | Sequence[str] | None) -> list[PlotData]:
    """Return the panels, their lines in another order, which legend, colours and styles follow.

    Args:
        order: `given` or None; `final`, the best last median of the first panel first; `name`; or labels, of which
            those that are not named come last.

    Raises:
        InvalidSetting: another text.
        UnknownName: no line has such a label.
    """
    lines: dict[str, tuple[float, Line]] = {}
    for panel in panels:
        for line in panel.lines:
            last = float(line.median[-1]) * (1.0 if panel.falling else -1.0)
            lines.setdefault(line.label, (last if np.isfinite(last) else np.inf, line))
    labels = list(lines)
    if order is None or isinstance(order, str):
        if order not in (None, *ORDERS):
            raise InvalidSetting(f"order is {', '.join(ORDERS)}, or labels, not {order!r}")
        keys: dict[str, Callable[[str], Any]] = {"final": lambda label: lines[label][0], "name": str}
        labels = sorted(labels, key=keys[order]) if order is not None and order in keys else labels
    else:
        for label in order:
            if label not in lines:
                raise UnknownName("search", label, labels)
        labels = list(dict.fromkeys([*order, *labels]))
    return [
        replace(panel, lines=tuple(sorted(panel.lines, key=lambda line: labels.index(line.label))))
        for panel in panels
    ]


def value_limits(data: PlotData, bands: bool = True) -> tuple[float, float] | None:
    """Return the ends of the value axis: from where the curves part to beyond the best; None if flat.

    bands: whether the quartiles have to be seen, or the medians alone.
    """
    sign = -1.0 if data.falling else 1.0
    worst, best = [], [] if data.best is None else [sign * data.best]
    for line in data.lines:
        low, high = (line.low, line.high) if bands else (line.median, line.median)
        behind, ahead = (high, low) if data.falling else (low, high)
        start = min(len(behind) - 1, round(START * len(behind)))
        left, ahead = sign * behind[start:], sign * (ahead if data.sought else ahead[start:])
        if np.isnan(left).all() or np.isnan(ahead).all():
            continue
        worst.append(float(np.nanmin(left)))
        best.append(float(np.nanmax(ahead)))
    if not worst:
        return None
    low_, high_ = sorted((sign * min(worst), sign * max(best)))
    margin = 0.04 * (high_ - low_)
    return (low_ - margin, high_ + margin) if np.isfinite(margin) and margin > 0 else None


def rounds_told(rounds: Sequence[int]) -> str:
    """Say over how many rounds lines are.

    >>> rounds_told([20, 5, 5]), rounds_told([1])
    ('5 to 20 rounds', '1 round')
    """
    least, most = min(rounds), max(rounds)
    return f"{least} to {most} rounds" if least < most else f"{most} round{'s' if most > 1 else ''}"
