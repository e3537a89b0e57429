"""A warm-up or a guide that scores nothing is an error, before anything is searched; one that scores some is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nassearch import Experiment, registry
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.errors import InvalidSetting, NassearchError
from nassearch.proxies.base import proxy
from nassearch.proxies.model import model_proxy
from nassearch.types import Floats

RARE = 4434
"""Parameters: 1.8 % of the architectures have so many."""


@proxy(reference="an example")
def silent(networks: Any, batch: Any = None) -> Floats:
    """Score nothing."""
    return np.full(len(networks), np.nan)


@proxy(reference="an example", per_key=False)
def rare(networks: Any, batch: Any = None) -> Floats:
    """Score two architectures in a hundred."""
    sizes = registry.load("proxies", "params")(networks)
    return np.where(sizes >= RARE, sizes, np.nan)


@model_proxy(reference="an example", reads=())
def failing(probe: Any) -> float:
    """Fail on everything."""
    raise NassearchError("there is no such thing here")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {each.name: each for each in (silent, rare, failing)}
    names, load = registry.names, registry.load
    monkeypatch.setattr(registry, "names", lambda kind: [*names(kind), *(own if kind == "proxies" else ())])
    monkeypatch.setattr(registry, "load", lambda kind, name: own.get(name) or load(kind, name))


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    def query(*_: Any) -> Any:
        raise AssertionError("a model was trained")

    monkeypatch.setattr(NASBench201Benchmark, "query", query)


SHORT: dict[str, Any] = {"rounds": 2, "budget": 80}


GUIDANCE: list[tuple[str, dict[str, Any]]] = [
    ("ae", {"warmup": 30}),
    ("ae", {"move": True}),
    ("rand", {"warmup": 30}),
    ("bp", {"warmup": 30}),
    ("rl", {"warmup": 30}),
    ("ae", {"move": True, "move_at": "parent"}),
    ("rl", {"move": True}),
    ("rand", {"move": True}),
    ("ae", {"settings": {"fitness": True}}),
]
ASKED = [
    *((strategy, guidance, "silent", None) for strategy, guidance in GUIDANCE),
    *((*GUIDANCE[0], scorer, None) for scorer in ("failing(batch_size=4)", "rank(silent, params)")),
    (*GUIDANCE[1], "fallback(silent, params)", None),
    (*GUIDANCE[1], "silent", 2),
]


@pytest.mark.filterwarnings("ignore:.*could not score")
@pytest.mark.parametrize(("strategy", "guidance", "scorer", "workers"), ASKED)
def test_a_guide_that_scores_nothing_is_refused_before_anything_is_trained(
    strategy: str, guidance: dict[str, Any], scorer: str, workers: int | None, untouched: None, tmp_path: Path
) -> None:
    why = "; the first: .*there is no such thing here" if "failing" in scorer else ""
    with pytest.raises(
        InvalidSetting, match=rf"(silent|failing).* scores none of .*{why}: use another scorer"
    ):
        Experiment(strategy, scorer=scorer, **guidance, **SHORT).run(tmp_path / "a.jsonl", workers=workers)


def test_one_that_scores_few_guides() -> None:
    outcome = Experiment("ae", move="rare", **SHORT).run()
    assert len(outcome.rounds) == 2
    assert outcome.scores.computed > 0


def test_a_round_whose_warm_up_has_no_score_is_refused_though_others_have(untouched: None) -> None:
    with pytest.raises(
        InvalidSetting, match=r"rare scores none of the 20 architectures of the warm-up of round \d+"
    ):
        Experiment("rand", scorer="rare", warmup=20, rounds=30, budget=5).run()


@pytest.mark.parametrize("warmup", [1, 2])
def test_a_warm_up_of_one_or_two_is_one(warmup: int) -> None:
    assert Experiment("rand", scorer="params", warmup=warmup, rounds=2, budget=3).run().scores.computed > 0
    if warmup == 2:
        Experiment("rand", scorer="rank(params, flops)", warmup=warmup, rounds=2, budget=3).run()


def test_a_search_that_is_refused_leaves_no_result(tmp_path: Path) -> None:
    """`compare results/*.jsonl` finds results alone."""
    with pytest.raises(InvalidSetting, match="silent scores none"):
        Experiment("ae", move="silent", budget=70, rounds=2).run(tmp_path / "a.jsonl", cache=False)
    assert list(tmp_path.iterdir()) == []
    Experiment("rand", budget=2, rounds=1).run(tmp_path / "b.jsonl")
    before = (tmp_path / "b.jsonl").read_bytes()
    with pytest.raises(InvalidSetting, match="holds rounds with"):
        Experiment("ae", move="silent", budget=70, rounds=2).run(tmp_path / "b.jsonl", cache=False)
    with pytest.raises(InvalidSetting, match="silent scores none"):
        Experiment("ae", move="silent", budget=70, rounds=2).run(
            tmp_path / "b.jsonl", cache=False, overwrite=True
        )
    assert (tmp_path / "b.jsonl").read_bytes() == before
