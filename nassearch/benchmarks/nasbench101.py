"""NAS-Bench-101 (Ying et al., 2019): CIFAR-10, from its official files once imported."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.nasbench101_npz import NASBench101Npz
from nassearch.benchmarks.read.formats.nasbench101_tfrecord import NASBench101TFRecord
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.types import Task

DATASETS = (
    Dataset(
        "cifar10",
        Task((3, 32, 32), 10, channels=(128, 256, 512), cells=3),
        note="valid is the accuracy on 10,000 images held out of the training set, test that on the 10,000 test "
        "images, both at the end of a training of 108 epochs on the other 40,000; each cell was trained three times",
    ),
)


class NASBench101Benchmark(TabularBenchmark):
    """NAS-Bench-101 on CIFAR-10 (Ying et al., 2019): 423,624 cells, each trained three times.

    benchmark = NASBench101Benchmark.open()
    benchmark.query(benchmark.space.sample(rng), rng).valid
    """

    name: ClassVar[str] = "nasbench101"
    formats: ClassVar[tuple[Format, ...]] = (NASBench101TFRecord(), NASBench101Npz())

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {dataset.name: dataset for dataset in DATASETS}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> NASBench101:
        return NASBench101()


class NASBench101MatrixBenchmark(NASBench101Benchmark):
    """NAS-Bench-101 (Ying et al., 2019) on the same files, sampled as in that paper: random matrices, not cells.

    A random matrix means a small cell far more often than a uniform draw among the cells does.
    """

    name: ClassVar[str] = "nasbench101-matrix"

    @classmethod
    def make_space(cls, dataset: str | None = None) -> NASBench101:
        return NASBench101(sampling="matrix")

    @classmethod
    def table_path(cls, dataset: str) -> Path:
        return NASBench101Benchmark.table_path(dataset)

    @classmethod
    def batch_path(cls, dataset: str) -> Path:
        return NASBench101Benchmark.batch_path(dataset)

    @classmethod
    def remedy(cls, dataset: str) -> str:
        return NASBench101Benchmark.remedy(dataset)
