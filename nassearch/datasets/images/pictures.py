"""Images that are decoded when they are asked for, for data that memory does not hold."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.found import content_of
from nassearch.datasets.images.decoding import Decoded, Seen, decode, peek
from nassearch.datasets.images.listing import sizes_of
from nassearch.datasets.images.sizes import Size, fit
from nassearch.errors import BadData
from nassearch.files.limits import GB, KB

HELD = GB
"""Bytes of images that are held in memory, as they are trained on; of more, those asked for last."""
SMALL = 256 * 256
"""Pixels up to which an image is decoded at first sight; of a larger one its size is looked at first."""
LARGE = 16 * KB
"""Bytes of a file from which on threads pay: Python runs one at a time, and decodes several at once."""


class Originals(Protocol):
    """Images by their places, as they are at their origin.

    Attributes:
        threads: how many may read at once.
    """

    threads: int

    def __len__(self) -> int: ...

    def where(self, place: int) -> str:
        """Name an image for messages."""

    def peek(self, place: int) -> Seen:
        """Look at an image, and decode it where it is small; `BadData` where it cannot be read."""

    def decode(self, place: int) -> Decoded:
        """Return an image; `BadData` where it cannot be read."""


class Files:
    """Images in files; several threads read them where files are large enough for threads to gain anything."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        some = paths[:: max(1, len(paths) // 100)]
        large = sum(size > LARGE for size in sizes_of(some).values()) > len(some) / 2
        self.threads = min(8, os.cpu_count() or 1) if large else 1

    def __len__(self) -> int:
        return len(self.paths)

    def where(self, place: int) -> str:
        return str(self.paths[place])

    def peek(self, place: int) -> Seen:
        return peek(self.paths[place], SMALL)

    def decode(self, place: int) -> Decoded:
        return decode(self.paths[place])


@dataclass
class Pictures:
    """Images that are decoded when they are asked for; those asked for last are kept, within `HELD` bytes.

    Attributes:
        originals: what they are decoded from.
        places: int64 `[N]`, which of the originals are here.
        contents: uint8 `[N, 16]`, hashes of what they held when they were looked through.
        size, channels, deep: how they are given: height and width, 1 or 3, and whether as float32.
    """

    originals: Originals
    places: NDArray[np.int64]
    contents: NDArray[np.uint8]
    size: Size
    channels: int
    deep: bool
    _kept: OrderedDict[int, NDArray[Any]] = field(default_factory=OrderedDict, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, *self.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32 if self.deep else np.uint8)

    def __len__(self) -> int:
        return len(self.places)

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        found = np.empty((len(places), *self.shape), self.dtype)
        with ThreadPoolExecutor(max_workers=self.originals.threads) as pool:
            for row, image in enumerate(pool.map(self._one, places.tolist())):
                found[row] = image
        return found

    def _one(self, place: int) -> NDArray[Any]:
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
        original = int(self.places[place])
        pixels = self.originals.decode(original).pixels
        if content_of(pixels) != self.contents[place].tobytes():
            raise BadData(
                f"{self.originals.where(original)} has changed since the data set was opened: open it again"
            )
        image = given(pixels, self.size, self.channels, self.deep)
        bytes_each = image.itemsize * self.channels * self.size[0] * self.size[1]
        with self._lock:
            self._kept[place] = image
            while len(self._kept) * bytes_each > HELD:
                self._kept.popitem(last=False)
        return image

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _kept=OrderedDict(), _lock=Lock())


def given(pixels: NDArray[Any], size: Size, channels: int, deep: bool) -> NDArray[Any]:
    """Return an image `[channels, height, width]` of the size and type of all."""
    if deep and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.float32) / np.float32(255)
    pixels = fit(pixels, size)
    if pixels.ndim == 2:
        return np.broadcast_to(pixels, (channels, *size))
    return pixels.transpose(2, 0, 1)
