"""Expected growth of the hypervolume, where one objective is foreseen and the other one known."""

from __future__ import annotations

import numpy as np

from nassearch.statistics.hypervolume import nondominated
from nassearch.strategies.gp.acquisition import log_improvement
from nassearch.types import Floats


def log_growth(mean: Floats, deviation: Floats, costs: Floats, told: Floats, worst: float) -> Floats:
    """Return log E[growth of the hypervolume] of M candidates, `[M]`; -inf where a cost is not known.

    A candidate of value a and cost c adds, above the reference cost, the area between a and the front: the integral
    over costs z from the worst to c of max(0, a - h(z)), where h(z) is the best value of what was trained with a cost
    of z or better. h is a staircase, so it is a sum over its steps of their widths times the expected improvement
    over their heights (the expected hypervolume improvement of Emmerich, 2005, with one coordinate known).

    Args:
        mean, deviation: of the values foreseen, `[M]`.
        costs: of the candidates, `[M]`; higher is better.
        told: values and costs of what was trained, `[N, 2]`; higher is better.
        worst: the reference cost.
    """
    known = ~np.isnan(costs)
    found = np.full(len(mean), -np.inf)
    points = told[nondominated(told)]
    points = points[np.argsort(points[:, 1], kind="stable")]
    least = float(told[:, 0].min())
    # Step k reaches from ends[k] to ends[k + 1], and is as high as the best point with a cost beyond its end.
    ends = np.array([worst, *points[:, 1].tolist(), np.inf])
    heights = np.array([*points[:, 0].tolist(), least])
    heights = np.maximum.accumulate(heights[::-1])[::-1]
    for low, high, height in zip(ends[:-1], ends[1:], heights, strict=True):
        width = np.minimum(costs, high) - low
        there = known & (width > 0)
        if there.any():
            gain = np.log(width[there]) + log_improvement(mean[there], deviation[there], float(height))
            found[there] = np.logaddexp(found[there], gain)
    return found
