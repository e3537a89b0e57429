"""Lines that lie on each other, made visible: each is wider beneath those above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nassearch.types import Floats

PLACES = 400
"""Places across the axes at which lines are compared."""
SHORTEST_SHARE = 0.03
"""Lines that meet over less of the axes than this only cross."""


WIDER, WIDEST = 1.8, 5.4
"""Points by which a line is wider for each that lies on it, and at most."""
NEAR = 1.0
"""Points between lines that look like one."""


def widen(axes: Axes, lines: Sequence[Line2D]) -> None:
    """Draw a line wider where later ones lie on it, by the present limits of the axes; the first is the widest."""
    points = [axes.transData.transform(np.column_stack(line.get_data())) for line in lines]
    across = np.linspace(axes.bbox.x0, axes.bbox.x1, PLACES)
    back, order = axes.transData.inverted(), min(line.get_zorder() for line in lines) - 0.5
    near = NEAR * axes.figure.dpi / 72
    found = list(stretches([(each[:, 0], each[:, 1]) for each in points], across, near))
    wider = min(WIDER, WIDEST / max((each.above for each in found), default=1))
    for beneath, above, x, y in found:
        line = lines[beneath]
        axes.plot(
            *back.transform(np.column_stack([x, y])).T,
            color=line.get_color(),
            linewidth=line.get_linewidth() + wider * above,
            solid_capstyle="butt",
            zorder=order,
            label="_beneath",
        )


class Stretch(NamedTuple):
    """Where a line lies beneath so many others."""

    line: int
    above: int
    x: Floats
    y: Floats


def stretches(lines: Sequence[tuple[Floats, Floats]], x: Floats, height: float) -> Iterator[Stretch]:
    """Tell where lines are beneath later ones, from the first line on.

    Args:
        lines: x, rising, and y of each.
        x: places at which they are compared, evenly across the axes.
        height: distance in y under which two lines cannot be told apart.
    """
    shortest = max(2, round(SHORTEST_SHARE * len(x)))
    levels = np.array([np.interp(x, *line, left=np.nan, right=np.nan) for line in lines])
    for number, level in enumerate(levels):
        with np.errstate(invalid="ignore"):
            near = np.abs(levels[number + 1 :] - level) < height
        above = sum((_longer(row, shortest).astype(int) for row in near), np.zeros(len(x), int))
        for start, end in _runs(above):
            if above[start]:
                part = slice(start, min(end + 1, len(x)))  # up to where the next begins
                yield Stretch(number, int(above[start]), x[part], level[part])


def _longer(row: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """Keep the runs of True that are long enough."""
    kept = row.copy()
    for start, end in _runs(row):
        if end - start < shortest:
            kept[start:end] = False
    return kept


def _runs(values: NDArray[np.generic]) -> list[tuple[int, int]]:
    """Return where runs of equal values begin and end.

    >>> _runs(np.array([0, 0, 1, 0]))
    [(0, 2), (2, 3), (3, 4)]
    """
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(values)], strict=True))
