"""Curves drawn: one panel for each data set, made for paper as well as for the screen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.plots import Line, PlotData, rounds_told, value_limits
from nassearch.reports.drawing import (
    Limits,
    check_limits,
    check_suffix,
    inches,
    looks,
    plain,
    save,
    set_limits,
    text_size,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#332288", "#EE6677", "#4477AA", "#A3260C", "#DDAA33", "#000000")
"""Told apart with any colour vision, and in grey: their lightness is 22, 61, 49, 36, 72 and 0 of 100 (CIE L*)."""
STYLES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.2)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (10, 2.5)),
    (0, (5, 1.5, 1, 1.5, 1, 1.5)),
)
BANDS = ("fill", "lines", "none")
FILLED = 3
"""Up to so many lines bands are drawn; more would hide each other."""
LEGENDS = ("ends", "inside", "below")
INSIDE = 4
"""Up to so many lines the legend has room within the axes; the names of more stand at the lines' ends."""
BEST = "best there is"
WIDER = 2.2
"""Points by which a line is wider for each that lies on it."""


def draw_curves(data: PlotData | Sequence[PlotData], path: str | os.PathLike[str], **options: Any) -> Path:
    """Draw a picture into a file; the suffix of path (.png, .svg, .pdf) decides the format.

    The same data gives the same bytes under one version of matplotlib, whatever a matplotlibrc says.

    Args:
        data, options: see `draw`.

    Raises:
        InvalidSetting: another suffix, or an option that cannot be.
        NassearchError: the file cannot be written.
    """
    check_suffix(Path(path))
    with looks(text_size(options.get("width"))):
        return save(draw(data, **options), path)


def check_look(bands: str | None, legend: str | None) -> None:
    """Raise `InvalidSetting` where there are no such bands, or no such legend."""
    for name, value, known in (("bands", bands, BANDS), ("legend", legend, LEGENDS)):
        if value is not None and value not in known:
            raise InvalidSetting(f"{name} is {', '.join(known)}, or not given, not {value!r}")


def draw(
    data: PlotData | Sequence[PlotData],
    ax: Any = None,
    *,
    bands: str | None = None,
    legend: str | None = None,
    limits: Limits | None = None,
    width: str | float | None = None,
) -> Figure:
    """Draw median lines, with their quartiles where they have room, and return the figure.

    Args:
        data: one panel or several, which share a legend.
        ax: matplotlib axes to draw on, as many as there are panels; None for a figure of its own.
        bands: quartiles as a `fill`, as thin `lines`, or `none`; None for a fill of up to three lines.
        legend: names at the `ends` of lines, `inside` the axes or `below` them; None for inside with up to four lines
            where it covers none, else ends, and below for several panels.
        limits: ends of the axes `x` and `y`.
        width: of a figure of its own: `column` or `page` of a paper, or inches; None for the screen.
    """
    import matplotlib

    check_look(bands, legend)
    panels = [data] if isinstance(data, PlotData) else list(data)
    ends, across = check_limits(limits), inches(width)
    searches = Searches.of(panels)
    bands = bands or ("fill" if len(searches.names) <= FILLED else "none")
    if legend is None and len(searches.names) + any(panel.best is not None for panel in panels) == 1:
        legend = "none"
    size: dict[str, Any] = {} if width is None else {"font.size": text_size(width)}
    with matplotlib.rc_context(size):
        figure, axes_ = canvas(panels, ax, across, legend or ("ends" if len(searches.names) > INSIDE else ""))
        drawn = []
        for axes, panel in zip(axes_, panels, strict=True):
            drawn.append(_draw(axes, panel, searches, bands, ends))
            describe(axes, panel, alone=ax is None)
        ...
    return figure


def _draw(axes: Axes, data: PlotData, names: Sequence[str], bands: str, limits: Limits) -> dict[str, Line2D]:
    """Draw the lines of a panel and return them by name; each looks as its name does in all panels."""
    looks_of = {name: look(number) for number, name in enumerate(names)}
    for line in data.lines:
        drawn = looks_of[line.label]
        if bands == "fill":
            axes.fill_between(line.x, line.low, line.high, color=drawn["color"], alpha=0.15, linewidth=0)
        if bands == "lines":
            for quartile in (line.low, line.high):
                axes.plot(line.x, quartile, **{**drawn, "linewidth": 0.5}, alpha=0.7)
    found = {}
    for line in data.lines:
        mark = {"marker": "o", "markersize": 3.0} if len(line.x) == 1 else {}
        (found[line.label],) = axes.plot(line.x, line.median, **looks_of[line.label], **mark)
    if data.best is not None:
        found[BEST] = axes.axhline(data.best, color="0.45", linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_xlim(0, max(float(line.x[-1]) for line in data.lines))
    levels = value_limits(data, bands != "none")
    if levels is not None:
        axes.set_ylim(*levels)
    set_limits(axes, limits)
    _widen(axes, data.lines, looks_of)
    return found
