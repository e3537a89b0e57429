"""How well scores rank the architectures around one: what a search meets when it moves by one edit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nassearch.spaces.base import SearchSpace
from nassearch.statistics import ranks
from nassearch.statistics.correlation import pairs
from nassearch.statistics.intervals import Estimate, Resampling, mean
from nassearch.types import Arch, Floats


def draw_clusters(space: SearchSpace, n: int, rng: np.random.Generator) -> list[list[Arch]]:
    """Return n clusters: a uniform random architecture and all that are one edit away from it.

    The centre counts, as in table 7 of arXiv 2101.08134, where 24 neighbours make clusters of 25.
    """
    return [[centre, *space.neighbours(centre)] for centre in space.sample_many(n, rng)] if n else []


def judge_locally(
    scores: Sequence[Floats], accuracies: Sequence[Floats], how: Resampling
) -> dict[str, Estimate]:
    """Return means over clusters, with intervals that resample whole clusters; pairs with a NaN are left out.

    Args:
        scores, accuracies: one array per cluster.
        how: how intervals are made.

    Returns:
        local_rho: Spearman's rho within a cluster, of the clusters that have one (table 12 of arXiv 2101.08134).
        best_child: how often the best scored is the most accurate of those compared; where several share the best
            score, the chance that a random one of them is (table 13).
        chance: how often a random one of those compared is.

    In the first cluster the best scored is the most accurate; in the second two share the best score, one of them is.

    >>> scores = [np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0])]
    >>> accuracies = [np.array([70.0, 71.0, 72.0]), np.array([72.0, 71.0, 73.0])]
    >>> found = judge_locally(scores, accuracies, Resampling(draws=200))
    >>> {name: round(figure.value, 3) for name, figure in found.items()}
    {'local_rho': 0.5, 'best_child': 0.75, 'chance': 0.333}
    """
    rhos, matches, chances = [], [], []
    for some_scores, some_accuracies in zip(scores, accuracies, strict=True):
        s, a, _ = pairs(some_scores, some_accuracies)
        if len(s):
            most_accurate = a == a.max()
            matches.append(most_accurate[s == s.max()].mean())
            chances.append(most_accurate.mean())
        rhos.append(ranks.rho(ranks.dense(s), ranks.dense(a)) if len(s) > 1 else np.nan)
    return {
        "local_rho": mean(np.array(rhos), how),
        "best_child": mean(np.array(matches), how),
        "chance": mean(np.array(chances), how),
    }
