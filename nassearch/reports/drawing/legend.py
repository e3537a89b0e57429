"""The names of lines: at their ends, in a legend that covers none of them, or below several panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from nassearch.reports.drawing.canvas import characters, font_size
from nassearch.reports.drawing.end_labels import EndLabels
from nassearch.reports.drawing.figure import whole_figure

Lines = Mapping[str, Line2D]
"""The lines of a panel, by name."""
SHARE = {"ends": 0.26, "inside": 0.45, "below": 0.6}
"""Of the width of a panel, what a name takes before it is wrapped."""
LEAST = 17
"""Characters that a name has in a line at the least."""
SMALL = 0.85
"""Size of names beside lines over that of other text."""
MOST_COLUMNS = 4
HANDLE = 2.8
"""Length of the piece of a line in a legend, in ems: dashes need it."""
FREE = 2.0
"""Points that are free around a legend."""


def room(kind: str, inches: float) -> int:
    """Return how many characters of a name stand in one line, in panels of this width."""
    return max(LEAST, int(SHARE[kind] * characters(inches) / SMALL))


def lines_below(names: Sequence[str], inches: float) -> int:
    """Return how many lines of text a legend of these names takes in a figure of this width, about."""
    longest = max(len(line) for name in names for line in name.split("\n"))
    columns = min(len(names), MOST_COLUMNS, max(1, characters(inches) // (longest + 8)))
    return -(-len(names) // columns) * max(name.count("\n") + 1 for name in names) + 1


def put_at_ends(axes: Axes, lines: Lines, names: Mapping[str, str]) -> None:
    """Write the names beside the ends of the lines."""
    EndLabels(axes, list(lines.values()), [names[name] for name in lines], SMALL * font_size())


def put_inside(axes: Axes, lines: Lines, names: Mapping[str, str], layout: bool) -> bool:
    """Write the names within the axes where most is free; return whether they cover nothing, else they are not there.

    layout: whether the figure may be laid out for it, which moves its other axes.
    """
    legend = axes.legend(
        list(lines.values()),
        [names[name] for name in lines],
        frameon=False,
        loc="best",
        handlelength=HANDLE,
        fontsize=SMALL * font_size(),
    )
    if layout:
        whole_figure(axes).draw_without_rendering()
    if covers(legend, axes):
        legend.remove()
        return False
    return True


def put_below(figure: Figure, panels: Sequence[Lines], names: Mapping[str, str]) -> None:
    """Write the names that several panels share below them, in as many columns as there is room for."""
    handles = {name: line for lines in reversed(panels) for name, line in lines.items()}
    handles = {name: handles[name] for name in names if name in handles}
    width = figure.bbox.width
    for columns in range(min(len(handles), MOST_COLUMNS), 0, -1):
        legend = figure.legend(
            list(handles.values()),
            [names[name] for name in handles],
            frameon=False,
            loc="outside lower center",
            ncols=columns,
            handlelength=HANDLE,
            fontsize=SMALL * font_size(),
        )
        if columns == 1 or legend.get_window_extent().width <= width:
            return
        legend.remove()


def covers(legend: Legend, axes: Axes) -> bool:
    """Say whether a legend lies on a line, on quartiles or beyond the axes."""
    figure = legend.figure
    assert figure is not None
    box = legend.get_window_extent().padded(FREE * figure.dpi / 72)
    if box.width > axes.bbox.width or box.height > axes.bbox.height:
        return True
    for line in axes.lines:
        vertices = line.get_transform().transform(np.column_stack(line.get_data()))
        vertices = vertices[np.isfinite(vertices).all(axis=1)]
        if len(vertices) and Path(vertices).intersects_bbox(box, filled=False):
            return True
    return any(
        path.transformed(part.get_transform()).intersects_bbox(box, filled=True)
        for part in axes.collections
        for path in part.get_paths()
    )


def overlap(boxes: Sequence[Bbox]) -> bool:
    """Say whether any two boxes lie on each other."""
    return any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
