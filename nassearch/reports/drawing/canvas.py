"""The figure and the axes that a picture is drawn on, and the words around them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nassearch.errors import InvalidSetting
from nassearch.reports.drawing.figure import Picture, whole_figure
from nassearch.reports.drawing.looks import plain

ASPECT = 0.52
"""Height of axes over the width of their panel."""
LINE = 1.3
"""Height of a line of text in ems."""
AROUND = 6
"""Lines of text above and below axes: a title, the numbers at the ticks and their label."""
SCREEN, PANEL, NARROW, NAMES = 6.4, 3.6, 2.0, 1.2
"""Inches: a panel on a screen, each of several there, the least that each has in a row; more for names beside one."""
SCORES, SMALLEST, BAR = 3.2, 1.15, 0.8
"""Inches of a panel of scores on a screen, of one at the least, and of the bar of colours beside them."""
ABREAST = 3
TITLE = 0.75
"""Of the width of a panel, what a line of its title takes."""
EM = 0.58
"""Mean width of a character in text of one point, for matplotlib's own font; those of papers are narrower."""


def font_size() -> float:
    """Return the points of ordinary text as the settings of matplotlib have them."""
    return float(matplotlib.rcParams["font.size"])


def characters(inches: float) -> int:
    """Return how many characters of ordinary text stand beside each other in so many inches."""
    return max(8, int(inches * 72 / (EM * font_size())))


def given_axes(ax: Any, panels: int) -> list[Axes]:
    """Return the axes to draw on.

    Raises:
        InvalidSetting: they are none of matplotlib, or not as many as there are panels.
    """
    found = [ax] if isinstance(ax, Axes) else list(np.ravel(np.array(ax, dtype=object)))
    if not all(isinstance(axes, Axes) for axes in found):
        raise InvalidSetting(f"ax takes axes of matplotlib, not {ax!r}")
    for axes in found:
        if axes.name != "rectilinear":
            raise InvalidSetting(
                f"ax takes plain axes of matplotlib, with an x and a y, not {axes.name} ones"
            )
    if len(found) != panels:
        raise InvalidSetting(
            f"a picture of {panels} panel{'s' if panels > 1 else ''} takes as many axes, not {len(found)}"
        )
    return found


def figure_width(panels: int, across: float | None, named: bool) -> float:
    """Return the inches of a new figure: `across`, or what a screen has room for; named: beside its panels."""
    row = abreast(panels, across)
    return across or row * ((SCREEN if row == 1 else PANEL) + (NAMES if named else 0.0))


def new_axes(panels: int, across: float | None, beside: int, below: int) -> list[Axes]:
    """Return the axes of a new figure.

    Args:
        panels: how many.
        across: inches, or None for a screen.
        beside: lines of text beside each panel, which it has to be high enough for.
        below: lines of text below all panels.
    """
    row, line = abreast(panels, across), LINE * font_size() / 72
    down, width = -(-panels // row), figure_width(panels, across, beside > 0) / row
    height = max(ASPECT * width + AROUND * line, (beside + AROUND) * line)
    figure = Picture(figsize=(width * row, height * down + below * line), layout="constrained")
    found = list(figure.subplots(down, row, squeeze=False).ravel())
    for axes in found[panels:]:
        axes.set_axis_off()
    for axes in found[:panels]:
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        _dress(axes)
    return found[:panels]


def score_axes(titles: Sequence[str], across: float | None) -> list[Axes]:
    """Return the axes of a new figure for scores, under such titles; they share the values of architectures."""
    row = min(len(titles), ABREAST)
    while row > 1 and across is not None and (across - BAR) / row < SMALLEST:
        row -= 1
    row = -(-len(titles) // -(-len(titles) // row))
    width = (across - BAR) / row if across else SCORES
    down, line = -(-len(titles) // row), LINE * font_size() / 72
    above = max(_wrapped(title, TITLE * width).count("\n") for title in titles)
    height = 0.6 * width + (AROUND + above) * line
    figure = Picture(figsize=(width * row + BAR, height * down + line), layout="constrained")
    layout: Any = figure.get_layout_engine()
    layout.set(w_pad=0.08)  # room for the numbers at the ends of neighbours
    found = list(figure.subplots(down, row, squeeze=False, sharey=True).ravel())
    for axes in found[len(titles) :]:
        axes.set_axis_off()
    for axes in found[: len(titles)]:
        axes.grid(color="0.92", linewidth=0.6)
        _dress(axes)
    return found[: len(titles)]


def _dress(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=font_size())


def abreast(panels: int, across: float | None) -> int:
    """Return how many panels stand in a row."""
    most = min(panels, ABREAST)
    while most > 1 and across is not None and across / most < NARROW:
        most -= 1
    return -(-panels // -(-panels // most))  # 2 and 2 rather than 3 and 1


def width_of(axes: Axes, beside: float = 0.0) -> float:
    """Return the inches of the part of the figure that axes share with what is written beside them alone.

    beside: inches that they share with all.
    """
    place = axes.get_subplotspec()
    columns = place.get_gridspec().ncols if place else 1
    return (float(whole_figure(axes).get_figwidth()) - beside) / columns


def is_first(axes: Axes) -> bool:
    """Say whether axes stand at the left of their figure."""
    place = axes.get_subplotspec()
    return place is None or place.is_first_col()


def describe(axes: Axes, x_label: str, y_label: str, title: str, beside: float = 0.0) -> None:
    """Write what axes show, in lines that are no longer than these; beside: as in `width_of`."""
    width = width_of(axes, beside)
    height = max(ASPECT * width, float(axes.bbox.height / whole_figure(axes).dpi))
    axes.set_xlabel(plain(_wrapped(x_label, 0.8 * width)), fontsize="medium", usetex=False)
    if y_label:
        axes.set_ylabel(plain(_wrapped(y_label, 1.1 * height)), fontsize="medium", usetex=False)
    if title:
        axes.set_title(plain(_wrapped(title, TITLE * width)), fontsize="medium", loc="left", usetex=False)
    if axes.get_yscale() == "linear":  # the values themselves, with as many digits as they need
        axes.ticklabel_format(axis="y", useOffset=False)


def _wrapped(text: str, inches: float) -> str:
    lines: Sequence[str] = text.split("\n")
    return "\n".join(part for line in lines for part in textwrap.wrap(line, characters(inches)) or [""])


def head(axes: Sequence[Axes], text: str) -> None:
    """Write above all panels what holds for each."""
    figure = figure_of(axes)
    text = plain(_wrapped(text, 0.95 * figure.get_figwidth()))
    figure.suptitle(text, fontsize="medium", x=0.01, ha="left", usetex=False)


def figure_of(axes: Sequence[Axes]) -> Figure:
    """Return the figure that all axes are in."""
    return whole_figure(axes[0])
