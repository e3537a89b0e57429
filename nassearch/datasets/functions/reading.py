"""Read the items of map-style data sets: as images where they are such, else as arrays of one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nassearch.datasets.arrays.layout import Layout, layout_of
from nassearch.datasets.examples import Arrayed, Examples
from nassearch.datasets.found import AT_ONCE, Found, content_of, look_through
from nassearch.datasets.functions.items import Guard, Items, array_of, is_picture
from nassearch.datasets.images.gallery import look_at
from nassearch.datasets.images.pictures import HELD
from nassearch.datasets.images.sizes import Size
from nassearch.errors import BadData
from nassearch.types import Progress


def open_items(
    parts: Mapping[str, Any],
    name: str,
    text: str,
    size: Size | None,
    guard: Guard,
    progress: Progress | None = None,
) -> Found:
    """Read data sets that give (input, label) one by one.

    Args:
        parts: data sets by part, `""` for one of all.
        name: of the whole.
        text: `module:function`, for messages.
        size: of images.
        guard: what their code runs in.

    Raises:
        BadData: an item is no input with a label, is another each time, or is not of the shape of the others.
        BrokenPart: their code fails.
    """
    items = Items(text, parts, guard)
    count = len(items)
    if not count:
        raise BadData(f"{text} gave a data set without an item")
    first = items.get(0)
    if isinstance(first, Image.Image) or is_picture(array_of(first, items.where(0))):
        gallery = look_at(items, text, size, progress)
        examples, contents, good = gallery.examples, gallery.contents, gallery.good.tolist()
        kind, notes = "image", gallery.notes
        for place in {good[0], good[len(good) // 2], good[-1]}:
            again = content_of(items.decode(place).pixels)
            if again != contents[good.index(place)].tobytes():
                raise _changing(items, place)
    else:
        one = array_of(first, items.where(0)).shape
        dtype = array_of(first, items.where(0)).dtype
        layout = layout_of((count, *(one or (1,))), dtype, f"{text}: an input")
        examples, contents = _computed(Computed(items, one, layout, dtype == np.uint8), progress)
        good, kind, notes = (
            list(range(count)),
            layout.kind,
            [f"Inputs are read as {layout.kind}s {layout.told}."],
        )
    return Found(
        name,
        kind,
        examples,
        contents,
        [items.labels[place] for place in good],
        [items.part_of(place)[0] for place in good],
        lambda place: items.where(good[place]),
        _classes(parts),
        notes,
    )


def _classes(parts: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the names of classes that a data set has by number: as `classes`, or in its `features`."""
    for value in parts.values():
        names = getattr(value, "classes", None)
        if names is None:
            features = getattr(value, "features", None)
            labels = features.get("label", features.get("labels")) if isinstance(features, Mapping) else None
            names = getattr(labels, "names", None)
        if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
            return tuple(names)
    return None


@dataclass
class Computed:
    """Arrays that a data set gives when they are asked for.

    Attributes:
        items: of the data set.
        one: shape of an item.
        layout: what its axes mean.
        bytes: whether they are uint8.
        contents: uint8 `[N, 16]`, what each held when it was looked through; None at that time.
    """

    items: Items
    one: tuple[int, ...]
    layout: Layout
    bytes: bool
    contents: NDArray[np.uint8] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self.bytes else np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        return Arrayed(np.empty((0, *(self.one or (1,)))), self.layout.axes).shape

    def __len__(self) -> int:
        return len(self.items)

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        rows = np.empty((len(places), *(self.one or (1,))), self.dtype)
        for row, place in enumerate(places.tolist()):
            array = array_of(self.items.get(place), self.items.where(place))
            if array.shape != self.one:
                where = self.items.where(place)
                raise BadData(
                    f"{where} is {list(array.shape)}, and others {list(self.one)}: bring all to one shape"
                )
            if (array.dtype == np.uint8) is not self.bytes:
                raise BadData(
                    f"{self.items.where(place)} is {array.dtype}, and others are {'' if self.bytes else 'not '}uint8: "
                    "bring all to one type and scale"
                )
            rows[row] = array
        found = Arrayed(rows, self.layout.axes, "bytes" if self.bytes else "numbers").take(
            np.arange(len(rows))
        )
        if self.contents is not None:
            for place, example in zip(places.tolist(), found, strict=True):
                if content_of(example) != self.contents[place].tobytes():
                    raise _changing(self.items, place)
        return found


def _computed(given: Computed, progress: Progress | None) -> tuple[Examples, NDArray[np.uint8]]:
    """Return examples, in memory where they fit, and their hashes."""
    count = len(given)
    size = max(1, int(np.prod(given.shape)) * given.dtype.itemsize)
    examples: Examples = given
    if size * count <= HELD:
        held = np.empty((count, *given.shape), given.dtype)
        step = max(1, AT_ONCE // size)
        for start in range(0, count, step):
            held[start : start + step] = given.take(np.arange(start, min(start + step, count)))
            if progress:
                progress(min(start + step, count), count)
        examples = Arrayed(held, tuple(range(1, held.ndim)), "bytes" if given.bytes else "numbers")
    contents = look_through(
        examples, given.items.text, given.items.where, progress if examples is given else None
    )
    given.contents = contents
    given.take(np.array(sorted({0, count // 2, count - 1})))  # a second time: it has to be the same
    return examples, contents


def _changing(items: Items, place: int) -> BadData:
    return BadData(
        f"{items.where(place)} is another input each time it is asked for: leave random transforms out "
        "of the data set; training has its own"
    )
