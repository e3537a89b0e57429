"""NAS-Bench-Macro: rows of inverted residuals on CIFAR-10, once its file is imported."""

from __future__ import annotations

from typing import ClassVar

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.nasbench_macro import CIFAR10, NASBenchMacroFile
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.nasbench_macro import NASBenchMacro
from nassearch.types import Task

DATASET = Dataset(
    CIFAR10,
    Task((3, 32, 32), 10, channels=(64, 128, 256)),
    note="test is the mean of three trainings; no validation accuracies were published, so valid is the same",
)


class NASBenchMacroBenchmark(TabularBenchmark):
    """NAS-Bench-Macro on CIFAR-10 (Su et al., 2021).

    benchmark = NASBenchMacroBenchmark.open("cifar10")
    benchmark.query(benchmark.space.parse("02012100"), rng).test
    """

    name: ClassVar[str] = "nasbench-macro"
    formats: ClassVar[tuple[Format, ...]] = (NASBenchMacroFile(),)

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {DATASET.name: DATASET}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> NASBenchMacro:
        return NASBenchMacro()
