"""Scores against accuracies as pictures, one panel per proxy: plain data is collected, then drawn."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.reports.correlate import Comparison
from nassearch.reports.plot_curves import check_suffix, looks, plain, save
from nassearch.search.quantity import METRIC, Quantity
from nassearch.types import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

ABREAST = 3
"""Panels in a row."""
DECADES = 3
"""Scores whose 95th percentile is so many powers of ten above their 25th are drawn on a logarithmic axis."""
TICKS = 5
LINSCALE = 4
"""Powers of ten that would take as much room as 0 to the beginning of a logarithmic axis: its labels need it."""
COLOURS = "viridis_r"
"""The more parameters the darker, as in the papers; even in brightness for any colour vision."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """One proxy: scores, accuracies and parameters `[M]` of the architectures that have a score.

    `linear` is None for a linear axis of scores; a logarithmic one is linear between -linear and linear, so that 0 has
    a place.
    """

    label: str
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
    found: Comparison, parameters: Floats, *, quantity: Quantity | None = None
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
        label = f"{report.proxy}\nrho {report.figures['dropped']['rho'].value:.3f}, {report.coverage.value:.1%} scored"
        values = quantity.sign * found.accuracies[there]
        clouds.append(Cloud(label, scores, values, parameters[there], _linear(scores)))
    title = f"{found.benchmark} {found.dataset}, {len(found.archs)} architectures"
    y_label = f"mean {METRIC[found.metric]} {quantity.name} ({quantity.short_unit})"
    return ScatterData(tuple(clouds), y_label, title)


def _linear(scores: Floats) -> float | None:
    """Return where a logarithmic axis of scores begins, or None where a linear one will do."""
    sizes = np.abs(scores[scores != 0])
    if not len(sizes):
        return None
    low, quarter, high = np.percentile(sizes, [1, 25, 95])
    return float(low) if high > quarter * 10.0**DECADES else None


def draw_scatter(data: ScatterData, path: str | os.PathLike[str]) -> Path:
    """Draw one panel per proxy; the suffix of path (.png, .svg, .pdf) decides the format.

    Points are drawn as pixels in every format: thousands of them would make a vector image slow to open.

    Raises:
        InvalidSetting: another suffix.
        NassearchError: the file cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    across = min(ABREAST, len(data.clouds))
    down = -(-len(data.clouds) // across)
    sizes = np.concatenate([cloud.parameters for cloud in data.clouds]) / 1e6
    norm = Normalize(*((sizes.min(), sizes.max()) if len(sizes) else (0, 1)))
    with looks():
        figure = Figure(figsize=(3.2 * across + 1.2, 3.0 * down + 0.4), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
        for axes, cloud in zip(panels, data.clouds, strict=False):
            points = _draw(axes, cloud, norm)
        for axes in panels[len(data.clouds) :]:
            axes.set_axis_off()
        for axes in panels[::across]:
            axes.set_ylabel(plain(data.y_label))
            axes.ticklabel_format(axis="y", useOffset=False)
        figure.colorbar(points, ax=list(panels), label="parameters (millions)")
        figure.suptitle(plain(data.title), fontsize=10, x=0.01, ha="left")
        save(figure, path)
    return path


def _draw(axes: Axes, cloud: Cloud, norm: object) -> PathCollection:
    from matplotlib.ticker import SymmetricalLogLocator

    order = np.argsort(-cloud.parameters, kind="stable")  # the small ones, which are rarer, on top
    points = axes.scatter(
        cloud.scores[order],
        cloud.accuracies[order],
        c=cloud.parameters[order] / 1e6,
        s=3,
        linewidths=0,
        cmap=COLOURS,
        norm=norm,  # type: ignore[arg-type]
        rasterized=True,
    )
    if cloud.linear is not None:
        axes.set_xscale("symlog", linthresh=cloud.linear, linscale=LINSCALE)
        ticks = SymmetricalLogLocator(base=10, linthresh=cloud.linear)
        ticks.set_params(numticks=TICKS)
        axes.xaxis.set_major_locator(ticks)
        if not (cloud.scores < 0).any():
            axes.set_xlim(left=-cloud.linear / 5)
    axes.set_title(plain(cloud.label), fontsize=9, loc="left")
    axes.set_xlabel("score")
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return points
