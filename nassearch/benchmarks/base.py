"""A benchmark is a search space, and what each of its architectures reaches on a data set."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from nassearch.errors import InvalidSetting, MissingData, UnknownName
from nassearch.files.inert import inert
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Batch, Metrics, Task


@dataclass(frozen=True)
class Metric:
    """A further metric of every architecture on a data set, such as its latency on a device.

    Attributes:
        name: as the command line and columns of files spell it, `edgegpu_latency`.
        quantity: what people call it, "latency on an edge GPU".
        unit: of a value as published.
        higher_is_better: direction of a value as published.
        decimals: with how many people write it; None for as many as tell the values beside each other apart.
        told: whether nobody knows it before an architecture was trained and its value told.
    """

    name: str
    quantity: str
    unit: str
    higher_is_better: bool = False
    decimals: int | None = None
    told: bool = False

    @property
    def sign(self) -> float:
        """Return what turns a published value into one where higher is better, and back, as a factor."""
        return 1.0 if self.higher_is_better else -1.0

    def as_dict(self) -> dict[str, Any]:
        """Return what people are told of it beside its name, as plain JSON values."""
        better = "higher" if self.higher_is_better else "lower"
        return {"quantity": self.quantity, "unit": self.unit, "better": better}


@dataclass(frozen=True)
class Dataset:
    """A data set of a benchmark, declared once.

    Attributes:
        name: as the command line spells it.
        task: what its networks are built for.
        unit: of the published quantity.
        higher_is_better: direction of the published quantity. A loss is negated once, when a table is made: in
            `Metrics` and in all that is computed from them higher is better, and what people read is turned back.
        note: which published numbers stand behind `valid` and `test`.
        lowest, highest: range of a published value.
        quantity: what people call it, "accuracy" or "loss".
        metrics: further ones that may be known of every architecture.
        aliases: what files call it besides its name; case, hyphens, underscores and spaces do not matter.
    """

    name: str
    task: Task
    unit: str = "percent"
    higher_is_better: bool = True
    note: str = ""
    lowest: float = 0.0
    highest: float = 100.0
    quantity: str = "accuracy"
    aliases: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()

    @property
    def metrics_by_name(self) -> dict[str, Metric]:
        """Return the further metrics by their names."""
        return {metric.name: metric for metric in self.metrics}

    @property
    def sign(self) -> float:
        """Return what turns a published value into one where higher is better, and back, as a factor."""
        return 1.0 if self.higher_is_better else -1.0


class Benchmark(ABC):
    """The oracle of a search on one data set. It owns its search space.

    One file and one line in `nassearch/registry.py` add a benchmark. What is not abstract here has an answer that suits
    benchmarks that compute rather than look up; `TabularBenchmark` is one of a table.

    Attributes:
        space, dataset: what it answers about; set by the constructor of a subclass.
    """

    name: ClassVar[str]
    revision: ClassVar[int] = 1
    """Raised with every change after which the same data answer a query with another value."""
    needs_data: ClassVar[bool] = False
    """Whether it is made with data of one's own: its class declares no data sets and opens none."""
    space: SearchSpace
    dataset: Dataset
    validated: bool = True
    """Whether it has validation values. Where it has none `valid` repeats `test`, and all that is shown says so."""
    tested: bool = True
    """Whether it has test values. Where it has none `test` repeats `valid`, and all that is shown says so."""

    @classmethod
    @abstractmethod
    def datasets(cls) -> dict[str, Dataset]:
        """Return every data set it knows, installed or not."""

    @classmethod
    @abstractmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        """Return the search space of a data set, None for the first; most benchmarks have one for all.

        Raises:
            MissingData: the architectures are a list that comes with the table, and that is not installed.
        """

    @classmethod
    def find(cls, dataset: str | None = None) -> Dataset:
        """Return a data set by its name; None is the first.

        Raises:
            UnknownName: there is none of that name.
        """
        known = cls.datasets()
        name = next(iter(known)) if dataset is None else dataset
        if name not in known:
            raise UnknownName(f"data set of {cls.name}", name, known, "(nassearch bench list)")
        return known[name]

    @classmethod
    def installed(cls) -> list[str]:
        """Return the data sets that can be opened here and now: all of them, where nothing has to be fetched."""
        return list(cls.datasets())

    @classmethod
    def find_batch(cls, dataset: str) -> Batch | None:
        """Return a data set's fixed batch for proxies that look at data, or None where none is installed."""
        return None

    @classmethod
    @abstractmethod
    def open(cls, dataset: str | None = None) -> Benchmark:
        """Load one data set; None is the first of `datasets()`.

        Raises:
            UnknownName: no such data set.
            MissingData: it is not installed; the message names the command that gets it.
            BadData: its file is damaged.
        """

    @abstractmethod
    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        """Return what training this architecture once gives. `rng` picks the training seed where there are several."""

    @property
    def shorter(self) -> Mapping[int, float]:
        """Return by epochs what shorter trainings cost as a share of a whole one; here there are none."""
        return {}

    @property
    def shorter_digest(self) -> str:
        """Hash of the data behind shorter trainings, for the header of results."""
        return self.digest

    def query_shorter(self, arch: Arch, rng: np.random.Generator, epochs: int) -> Metrics:
        """Return what training this architecture once for so many epochs gives, fewer than a whole training has.

        Raises:
            InvalidSetting: there are no trainings of so many epochs.
        """
        raise InvalidSetting(no_shorter(self, [epochs]))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return the further metrics that are known here and now, of those that the data set declares; here none."""
        return ()

    def metric(self, name: str, arch: Arch) -> float:
        """Return a further metric of an architecture, as published.

        Raises:
            UnknownName: the data set declares no such metric.
            MissingData: it is declared, and not installed; the message names the command that gets it.
        """
        declared = self.dataset.metrics_by_name
        if name not in declared:
            raise UnknownName(
                f"metric of {self.name} {self.dataset.name}", name, ("valid", "test", *declared)
            )
        raise MissingData(
            f"{name} of {self.name} {self.dataset.name} is not installed; get it with: nassearch bench import "
            f"{self.name} FILE --dataset {self.dataset.name}"
        )

    def expected(self, arch: Arch) -> Metrics:
        """Return the mean over all trainings of this architecture: what it is worth, which no search may see.

        Here, for benchmarks with one training each, what a query returns.
        """
        return self.query(arch, np.random.default_rng(0))

    def __repr__(self) -> str:
        dataset = getattr(self, "dataset", None)
        return inert(f"{type(self).__name__}({self.name}{f', {dataset.name}' if dataset else ''})")

    @property
    def best(self) -> Metrics:
        """Return the highest validation and the highest test value, for regret, and the seconds of all trainings.

        NaN for what is not known, as here.
        """
        return Metrics(math.nan, math.nan, math.nan)

    @cached_property
    def digest(self) -> str:
        """Hash of the data behind it, for the header of results; here, without data, of what it is called."""
        names = type(self).__module__, type(self).__qualname__, self.name, self.dataset.name
        return hashlib.sha256(" ".join(names).encode()).hexdigest()[:16]

    @property
    def facts(self) -> dict[str, Any]:
        """Return what the header of a result says of it beside its names and its digest, as plain JSON values."""
        return {}

    def info(self) -> dict[str, Any]:
        """Return what is known of it as plain JSON values."""
        best, sign = self.best, self.dataset.sign
        return {
            "benchmark": self.name,
            "dataset": self.dataset.name,
            "quantity": self.dataset.quantity,
            "unit": self.dataset.unit,
            "better": "higher" if self.dataset.higher_is_better else "lower",
            "note": self.dataset.note,
            "architectures": self.space.size,
            "digest": self.digest,
            "best_valid": sign * best.valid,
            "best_test": sign * best.test,
        }

    def batch(self) -> Batch | None:
        """Return the fixed batch of this data set, or None where none is installed."""
        return self.find_batch(self.dataset.name)


def no_shorter(benchmark: Benchmark, epochs: Sequence[int]) -> str:
    """Say that a benchmark has no trainings of so many epochs, which it has, and what to do."""
    have = ", ".join(map(str, sorted(benchmark.shorter))) or "none"
    asked = ", ".join(map(str, epochs))
    return (
        f"{benchmark.name} {benchmark.dataset.name} has no shorter trainings of {asked} epochs; it has {have}: name "
        "those, import a table with columns such as DATASET/valid/12 and DATASET/test/12 beside the whole trainings, "
        "or use another strategy"
    )
