"""What the axes of an array of examples mean: images, signals or vectors, and where their channels are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nassearch.errors import BadData

FEW = 4
"""Channels of images: grey, grey and opacity, colours, colours and opacity."""
LEADS = 16
"""Channels of a signal, where the other axis is at least four times as long."""


class Layout(NamedTuple):
    """How an array is read.

    Attributes:
        kind: `"image"`, `"signal"` or `"vector"`.
        axes: of the array, in the order of channels and sizes; -1 for one channel that has no axis.
        told: the same in words, for the notes.
    """

    kind: str
    axes: tuple[int, ...]
    told: str


def layout_of(shape: tuple[int, ...], dtype: np.dtype[Any], what: str) -> Layout:
    """Say what the axes of `[N, ...]` mean.

    Raises:
        BadData: it has no axes that examples have, or examples without numbers.
    """
    if 0 in shape[1:]:
        raise BadData(f"{what} is {list(shape)}: its examples hold no number")
    if len(shape) == 2:
        return Layout("vector", (1,), "[N, features]")
    if len(shape) == 3:
        return _of_three(shape, dtype)
    if len(shape) == 4:
        return Layout("image", *_CHANNELS[_channels_first(shape, dtype)])
    raise BadData(
        f"{what} is {list(shape)}: examples are images [N, height, width, channels], [N, channels, height, width] or "
        "[N, height, width], signals [N, channels, length], or vectors [N, features]"
    )


_CHANNELS = {
    True: ((1, 2, 3), "[N, channels, height, width]"),
    False: ((3, 1, 2), "[N, height, width, channels]"),
}


def _channels_first(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Say where the channels of images are: the short axis is theirs, or the one that is not like the others."""
    first, last = shape[1] <= FEW, shape[3] <= FEW
    if first != last:
        return first
    like_last, like_first = shape[1] == shape[2], shape[2] == shape[3]
    if not first and like_last != like_first:
        return like_first
    return dtype != np.uint8


def _of_three(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Layout:
    """Tell grey images from signals: these have few channels and are long."""
    short, long = sorted(shape[1:])
    if short > LEADS or long < 4 * short or (dtype == np.uint8 and short > 1):
        return Layout("image", (-1, 1, 2), "[N, height, width]")
    if shape[1] <= shape[2]:
        return Layout("signal", (1, 2), "[N, channels, length]")
    return Layout("signal", (2, 1), "[N, length, channels]")
