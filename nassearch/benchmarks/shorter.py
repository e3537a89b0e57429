"""Trainings of fewer epochs than those a table is about, which a search may ask for at their share of the price."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nassearch.benchmarks.npz import Arrays
from nassearch.errors import BadData
from nassearch.types import Floats

NAME = re.compile(r"(valid|test|seconds)_([1-9][0-9]{0,8})")


class Shorter(NamedTuple):
    """Trainings of one number of epochs, `[S, N]` each as in a `Table`; seconds None where nobody measured them."""

    valid: Floats
    test: Floats
    seconds: Floats | None

    def picked(self, columns: Sequence[int]) -> Shorter:
        """Return the trainings of these columns."""
        seconds = None if self.seconds is None else self.seconds[:, columns]
        return Shorter(self.valid[:, columns], self.test[:, columns], seconds)

    def check(self, epochs: int, shape: tuple[int, ...]) -> None:
        """Raise `BadData` unless these are trainings of every row, with seeds and rows as in the table."""
        for name, array in zip(self._fields, self, strict=True):
            if array is not None and (array.dtype != np.float64 or array.shape != shape):
                raise BadData(
                    f"{name} after {epochs} epochs is {array.dtype} {list(array.shape)}, not float64 {list(shape)}"
                )
        trained = np.isfinite(self.valid)
        if not trained.any(axis=0).all() or not np.array_equal(trained, np.isfinite(self.test)):
            raise BadData(
                f"valid and test after {epochs} epochs do not hold the same trainings, one or more of each row"
            )
        if self.seconds is not None and not (self.seconds[trained] >= 0).all():
            raise BadData(f"training seconds after {epochs} epochs are finite and not negative")


def arrays_of(shorter: Mapping[int, Shorter]) -> Arrays:
    """Return what a file holds of shorter trainings."""
    found = {
        f"{name}_{epochs}": array
        for epochs, each in sorted(shorter.items())
        for name, array in zip(each._fields, each, strict=True)
    }
    return {name: array for name, array in found.items() if array is not None}


def of_arrays(arrays: Mapping[str, Any]) -> dict[int, Shorter]:
    """Return the shorter trainings among the arrays of a file; raise `KeyError` where one lacks valid or test."""
    matches = filter(None, map(NAME.fullmatch, arrays))
    every = sorted({int(match[2]) for match in matches})
    return {
        epochs: Shorter(arrays[f"valid_{epochs}"], arrays[f"test_{epochs}"], arrays.get(f"seconds_{epochs}"))
        for epochs in every
    }


def digest_of(shorter: Mapping[int, Shorter]) -> str:
    """Return a hash of shorter trainings, "" where there are none."""
    digest = hashlib.sha256()
    for name, array in arrays_of(shorter).items():
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16] if shorter else ""
