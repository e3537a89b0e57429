"""A benchmark that answers from a table."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nassearch.benchmarks.base import Benchmark, Dataset
from nassearch.benchmarks.batches import load_batch
from nassearch.benchmarks.table import Table
from nassearch.errors import BadData, MissingData, UnknownName
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Batch, Metrics

Self = TypeVar("Self", bound="TabularBenchmark")


class TabularBenchmark(Benchmark):
    """The oracle of a search, read from a `Table`.

    A subclass names its space, its data sets and where their files lie.

    Args:
        space: the search space of the table.
        dataset: its data set.
        table: the trainings.
    """

    def __init__(self, space: SearchSpace, dataset: Dataset, table: Table) -> None:
        self.space, self.dataset, self.table, self.digest = space, dataset, table, table.digest
        self._answers: dict[Arch, tuple[Metrics, ...]] = {}
        self._row = dict(zip(space.all(), table.rows.tolist(), strict=True))
        unknown = np.full((1, 1), np.nan)
        seconds = np.broadcast_to(unknown if table.seconds is None else table.seconds, table.valid.shape)
        self._test: list[float] = np.nanmean(table.test, axis=0).tolist()
        self._valid: list[list[float]] = table.valid.T.tolist()
        self._seconds: list[list[float]] = seconds.T.tolist()
        trained = np.isfinite(table.valid)
        for row in np.flatnonzero(~trained.all(axis=0)).tolist():
            self._valid[row] = table.valid[trained[:, row], row].tolist()
            self._seconds[row] = seconds[trained[:, row], row].tolist()

    @classmethod
    @abstractmethod
    def table_path(cls, dataset: str) -> Path:
        """Return where the table of a data set lies, or would lie."""

    @classmethod
    @abstractmethod
    def batch_path(cls, dataset: str) -> Path:
        """Return where the batch of a data set lies, or would lie."""

    @classmethod
    @abstractmethod
    def remedy(cls, dataset: str) -> str:
        """Return the command that gets the table of a data set, as the end of a sentence."""

    @classmethod
    def installed(cls) -> list[str]:
        """Return the data sets whose tables are there."""
        return [name for name in cls.datasets() if cls.table_path(name).exists()]

    @classmethod
    def open(cls: type[Self], dataset: str | None = None) -> Self:
        known = cls.datasets()
        name = next(iter(known)) if dataset is None else dataset
        if name not in known:
            raise UnknownName(f"data set of {cls.name}", name, known)
        path, remedy = cls.table_path(name), cls.remedy(name)
        if not path.exists():
            raise MissingData(f"the {name} table of {cls.name} is not installed (no {path}); {remedy}")
        space, table = cls.make_space(), Table.load(path, remedy)
        try:
            table.check(space, known[name])
        except BadData as error:
            raise BadData(f"{path}: {error}; {remedy}") from error
        return cls(space, known[name], table)

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        """Return what training this architecture once gives.

        `valid` and `seconds` are those of one training seed, which `rng` picks: a search sees one training.
        `test` is the mean over the seeds: what the architecture is worth. Every query takes one number from
        `rng`, also where there is one seed only. `seconds` is NaN where the table has none.

        Raises:
            InvalidArch: not an architecture of the space.
        """
        answers = self._answers.get(arch) or self._remember(arch)
        return answers[int(rng.random() * len(answers))]

    def expected(self, arch: Arch) -> Metrics:
        answers = self._answers.get(arch) or self._remember(arch)
        valid, seconds = (
            sum(values) / len(answers)
            for values in zip(*((a.valid, a.seconds) for a in answers), strict=True)
        )
        return Metrics(valid, answers[0].test, seconds)

    def _remember(self, arch: Arch) -> tuple[Metrics, ...]:
        """Put together what a query can answer for this architecture, one `Metrics` per seed."""
        row = self._row.get(arch)
        if row is None:
            self.space.check(arch)
            raise BadData(f"the table of {self.dataset.name} does not hold {self.space.format(arch)}")
        seeds = zip(self._valid[row], self._seconds[row], strict=True)
        answers = tuple(Metrics(valid, self._test[row], seconds) for valid, seconds in seeds)
        self._answers[arch] = answers
        return answers

    @property
    def best(self) -> Metrics:
        """Return the highest validation and the highest test value that a query can return.

        They may belong to different architectures. `seconds` is the time of all trainings in the table.
        """
        trained = np.isfinite(self.table.valid)
        seconds = np.nan
        if self.table.seconds is not None:
            seconds = float(np.broadcast_to(self.table.seconds, trained.shape)[trained].sum())
        return Metrics(float(np.nanmax(self.table.valid)), max(self._test), seconds)

    @classmethod
    def find_batch(cls, dataset: str) -> Batch | None:
        path = cls.batch_path(dataset)
        return load_batch(path, cls.datasets()[dataset].task) if path.exists() else None

    def info(self) -> dict[str, Any]:
        """Return files, counts, digest, range of values and metadata as plain JSON values."""
        table, best = self.table, self.best
        quantiles = np.percentile(np.array(self._test)[table.rows], [5, 25, 50, 75, 95]).tolist()
        return {
            "benchmark": self.name,
            "dataset": self.dataset.name,
            "unit": self.dataset.unit,
            "note": self.dataset.note,
            "file": str(self.table_path(self.dataset.name)),
            "batch": str(path) if (path := self.batch_path(self.dataset.name)).exists() else None,
            "architectures": len(table.rows),
            "rows": table.valid.shape[1],
            "seeds": table.valid.shape[0],
            "trainings": int(np.isfinite(table.valid).sum()),
            "digest": self.digest,
            "best_valid": best.valid,
            "best_test": best.test,
            "test_percentiles": dict(zip(("5", "25", "50", "75", "95"), quantiles, strict=True)),
            "training_seconds": None if table.seconds is None else best.seconds,
            "meta": dict(table.meta),
        }
