"""Searches among the genotypes of DARTS, which nobody can list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from lasting import lasting
from test_mobile import QUICK

import nassearch as ns
from nassearch import registry
from nassearch.benchmarks import Benchmark, Dataset
from nassearch.networks.counting import parameters
from nassearch.spaces import Darts, SearchSpace
from nassearch.types import Arch, Metrics, Task

TASK = Task((3, 16, 16), 10, channels=(4,), layers=3)


class Counted(Benchmark):
    """Parameters in the place of an accuracy (an example, 2026)."""

    name = "counted"
    digest = "fedcba9876543210"

    def __init__(self, dataset: Dataset) -> None:
        self.space, self.dataset = Darts(), dataset

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {"toy": Dataset("toy", TASK, note="a count", highest=1e9)}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        return Darts()

    @classmethod
    def open(cls, dataset: str | None = None) -> Benchmark:
        return cls(cls.find(dataset))

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        value = parameters(self.space.network(arch, TASK)) / 1e3
        return Metrics(value, value, 1.0)


def no_list(space: Darts) -> Iterator[Arch]:
    yield from [(0,) * 22, (0,) * 21 + (1,)]
    pytest.fail("nobody can list this space")


@pytest.mark.parametrize("name", lasting({*registry.names("strategies")} - {"sh"}, "bp"))
def test_strategies_search_genotypes(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {kind: {} for kind in registry.BUILT_IN})
    monkeypatch.setattr(Darts, "all", no_list)
    ns.register("benchmarks", Counted)
    settings = {
        k: v for k, v in QUICK.get(name, {}).items() if k in registry.load("strategies", name).settings()
    }
    more: dict[str, Any] = {} if name == "robot" else {"warmup": 30, "scorer": "params"}
    search = ns.Experiment(
        name, benchmark="counted", batch="grey", rounds=1, budget=25, settings=settings, **more
    )
    (found,) = search.run(tmp_path / "result.jsonl").rounds
    assert len(found.archs) == 25
    # The best of 25 is not below the median of draws but once in 2 ** 25.
    draws = [Counted.open().query(arch, np.random.default_rng(0)).valid for arch in SOME]
    assert max(found.valid) > np.median(draws)


SOME = Darts().sample_many(50, np.random.default_rng(0))
