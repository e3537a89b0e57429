"""A table holds what every architecture of a space reaches on one data set, in one small file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.npz import Arrays, read_npz, write_npz
from nassearch.benchmarks.shorter import Shorter, arrays_of, digest_of, of_arrays
from nassearch.errors import BadData
from nassearch.files.plain_json import read_json
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Floats

FORMAT = 1
MEANING = ("format", "space", "dataset", "unit", "higher_is_better")
"""The metadata that says what the numbers are. Notes and recipes may be reworded: it stays the same table."""
PLACES, SPARSEST = 1 << 23, 10
"""A table has so many places for trainings at most, 200 MB, or one of ten places is filled."""


@dataclass(frozen=True)
class Table:
    """Trainings of a whole space on one data set. Numbers are float64, as their sources have them: the whole
    file stays far below a megabyte per training seed.

    Attributes:
        valid, test: `[S, N]` for S training seeds and N rows, in the unit of the data set. NaN in both
            where an architecture was not trained with that seed; every row has at least one.
        seconds: of training, `[S, N]`; `[1, N]` where all seeds share one figure; None where nobody measured.
        rows: int32 `[A]`, the row of each of the space's A architectures, in the order of `space.all()`.
            Isomorphic architectures may share a row.
        meta: plain JSON values: `format`, `space`, `dataset`, `unit`, `higher_is_better`, `origin`, `note`,
            `seeds` and whatever else the maker wants to say; `valid` is "test" where no validation values were
            published, so that `valid` repeats `test`, and `test` is "valid" where no test values were.
        archs: int32 `[A, L]`, the architectures themselves, -1 after the end of short ones, for spaces that are a
            finite list; None for those that know their architectures.
        shorter: trainings of fewer epochs than `meta["epochs"]`, by epochs, where there are.

    A published loss stands here negated.
    """

    valid: Floats
    test: Floats
    seconds: Floats | None
    rows: NDArray[np.int32]
    meta: Mapping[str, Any]
    archs: NDArray[np.int32] | None = None
    shorter: Mapping[int, Shorter] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        space: SearchSpace,
        dataset: Dataset,
        archs: Sequence[Arch],
        valid: Any,
        test: Any,
        seconds: Any = None,
        /,  # so that metadata may be called valid, as it is where validation values are missing
        *,
        by_key: bool = False,
        listed: bool = False,
        shorter: Mapping[int, Shorter] | None = None,
        **meta: Any,
    ) -> Table:
        """Make a table from N architectures in any order.

        Args:
            space, dataset: what the numbers are about.
            archs: every architecture of the space, or one for each key where `by_key`.
            valid, test, seconds: `[N]` or `[S, N]`, in the order of `archs`; higher is better.
            by_key: keep one row per key of the space.
            listed: keep the architectures too.
            shorter: trainings of fewer epochs, in the order of `archs`.
            **meta: further metadata, JSON values.

        Raises:
            BadData: an architecture is missing or there twice, or shapes or values are not those of a table.
        """
        names = [space.key(arch) if by_key else space.check(arch) for arch in archs]
        column = {name: i for i, name in enumerate(names)}
        if len(column) != len(names):
            raise BadData(f"{len(names) - len(column)} of {len(names)} architectures are there twice")
        wanted = [space.key(arch) if by_key else arch for arch in space.all()]
        missing = [arch for arch, name in zip(space.all(), wanted, strict=True) if name not in column]
        if missing:
            raise BadData(
                f"a table holds every architecture of {space.name}; {len(missing)} are missing, "
                f"the first is {space.format(missing[0])}"
            )
        order = {name: row for row, name in enumerate(dict.fromkeys(wanted))}
        pick = [column[name] for name in order]
        table = cls(
            _by_seed("valid", valid, len(names))[:, pick],
            _by_seed("test", test, len(names))[:, pick],
            None if seconds is None else _by_seed("seconds", seconds, len(names))[:, pick],
            np.array([order[name] for name in wanted], dtype=np.int32),
            {
                **meta,
                "format": FORMAT,
                "space": space.name,
                "dataset": dataset.name,
                "unit": dataset.unit,
                "higher_is_better": dataset.higher_is_better,
                "note": meta.get("note", dataset.note),
            },
            _padded(list(space.all())) if listed else None,
            {epochs: each.picked(pick) for epochs, each in (shorter or {}).items()},
        )
        table.check(space, dataset)
        return table

    @classmethod
    def load(cls, path: Path, remedy: str) -> Table:
        """Read a table.

        Raises:
            MissingData: no such file.
            BadData: it is damaged or is not a table; `remedy` ends both messages.
        """
        arrays = read_npz(path, remedy)
        try:
            meta = read_json(arrays["meta"].tobytes())
            if meta["format"] != FORMAT:
                raise BadData(f"a table of format {meta['format']!r}, this version reads {FORMAT}")
            for name in MEANING:
                meta[name]  # a KeyError says which is missing
            columns = arrays["valid"], arrays["test"], arrays.get("seconds"), arrays["rows"]
            table = cls(*columns, meta, arrays.get("archs"), of_arrays(arrays))
            table._check_arrays()
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, BadData):
                raise BadData(f"{path}: {error}; {remedy}") from error
            raise BadData(f"{path} is not a table of nassearch ({error!r}); {remedy}") from error
        return table

    def save(self, path: Path) -> None:
        """Write the table at once or not at all; equal tables give equal bytes."""
        write_npz(path, self.arrays())

    def arrays(self) -> Arrays:
        """Return what its file holds."""
        arrays: Arrays = {"valid": self.valid, "test": self.test, "rows": self.rows}
        for name, array in (("seconds", self.seconds), ("archs", self.archs)):
            if array is not None:
                arrays[name] = array
        arrays |= arrays_of(self.shorter)
        text = json.dumps(dict(self.meta), sort_keys=True, allow_nan=False)
        arrays["meta"] = np.frombuffer(text.encode(), dtype=np.uint8)
        return arrays

    @cached_property
    def digest(self) -> str:
        """Hash of the numbers and of what they mean; notes, recipe and shorter trainings do not count."""
        digest = hashlib.sha256(json.dumps({name: self.meta[name] for name in MEANING}).encode())
        for array in (self.valid, self.test, self.seconds, self.rows, self.archs):
            if array is not None:
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    @property
    def shorter_digest(self) -> str:
        """Hash of the shorter trainings, "" where there are none."""
        return digest_of(self.shorter)

    @property
    def architectures(self) -> list[Arch]:
        """Return the architectures of a table that lists them, in order; none where it does not."""
        if self.archs is None:
            return []
        return [tuple(option for option in arch if option >= 0) for arch in self.archs.tolist()]

    def check(self, space: SearchSpace, dataset: Dataset) -> None:
        """Raise `BadData` unless this is a whole table of that space and data set, in its range."""
        self._check_arrays()
        about = (self.meta["space"], self.meta["dataset"], self.meta["unit"])
        if about != (space.name, dataset.name, dataset.unit):
            wanted = (space.name, dataset.name, dataset.unit)
            raise BadData(f"the table is about {'/'.join(map(str, about))}, not {'/'.join(wanted)}")
        if len(self.rows) != space.size:
            raise BadData(f"the table knows {len(self.rows)} architectures, {space.name} has {space.size}")
        for name, values in (("valid", self.valid), ("test", self.test)):
            low, high = sorted((dataset.sign * np.nanmin(values), dataset.sign * np.nanmax(values)))
            if low < dataset.lowest or high > dataset.highest:
                raise BadData(
                    f"{name} goes from {low:g} to {high:g}; on {dataset.name} it lies within "
                    f"{dataset.lowest:g} to {dataset.highest:g} {dataset.unit}"
                )

    def _check_arrays(self) -> None:
        for name, array in (("valid", self.valid), ("test", self.test), ("seconds", self.seconds)):
            if array is not None and (array.dtype != np.float64 or array.ndim != 2 or array.size == 0):
                raise BadData(f"{name} is {array.dtype} {list(array.shape)}, not float64 [seeds, rows]")
        trained = np.isfinite(self.valid)
        if self.valid.shape != self.test.shape or not np.array_equal(trained, np.isfinite(self.test)):
            raise BadData("valid and test do not hold the same trainings")
        if np.isinf(self.valid).any() or np.isinf(self.test).any() or not trained.any(axis=0).all():
            raise BadData("a row without any training, or an infinite value")
        if self.seconds is not None:
            if self.seconds.shape not in (trained.shape, (1, trained.shape[1])):
                raise BadData(f"seconds {list(self.seconds.shape)} do not fit valid {list(trained.shape)}")
            seconds = np.broadcast_to(self.seconds, trained.shape)[trained]
            if not np.isfinite(seconds).all() or (seconds < 0).any():
                raise BadData("training seconds are finite and not negative")
        if self.rows.dtype != np.int32 or self.rows.ndim != 1 or self.rows.size == 0:
            raise BadData(f"rows is {self.rows.dtype} {list(self.rows.shape)}, not int32 [architectures]")
        if self.archs is not None and (self.archs.dtype != np.int32 or self.archs.ndim != 2):
            raise BadData(
                f"archs is {self.archs.dtype} {list(self.archs.shape)}, not int32 [architectures, options]"
            )
        if self.archs is not None and len(self.archs) != len(self.rows):
            raise BadData(
                f"the table lists {len(self.archs)} architectures and has rows for {len(self.rows)}"
            )
        for epochs, each in self.shorter.items():
            if not isinstance(whole := self.meta.get("epochs"), int) or epochs >= whole:
                raise BadData(f"trainings of {epochs} epochs are not shorter than whole ones, of {whole}")
            each.check(epochs, trained.shape)
        if self.rows.min() < 0 or self.rows.max() >= self.valid.shape[1]:
            raise BadData(f"rows {self.rows.min()} to {self.rows.max()} in a table of {self.valid.shape[1]}")


def refuse_sparse(dataset: str, seeds: int, archs: int, trainings: int) -> None:
    """Raise `BadData` where a table of so many seeds and architectures would be large and nearly empty."""
    places = seeds * archs
    if places > max(PLACES, SPARSEST * trainings):
        raise BadData(
            "seeds tell the trainings of one architecture apart, and a table has a place for each architecture "
            f"with each seed; {dataset} has {seeds} different seeds, so {places} places for {trainings} trainings; "
            "number the trainings of each architecture from 0, or leave the seeds out where each has one training"
        )


def refuse_fractions(dataset: Dataset, valid: Floats, test: Floats, remedy: str) -> None:
    """Raise `BadData` where all values of a data set in percent are 1 or less."""
    for name, values in (("valid", valid), ("test", test)):
        if dataset.unit == "percent" and np.nanmax(np.abs(values)) <= 1:
            raise BadData(
                f"no {name} value of {dataset.name} is above 1, so these look like fractions and percent is expected; "
                f"{remedy}"
            )


def _by_seed(name: str, values: Any, count: int) -> Floats:
    array = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if array.ndim != 2 or array.shape[1] != count:
        raise BadData(f"{name} is {list(np.shape(values))}, not [{count}] or [seeds, {count}]")
    return array


def _padded(archs: Sequence[Arch]) -> NDArray[np.int32]:
    padded = np.full((len(archs), max(map(len, archs))), -1, np.int32)
    for row, arch in zip(padded, archs, strict=True):
        row[: len(arch)] = arch
    return padded
