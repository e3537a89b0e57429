"""NAS-Bench-201: a small benchmark of our own in the package, and the three published ones once imported."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from nassearch.benchmarks.base import Dataset, Metric
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.nasbench201_pth import NASBench201File
from nassearch.benchmarks.read.formats.nats import NATSFolder
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.files.data_folder import embedded
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Task

MNIST1D_TASK = Task((1, 40), 10, channels=(8, 16), cells=1, reduction="pool", stem_stride=2)
"""A stem that halves the signal, a cell at 8 channels, average pooling with a 1x1 convolution, a cell at 16.

Outside the cells only the stem sees more than one position, so the cells carry the work.
"""

TRAINED_ON_ALL = (
    "valid is x-valid and test is x-test, two parts of the official evaluation images; both are of networks "
    "trained on the whole training set"
)
_DEVICES = {
    "edgegpu": ("an edge GPU", "latency", "energy"),
    "raspi4": ("a Raspberry Pi 4", "latency"),
    "edgetpu": ("an edge TPU", "latency"),
    "pixel3": ("a Pixel 3 phone", "latency"),
    "eyeriss": ("an Eyeriss chip", "latency", "energy"),
    "fpga": ("an FPGA", "latency", "energy"),
}
"""Devices of HW-NAS-Bench (Li et al., 2021), and what was measured or simulated on each."""
ON_DEVICES = (
    *(
        Metric(f"{device}_{quantity}", f"{quantity} on {name}", {"latency": "ms", "energy": "mJ"}[quantity])
        for device, (name, *quantities) in _DEVICES.items()
        for quantity in quantities
    ),
    Metric(
        "eyeriss_arithmetic_intensity", "arithmetic intensity on an Eyeriss chip", "operations per byte", True
    ),
)
DATASETS = (
    Dataset(
        "mnist1d",
        MNIST1D_TASK,
        note="trained by this project: valid is the accuracy of one training on fresh validation signals, "
        "test is the mean over training seeds on fresh test signals",
    ),
    Dataset(
        "cifar10",
        Task((3, 32, 32), 10),
        note="valid is x-valid of cifar10-valid (trained on one half of the training set, measured on the "
        "other), test is ori-test of cifar10 (trained on the whole training set)",
        aliases=("cifar10-valid",),
        metrics=ON_DEVICES,
    ),
    Dataset("cifar100", Task((3, 32, 32), 100), note=TRAINED_ON_ALL, metrics=ON_DEVICES),
    Dataset("ImageNet16-120", Task((3, 16, 16), 120), note=TRAINED_ON_ALL, metrics=ON_DEVICES),
)
EMBEDDED = ("mnist1d",)


class NASBench201Benchmark(TabularBenchmark):
    """NAS-Bench-201 on MNIST-1D, which is in the package, and on the data sets of Dong and Yang (2020).

    benchmark = NASBench201Benchmark.open("mnist1d")
    benchmark.query(benchmark.space.sample(rng), rng).valid
    """

    name: ClassVar[str] = "nasbench201"
    formats: ClassVar[tuple[Format, ...]] = (NASBench201File("tss"), NATSFolder("tss"))

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {dataset.name: dataset for dataset in DATASETS}

    @classmethod
    def importable(cls) -> dict[str, Dataset]:
        return {name: dataset for name, dataset in cls.datasets().items() if name not in EMBEDDED}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> NASBench201:
        return NASBench201()

    @classmethod
    def table_path(cls, dataset: str) -> Path:
        return embedded(f"{cls.name}-{dataset}.npz") if dataset in EMBEDDED else super().table_path(dataset)

    @classmethod
    def batch_path(cls, dataset: str) -> Path:
        return embedded(f"{dataset}-batch.npz") if dataset in EMBEDDED else super().batch_path(dataset)

    @classmethod
    def remedy(cls, dataset: str) -> str:
        if dataset in EMBEDDED:
            return "install nassearch again, or make it with: nassearch bench build"
        return f"{super().remedy(dataset)}, or search on {EMBEDDED[0]}, which needs no file"
