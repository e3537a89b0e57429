"""Mean and deviation of each channel, exact for bytes and the same on every processor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.examples import Examples
from nassearch.datasets.found import AT_ONCE
from nassearch.types import Progress

Moments = tuple[NDArray[np.float32], NDArray[np.float32]]


def moments(examples: Examples, places: NDArray[np.int64], progress: Progress | None = None) -> Moments:
    """Return mean and standard deviation, float32 `[C]` each, over all numbers of a channel of these examples.

    Bytes are on the scale 0 to 1. A channel that is constant has the deviation 1.
    """
    channels = examples.shape[0]
    by_bytes = examples.dtype == np.uint8
    pixels = math.prod(examples.shape[1:])
    step = max(1, AT_ONCE // max(1, channels * pixels * examples.dtype.itemsize))
    counts = np.zeros((channels, 256), np.int64)
    sums: list[list[float]] = [[] for _ in range(channels)]
    squares: list[list[float]] = [[] for _ in range(channels)]
    shift: NDArray[Any] | None = None
    for start in range(0, len(places), step):
        taken = examples.take(places[start : start + step]).reshape(-1, channels, pixels)
        if by_bytes:
            for channel in range(channels):
                counts[channel] += np.bincount(taken[:, channel].ravel(), minlength=256)
        else:
            wide = taken.astype(np.float64)
            shift = wide[0].mean(axis=1) if shift is None else shift
            for channel in range(channels):
                away = (wide[:, channel] - shift[channel]).ravel()
                sums[channel].append(float(away.sum()))
                squares[channel].append(float((away * away).sum()))
        if progress:
            progress(min(start + step, len(places)), len(places))
    total = len(places) * pixels
    mean, std = np.empty(channels), np.empty(channels)
    for channel in range(channels):
        if by_bytes:
            first = sum(value * int(n) for value, n in enumerate(counts[channel]))
            second = sum(value * value * int(n) for value, n in enumerate(counts[channel]))
            mean[channel] = first / total / 255
            variance = (second * total - first * first) / (total * total) / 255**2
        else:
            assert shift is not None
            first_, second_ = math.fsum(sums[channel]) / total, math.fsum(squares[channel]) / total
            mean[channel] = shift[channel] + first_
            variance = second_ - first_ * first_
        std[channel] = math.sqrt(max(0.0, variance))
    # What is constant but for the last digits of its numbers says nothing either.
    flat = (std <= np.abs(mean) * 1e-7) | (std < np.finfo(np.float32).tiny)
    return mean.astype(np.float32), np.where(flat, 1, std).astype(np.float32)
