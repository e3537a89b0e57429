"""Train, validation and test: those that are given stay, those that are missing are cut by class and by content."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

    Of each class as many examples go to validation and test as their shares say, one at least where the class has
    three; a seeded hash of the content decides which. So the same images make the same parts, whatever their names
    and order are, and copies of one image stay together. An image with two labels stays in train.

    Args:
        labels: int64 `[N]`.
        contents: uint8 `[N, 16]`.
        given: int64 `[N]`, 0 for train, 1 for validation, 2 for test, -1 where the source does not say.
        valid, test: shares of what is divided.
        seed: of the order in which examples of a class are taken.
        source: names the data set in messages.

    Raises:
        BadData: validation, or train, would have no example.
    """
    parts = np.where(given < 0, TRAIN, given)
    notes = []
    wanted = [
        part for part, share in ((VALID, valid), (TEST, test)) if share > 0 and not (given == part).any()
    ]
    if wanted:
        shares = [valid if part == VALID else test for part in wanted]
        free = np.flatnonzero(parts == TRAIN)
        for members in _by_class(labels, contents, free, seed):
            _cut(parts, members, wanted, shares)
        missing = [NAMES[part] for part in wanted if not (parts == part).any()]
        if "validation" in missing:
            raise BadData(
                f"{source} has {len(free)} examples to divide, too few for validation: give at least two of some "
                "class, or a larger share"
            )
        made = ", ".join(f"{int((parts == part).sum())} for {NAMES[part]}" for part in wanted)
        notes.append(f"Set aside by class and content, with seed {seed}: {made}.")
        if missing:
            notes.append(
                "There are too few examples for a test part: nothing is left to judge the winner by."
            )
    return parts, notes


NAMES = {TRAIN: "train", VALID: "validation", TEST: "test"}


def _by_class(
    labels: NDArray[np.int64], contents: NDArray[np.uint8], free: NDArray[np.int64], seed: int
) -> Any:
    """Yield, class by class, lists of examples of one content each, in the order that the seed gives them."""
    same: dict[bytes, list[int]] = {}
    for place in free.tolist():
        same.setdefault(contents[place].tobytes(), []).append(place)
    salt = seed.to_bytes(8, "little")
    classes: dict[int, list[tuple[bytes, list[int]]]] = {}
    for content, members in same.items():
        if len({int(labels[place]) for place in members}) == 1:
            key = hashlib.blake2b(content, digest_size=16, salt=salt.ljust(16, b"\0")).digest()
            classes.setdefault(int(labels[members[0]]), []).append((key, members))
    for label in sorted(classes):
        yield [members for _, members in sorted(classes[label])]


def _cut(parts: NDArray[np.int64], groups: list[list[int]], wanted: list[int], shares: list[float]) -> None:
    """Put the first groups of a class into the wanted parts, and leave at least one in train."""
    count = sum(map(len, groups))
    left = list(groups)
    for part, share in zip(wanted, shares, strict=True):
        goal = max(1, round(count * share))
        while goal > 0 and len(left) > 1:
            members = left.pop(0)
            parts[members] = part
            goal -= len(members)
