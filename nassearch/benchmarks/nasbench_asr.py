"""NAS-Bench-ASR, once its released files are imported."""

from __future__ import annotations

from typing import ClassVar

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.nasbench_asr import DATASET, NASBenchASRPickles
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.nasbench_asr.space import NASBenchASR
from nassearch.types import Task

TIMIT = Task((80, 96), 48, channels=(600, 800, 1000, 1200), cells=3)
"""80 features per frame of 10 ms and 48 phonemes. Sentences have any length: proxies look at 96 frames, the length at
which our count of operations (2 per multiply-accumulate) is within 0.3 % of the one released figure at hand."""

DATASETS = (
    Dataset(
        DATASET,
        TIMIT,
        unit="percent",
        higher_is_better=False,
        note="phoneme error rate: valid is the lowest of all epochs of one training, test is the mean over training "
        "seeds of the rate at that epoch",
        highest=300.0,  # phonemes that were never said count too, so a rate may exceed 100
        quantity="phoneme error rate",
    ),
)


class NASBenchASRBenchmark(TabularBenchmark):
    """NAS-Bench-ASR on TIMIT (Mehrotra et al., 2021): one row for each of the 8,242 published hashes.

    benchmark = NASBenchASRBenchmark.open("timit")
    -benchmark.query(benchmark.space.sample(rng), rng).valid  # percent of phonemes
    """

    name: ClassVar[str] = "nasbench-asr"
    formats: ClassVar[tuple[Format, ...]] = (NASBenchASRPickles(),)
    by_key: ClassVar[bool] = True

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {dataset.name: dataset for dataset in DATASETS}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> NASBenchASR:
        return NASBenchASR()
