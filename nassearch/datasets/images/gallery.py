"""Look through images once: what can be read, of which size and channels, and what each holds."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.examples import Arrayed, Examples
from nassearch.datasets.found import HASH, content_of
from nassearch.datasets.images.decoding import Decoded
from nassearch.datasets.images.pictures import HELD, Originals, Pictures, given
from nassearch.datasets.images.sizes import Size, choose_size
from nassearch.datasets.sentences import SHOWN, counted
from nassearch.errors import BadData
from nassearch.types import Progress

AT_A_TIME = 32
"""Images that a thread is given at a time: to hand over one small image takes as long as to read it."""


@dataclass
class Gallery:
    """What looking through images gives.

    Attributes:
        examples, contents: of those that can be read, and the hash of each.
        good: int64 `[N]`, which of the originals these are.
        notes: what was left out and what was done.
    """

    examples: Examples
    contents: NDArray[np.uint8]
    good: NDArray[np.int64]
    notes: list[str]


def look_at(
    originals: Originals, source: str, asked: Size | None, progress: Progress | None = None
) -> Gallery:
    """Read images once: bring them to one size, find their channels, and hash what they hold.

    Raises:
        BadData: none of them can be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd files: what cannot be read is told
        return _look_at(originals, source, asked, progress or (lambda done, total: None))


def _look_at(originals: Originals, source: str, asked: Size | None, progress: Progress) -> Gallery:
    count = len(originals)
    faults: dict[int, str] = {}
    sizes: dict[int, Size] = {}
    depths: dict[int, str] = {}
    early: dict[int, Decoded] = {}
    held = 0
    first = _each(originals.peek, range(count), originals.threads, lambda done: progress(done, 2 * count))
    for place, seen in first:
        if isinstance(seen, str):
            faults[place] = seen
            continue
        sizes[place], depths[place] = seen.size, seen.depth
        if seen.decoded is not None and held + seen.decoded.pixels.nbytes <= HELD:
            early[place] = seen.decoded
            held += seen.decoded.pixels.nbytes
    floats = [place for place, depth in depths.items() if depth == "floats"]
    if 0 < len(floats) < len(depths):
        rare = floats if 2 * len(floats) <= len(depths) else sorted(set(depths) - set(floats))
        unlike = "holds floating-point numbers, and most images do not"
        if rare is not floats:
            unlike = "holds whole numbers, and most images hold floating-point ones"
        for place in rare:
            faults[place] = f"{originals.where(place)} {unlike}"
            del sizes[place], depths[place]
    if not sizes:
        raise BadData(f"{source} has no image that can be read: {faults[min(faults)]}")
    deep = set(depths.values()) != {"bytes"}
    size, told = choose_size(list(sizes.values()), asked)
    fits = len(sizes) * size[0] * size[1] * 3 * (4 if deep else 1) <= HELD
    pixels = np.empty((len(sizes) if fits else 0, *size, 3), np.float32 if deep else np.uint8)
    contents = np.zeros((count, HASH), np.uint8)
    done: Counter[str] = Counter()
    good: list[int] = []
    coloured = False

    def read(place: int) -> tuple[NDArray[Any] | None, bytes, bool, tuple[str, ...]]:
        found = early.pop(place, None) or originals.decode(place)
        image = np.array(given(found.pixels, size, 3, deep)) if fits else None  # lets go of the original
        return image, content_of(found.pixels), found.pixels.ndim == 3, found.done

    second = _each(read, list(sizes), originals.threads, lambda done: progress(count + done, 2 * count))
    for place, result in second:
        if isinstance(result, str):
            faults[place] = result
            continue
        image, content, in_colours, what = result
        coloured |= in_colours
        contents[place] = np.frombuffer(content, np.uint8)
        if image is not None:
            pixels[len(good)] = image.transpose(1, 2, 0)
        good.append(place)
        done.update(what)
    if not good:
        raise BadData(f"{source} has no image that can be read: {faults[min(faults)]}")
    channels = 3 if coloured else 1
    chosen = np.array(good, np.int64)
    examples: Examples
    if fits:
        kept = np.ascontiguousarray(pixels[: len(good), ..., :channels])
        examples = Arrayed(kept, (3, 1, 2), "numbers" if deep else "bytes")
    else:
        examples = Pictures(originals, chosen, contents[chosen], size, channels, deep)
    notes = [_unread(faults)] if faults else []
    notes += [told] if told else []
    notes += [
        sentence.format(n=counted(done[what], "image")) for what, sentence in TOLD.items() if what in done
    ]
    return Gallery(examples, contents[chosen], chosen, notes)


TOLD = {
    "turned": "Turned upright, as EXIF data say: {n}.",
    "opaque": "Laid on white, as parts are see-through: {n}.",
    "first frame": "Taken the first of several frames: of {n}.",
    "16 bits": "With 16 bits a pixel, so that all are read as numbers from 0 to 1: {n}.",
    "floats": "Of floating-point numbers, which are taken as they are: {n}.",
}


def _unread(faults: dict[int, str]) -> str:
    shown = "; ".join(faults[place] for place in sorted(faults)[:SHOWN])
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return f"Left out, as they cannot be read: {counted(len(faults), 'image')}: {shown}{more}."


def _each(
    read: Callable[[int], Any], places: Sequence[int], threads: int, progress: Callable[[int], None]
) -> Iterator[tuple[int, Any]]:
    """Yield places with what `read` gives, or the text of what is wrong there, in order, by several threads."""

    def safe(place: int) -> Any:
        try:
            return read(place)
        except BadData as error:
            return str(error)

    def some(begin: int) -> list[Any]:
        return [safe(place) for place in places[begin : begin + AT_A_TIME]]

    with ThreadPoolExecutor(max_workers=threads) as pool:
        for start in range(0, len(places), AT_A_TIME * threads):
            begins = range(start, min(start + AT_A_TIME * threads, len(places)), AT_A_TIME)
            for begin, results in zip(
                begins, pool.map(some, begins) if threads > 1 else map(some, begins), strict=True
            ):
                yield from zip(places[begin : begin + AT_A_TIME], results, strict=True)
            progress(min(start + AT_A_TIME * threads, len(places)))
