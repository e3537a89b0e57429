"""The plain values that every layer shares."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting, quoted

Arch = tuple[int, ...]
"""One option per decision. Hashable and JSON-ready; it means nothing without its search space."""

Floats = NDArray[np.float64]
Scorer = Callable[[Sequence[Arch]], Floats]
"""Scores `[N]` for N architectures: higher is better, NaN means not scorable."""

Progress = Callable[[int, int], None]
"""Called with (units done, units in all) as long work proceeds."""


def plain(value: Any) -> Any:
    """Return a number, text or truth value of numpy as Python's own; lists, tuples and dicts as copies of such.

    >>> plain([np.int64(3), "ae"])
    [3, 'ae']
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


def listed(archs: Any) -> Sequence[Arch]:
    """Return architectures as a sequence of tuples, also where they are an array `[N, decisions]` or an iterator.

    >>> listed(np.array([[0, 1], [2, 3]]))
    [(0, 1), (2, 3)]

    Raises:
        InvalidSetting: it is neither; the message says what is.
    """
    if isinstance(archs, list | tuple):
        return archs
    if isinstance(archs, np.ndarray) and archs.ndim == 2:
        return [tuple(options) for options in archs.tolist()]
    if isinstance(archs, str | bytes) or not isinstance(archs, Iterable):
        raise InvalidSetting(f"a scorer is called with a list of architectures, not with {quoted(archs)}")
    return list(archs)


def is_number(value: Any) -> bool:
    """Say whether this is a finite number that a float holds, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a benchmark says of one architecture, in the units its data set declares; higher is better."""

    valid: float
    test: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Task:
    """What a network is built for: the shape of its input, the number of classes and the size of the skeleton.

    Attributes:
        input_shape: `(channels, *size)`, so `(3, 32, 32)` for an image, `(1, 40)` for a signal, `(12,)` for a vector;
            `(70,)` for as many words of a text, where `words` is given.
        classes: number of logits.
        channels: width of each stage.
        cells: cells in each stage.
        reduction: how the signal is halved between stages, `"residual"` (NAS-Bench-201's residual block)
            or `"pool"` (average pooling and a 1x1 convolution).
        stem_stride: stride of the first convolution.
        words: how many different words there are, where inputs are words, numbers from 0; None where they are not.
        width: factor of the widths that a space decides itself; None for 1.
        depth: cells in each stage, or factor of the layers in it, of a space that decides itself how many there are;
            None for 1.
        layers: cells in all, of a space that places the halvings among them itself; None for its own number.
        pieces: how many pieces of an image one network looks at one by one before a classifier reads what it made of
            all of them; inputs are single pieces then. None where inputs are whole.
    """

    input_shape: tuple[int, ...]
    classes: int
    channels: tuple[int, ...] = (16, 32, 64)
    cells: int = 5
    reduction: str = "residual"
    stem_stride: int = 1
    words: int | None = None
    pieces: int | None = None
    width: float | None = None
    depth: int | None = None
    layers: int | None = None

    @property
    def tokens(self) -> bool:
        """Return whether inputs are words."""
        return self.words is not None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that have a value, as plain JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, eq=False)
class Batch:
    """One fixed batch for the proxies that look at data; equal where its digest is.

    Attributes:
        inputs: float32 `[B, channels, *size]`, normalised; words are int64 `[B, T]`.
        labels: int64 `[B]`, or None where the origin has none.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Batch) and self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())

    def first(self, count: int) -> Batch:
        """Return the first so many samples.

        Raises:
            InvalidSetting: count is below 2, or more than there are.
        """
        if not isinstance(count, int) or not 2 <= count <= len(self.inputs):
            raise InvalidSetting(
                f"batch_size is a whole number from 2 to {len(self.inputs)}, what the batch holds, not {count!r}: "
                "give a smaller one or a larger batch"
            )
        return Batch(self.inputs[:count], None if self.labels is None else self.labels[:count])

    def digest(self) -> str:
        """Return a hash of shapes and bytes: two batches that differ anywhere never share cached scores."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.labels):
            if array is not None:
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]
