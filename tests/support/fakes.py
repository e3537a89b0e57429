"""A benchmark and a scorer that need no files: the real search space with a made-up accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nassearch.benchmarks.base import Benchmark, Dataset
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.base import Strategy
from nassearch.types import Arch, Batch, Floats, Metrics, Task

WORTH = (0.0, 2.0, 5.0, 9.0, 1.0)


def worth(arch: Arch) -> float:
    """Return 0 to 54: the sum of what its operations are worth, largest for 3x3 convolutions throughout."""
    return sum(WORTH[op] for op in arch)


def score(archs: Sequence[Arch]) -> Floats:
    """Score by worth; an architecture whose last edge is `none` cannot be scored."""
    return np.array([np.nan if arch[-1] == 0 else worth(arch) for arch in archs], dtype=np.float64)


def flat(archs: Sequence[Arch]) -> Floats:
    """Score all alike."""
    return np.ones(len(archs))


def trace(strategy: Strategy, budget: int, value: Callable[[Arch], float] = worth) -> list[Arch]:
    """Search for so many models; return what was asked for."""
    asked = []
    for _ in range(budget):
        asked.append(strategy.ask())
        strategy.tell(asked[-1], value(asked[-1]))
    return asked


class TwoCells(NASBench201):
    """A space of two cells, which a search soon has used up: only pooling or nothing on the last edge."""

    @property
    def size(self) -> int:
        return 2

    def all(self) -> Iterator[Arch]:
        return iter([(3, 3, 3, 3, 3, 0), (3, 3, 3, 3, 3, 4)])

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return [[*self.all()][i] for i in rng.integers(2, size=n)]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        return tuple(other for other in self.all() if other != arch)

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        return self.neighbours(arch)[0]


class FakeBenchmark(Benchmark):
    """Test is the worth and a fixed disturbance per architecture; validation adds noise per query."""

    name = "fake"
    digest = "0123456789abcdef"

    def __init__(self) -> None:
        self.space = self.make_space()
        self.dataset = self.datasets()["fake"]

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {"fake": Dataset("fake", Task((1, 8), 2))}

    @classmethod
    def open(cls, dataset: str | None = None) -> FakeBenchmark:
        return cls()

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        disturbance = sum(op * 31**place for place, op in enumerate(arch)) % 17 / 8
        return Metrics(worth(arch) + disturbance + rng.random(), worth(arch) + disturbance, 10.0 + arch[0])

    @property
    def best(self) -> Metrics:
        return Metrics(57.0, 56.0, 0.0)

    @classmethod
    def make_space(cls) -> NASBench201:
        return NASBench201()

    @classmethod
    def find_batch(cls, dataset: str) -> Batch | None:
        return None
