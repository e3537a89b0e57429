"""Image files as examples: looked through once, then held in memory where they fit, else decoded when asked for."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.examples import Arrayed, Examples
from nassearch.datasets.found import HASH, content_of
from nassearch.datasets.images.decoding import Decoded, decode, peek
from nassearch.datasets.images.sizes import Size, choose_size, fit
from nassearch.errors import BadData
from nassearch.files.limits import GB
from nassearch.types import Progress

HELD = GB
"""Bytes of images that are held in memory, as they are trained on; of more, those asked for last."""
SMALL = 256 * 256
"""Pixels up to which an image is decoded at first sight; of a larger one its size is looked at first."""
AHEAD = 256
"""Files that threads are given at a time."""


@dataclass
class Pictures:
    """Images that are decoded when they are asked for; those asked for last are kept, within `HELD` bytes.

    Attributes:
        paths: of the files.
        contents: uint8 `[N, 16]`, hashes of what they held when they were looked through.
        size, channels, deep: how they are given: height and width, 1 or 3, and whether as float32.
    """

    paths: Sequence[Path]
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
        return len(self.paths)

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        found = np.empty((len(places), *self.shape), self.dtype)
        for row, place in enumerate(places.tolist()):
            found[row] = self._one(place)
        return found

    def _one(self, place: int) -> NDArray[Any]:
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
        path = self.paths[place]
        pixels = decode(path).pixels
        if content_of(pixels) != self.contents[place].tobytes():
            raise BadData(f"{path} has changed since the data set was opened: open it again")
        image = given(pixels, self.size, self.channels, self.deep)
        with self._lock:
            self._kept[place] = image
            while len(self._kept) * image.nbytes > HELD:
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


@dataclass
class Gallery:
    """What looking through files gives.

    Attributes:
        examples, contents: of the files that could be read, and the hash of each.
        good: int64 `[N]`, which of the files these are.
        faults: why others are left out, by their place.
        notes: what was done to images.
    """

    examples: Examples
    contents: NDArray[np.uint8]
    good: NDArray[np.int64]
    faults: dict[int, str]
    notes: list[str]


def look_at(
    paths: Sequence[Path], source: str, asked: Size | None, progress: Progress | None = None
) -> Gallery:
    """Read image files once: bring them to one size, find their channels, and hash what they hold.

    Raises:
        BadData: none of them can be read.
    """
    faults: dict[int, str] = {}
    sizes: dict[int, Size] = {}
    depths: dict[int, str] = {}
    early: dict[int, Decoded] = {}
    held = 0
    for place, seen in _each(lambda place: peek(paths[place], SMALL), range(len(paths)), None):
        if isinstance(seen, str):
            faults[place] = seen
            continue
        sizes[place], depths[place] = seen.size, seen.depth
        if seen.decoded is not None and held + seen.decoded.pixels.nbytes <= HELD:
            early[place] = seen.decoded
            held += seen.decoded.pixels.nbytes
    if {"floats"} < set(depths.values()):
        for place in [place for place, depth in depths.items() if depth == "floats"]:
            faults[place] = f"{paths[place]} holds floating-point numbers, and other images do not"
            del sizes[place], depths[place]
    if not sizes:
        raise BadData(f"{source} has no image that can be read: {faults[min(faults)]}")
    deep = set(depths.values()) != {"bytes"}
    size, told = choose_size(list(sizes.values()), asked)
    fits = len(sizes) * size[0] * size[1] * 3 * (4 if deep else 1) <= HELD
    pixels = np.empty((len(sizes) if fits else 0, *size, 3), np.float32 if deep else np.uint8)
    contents = np.zeros((len(paths), HASH), np.uint8)
    done: Counter[str] = Counter()
    good: list[int] = []
    coloured = False

    def read(place: int) -> tuple[NDArray[Any] | None, bytes, Decoded]:
        found = early.pop(place, None) or decode(paths[place])
        return given(found.pixels, size, 3, deep) if fits else None, content_of(found.pixels), found

    for place, result in _each(read, list(sizes), progress):
        if isinstance(result, str):
            faults[place] = result
            continue
        image, content, found = result
        coloured |= found.pixels.ndim == 3
        contents[place] = np.frombuffer(content, np.uint8)
        if image is not None:
            pixels[len(good)] = image.transpose(1, 2, 0)
        good.append(place)
        done.update(found.done)
    if not good:
        raise BadData(f"{source} has no image that can be read: {faults[min(faults)]}")
    channels = 3 if coloured else 1
    examples: Examples
    if fits:
        kept = np.ascontiguousarray(pixels[: len(good), ..., :channels])
        examples = Arrayed(kept, (3, 1, 2), "numbers" if deep else "bytes")
    else:
        examples = Pictures([paths[place] for place in good], contents[good], size, channels, deep)
    notes = [told] if told else []
    notes += [sentence.format(n=done[what]) for what, sentence in TOLD.items() if what in done]
    return Gallery(examples, contents[good], np.array(good, np.int64), faults, notes)


TOLD = {
    "turned": "{n} images are turned upright, as their EXIF data say.",
    "opaque": "{n} images are see-through in places, which became white.",
    "first frame": "{n} images have several frames, of which the first is taken.",
    "16 bits": "{n} images have 16 bits a pixel: all are read as numbers from 0 to 1.",
    "floats": "{n} images hold floating-point numbers, which are taken as they are.",
}


def _each(
    read: Callable[[int], Any], places: Sequence[int], progress: Progress | None
) -> Iterator[tuple[int, Any]]:
    """Yield places with what `read` gives, or the text of what is wrong there, in order, by several threads."""

    def safe(place: int) -> Any:
        try:
            return read(place)
        except BadData as error:
            return str(error)

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(places), AHEAD):
            some = places[start : start + AHEAD]
            yield from zip(some, pool.map(safe, some), strict=True)
            if progress:
                progress(min(start + AHEAD, len(places)), len(places))
