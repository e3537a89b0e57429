"""What a reader of one format finds, before it is split: examples, their labels, and the parts that are given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.examples import Examples
from nassearch.datasets.sentences import counted
from nassearch.errors import BadData
from nassearch.types import Progress

HASH = 16
"""Bytes of the hash of one example: two of a billion are alike by chance once in 10**20 data sets."""
AT_ONCE = 16 << 20
"""Bytes of examples that are looked through at a time."""


@dataclass
class Found:
    """Examples as a reader found them.

    Attributes:
        name: of the data set.
        kind: `"image"`, `"signal"` or `"vector"`.
        examples: all of them.
        contents: uint8 `[N, 16]`, a hash of what each holds.
        labels: N whole numbers or texts; None where there is none.
        parts: N times `"train"`, `"valid"` or `"test"`, or `""` where the source does not say.
        where: names an example for messages, by its place.
        names: of the classes, where the source has them by number.
        notes: sentences for the user.
    """

    name: str
    kind: str
    examples: Examples
    contents: NDArray[np.uint8]
    labels: Sequence[Any]
    parts: Sequence[str]
    where: Callable[[int], str]
    names: tuple[str, ...] | None = None
    notes: list[str] = field(default_factory=list)


def content_of(example: NDArray[Any]) -> bytes:
    """Return a hash of one example: its type, its shape and its numbers."""
    digest = hashlib.blake2b(f"{example.dtype.str}{example.shape}".encode(), digest_size=HASH)
    digest.update(np.ascontiguousarray(example).data)
    return digest.digest()


def look_through(
    examples: Examples, source: str, where: Callable[[int], str], progress: Progress | None = None
) -> NDArray[np.uint8]:
    """Return the hash of each example, `[N, 16]`.

    Raises:
        BadData: an example holds NaN or an infinite number.
    """
    count = len(examples)
    contents = np.empty((count, HASH), np.uint8)
    bad: list[int] = []
    size = max(1, int(np.prod(examples.shape)) * examples.dtype.itemsize)
    step = max(1, AT_ONCE // size)
    for start in range(0, count, step):
        places = np.arange(start, min(start + step, count))
        taken = examples.take(places)
        if taken.dtype != np.uint8:
            finite = np.isfinite(taken.reshape(len(taken), -1)).all(axis=1)
            bad += places[~finite].tolist()
        for place, example in zip(places, taken, strict=True):
            contents[place] = np.frombuffer(content_of(example), np.uint8)
        if progress:
            progress(min(start + step, count), count)
    if bad:
        raise BadData(
            f"{source}: {counted(len(bad), 'example')} of {count} with NaN or an infinite number, the first is "
            f"{where(bad[0])}: fill what is missing, or leave these examples out"
        )
    return contents
