"""Where examples come from when they are asked for: arrays in memory or on the disk, or several of these in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import BadData


class Examples(Protocol):
    """Examples of one shape and type, by their places from 0.

    Attributes:
        shape: of one, `(C, *size)`.
        dtype: uint8 or float32.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """Return `[B, C, *size]` in C order."""


@dataclass(frozen=True)
class OnDisk:
    """An array that lies in a file as it is, and is mapped into memory when it is read.

    Attributes:
        path, offset: the file, and the byte at which the numbers begin.
        shape, dtype, fortran: of the array.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool = False

    def open(self) -> NDArray[Any]:
        """Return the array, of which no more is read than is used."""
        order: Any = "F" if self.fortran else "C"
        try:
            return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, order)
        except (OSError, ValueError) as error:
            raise BadData(
                f"{self.path} has changed since it was opened, or is gone ({error}): open it again"
            ) from error


@dataclass
class Arrayed:
    """Examples in an array.

    Attributes:
        array: `[N, ...]`, in memory or on the disk.
        axes: of it, after the first, in the order of channels and sizes.
        reading: how examples are taken out of it: `"bytes"` (as uint8), `"numbers"` (as float32).
    """

    array: NDArray[Any] | OnDisk
    axes: tuple[int, ...]
    reading: str = "numbers"
    _opened: Any = field(default=None, repr=False)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self.reading == "bytes" else np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        shape = self.array.shape
        # A negative axis stands for one of length 1 that the array does not have.
        return tuple(1 if axis < 0 else int(shape[axis]) for axis in self.axes)

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        if self._opened is None:
            self._opened = self.array.open() if isinstance(self.array, OnDisk) else self.array
        taken = np.asarray(self._opened[places])
        moved = taken.transpose(0, *(axis for axis in self.axes if axis >= 0))
        with np.errstate(
            over="ignore"
        ):  # told where examples are looked through: it is no finite number then
            return np.ascontiguousarray(moved, dtype=self.dtype).reshape(len(places), *self.shape)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}  # a mapping would travel as all of its numbers


class Joined:
    """Examples of several sources, one after the other."""

    def __init__(self, parts: Sequence[Examples]) -> None:
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *map(len, parts)])

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts[0].shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.parts[0].dtype

    def __len__(self) -> int:
        return int(self.starts[-1])

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        found = np.empty((len(places), *self.shape), self.dtype)
        for part, start, end in zip(self.parts, self.starts, self.starts[1:], strict=False):
            here = (places >= start) & (places < end)
            if here.any():
                found[here] = part.take(places[here] - start)
        return found
