"""Images in arrays brought to another size, as they are asked for or all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.examples import Arrayed, Examples
from nassearch.datasets.found import AT_ONCE, Found
from nassearch.datasets.images.pictures import HELD
from nassearch.datasets.images.sizes import Size, choose_size, fit
from nassearch.errors import InvalidSetting


@dataclass
class Resized:
    """Images of a size that their examples do not have."""

    examples: Examples
    size: Size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.examples.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.examples.shape[0], *self.size)

    def __len__(self) -> int:
        return len(self.examples)

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        found = np.empty((len(places), *self.shape), self.dtype)
        for row, image in enumerate(self.examples.take(places)):
            found[row] = fit(np.ascontiguousarray(image.transpose(1, 2, 0)), self.size).transpose(2, 0, 1)
        return found


def resized(found: Found, asked: Size | None) -> Found:
    """Return images in the size that `choose_size` chooses.

    Raises:
        InvalidSetting: a size is asked for, and these are no images.
    """
    if found.kind != "image":
        if asked:
            raise InvalidSetting(
                f"size is that of images, and these are {found.kind}s of {found.examples.shape}"
            )
        return found
    has: Size = (found.examples.shape[1], found.examples.shape[2])
    size, told = choose_size([has], asked)
    if size == has:
        return found
    examples: Examples = Resized(found.examples, size)
    count, one = len(examples), int(np.prod(examples.shape)) * examples.dtype.itemsize
    if count * one <= HELD:
        held = np.empty((count, *examples.shape), examples.dtype)
        step = max(1, AT_ONCE // one)
        for start in range(0, count, step):
            held[start : start + step] = examples.take(np.arange(start, min(start + step, count)))
        examples = Arrayed(held, (1, 2, 3), "bytes" if examples.dtype == np.uint8 else "numbers")
    return replace(found, examples=examples, notes=[told, *found.notes])
