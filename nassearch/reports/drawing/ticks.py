"""Numbers at the ticks of a logarithmic axis with room for zero: none is printed over another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import Locator

POWERS, ZERO = 3.4, 2.2
"""Ems from one power of ten to the next, in print with its sign and free space, and from one to zero."""


class SparsePowers(Locator):
    """Ticks at zero and at as many powers of ten, of both signs, as stand beside each other without touching."""

    def __init__(self, linear: float, size: float) -> None:
        """Take the end of the linear part of the axis, and the points of its numbers."""
        self.linear, self.size = linear, size

    def __call__(self) -> Any:
        assert self.axis is not None
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two ends of the axis."""
        low, high = sorted((vmin, vmax))
        first = math.ceil(math.log10(self.linear))
        last = math.floor(math.log10(max(-low, high, self.linear)))
        powers = [10.0**power for power in range(last, first - 1, -1)]
        ticks = [0.0]
        for step in range(1, len(powers) + 1):
            both = {sign * power for power in powers[::step] for sign in (-1, 1)} | {0.0}
            ticks = [tick for tick in sorted(both) if low <= tick <= high]
            ticks = [tick for tick in ticks if tick == 0 or not self._touch([0.0, tick], ZERO)]
            if not self._touch([tick for tick in ticks if tick], POWERS):
                return np.array(ticks)
        return np.array(ticks[-1:])

    def _touch(self, ticks: Sequence[float], ems: float) -> bool:
        """Say whether any two neighbours are nearer to each other than so many ems."""
        axes: Any = self.axis.axes  # type: ignore[union-attr]
        pixels = self.axis.get_transform().transform(np.array(ticks))  # type: ignore[union-attr]
        ends = self.axis.get_transform().transform(np.array(axes.get_xlim()))  # type: ignore[union-attr]
        points = pixels / abs(ends[1] - ends[0]) * axes.bbox.width * 72 / axes.figure.dpi
        return bool((np.abs(np.diff(points)) < ems * self.size).any())
