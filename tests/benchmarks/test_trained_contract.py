"""An oracle that trains keeps the contract of benchmarks, where its class says what data it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import blobs

from nassearch.benchmarks import Benchmark, Dataset, Entry, TrainedBenchmark
from nassearch.spaces import Builder, Choices, Network
from nassearch.testing import BenchmarkContract
from nassearch.training import Recipe
from nassearch.types import Arch, Metrics, Task


class Widths(Choices):
    """Two convolutions of chosen widths (an example, 2026)."""

    name = "two-widths"
    choices = (("2", "4"), ("2", "4"))

    def network(self, arch: Arch, task: Task) -> Network:
        build, x = Builder(task.input_shape), 0
        for option, names in zip(self.check(arch), self.choices, strict=True):
            x = build.relu(build.batch_norm(build.conv(x, int(names[option]), kernel=3, stride=2)))
        build.linear(build.global_pool(x), task.classes)
        return Network(((build.done(), 1),))


class OnBlobs(TrainedBenchmark):
    """Training on blobs of colour (an example, 2026)."""

    name = "on-blobs"
    needs_data = False

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {f"toy{seed}": cls._made(seed).dataset for seed in (0, 1)}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> Widths:
        return Widths()

    @classmethod
    def open(cls, dataset: str | None = None) -> OnBlobs:
        return cls._made(int(cls.find(dataset).name.removeprefix("toy")))

    def answer(self, entry: Entry) -> Metrics:
        """Leave out the seconds, which are measured."""
        return replace(super().answer(entry), seconds=0.0)

    @classmethod
    def _made(cls, seed: int) -> OnBlobs:
        data = blobs(seed=seed)
        object.__setattr__(data, "name", f"toy{seed}")
        return cls(Widths(), data, Recipe(epochs=2, batch_size=24))


class TestOracleThatTrains(BenchmarkContract):
    @pytest.fixture
    def benchmark(self) -> Benchmark:
        return OnBlobs.open("toy0")
