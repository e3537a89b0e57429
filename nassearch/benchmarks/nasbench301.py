"""NAS-Bench-301: genotypes of DARTS trained on CIFAR-10, once they are imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.nasbench301 import CHANNELS, CIFAR10, LAYERS, NASBench301Files
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.darts.trained import NASBench301
from nassearch.types import Arch, Task

DATASET = Dataset(
    CIFAR10,
    Task((3, 32, 32), 10, channels=(CHANNELS,), layers=LAYERS),
    note="accuracies after the last epoch: valid of one training on held-out images, test the mean of all trainings",
)


class NASBench301Benchmark(TabularBenchmark):
    """NAS-Bench-301 of Zela et al. (2022): cells of DARTS with 32 channels and 8 cells.

    Its space is the list of genotypes that the imported table holds. The surrogate models are not read: see the page
    on benchmarks.
    """

    name: ClassVar[str] = "nasbench301"
    formats: ClassVar[tuple[Format, ...]] = (NASBench301Files(),)
    listed: ClassVar[bool] = True
    published: ClassVar[Mapping[str, int]] = {}

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {DATASET.name: DATASET}

    @classmethod
    def space_of(cls, archs: Sequence[Arch]) -> NASBench301:
        return NASBench301(archs)
