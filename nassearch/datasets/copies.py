"""Tell of examples that are there more than once: in two parts, with two labels, or just twice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.sentences import counted

NAMES = ("train", "validation", "test")


def tell_copies(
    contents: NDArray[np.uint8],
    labels: NDArray[np.int64],
    parts: NDArray[np.int64],
    classes: tuple[str, ...],
    where: Callable[[int], str],
) -> list[str]:
    """Return sentences about examples that hold the same.

    Args:
        contents: uint8 `[N, 16]`, a hash of what each holds.
        labels: int64 `[N]`, numbers of `classes`.
        parts: int64 `[N]`, 0 for train, 1 for validation, 2 for test.
        classes: names.
        where: names an example, by its place.
    """
    keys = np.ascontiguousarray(contents).view(f"V{contents.shape[1]}").ravel()
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
    groups = sorted(
        (group for group in np.split(order, ends) if len(group) > 1), key=lambda group: int(group[0])
    )
    notes = []
    for first, second in combinations(range(len(NAMES)), 2):
        shared = [group for group in groups if {first, second} <= set(parts[group].tolist())]
        if shared:
            notes.append(_leak(shared, parts, first, second, where))
    disputed = [group for group in groups if len(set(labels[group].tolist())) > 1]
    if disputed:
        one, other = _differing(disputed[0], labels)
        notes.append(
            f"The same with two labels: {counted(len(disputed), 'example')}, such as {where(one)} as "
            f"{classes[labels[one]]} and {where(other)} as {classes[labels[other]]}: no network is right on both."
        )
    again = sum(len(group) - 1 for group in groups if len(set(parts[group].tolist())) == 1)
    if again:
        notes.append(f"Copies of others in the same part: {counted(again, 'example')}.")
    return notes


def _leak(
    shared: list[NDArray[Any]], parts: NDArray[np.int64], first: int, second: int, where: Callable[[int], str]
) -> str:
    here, there = (
        int(next(place for place in shared[0] if parts[place] == part)) for part in (first, second)
    )
    count = sum(int((parts[group] == second).sum()) for group in shared)
    total = int((parts == second).sum())
    return (
        f"Leakage: {counted(count, 'example')} of {total} in {NAMES[second]} also in {NAMES[first]}, such as "
        f"{where(there)} and {where(here)}: accuracy there is too high. Keep one of each."
    )


def _differing(group: NDArray[Any], labels: NDArray[np.int64]) -> tuple[int, int]:
    one = int(group[0])
    return one, int(next(place for place in group if labels[place] != labels[one]))
