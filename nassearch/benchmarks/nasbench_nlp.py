"""NAS-Bench-NLP: recurrent language models on Penn Treebank and WikiText-2, once imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.formats.nasbench_nlp_logs import RecurrentLogs
from nassearch.benchmarks.read.formats.nasbench_nlp_losses import LossSheet
from nassearch.benchmarks.read.tokens import import_tokens
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.nasbench_nlp.space import NASBenchNLP
from nassearch.types import Arch, Task

STEPS, WIDTHS = 70, (600, 600, 400)
"""Words per window, and units of the three layers; the last is the width of the embedding, which is tied."""
NOTE = (
    "losses in nats per word after the last epoch, whose exponential is the perplexity; recipes that differ in names "
    "and order only are one cell: valid is of one of its trainings, test their mean"
)


def _dataset(name: str, vocabulary: int, note: str) -> Dataset:
    return Dataset(
        name,
        Task((STEPS,), vocabulary, channels=WIDTHS, cells=1, words=vocabulary),
        unit="nats per word",
        higher_is_better=False,
        note=note,
        highest=1e6,  # a diverged training may be far above the loss of a guess
        quantity="loss",
    )


DATASETS = (
    _dataset("ptb", 10_000, f"Penn Treebank: {NOTE}"),
    # The vocabulary is what the published numbers of parameters imply, on all 345 logs.
    _dataset("wikitext-2", 33_278, f"WikiText-2: {NOTE}"),
)


class NASBenchNLPBenchmark(TabularBenchmark):
    """NAS-Bench-NLP of Klyuchnikov et al. (2022): recurrent cells trained for 50 epochs.

    Its space is the list of cells that the imported table of a data set holds.
    """

    name: ClassVar[str] = "nasbench-nlp"
    formats: ClassVar[tuple[Format, ...]] = (RecurrentLogs(), LossSheet())
    listed: ClassVar[bool] = True
    published: ClassVar[Mapping[str, int]] = {"ptb": 14_322}

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {dataset.name: dataset for dataset in DATASETS}

    @classmethod
    def space_of(cls, archs: Sequence[Arch]) -> NASBenchNLP:
        return NASBenchNLP(archs)

    @classmethod
    def is_batch(cls, path: Path) -> bool:
        """Say whether a file is text, by its ending."""
        return path.suffix in (".txt", ".tokens")

    @classmethod
    def import_batch(cls, path: Path, dataset: str, *, count: int = 256, force: bool = False) -> Path:
        """Make the fixed batch of a data set from a text, see `nassearch.benchmarks.read.tokens.import_tokens`."""
        return import_tokens(cls.datasets(), path, dataset, cls.batch_path(dataset), count=count, force=force)
