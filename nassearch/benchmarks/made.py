"""Benchmarks that are made with what they are about, and not opened by a name."""

from __future__ import annotations

from typing import ClassVar

from nassearch.benchmarks.base import Benchmark, Dataset
from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace


class MadeBenchmark(Benchmark):
    """A base for benchmarks whose data set is what they are made with: there is none to list or to open.

    Attributes:
        how_made: says how one is made, for whoever asks for it by name.
    """

    how_made: ClassVar[str]

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        """Return none."""
        return {}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        raise InvalidSetting(cls.how_made)

    @classmethod
    def open(cls, dataset: str | None = None) -> Benchmark:
        raise InvalidSetting(cls.how_made)
