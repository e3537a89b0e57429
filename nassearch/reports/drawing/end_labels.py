"""Names beside the ends of lines, in place of a legend: none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform

from nassearch.types import Floats

GAP, LEADER, KEY, SPACE = 2.0, 7.0, 15.0, 2.5
"""From the axes to the right, in points: free, leaders, a piece of the line in its style, free; then the name."""
APART = 1.5
"""Points that are free between two names."""


def spread(wanted: Floats, heights: Floats, low: float, high: float) -> Floats:
    """Return where the centres of labels go that stand in one column, as near to where they are wanted as they can.

    The sum of squared moves is the least under which none covers another, and all lie between low and high; where they
    have no room there, they lie about the middle. Of labels wanted at one place the first is the highest.

    Args:
        wanted, heights: `[N]`.

    >>> spread(np.array([5.0, 5.0, 20.0]), np.array([2.0, 2.0, 2.0]), 0.0, 30.0).tolist()
    [6.0, 4.0, 20.0]
    """
    from scipy.optimize import isotonic_regression

    order = np.lexsort((-np.arange(len(wanted)), wanted))
    tall = heights[order]
    below = np.cumsum(tall) - tall / 2  # the centres of labels that stand on each other, from 0
    least, most = low, high - float(tall.sum())
    if least > most:
        least = most = (least + most) / 2
    placed = np.empty(len(wanted))
    placed[order] = np.clip(isotonic_regression(wanted[order] - below).x, least, most) + below
    return placed


class EndLabels(Artist):
    """The names of lines at their right ends, each behind a piece of its line, with a thin leader where it is moved.

    They are placed whenever they are drawn, so that they stay right when limits, sizes or the layout change, and take
    part in the layout of the figure.
    """

    def __init__(self, axes: Axes, lines: Sequence[Line2D], names: Sequence[str], size: Any) -> None:
        """Take the lines of axes and as many names, which are text that matplotlib may be shown."""
        super().__init__()
        self.lines = list(lines)
        self.texts: list[Text] = []
        self.keys: list[Line2D] = []
        self.leaders: list[Line2D] = []
        for line, name in zip(lines, names, strict=True):
            key = Line2D([], [])
            key.update_from(line)
            leader = Line2D([], [], color=line.get_color(), linewidth=0.5, alpha=0.8)
            key.set_transform(IdentityTransform())
            leader.set_transform(IdentityTransform())
            self.keys.append(key)
            self.leaders.append(leader)
            self.texts.append(Text(0, 0, name, fontsize=size, va="center", linespacing=1.0, usetex=False))
        axes.add_artist(self)
        self.set_clip_on(False)
        for part in self.get_children():
            part.set_figure(axes.figure)
            part.axes = axes
            part.set_clip_on(False)

    def get_children(self) -> list[Artist]:
        return [*self.leaders, *self.keys, *self.texts]

    def draw(self, renderer: RendererBase) -> None:
        if self.get_visible():
            self._place(renderer)
            for part in self.get_children():
                part.draw(renderer)
            self.stale = False

    def boxes(self, renderer: RendererBase) -> list[Bbox]:
        """Return the boxes of the names, in pixels."""
        self._place(renderer)
        return [text.get_window_extent(renderer) for text in self.texts]

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        boxes = self.boxes(renderer or self.axes.figure._get_renderer())  # type: ignore[union-attr]
        left = self.axes.bbox.x1  # type: ignore[union-attr]
        return Bbox.union([*boxes, Bbox([[left, boxes[0].y0], [left + 1, boxes[0].y1]])])

    def get_tightbbox(self, renderer: RendererBase | None = None) -> Bbox:
        return self.get_window_extent(renderer)

    def _place(self, renderer: RendererBase) -> None:
        point = float(renderer.points_to_pixels(1.0))  # type: ignore[arg-type]
        box = self.axes.bbox  # type: ignore[union-attr]
        ends = np.array([self._end(line) for line in self.lines])
        heights = [text.get_window_extent(renderer).height + APART * point for text in self.texts]
        places = spread(ends[:, 1], np.array(heights), box.y0, box.y1)
        left = box.x1 + GAP * point
        key = left + LEADER * point
        name = key + (KEY + SPACE) * point
        for (x, y), place, text, sample, leader in zip(
            ends, places, self.texts, self.keys, self.leaders, strict=True
        ):
            text.set_position((name, place))
            sample.set_data([key, name - SPACE * point], [place, place])
            leader.set_data([x, left, key], [y, y, place])

    def _end(self, line: Line2D) -> tuple[float, float]:
        """Return where a line ends within the axes, in pixels."""
        axes = self.axes
        assert axes is not None
        x, y = np.asarray(line.get_xdata(), np.float64), np.asarray(line.get_ydata(), np.float64)
        there = np.isfinite(x) & np.isfinite(y)
        x, y = x[there], y[there]
        right = np.inf  # of a level over the whole width x is a share of that
        if line.get_transform().contains_branch_seperately(axes.transData)[0]:
            right = max(axes.get_xlim())
        if not len(x) or x[0] > right:
            return axes.bbox.x1, axes.bbox.y0
        at = min(float(x[-1]), right)
        across, up = line.get_transform().transform((at, float(np.interp(at, x, y))))
        box = axes.bbox
        return float(np.clip(across, box.x0, box.x1)), float(np.clip(up, box.y0, box.y1))
