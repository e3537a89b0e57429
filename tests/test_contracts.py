"""Every registered benchmark and its space keep the contracts, each on a made-up table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes import GRU, LSTM, RNN, made_up

from nassearch import registry
from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench_nlp import NASBenchNLP
from nassearch.spaces.recipes import to_arch
from nassearch.testing import BenchmarkContract, SpaceContract

NAMES = sorted(registry.BUILT_IN["benchmarks"])
DIRECTED = {"nasbench-nlp"}
"""Spaces whose neighbours are the nearest of a list, which need not be mutual."""


def space_of(part: Any) -> SearchSpace:
    if not part.listed:
        return part.make_space()  # type: ignore[no-any-return]
    return NASBenchNLP([to_arch(recipe) for recipe in (RNN, LSTM, GRU, *map(made_up, range(60)))])


@pytest.fixture(scope="module", params=NAMES)
def part(request: pytest.FixtureRequest) -> Any:
    return registry.load("benchmarks", request.param)


class TestSpaces(SpaceContract):
    @pytest.fixture
    def space(self, part: Any) -> SearchSpace:
        return space_of(part)

    def test_one_edit_undoes_another(self, space: SearchSpace) -> None:
        self.symmetric = space.name not in DIRECTED
        super().test_one_edit_undoes_another(space)


@pytest.fixture(scope="module")
def tables() -> dict[tuple[str, str], Path]:
    return {}


@pytest.fixture(scope="module")
def table(part: Any, tables: dict[tuple[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a made-up table of two trainings of each architecture, the second of every third missing."""
    space, (dataset, *_) = space_of(part), part.datasets().values()
    if (space.name, dataset.name) in tables:  # two benchmarks may share their files
        return tables[space.name, dataset.name]
    rng = np.random.default_rng(0)
    names = {space.key(arch): arch for arch in space.all()} if part.by_key else {}
    archs = list(names.values()) or list(space.all())
    values = dataset.sign * rng.uniform(dataset.lowest + 1, min(dataset.highest, 99), size=(2, 2, len(archs)))
    values[:, 1, ::3] = np.nan
    path = tmp_path_factory.mktemp(part.name) / "table.npz"
    Table.build(space, dataset, archs, *values, by_key=part.by_key, listed=part.listed, seeds=[0, 1]).save(
        path
    )
    tables[space.name, dataset.name] = path
    return path


class TestBenchmarks(BenchmarkContract):
    @pytest.fixture
    def benchmark(self, part: Any, table: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
        assert issubclass(part, TabularBenchmark)
        monkeypatch.setattr(part, "table_path", classmethod(lambda cls, dataset: table))
        return part.open()
