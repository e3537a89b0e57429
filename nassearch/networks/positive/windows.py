"""Windows of convolutions and poolings on values `[groups, *size]`, there and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.graph import Layer
from nassearch.networks.positive.classes import innermost
from nassearch.types import Floats

Spans = tuple[tuple[slice, slice], ...]
"""For each position of a kernel along one axis: the outputs it reaches, and the inputs it reads there."""


def largest_of(layer: Layer, size: Sequence[int]) -> tuple[NDArray[np.intp], ...]:
    """Return where, in `[groups, *size]`, the largest value under each window is: see `classes`."""
    axes = zip(size[1:], layer.size, strict=True)
    return np.ix_(
        np.arange(size[0]), *(innermost(s, out, layer.kernel, layer.stride, layer.padding) for s, out in axes)
    )


def maxima_of(layer: Layer, x: Floats, mirrored: bool) -> tuple[NDArray[np.intp], ...]:
    """Return where the largest values are: where every window has a mirror image, innermost without a look at them."""
    return largest_of(layer, x.shape) if mirrored else highest_of(layer, x)


def highest_of(layer: Layer, x: Floats) -> tuple[NDArray[np.intp], ...]:
    """Return where, in `[groups, *size]`, the largest value under each window is, of equal ones the innermost.

    Values that differ by rounding, 1e-9 of the largest, count as equal.
    """
    size, axes = x.shape[1:], len(layer.size)
    offsets = np.array([*product(range(layer.kernel), repeat=axes)]).T
    places, inside, farness = [], np.array(True), np.array(0.0)
    for axis, (length, out) in enumerate(zip(size, layer.size, strict=True)):
        along = np.arange(out) * layer.stride - layer.padding
        shape = (-1, *(out if other == axis else 1 for other in range(axes)))
        place = (offsets[axis][:, None] + along).reshape(shape)
        off_centre = abs(place - along.reshape(shape) - (layer.kernel - 1) / 2)
        inside = inside & (place >= 0) & (place < length)
        # From the middle of the axis, and of two that are equally far, from that of the window.
        farness = farness + abs(place - (length - 1) / 2) + off_centre / 1e3
        places.append(place.clip(0, length - 1))
    under: tuple[Any, ...] = (slice(None), *np.broadcast_arrays(*places))
    values = np.where(inside, x[under], -np.inf)  # [groups, kernel, *out]
    largest = values.max(axis=1, keepdims=True)
    chosen = np.where(values >= largest - 1e-9 * abs(largest), farness, np.inf).argmin(axis=1, keepdims=True)
    found = (np.take_along_axis(np.broadcast_to(place, values.shape), chosen, 1)[:, 0] for place in places)
    return np.arange(len(x)).reshape(-1, *[1] * axes), *found


def gather(x: Floats, layer: Layer) -> Floats:
    """Sum `[groups, *size]` over the windows of a layer, one axis after the other."""
    for axis, (size, out) in enumerate(zip(x.shape[1:], layer.size, strict=True), start=1):
        shape = (*x.shape[:axis], out, *x.shape[axis + 1 :])
        y = np.zeros(shape)
        for into, read in _spans(size, out, layer.kernel, layer.stride, layer.padding, layer.dilation):
            y[_at(axis, into)] += x[_at(axis, read)]
        x = y
    return x


def scatter(g: Floats, layer: Layer, shape: tuple[int, ...]) -> Floats:
    """Give every input what the windows that read it hold: the transpose of `gather`."""
    for axis, (size, out) in enumerate(zip(shape[1:], layer.size, strict=True), start=1):
        x = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]))
        for into, read in _spans(size, out, layer.kernel, layer.stride, layer.padding, layer.dilation):
            x[_at(axis, read)] += g[_at(axis, into)]
        g = x
    return g


def _at(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)


def positions(layer: Layer, shape: tuple[int, ...]) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Yield for each position of the kernel the outputs that it reaches and the inputs that it reads."""
    axes = [
        _spans(size, out, layer.kernel, layer.stride, layer.padding, layer.dilation)
        for size, out in zip(shape, layer.size, strict=True)
    ]
    for spans in product(*axes):
        yield tuple(into for into, _ in spans), tuple(read for _, read in spans)


@lru_cache(maxsize=1024)
def _spans(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> Spans:
    spans = []
    for offset in range(-padding, kernel * dilation - padding, dilation):
        low = max(0, -(offset // stride))
        high = min(out - 1, (size - 1 - offset) // stride)
        if high < low:  # this position of the window meets no input
            spans.append((slice(0, 0), slice(0, 0)))
            continue
        spans.append((slice(low, high + 1), slice(low * stride + offset, high * stride + offset + 1, stride)))
    return tuple(spans)


@lru_cache(maxsize=1024)
def shares(layer: Layer, size: tuple[int, ...]) -> Floats:
    """Return one over the number of inputs under each window of a pooling without inputs."""
    return np.asarray(1 / gather(np.ones((1, *size)), layer))


def earlier(x: Floats) -> tuple[slice, ...]:
    """Return all places of `[groups, *size]` but the last along each axis."""
    return (slice(None), *(slice(-1),) * (x.ndim - 1))


def later(x: Floats) -> tuple[slice, ...]:
    """Return all places of `[groups, *size]` but the first along each axis."""
    return (slice(None), *(slice(1, None),) * (x.ndim - 1))
