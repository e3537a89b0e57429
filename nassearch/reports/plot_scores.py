"""Scores against accuracies as pictures, one panel per proxy: plain data is collected, then drawn."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.reports.correlation import Correlation
from nassearch.reports.drawing.looks import (
    Limits,
    check_limits,
    check_suffix,
    inches,
    looks,
    save,
    set_limits,
    text_size,
)
from nassearch.search.quantity import Quantity
from nassearch.types import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

DECADES = 3
"""Scores whose 95th percentile is so many powers of ten above their 25th are drawn on a logarithmic axis."""
LINSCALE = 4
"""Powers of ten that would take as much room as 0 to the beginning of a logarithmic axis: its labels need it."""
COLOURS = "viridis_r"
"""The more parameters the darker, as in the papers; even in brightness for any colour vision."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """One proxy: its name, rank correlation and the share of architectures that have a score.

    `scores`, `accuracies` and `parameters`, `[M]`, are of the architectures that have a score.

    `linear` is None for a linear axis of scores; a logarithmic one is linear between -linear and linear, so that 0 has
    a place.
    """

    label: str
    rho: float
    coverage: float
    scores: Floats
    accuracies: Floats
    parameters: Floats
    linear: float | None


@dataclass(frozen=True, eq=False)
class ScatterData:
    """All that a picture shows, as plain values."""

    clouds: tuple[Cloud, ...]
    y_label: str
    title: str


def collect_scatter(
    found: Correlation, parameters: Floats, *, quantity: Quantity | None = None
) -> ScatterData:
    """Gather what a plot of scores against accuracies shows.

    Args:
        found: the proxies and their scores.
        parameters: number of weights of each architecture, `[N]`.
        quantity: what the accuracies are; accuracy in percent where None.

    Raises:
        InvalidSetting: no proxy.
    """
    if not found.reports:
        raise InvalidSetting("a plot takes at least one proxy")
    quantity = quantity or Quantity()
    clouds = []
    for report in found.reports:
        there = np.isfinite(report.scores) & np.isfinite(found.accuracies)
        scores = report.scores[there]
        worth = report.figures["dropped"]["rho"].value, report.coverage.value
        values = quantity.sign * found.accuracies[there]
        clouds.append(Cloud(report.proxy, *worth, scores, values, parameters[there], _linear(scores)))
    title = f"{found.benchmark} {found.dataset}, {len(found.archs)} architectures"
    mean = "" if quantity.trained else "mean "
    y_label = f"{mean}{quantity.titled(found.metric)} ({quantity.short_unit})"
    return ScatterData(tuple(clouds), y_label, title)


def _linear(scores: Floats) -> float | None:
    """Return where a logarithmic axis of scores begins, or None where a linear one will do."""
    sizes = np.abs(scores[scores != 0])
    if not len(sizes):
        return None
    low, quarter, high = np.percentile(sizes, [1, 25, 95])
    return float(low) if high > quarter * 10.0**DECADES else None


def arranged(
    data: ScatterData, labels: Mapping[str, str] | Sequence[str] | None, order: Sequence[str] | str | None
) -> ScatterData:
    """Return the panels under other names, and in another order.

    Args:
        labels: one for each proxy, or by the present ones.
        order: `given` or None, `name`, `rho` for the best first, or names of those that come first.

    Raises:
        InvalidSetting: too many or too few labels, two proxies under one, or another order.
        UnknownName: no proxy is called that.
    """
    names = [cloud.label for cloud in data.clouds]
    if labels is not None and not isinstance(labels, Mapping):
        if isinstance(labels, str) or len(labels) != len(names):
            raise InvalidSetting(f"labels are one for each of {len(names)} proxies, not {labels!r}")
        labels = dict(zip(names, labels, strict=True))
    for name in labels or {}:
        if name not in names:
            raise UnknownName("proxy", name, names)
    clouds = [replace(cloud, label=(labels or {}).get(cloud.label, cloud.label)) for cloud in data.clouds]
    names = [cloud.label for cloud in clouds]
    for name in names if labels else []:
        if names.count(name) > 1:
            raise InvalidSetting(f"two proxies cannot both be called {name!r}: give each its own label")
    if isinstance(order, str) or order is None:
        keys = {"name": lambda cloud: cloud.label, "rho": lambda cloud: -cloud.rho, "given": lambda _: 0}
        if order not in (None, *keys):
            raise InvalidSetting(f"order is {', '.join(keys)}, or names, not {order!r}")
        clouds.sort(key=keys[order or "given"])
    else:
        for name in order:
            if name not in names:
                raise UnknownName("proxy", name, names)
        places = list(dict.fromkeys([*order, *names]))
        clouds.sort(key=lambda cloud: places.index(cloud.label))
    return replace(data, clouds=tuple(clouds))


def draw_scatter(data: ScatterData, path: str | os.PathLike[str], **options: Any) -> Path:
    """Draw a picture into a file; the suffix of path (.png, .svg, .pdf) decides the format.

    Args:
        data, options: see `draw`.

    Raises:
        InvalidSetting: another suffix, or an option that cannot be.
        NassearchError: the file cannot be written.
    """
    check_suffix(Path(path))
    with looks(text_size(options.get("width"))):
        return save(draw(data, **options), path)


def draw(
    data: ScatterData, ax: Any = None, *, limits: Limits | None = None, width: str | float | None = None
) -> Figure:
    """Draw one panel per proxy and return the figure.

    Points are drawn as pixels in every format: thousands of them would make a vector image slow to open.

    Args:
        ax: matplotlib axes to draw on, as many as there are proxies; None for a figure of its own.
        limits: ends of the axes `x` (scores) and `y`, of every panel.
        width: of a figure of its own: `column` or `page` of a paper, or inches; None for the screen.
    """
    import matplotlib
    from matplotlib.colors import Normalize

    from nassearch.reports.drawing.canvas import (
        BAR,
        describe,
        figure_of,
        given_axes,
        head,
        is_first,
        score_axes,
    )

    ends, across = check_limits(limits), inches(width)
    sizes = np.concatenate([cloud.parameters for cloud in data.clouds])
    scale, unit = (1e3, "thousands") if len(sizes) and sizes.max() < 1e5 else (1e6, "millions")
    norm = Normalize(*((sizes.min() / scale, sizes.max() / scale) if len(sizes) else (0, 1)))
    with matplotlib.rc_context({} if width is None else {"font.size": text_size(width)}):
        own = ax is None
        titles = [f"{cloud.label}\nrho {cloud.rho:.3f}, {cloud.coverage:.1%} scored" for cloud in data.clouds]
        panels = score_axes(titles, across) if own else given_axes(ax, len(titles))
        for axes, cloud, title in zip(panels, data.clouds, titles, strict=True):
            points = _points(axes, cloud, norm, scale)
            set_limits(axes, ends)
            first = not own or is_first(axes)
            describe(axes, "score", data.y_label if first else "", title, BAR if own else 0.0)
        bar = figure_of(panels).colorbar(points, ax=panels)
        bar.set_label(f"parameters ({unit})", fontsize="medium")
        bar.ax.tick_params(labelsize=matplotlib.rcParams["font.size"])
        if own:
            head(panels, data.title)
        return figure_of(panels)


def _points(axes: Axes, cloud: Cloud, norm: object, scale: float) -> PathCollection:
    import matplotlib

    from nassearch.reports.drawing.ticks import SparsePowers

    order = np.argsort(-cloud.parameters, kind="stable")  # the small ones, which are rarer, on top
    points = axes.scatter(
        cloud.scores[order],
        cloud.accuracies[order],
        c=cloud.parameters[order] / scale,
        s=3,
        linewidths=0,
        cmap=COLOURS,
        norm=norm,  # type: ignore[arg-type]
        rasterized=True,
    )
    if cloud.linear is not None:
        axes.set_xscale("symlog", linthresh=cloud.linear, linscale=LINSCALE)
        axes.xaxis.set_major_locator(SparsePowers(cloud.linear, float(matplotlib.rcParams["font.size"])))
        if not (cloud.scores < 0).any():
            axes.set_xlim(left=-cloud.linear / 5)
    else:  # numbers of five digits touch each other: 2.5, and 1e5 once for all
        axes.ticklabel_format(axis="x", scilimits=(-3, 4))
    return points
