"""Values as a Gaussian process takes them: drawn apart near the best, of mean 0 and deviation 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nassearch.types import Floats

GAP = 2.0
"""Beyond the best, as a multiple of the distance from the median to the best."""
BELOW = 0.1
"""Below the worst, as a share of the distance to the best, where NaN stands."""


class Worth:
    """Turns values into standardised ones and back: y = -log(c - value), c a little above the best.

    So a step near the best counts for more than one far below. NaN is somewhat worse than the worst. Where all are the
    same, all are 0.

    Args:
        values: what was told, NaN among them.
    """

    def __init__(self, values: Sequence[float]) -> None:
        told = np.array(values, np.float64)
        known = told[~np.isnan(told)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        told = np.where(np.isnan(told), low - (BELOW * (high - low) or 1.0), told)
        self._worst = float(told.min())
        best = float(told.max())
        gap = GAP * (best - float(np.median(told))) or best - self._worst
        self._ceiling = best + gap
        bent = np.array([self._bend(value) for value in told.tolist()])
        self._mean = float(bent.mean())
        self._spread = float(bent.std()) or 1.0
        self.standard: Floats = (bent - self._mean) / self._spread

    def _bend(self, value: float) -> float:
        return -math.log(max(self._ceiling - value, 1e-300)) if self._ceiling > self._worst else 0.0

    def of(self, value: float) -> float:
        """Return what a value is, standardised; one above all that a forecast can be stands at its end."""
        return (self._bend(min(value, self._ceiling)) - self._mean) / self._spread

    def value(self, standard: float) -> float:
        """Return the value whose standardised one is given."""
        if self._ceiling <= self._worst:
            return self._worst
        return self._ceiling - math.exp(-(standard * self._spread + self._mean))
