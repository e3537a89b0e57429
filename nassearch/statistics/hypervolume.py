"""Several objectives at once: which points no other beats, and how much of the space of values they dominate.

moocore, which is imported where it is needed, takes a sixth of a second to start.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nassearch.types import Floats

DIGITS = 9
"""Crowding distances are compared after rounding to so many."""


def nondominated(points: Floats) -> np.ndarray:
    """Say of N points in M objectives which are dominated by no other, bool `[N]`; higher is better.

    Of points that are equal all count. A point with NaN is dominated.
    """
    known = ~np.isnan(points).any(axis=1)
    found = np.zeros(len(points), bool)
    if known.any():
        import moocore

        found[known] = moocore.is_nondominated(points[known], maximise=True, keep_weakly=True)
    return found


def fronts(points: Floats) -> np.ndarray:
    """Return the number of the front of each of N points, int `[N]`: 0 for those that no other dominates.

    Those that only these dominate are front 1, and so on (Deb et al., 2002); points with NaN come behind all.
    """
    known = ~np.isnan(points).any(axis=1)
    found = np.zeros(len(points), np.int64)
    if known.any():
        import moocore

        found[known] = moocore.pareto_rank(points[known], maximise=True)
    found[~known] = found[known].max(initial=-1) + 1
    return found


def crowding(points: Floats, front: Sequence[int] | np.ndarray) -> Floats:
    """Return the crowding distance of each of N points within its front, `[N]`; larger is lonelier.

    The sum over objectives of the distance between both neighbours in that objective, as a share of the front's
    range; infinite at the ends (Deb et al., 2002, section III-B). NaN counts as an end.
    """
    found = np.zeros(len(points))
    for number in sorted(set(np.asarray(front).tolist())):
        members = np.flatnonzero(np.asarray(front) == number)
        for column in points[members].T:
            order = np.argsort(column, kind="stable")
            ends = column[order[-1]] - column[order[0]]
            found[members[order[[0, -1]]]] = np.inf
            if len(members) > 2 and ends > 0:
                found[members[order[1:-1]]] += (column[order[2:]] - column[order[:-2]]) / ends
    return found


def hypervolume(points: Floats, reference: Floats) -> float:
    """Return the volume that points dominate above a reference point; 0 where none is above it in all objectives.

    Zitzler and Thiele (1999). Points are `[N, M]` and the reference `[M]`, higher is better; points with NaN count
    nothing.
    """
    known = points[~np.isnan(points).any(axis=1)]
    above = known[(known > reference).all(axis=1)]
    import moocore

    return float(moocore.hypervolume(above, ref=reference, maximise=True)) if len(above) else 0.0


def hypervolumes(points: Floats, chosen: Floats, reference: Floats) -> Floats:
    """Return the hypervolume after each of T models, `[T]`.

    After each, those that no other trained so far dominates by what they are chosen by count with their points.

    Args:
        points: `[T, M]`, higher is better.
        chosen: by what they are chosen, `[T, M]`; `points` itself, or validation in the place of test.
        reference: `[M]`.
    """
    found = np.zeros(len(points))
    front: list[int] = []
    for place, point in enumerate(chosen):
        found[place] = found[place - 1] if place else 0.0
        others = chosen[front]
        beaten = ((others >= point).all(axis=1) & (others > point).any(axis=1)).any()
        if np.isnan(point).any() or beaten:
            continue
        stays = ~((point >= others).all(axis=1) & (point > others).any(axis=1))
        front = [*np.array(front, int)[stays].tolist(), place]
        found[place] = hypervolume(points[front], reference)
    return found


def by_fronts(points: Floats) -> list[int]:
    """Return places of N points `[N, M]` best first: by fronts, then the loneliest; equals in the order given."""
    front = fronts(points)
    lonely = np.round(crowding(points, front), DIGITS)
    return np.lexsort([np.arange(len(points)), -lonely, front]).tolist()  # type: ignore[no-any-return]
