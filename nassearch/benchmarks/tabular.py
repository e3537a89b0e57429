"""A benchmark that answers from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from nassearch.benchmarks.base import Benchmark, Dataset, Metric, no_shorter
from nassearch.benchmarks.batches import load_batch
from nassearch.benchmarks.metrics import load_metrics
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.images import import_images
from nassearch.benchmarks.table import Table
from nassearch.errors import BadData, InvalidSetting, MissingData
from nassearch.files.data_folder import data_dir
from nassearch.files.together import finish
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Batch, Floats, Metrics

Self = TypeVar("Self", bound="TabularBenchmark")
NO_VALIDATION = "none published: a search sees the test value, so its curves are optimistic"
NO_TEST = "none published: all that is shown is the validation value that a search sees, so its curves are optimistic"


class TabularBenchmark(Benchmark):
    """The oracle of a search, read from a `Table`.

    A subclass names its space and its data sets; what it has beyond that, such as published files or a table in the
    package, it says by overriding what is here.

    Args:
        space: the search space of the table.
        dataset: its data set.
        table: the trainings.
    """

    def __init__(self, space: SearchSpace, dataset: Dataset, table: Table) -> None:
        self.space, self.dataset, self.table, self.digest = space, dataset, table, table.digest
        self.validated = table.meta.get("valid") != "test"
        self.tested = table.meta.get("test") != "valid"
        self._answers: dict[Arch, tuple[Metrics, ...]] = {}
        unknown = np.full((1, 1), np.nan)
        seconds = np.broadcast_to(unknown if table.seconds is None else table.seconds, table.valid.shape)
        self._test: Floats = np.nanmean(table.test, axis=0)
        # One row per architecture side by side in memory, as queries read them.
        self._trainings = np.ascontiguousarray(np.stack([table.valid, seconds]).transpose(2, 1, 0))

    formats: ClassVar[tuple[Format, ...]] = ()
    """Published files that `nassearch bench import` reads for it, besides CSV and Parquet."""
    columns: ClassVar[Mapping[str, str]] = {}
    """What sheets about it call a column, by its role, where that is not the name of the role."""
    by_key: ClassVar[bool] = False
    """Whether its published files hold one architecture per key of the space."""
    listed: ClassVar[bool] = False
    """Whether its space is the list of architectures that a table holds."""
    published: ClassVar[Mapping[str, int]] = {}
    """How many architectures were published, by data set, where a table may hold fewer: of those that are listed."""

    @classmethod
    def importable(cls) -> dict[str, Dataset]:
        """Return the data sets whose tables a user imports: here all."""
        return cls.datasets()

    @classmethod
    def table_path(cls, dataset: str) -> Path:
        """Return where the table of a data set lies, or would lie."""
        return data_dir() / cls.name / f"{dataset}.npz"

    @classmethod
    def batch_path(cls, dataset: str) -> Path:
        """Return where the batch of a data set lies, or would lie."""
        return data_dir() / cls.name / f"{dataset}-batch.npz"

    @classmethod
    def metrics_path(cls, dataset: str) -> Path:
        """Return where further metrics of a data set lie, or would lie."""
        return data_dir() / cls.name / f"{dataset}-metrics.npz"

    @cached_property
    def _metrics(self) -> dict[str, list[float]]:
        path = self.metrics_path(self.dataset.name)
        found = load_metrics(path, self.dataset, self.space.size, self.name)
        return {
            metric.name: found[metric.name].tolist()
            for metric in self.dataset.metrics
            if metric.name in found
        }

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(self.dataset.metrics_by_name[name] for name in self._metrics)

    def metric(self, name: str, arch: Arch) -> float:
        values = self._metrics.get(name)
        return super().metric(name, arch) if values is None else values[self.space.index(arch)]

    @classmethod
    def remedy(cls, dataset: str) -> str:
        """Return the command that gets the table of a data set, as the end of a sentence."""
        return f"get it with: nassearch bench import {cls.name} FILE"

    @classmethod
    def installed(cls) -> list[str]:
        """Return the data sets whose tables are there."""
        finish(data_dir() / cls.name)
        return [name for name in cls.datasets() if cls.table_path(name).exists()]

    @classmethod
    def space_of(cls, archs: Sequence[Arch]) -> SearchSpace:
        """Return the space that is this list of architectures; for benchmarks that are `listed`."""
        raise NotImplementedError(f"{cls.name} is listed: override space_of")

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        return cls.space_of(cls._load(dataset)[1].architectures)

    @classmethod
    def _load(cls, dataset: str | None) -> tuple[Dataset, Table]:
        known = cls.find(dataset)
        path, remedy = cls.table_path(known.name), cls.remedy(known.name)
        finish(path.parent)
        if not path.exists():
            raise MissingData(f"the {known.name} table of {cls.name} is not installed (no {path}); {remedy}")
        return known, Table.load(path, remedy)

    @classmethod
    def open(cls: type[Self], dataset: str | None = None) -> Self:
        known, table = cls._load(dataset)
        space = cls.space_of(table.architectures) if cls.listed else cls.make_space(known.name)
        try:
            table.check(space, known)
        except BadData as error:
            raise BadData(f"{cls.table_path(known.name)}: {error}; {cls.remedy(known.name)}") from error
        return cls(space, known, table)

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        """Return what training this architecture once gives.

        `valid` and `seconds` are those of one training seed, which `rng` picks: a search sees one training.
        `test` is the mean over the seeds: what the architecture is worth, and `valid` too where there is no validation.
        Every query takes one number from `rng`, also where there is one seed only. `seconds` is NaN where the table has
        none.

        Raises:
            InvalidArch: not an architecture of the space.
        """
        answers = self._answers.get(arch) or self._remember(arch)
        return answers[int(rng.random() * len(answers))]

    @property
    def shorter(self) -> dict[int, float]:
        return {epochs: epochs / self.table.meta["epochs"] for epochs in self.table.shorter}

    @property
    def shorter_digest(self) -> str:
        return self.table.shorter_digest

    def query_shorter(self, arch: Arch, rng: np.random.Generator, epochs: int) -> Metrics:
        """Return what training this architecture once for so many epochs gives, as `query` does for a whole training.

        `test` is the mean over the seeds of these trainings. `seconds` is the share of a whole training where the
        table has none of its own.
        """
        if epochs not in self.table.shorter:
            raise InvalidSetting(no_shorter(self, [epochs]))
        trainings, row = self.table.shorter[epochs], int(self.table.rows[self.space.index(arch)])
        seeds = np.flatnonzero(np.isfinite(trainings.valid[:, row]))
        seed = int(seeds[int(rng.random() * len(seeds))])
        test = float(np.nanmean(trainings.test[:, row]))
        valid = float(trainings.valid[seed, row]) if self.validated else test
        if trainings.seconds is not None:
            return Metrics(valid, test, float(trainings.seconds[seed, row]))
        return Metrics(valid, test, float(self._trainings[row, seed, 1]) * self.shorter[epochs])

    def expected(self, arch: Arch) -> Metrics:
        answers = self._answers.get(arch) or self._remember(arch)
        valid, seconds = (
            sum(values) / len(answers)
            for values in zip(*((a.valid, a.seconds) for a in answers), strict=True)
        )
        return Metrics(valid, answers[0].test, seconds)

    def _remember(self, arch: Arch) -> tuple[Metrics, ...]:
        """Put together what a query can answer for this architecture, one `Metrics` per seed."""
        row = int(self.table.rows[self.space.index(arch)])
        test = float(self._test[row])
        answers = tuple(
            Metrics(valid if self.validated else test, test, seconds)
            for valid, seconds in self._trainings[row].tolist()
            if valid == valid
        )
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
        test = float(self._test.max())
        return Metrics(float(np.nanmax(self.table.valid)) if self.validated else test, test, seconds)

    @classmethod
    def find_batch(cls, dataset: str) -> Batch | None:
        path = cls.batch_path(dataset)
        return load_batch(path, cls.datasets()[dataset].task) if path.exists() else None

    @classmethod
    def is_batch(cls, path: Path) -> bool:
        """Say whether a file that is none of `formats` is data to make a fixed batch of, rather than a table."""
        return path.suffix == ".npz"

    @classmethod
    def import_batch(cls, path: Path, dataset: str, *, count: int = 256, force: bool = False) -> Path:
        """Make the fixed batch of a data set from a user's file, and return where it lies; here, of images.

        Raises:
            NassearchError: one of its kinds, see `nassearch.benchmarks.read.images.import_images`.
        """
        return import_images(cls.datasets(), path, dataset, cls.batch_path(dataset), count=count, force=force)

    def info(self) -> dict[str, Any]:
        """Return files, counts, digest, range of values and metadata as plain JSON values."""
        table, best, sign = self.table, self.best, self.dataset.sign
        quantiles = np.percentile(sign * self._test[table.rows], [5, 25, 50, 75, 95]).tolist()
        return {
            "benchmark": self.name,
            "dataset": self.dataset.name,
            "quantity": self.dataset.quantity,
            "unit": self.dataset.unit,
            "better": "higher" if self.dataset.higher_is_better else "lower",
            "note": self.dataset.note,
            "validation": "published" if self.validated else NO_VALIDATION,
            **({} if self.tested else {"test": NO_TEST}),
            "file": str(self.table_path(self.dataset.name)),
            "batch": str(path) if (path := self.batch_path(self.dataset.name)).exists() else None,
            "architectures": len(table.rows),
            "rows": table.valid.shape[1],
            "seeds": table.valid.shape[0],
            "trainings": int(np.isfinite(table.valid).sum()),
            "digest": self.digest,
            "best_valid": sign * best.valid,
            "best_test": sign * best.test,
            "test_percentiles": dict(zip(("5", "25", "50", "75", "95"), quantiles, strict=True)),
            "shorter": list(self.table.shorter),
            "training_seconds": None if table.seconds is None else best.seconds,
            **({"metrics": self._ranges()} if self.metrics else {}),
            "meta": dict(table.meta),
        }

    def _ranges(self) -> dict[str, dict[str, Any]]:
        """Return what the further metrics are, with the median, both ends, and of how many architectures."""
        found = {}
        for metric in self.metrics:
            values = np.array(self._metrics[metric.name])
            low, median, high = np.nanpercentile(values, [0, 50, 100]).tolist()
            known = int(np.isfinite(values).sum())
            span = {"lowest": low, "median": median, "highest": high, "known": known}
            found[metric.name] = {**metric.as_dict(), **span}
        return found
