"""The size space of NATS-Bench, once its released files are imported."""

from __future__ import annotations

from typing import ClassVar

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.nasbench201_pth import NASBench201File
from nassearch.benchmarks.read.formats.nats import NATSFolder
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.nats_size import NATSSize
from nassearch.types import Task

TRAINED_ON_ALL = (
    "valid is x-valid and test is x-test, two parts of the official evaluation images; both are of networks "
    "trained on the whole training set for 90 epochs"
)
DATASETS = (
    Dataset(
        "cifar10",
        Task((3, 32, 32), 10),
        note="valid is x-valid of cifar10-valid (trained on one half of the training set, measured on the "
        "other), test is ori-test of cifar10 (trained on the whole training set), both for 90 epochs",
        aliases=("cifar10-valid",),
    ),
    Dataset("cifar100", Task((3, 32, 32), 100), note=TRAINED_ON_ALL),
    Dataset("ImageNet16-120", Task((3, 16, 16), 120), note=TRAINED_ON_ALL),
)


class NATSSizeBenchmark(TabularBenchmark):
    """The size space of NATS-Bench on its three data sets (Dong, Liu, Musial and Gabrys, 2021).

    benchmark = NATSSizeBenchmark.open("cifar100")
    benchmark.query(benchmark.space.parse("64:64:64:64:64"), rng).valid
    """

    name: ClassVar[str] = "nats-size"
    formats: ClassVar[tuple[Format, ...]] = (NATSFolder("sss"), NASBench201File("sss"))

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {dataset.name: dataset for dataset in DATASETS}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> NATSSize:
        return NATSSize()
