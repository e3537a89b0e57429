"""A function that goes to each worker once, with its arrays, however many tasks call it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from uuid import uuid4

import cloudpickle
import numpy as np

T = TypeVar("T")
R = TypeVar("R")

LARGE = 2**20
"""Bytes from which an array travels apart from the rest; joblib maps arrays into memory from there on."""

COPIED = 2**26
"""Bytes up to which a mapped array is copied: joblib waits a second at the end for what is still mapped."""

_unpacked: dict[str, Any] = {}
"""The function that this worker computes, by the token that it was shipped with."""


def pack(item: Any) -> bytes:
    """Pack an item of work, which its worker unpacks once it imports from where this process does."""
    return cloudpickle.dumps(item, protocol=5)  # type: ignore[no-any-return]


def travels(item: Any) -> bool:
    """Say whether something can be packed; large arrays are not copied for that."""
    try:
        cloudpickle.dumps(item, protocol=5, buffer_callback=lambda buffer: None)
    except Exception:  # whatever other people's code raises
        return False
    return True


def unpack(item: bytes) -> Any:
    """Unpack it."""
    return pickle.loads(item)


class Shipped(Generic[T, R]):
    """Pack a function for other processes, which unpack it at their first call and keep it until another comes.

    Large arrays lie beside the pickled rest, as bytes: joblib maps such bytes into memory and Ray shares them, so the
    workers of a machine have one copy, but of what is small for joblib one each; it cannot be written to. What the
    function remembers between calls stays in the worker, and must not change what it returns.
    """

    def __init__(self, function: Callable[[T], R]) -> None:
        apart: list[pickle.PickleBuffer] = []

        def stays(buffer: pickle.PickleBuffer) -> bool:
            small = buffer.raw().nbytes < LARGE
            if not small:
                apart.append(buffer)
            return small

        rest = cloudpickle.dumps(function, protocol=5, buffer_callback=stays)
        self.token = uuid4().hex
        self.parts = [np.frombuffer(part, np.uint8) for part in (rest, *(b.raw() for b in apart))]

    @property
    def nbytes(self) -> int:
        """Return how many bytes go to each worker."""
        return sum(part.nbytes for part in self.parts)

    def __call__(self, item: T) -> R:
        if self.token not in _unpacked:
            _unpacked.clear()
            buffers = [
                bytes(part) if isinstance(part, np.memmap) and part.nbytes <= COPIED else part
                for part in self.parts[1:]
            ]
            _unpacked[self.token] = pickle.loads(self.parts[0].data, buffers=buffers)
        return _unpacked[self.token](item)  # type: ignore[no-any-return]
