"""Train, validation and test: those that are given stay, those that are missing are cut by class and by content."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.sentences import counted, listed
from nassearch.errors import BadData

TRAIN, VALID, TEST = 0, 1, 2


def divide(
    labels: NDArray[np.int64],
    contents: NDArray[np.uint8],
    given: NDArray[np.int64],
    valid: float,
    test: float,
    seed: int,
    source: str,
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the part of each example, and notes.

    Of each class as many examples go to validation and test as their shares say, rounded so that the whole has its
    share too (largest remainders), and one at least of a class with `FEW` or more. A seeded hash of the content
    decides which. So the same images make the same parts, whatever their names and order are, and copies of one
    image stay together.

    Args:
        labels: int64 `[N]`.
        contents: uint8 `[N, 16]`.
        given: int64 `[N]`, 0 for train, 1 for validation, 2 for test, -1 where the source does not say.
        valid, test: shares of what is divided.
        seed: of the order in which examples of a class are taken.
        source: names the data set in messages.

    Raises:
        BadData: nothing is left for validation.
    """
    parts = np.where(given < 0, TRAIN, given)
    wanted = [
        part for part, share in ((VALID, valid), (TEST, test)) if share > 0 and not (given == part).any()
    ]
    if not wanted:
        return parts, []
    free = np.flatnonzero(parts == TRAIN)
    classes = _by_class(labels, contents, free, seed)
    sizes = [sum(map(len, groups)) for groups in classes]
    differing = [len(groups) for groups in classes]
    rounded = [Fraction(0)] * len(sizes)
    for part in wanted:
        goals, rounded = _goals(sizes, valid if part == VALID else test, differing, rounded)
        for groups, goal in zip(classes, goals, strict=True):
            _cut(parts, groups, part, goal)
    if not (parts == VALID).any():
        raise BadData(
            f"{source} has {counted(len(free), 'example')} to divide, too few for validation: give at least two that "
            "differ of some class, or a larger share"
        )
    made = ", ".join(f"{int((parts == part).sum())} for {NAMES[part]}" for part in wanted)
    notes = [f"Set aside by class and content, with seed {seed}: {made}."]
    if TEST in wanted and not (parts == TEST).any():
        notes.append("There are too few examples for a test part: nothing is left to judge the winner by.")
    return parts, notes


NAMES = {TRAIN: "train", VALID: "validation", TEST: "test"}
FEW = 5
"""Examples of a class from which on each part has one of them."""
Groups = list[list[int]]


def _by_class(
    labels: NDArray[np.int64], contents: NDArray[np.uint8], free: NDArray[np.int64], seed: int
) -> list[Groups]:
    """Return by class lists of examples with one content each, in the order that the seed gives them.

    What has several labels counts as of the first of them.
    """
    same: dict[bytes, list[int]] = {}
    for place in free.tolist():
        same.setdefault(contents[place].tobytes(), []).append(place)
    salt = seed.to_bytes(16, "little")
    classes: dict[int, list[tuple[bytes, list[int]]]] = {}
    for content, members in same.items():
        key = hashlib.blake2b(content, digest_size=16, salt=salt).digest()
        classes.setdefault(min(int(labels[place]) for place in members), []).append((key, members))
    return [[members for _, members in sorted(classes[label])] for label in sorted(classes)]


def _goals(
    sizes: list[int], share: float, differing: list[int], rounded: list[Fraction]
) -> tuple[list[int], list[Fraction]]:
    """Return how many examples of each class a part gets, and what rounding has added to the parts of each so far.

    Args:
        sizes: examples of each class.
        share: of the part.
        differing: how many of them differ; none is taken of a class where all are copies of one.
        rounded: what rounding has added to the parts before, which makes others go first now.
    """
    exact = [
        Fraction(share) * size if many > 1 else Fraction(0)
        for size, many in zip(sizes, differing, strict=True)
    ]
    least = [int(size >= FEW and many > 1) for size, many in zip(sizes, differing, strict=True)]
    goals = [max(int(each), few) for each, few in zip(exact, least, strict=True)]
    # A share such as 0.15 is a little less or more than it says, and so would be a half of it.
    total = max(1, round(float(sum(exact)) + 1e-9))
    by_rest = sorted(range(len(sizes)), key=lambda at: (goals[at] - exact[at] + rounded[at], at))
    for at in by_rest[: max(0, total - sum(goals))]:
        goals[at] += exact[at] > 0
    return goals, [rounded[at] + goals[at] - exact[at] for at in range(len(sizes))]


def _cut(parts: NDArray[np.int64], groups: Groups, part: int, goal: int) -> None:
    """Move the first groups of a class to a part, without going beyond the goal; one group stays in train.

    Where every group goes beyond it, one of the smallest is moved.
    """
    left = goal
    for members in list(groups):
        if len(members) <= left and len(groups) > 1:
            parts[members] = part
            left -= len(members)
            groups.remove(members)
    if left == goal > 0 and len(groups) > 1:
        smallest = min(groups, key=len)
        parts[smallest] = part
        groups.remove(smallest)


def tell_missing(
    labels: NDArray[np.int64], parts: NDArray[np.int64], classes: tuple[str, ...], source: str
) -> list[str]:
    """Return sentences about classes that a part lacks.

    Raises:
        BadData: train lacks a class that another part has, or has fewer than two, or validation is empty.
    """
    counts = np.stack([np.bincount(labels[parts == part], minlength=len(classes)) for part in NAMES])
    if not counts[VALID].any():
        raise BadData(
            f"{source} has no example for validation: give some, or leave out that part to have it cut off"
        )

    def named(places: list[int]) -> str:
        return f"{'class' if len(places) == 1 else f'{len(places)} classes:'} {listed([classes[at] for at in places])}"

    if unlearnt := np.flatnonzero((counts[TRAIN] == 0) & (counts.sum(axis=0) > 0)).tolist():
        raise BadData(
            f"{source}: train has no example of {named(unlearnt)}, and other parts have "
            f"{int(counts[:, unlearnt].sum())}: move some of them to train, or take them out"
        )
    notes = []
    for part in (VALID, TEST):
        lacking = np.flatnonzero(counts[part] == 0).tolist()
        if lacking and counts[part].any():
            notes.append(
                f"{NAMES[part].capitalize()} has no example of {named(lacking)}: accuracy there "
                "says nothing of it."
            )
    return notes
