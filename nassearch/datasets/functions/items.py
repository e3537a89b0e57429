"""Map-style data sets: what they give one by one becomes examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nassearch.datasets.functions.parts import parts_again
from nassearch.datasets.images.decoding import Decoded, Seen, decode_given, is_grey
from nassearch.datasets.labels import label_of
from nassearch.errors import BadData, quoted
from nassearch.workers.shipping import travels

INPUTS = ("image", "img", "input", "inputs", "x", "pixel_values", "signal", "features")
LABELS = ("label", "labels", "target", "y", "class", "fine_label")
Guard = Callable[[str], AbstractContextManager[None]]


@dataclass
class Items:
    """What the data sets of a user's function give, as one row of items.

    Attributes:
        text: `module:function`.
        parts: data sets by part, `""` for one of all.
        guard: what their code runs in.
        threads: one, as other people's code may not bear more.
    """

    text: str
    parts: Mapping[str, Any]
    guard: Guard
    threads: int = 1
    labels: dict[int, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        with self.guard(f"{self.text}: len() of its data set"):
            self.lengths = {part: len(value) for part, value in self.parts.items()}

    def __getstate__(self) -> dict[str, Any]:
        """Travel with the data sets, or by the function's name where they hold open files or locks."""
        return {**self.__dict__, "labels": {}, "parts": self.parts if travels(self.parts) else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.parts is None:
            self.parts = parts_again(self.text)

    def __len__(self) -> int:
        return sum(self.lengths.values())

    def part_of(self, place: int) -> tuple[str, int]:
        """Return the part of an item and its place there."""
        for part, length in self.lengths.items():
            if place < length:
                return part, place
            place -= length
        raise IndexError(place)

    def where(self, place: int) -> str:
        part, within = self.part_of(place)
        return f"{self.text}, {part}[{within}]" if part else f"{self.text}[{within}]"

    def get(self, place: int) -> Any:
        """Return the input of an item, and note its label."""
        part, within = self.part_of(place)
        with self.guard(self.where(place)):
            item = self.parts[part][within]
        value, label = self._pair(item, place)
        found = label_of(label, self.where(place))
        if self.labels.setdefault(place, found) != found:
            raise BadData(
                f"{self.where(place)} has another label each time it is asked for: let the data set give one"
            )
        return value

    def _pair(self, item: Any, place: int) -> tuple[Any, Any]:
        if isinstance(item, Mapping):
            x, y = (next((name for name in names if name in item), None) for names in (INPUTS, LABELS))
            if x is not None and y is not None:
                return item[x], item[y]
        elif isinstance(item, tuple | list) and len(item) >= 2:
            return item[0], item[1]
        raise BadData(
            f"{self.where(place)} is {quoted(item)}: each is (input, label), or a dict with image and label"
        )

    def peek(self, place: int) -> Seen:
        found = self.decode(place)
        depth = (
            "bytes" if found.pixels.dtype == np.uint8 else "16 bits" if "16 bits" in found.done else "floats"
        )
        return Seen(found.pixels.shape[:2], depth, found)

    def decode(self, place: int) -> Decoded:
        value = self.get(place)
        if isinstance(value, Image.Image):
            return decode_given(value, self.where(place))
        pixels = array_of(value, self.where(place))
        if not is_picture(pixels):
            raise BadData(
                f"{self.where(place)} is {pixels.dtype} {list(pixels.shape)}, and others are images of bytes"
            )
        if pixels.ndim == 3 and pixels.shape[2] not in (1, 3):
            pixels = np.ascontiguousarray(pixels.transpose(1, 2, 0))
        if pixels.ndim == 3 and is_grey(pixels):
            pixels = np.ascontiguousarray(pixels[..., 0])
        return Decoded(pixels, ())


def array_of(value: Any, where: str) -> NDArray[Any]:
    """Return an input as numbers.

    Raises:
        BadData: it holds none.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "buif" or not array.size:
        raise BadData(
            f"{where}: its input is {quoted(value)}: inputs are images of Pillow, tensors or arrays of numbers"
        )
    return array


def is_picture(array: NDArray[Any]) -> bool:
    """Say whether an array is an image of bytes, grey or in colours, with channels first or last."""
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        return False
    return array.ndim == 2 or array.shape[2] in (1, 3) or array.shape[0] in (1, 3)
