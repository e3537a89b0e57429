"""Every registered part keeps its contract: nothing here lists them, the registry does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes import GRU, LSTM, RNN, made_up

from nassearch import registry
from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.networks.recurrent import RecurrentNetwork
from nassearch.proxies.base import Proxy
from nassearch.scorers.combined import Combination
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.darts.space import Darts
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nasbench_nlp.recipes import to_arch
from nassearch.strategies.base import Strategy
from nassearch.testing import (
    BenchmarkContract,
    CombinationContract,
    ProxyContract,
    SpaceContract,
    StrategyContract,
)
from nassearch.types import Arch, Task

NAMES = sorted(registry.BUILT_IN["benchmarks"])
DIRECTED = {"nasbench-nlp", "nasbench301"}
"""Spaces whose neighbours are the nearest of a list, which need not be mutual."""
MOVED = {"darts"}
"""Spaces where another option of a decision may be two edits: another pair of inputs."""
BIASED = {"nasbench101-matrix"}
"""Parts whose draws follow a published law that is not uniform."""
TASKS = {
    "darts": Task((3, 8, 8), 10, channels=(4,), layers=3),
    "nasbench301": Task((3, 8, 8), 10, channels=(4,), layers=3),
    "nasbench-asr": Task((80, 12), 48, channels=(100, 100, 100), cells=1),
    "nasbench-nlp": Task((4,), 6, channels=(4, 4, 4), words=6),
    # Images that are still larger than a pixel after the last of four or six halvings.
    "transnas-micro": Task((3, 64, 64), 10, channels=(2,), cells=2),
    "transnas-macro": Task((3, 128, 128), 10, channels=(2,), cells=1),
}
"""Small tasks for the spaces whose networks are not for images, or halve them often."""
LEARNERS = {
    "bp": {
        **{"width": 16, "depth": 2, "epochs": 30, "warm_up_epochs": 30, "batch": 10, "rate": 3e-3},
        **{"points": 40, "iterations": 2, "candidates": 1500},
    },
    "gp": {"candidates": 100, "draws": 100, "looks": 8},
    "bananas": {"epochs": 20, "batch": 60, "rate": 0.02, "depth": 2},
    "npenas": {"epochs": 10, "batch": 60, "rate": 0.02},
}
"""Settings for strategies that train a network: quick, and every comparison passes by five of its standard errors."""

CLIMBERS = {"ls"}
"""Strategies that stay on a hill, or on a plain, for much of a search: more seeds tell chance from direction."""


def space_of(part: Any) -> SearchSpace:
    if not getattr(part, "listed", False):
        return part.make_space()  # type: ignore[no-any-return]
    if part.name == "nasbench301":
        return part.space_of(Darts().sample_many(60, np.random.default_rng(9)))  # type: ignore[no-any-return]
    return part.space_of([to_arch(recipe) for recipe in (RNN, LSTM, GRU, *map(made_up, range(60)))])


@pytest.fixture(scope="module", params=NAMES)
def part(request: pytest.FixtureRequest) -> Any:
    return registry.load("benchmarks", request.param)


@pytest.fixture(scope="module", params=sorted({*NAMES, *registry.BUILT_IN["spaces"]}))
def owner(request: pytest.FixtureRequest) -> str:
    """Return the name of a benchmark that owns a space, or of a space."""
    return str(request.param)


@pytest.fixture(scope="module")
def made(owner: str) -> SearchSpace:
    """Return one space for all its tests, since it remembers its architectures."""
    return (
        space_of(registry.load("benchmarks", owner)) if owner in NAMES else registry.load("spaces", owner)()
    )


class TestSpaces(SpaceContract):
    @pytest.fixture
    def space(self, made: SearchSpace) -> SearchSpace:
        return made

    @pytest.fixture
    def task(self, owner: str) -> Task:
        return TASKS.get(owner, Task((3, 8, 8), 10, (4, 8, 8), 1))

    @pytest.fixture(autouse=True)
    def declared(self, owner: str) -> None:
        self.symmetric = owner not in DIRECTED
        self.uniform = owner not in BIASED
        self.free = owner not in MOVED


@pytest.fixture(scope="module")
def tables() -> dict[tuple[str, str], Path]:
    return {}


@pytest.fixture(scope="module")
def table(
    part: Any, tables: dict[tuple[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path | None:
    """Write a made-up table of two trainings of each architecture, the second of every third missing."""
    if not issubclass(part, TabularBenchmark):
        return None
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
    def benchmark(self, part: Any, table: Path | None, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
        if table is None:
            return part.open()  # type: ignore[no-any-return]
        first, nowhere = next(iter(part.datasets())), table.with_name("none")
        monkeypatch.setattr(
            part, "table_path", classmethod(lambda cls, dataset: table if dataset == first else nowhere)
        )
        return part.open()

    @pytest.fixture
    def other(self, benchmark: Benchmark) -> Benchmark | None:
        if not isinstance(benchmark, TabularBenchmark):
            return None
        changed = replace(benchmark.table, valid=benchmark.table.valid[:, ::-1])
        return type(benchmark)(benchmark.space, benchmark.dataset, changed)


def quick(proxy: Proxy, space: SearchSpace) -> dict[str, Any]:
    """Return options that leave a proxy what it is, and make it quick."""
    options = dict(space.proxy_defaults.get(proxy.name, {}))
    # Of six samples there are 64 patterns, and swap meets them all.
    few = {"batch_size": 10 if proxy.name in ("cv", "swap") else 6, "initialisations": 3}
    return options | {name: value for name, value in few.items() if name in proxy.options}


class TestStrategies(StrategyContract):
    @pytest.fixture(params=sorted(registry.BUILT_IN["strategies"]), autouse=True)
    def name(self, request: pytest.FixtureRequest) -> str:
        if request.param in LEARNERS:
            self.budget, self.seeds, self.warmed_by = 60, 4, 100
        if request.param in CLIMBERS:
            self.seeds = 16
        return str(request.param)

    @pytest.fixture
    def strategy_class(self, name: str) -> type[Strategy]:
        loaded: type[Strategy] = registry.load("strategies", name)
        assert loaded.name == name
        return loaded

    @pytest.fixture
    def settings(self, name: str) -> dict[str, Any]:
        return LEARNERS.get(name, {})


PROXIES = sorted(registry.BUILT_IN["proxies"])


class TestProxies(ProxyContract):
    @pytest.fixture(params=PROXIES)
    def proxy(self, request: pytest.FixtureRequest) -> Proxy:
        loaded: Proxy = registry.load("proxies", request.param)
        assert loaded.name == request.param
        return loaded

    @pytest.fixture
    def options(self, proxy: Proxy) -> dict[str, Any]:
        return quick(proxy, NASBench201())

    @pytest.fixture
    def archs(self) -> list[Arch]:
        """Return random cells, and one that carries nothing."""
        return [*NASBench201().sample_many(3, np.random.default_rng(4)), (0,) * 6]


ON_WORDS = [
    name for name in PROXIES if RecurrentNetwork in registry.load("proxies", name).for_networks.functions
]


CELLS = space_of(registry.load("benchmarks", "nasbench-nlp"))


class TestProxiesOnWords(ProxyContract):
    """Those that have a meaning for recurrent networks."""

    @pytest.fixture(params=ON_WORDS)
    def proxy(self, request: pytest.FixtureRequest) -> Proxy:
        loaded: Proxy = registry.load("proxies", request.param)
        return loaded

    @pytest.fixture
    def space(self) -> SearchSpace:
        return CELLS

    @pytest.fixture
    def task(self) -> Task:
        return TASKS["nasbench-nlp"]


class TestCombinations(CombinationContract):
    @pytest.fixture(params=sorted(registry.BUILT_IN["combinations"]))
    def combination(self, request: pytest.FixtureRequest) -> Combination:
        self.first_decides = request.param == "fallback"
        loaded: Combination = registry.load("combinations", request.param)
        assert loaded.name == request.param
        return loaded
