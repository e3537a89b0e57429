"""Several objectives as one, by weights that are drawn anew at each step."""

from __future__ import annotations

import math

import numpy as np

from nassearch.types import Floats

RHO = 0.05
"""Weight of the sum beside the largest term."""


def scalarised(points: Floats, rng: np.random.Generator) -> Floats:
    """Return one value for each of N points, `[N]`: higher is better, NaN where a point has NaN.

    The augmented Tchebycheff function of ParEGO (Knowles, 2006, equation 2) of the distances to the best of each
    objective, as shares of its range, with weights drawn uniformly from all that sum up to 1. Knowles draws them from
    a lattice.

    Args:
        points: `[N, M]`, higher is better.
        rng: draws the weights.
    """
    # Uniform on the simplex: exponential variates divided by their sum.
    draws = [-math.log(1 - each) for each in rng.random(size=(points.shape[1],)).tolist()]
    weights = [each / math.fsum(draws) for each in draws]
    known = ~np.isnan(points).any(axis=1)
    found = np.full(len(points), np.nan)
    if known.any():
        best, worst = points[known].max(axis=0), points[known].min(axis=0)
        span = np.where(best > worst, best - worst, 1.0)
        terms = (best - points[known]) / span * np.array(weights)
        total = np.zeros(len(terms))
        for column in terms.T:
            total += column
        found[known] = -(terms.max(axis=1) + RHO * total)
    return found
