"""A space of four letters and its benchmark: small enough to write a whole table by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import InvalidArch
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.types import Arch, Task


class Letters(SearchSpace):
    """Four architectures, a to d: small enough to write a whole table by hand."""

    name: ClassVar[str] = "letters"

    @property
    def size(self) -> int:
        return 4

    def all(self) -> Iterator[Arch]:
        return iter([(2,), (0,), (3,), (1,)])

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        raise NotImplementedError

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        raise NotImplementedError

    def neighbours(self, arch: Arch) -> list[Arch]:
        raise NotImplementedError

    def is_valid(self, arch: Arch) -> bool:
        return len(arch) == 1 and 0 <= arch[0] < 4

    def rule(self) -> str:
        return "one letter of a to d"

    def key(self, arch: Arch) -> str:
        return str(arch)

    def parse(self, text: str) -> Arch:
        if len(text) != 1 or text not in "abcd":
            raise InvalidArch(f"{text!r} is not one letter of a to d")
        return ("abcd".index(text),)

    def format(self, arch: Arch) -> str:
        return "abcd"[arch[0]]

    def graph(self, arch: Arch) -> CellGraph:
        raise NotImplementedError

    def network(self, arch: Arch, task: Task) -> Any:
        raise NotImplementedError


SPACE = Letters()
DATASETS = {name: Dataset(name, Task((1, 4), 2), note="made up") for name in ("cifar10", "cifar100")}


class LettersBenchmark(TabularBenchmark):
    """A benchmark of four architectures (a test)."""

    name: ClassVar[str] = "letters"

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return DATASETS

    @classmethod
    def make_space(cls, dataset: str | None = None) -> Letters:
        return SPACE
