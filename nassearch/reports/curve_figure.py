"""Curves drawn: one panel for each data set, for paper as well as for the screen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nassearch.errors import InvalidSetting
from nassearch.reports.curve_data import PlotData, rounds_told, value_limits
from nassearch.reports.drawing.looks import (
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
    from matplotlib.lines import Line2D

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
KEPT = "\xa0"
"""A space at which no line ends."""
WIDTH = 1.4
"""Points of a line."""


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
            where it covers none of them, for ends with more, and for below with several panels.
        limits: ends of the axes `x` and `y`.
        width: of a figure of its own: `column` or `page` of a paper, or inches; None for the screen.
    """
    import matplotlib

    panels = [data] if isinstance(data, PlotData) else list(data)
    check_look(bands, legend)
    ends, across = check_limits(limits), inches(width)
    with matplotlib.rc_context({} if width is None else {"font.size": text_size(width)}):
        return _Drawing(panels, bands, legend, ends).on(ax, across)


class _Drawing:
    """One picture: what it shows, and how each search looks in all of its panels."""

    def __init__(self, panels: list[PlotData], bands: str | None, legend: str | None, limits: Limits) -> None:
        self.panels, self.limits, self.legend = panels, limits, legend
        self.rounds: dict[str, list[int]] = {}
        for line in (line for panel in panels for line in panel.lines):
            self.rounds.setdefault(line.label, []).append(line.rounds)
        self.bands = bands or ("fill" if len(self.rounds) <= FILLED else "none")
        self.looks = {label: look(number) for number, label in enumerate(self.rounds)}

    def on(self, ax: Any, across: float | None) -> Figure:
        """Draw on axes, or on new ones of a figure so many inches wide."""
        from nassearch.reports.drawing import canvas, legend

        kind = self.legend or ("ends" if len(self.rounds) > INSIDE else "inside")
        if len(self.panels) > 1 and ax is None:
            kind = self.legend or "below"
        if ax is not None:
            axes = canvas.given_axes(ax, len(self.panels))
        else:
            whole = canvas.figure_width(len(self.panels), across, kind == "ends")
            names, _ = self._names(kind, whole / canvas.abreast(len(self.panels), across))
            beside = sum(name.count("\n") + 1 for name in names.values()) if kind == "ends" else 0
            below = legend.lines_below(list(names.values()), whole) if kind == "below" else 0
            axes = canvas.new_axes(len(self.panels), across, beside, below)
        lines = [self._lines(*each) for each in zip(axes, self.panels, strict=True)]
        width = canvas.width_of(axes[0])
        names, common = self._names(kind, width)
        self._describe(axes, common, ax is None)
        if kind == "below":
            legend.put_below(canvas.figure_of(axes), lines, names)
        elif kind == "ends":
            for on, drawn in zip(axes, lines, strict=True):
                legend.put_at_ends(on, drawn, names)
        elif not legend.put_inside(axes[-1], lines[-1], names, ax is None) and self.legend is None:
            names, common = self._names("ends", width)
            self._describe(axes, common, ax is None)
            legend.put_at_ends(axes[-1], lines[-1], names)
        return canvas.figure_of(axes)

    def _lines(self, axes: Axes, data: PlotData) -> dict[str, Line2D]:
        """Draw the lines of a panel, and return them by name."""
        from nassearch.reports.drawing.coinciding import widen

        for line in data.lines:
            drawn = self.looks[line.label]
            if self.bands == "fill":
                axes.fill_between(line.x, line.low, line.high, color=drawn["color"], alpha=0.15, linewidth=0)
            if self.bands == "lines":
                for quartile in (line.low, line.high):
                    axes.plot(line.x, quartile, **{**drawn, "linewidth": 0.5}, alpha=0.7)
        found = {}
        for line in data.lines:
            mark: dict[str, Any] = {"marker": "o", "markersize": 3.0} if len(line.x) == 1 else {}
            (found[line.label],) = axes.plot(line.x, line.median, **self.looks[line.label], **mark)
        if data.best is not None:
            found[BEST] = axes.axhline(data.best, color="0.45", linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set_xlim(0, max(float(line.x[-1]) for line in data.lines))
        levels = value_limits(data, self.bands != "none")
        if levels is not None:
            axes.set_ylim(*levels)
        set_limits(axes, self.limits)
        widen(axes, [found[line.label] for line in data.lines])
        return found

    def _names(self, kind: str, width: float) -> tuple[dict[str, str], str]:
        """Return the names of lines as they are written in panels of this width, and what all have in common."""
        from nassearch.reports.drawing.legend import room
        from nassearch.reports.drawing.short_names import shorten, wrap

        fits = room(kind, width)
        short, common = shorten(list(self.rounds), 2 * fits)
        several = len({number for numbers in self.rounds.values() for number in numbers}) > 1
        names = {}
        for name, (label, numbers) in zip(short, self.rounds.items(), strict=True):
            told = f" ({rounds_told(numbers)})".replace(" ", KEPT)[1:] if several else ""
            names[label] = plain(wrap(f"{name} {told}".strip(), fits).replace(KEPT, " "))
        return {**names, BEST: BEST}, common

    def _describe(self, axes: Sequence[Axes], common: str, own: bool) -> None:
        """Write what the panels show: over how many rounds, and what all names have in common."""
        from nassearch.reports.drawing.canvas import describe, head, is_first

        what = "median" if self.bands == "none" else "median and quartiles"
        note = f"{what} of {rounds_told([number for numbers in self.rounds.values() for number in numbers])}"
        notes = [note, *([f"all: {common}"] if common else [])]
        shared = own and len(self.panels) > 1
        same = shared and len({panel.y_label for panel in self.panels}) == 1
        for on, panel in zip(axes, self.panels, strict=True):
            title = "\n".join(filter(None, [panel.title, *([] if shared else notes)]))
            first = not same or is_first(on)
            describe(on, panel.x_label, panel.y_label if first else "", title)
        if shared:
            head(axes, "\n".join(notes))


def look(number: int) -> Mapping[str, Any]:
    """Return how the line of this number is drawn: of 36 no two have both colour and style in common."""
    style = STYLES[(number + number // len(COLOURS)) % len(STYLES)]
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": style, "linewidth": WIDTH}
