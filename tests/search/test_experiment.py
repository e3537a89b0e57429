"""Experiments from Python, and on the executors of joblib."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import install

from nassearch import Experiment
from nassearch.errors import InvalidSetting, UnknownName
from nassearch.search.guidance import label


@pytest.fixture(autouse=True)
def installed() -> None:
    install()


def small(**values: Any) -> Experiment:
    return Experiment(
        **{"strategy": "ae", "dataset": "cifar10", "rounds": 6, "budget": 70, "scorer": "params", **values}
    )


def test_a_few_lines() -> None:
    result = small(warmup=90, move="params").run()
    assert [each.round for each in result.rounds] == list(range(6))
    assert result.curve().values.shape == (6, 70)
    assert (np.diff(result.curve("test", "test").median()) >= 0).all()


def test_memory_and_file_hold_the_same(tmp_path: Path) -> None:
    in_memory, in_file = small().run(), small().run(tmp_path / "a.jsonl")
    np.testing.assert_array_equal(in_memory.curve().values, in_file.curve().values)
    np.testing.assert_array_equal(
        small(rounds=3).run(tmp_path / "a.jsonl").curve().values, in_file.curve().values[:3]
    )


def test_seeds_and_rounds_are_apart() -> None:
    first, second = (small(seed=seed).run().rounds for seed in (0, 1))
    archs = [tuple(each.archs) for each in (*first, *second)]
    assert len(set(archs)) == 12


def test_a_guide_that_is_true_is_the_scorer() -> None:
    assert small(move=True).move_scorer == "params"
    assert small(settings={"fitness": True}).used_settings["fitness"] == "params"


def test_a_warm_up_helps_where_the_proxy_is_good() -> None:
    # The made-up accuracy grows with the operations' numbers, and so, but for pooling, do parameters.
    plain, warm = small(rounds=20).run(), small(rounds=20, warmup=500).run()
    assert warm.curve().median()[9] > plain.curve().median()[9]


def test_what_is_unused_or_a_matter_of_view_does_not_tell_results_apart(tmp_path: Path) -> None:
    small().run(tmp_path / "a.jsonl")
    before = (tmp_path / "a.jsonl").read_bytes()
    small(scorer="flops", show="valid", target=50.0, batch="grey").run(tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_header_names_the_batch_by_its_content() -> None:
    own, grey = small(warmup=5, scorer="epsilon"), small(warmup=5, scorer="epsilon", batch="grey")
    digests = [json.loads(e.header().line())["experiment"]["batch"] for e in (own, grey)]
    assert len(set(digests)) == 2
    assert own.file_name != grey.file_name


def test_file_names_tell_searches_apart() -> None:
    kinds: list[dict[str, Any]] = [
        {},
        {"strategy": "rand"},
        {"warmup": 5},
        {"move": "params"},
        {"seed": 1},
        {"budget": 71},
    ]
    kinds += [
        {"move": "params", "explore": 0.5},
        {"settings": {"pool": 32}},
        {"move": "params", "move_at": "parent"},
    ]
    names = [small(**kind).file_name for kind in kinds]
    assert len(set(names)) == len(kinds)
    assert all("/" not in name and " " not in name for name in names)


def test_a_long_label_is_cut_and_still_tells_searches_apart() -> None:
    scorer = "params"
    for _ in range(30):
        scorer = f"rank({scorer}, synflow)"
    names = [
        small(warmup=90, scorer=scorer.replace("params", first)).file_name for first in ("params", "flops")
    ]
    assert names[0] != names[1]
    for name in names:
        assert len(f"{name}.lock".encode()) < 200
        assert name.startswith("nasbench201-cifar10-ae-warm-up-90-by-rank-rank")
        assert name.endswith("-seed-0-budget-70.jsonl")
    assert small(warmup=90, scorer=scorer).file_name == names[0]


def test_label_of_a_header_is_that_of_the_experiment() -> None:
    experiment = small(warmup=90, move="flops", move_at="parent", settings={"pool": 32})
    assert experiment.label == "ae, warm-up 90 by params, move flops at parent, pool=32"
    assert label(experiment.header().experiment) == experiment.label


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"move": 3}, "named by a text"),
        ({"settings": {"pool": {1}}}, "numbers, texts or lists"),
        ({"show": 3}, "show is test or valid"),
        ({"budget": 70.0}, "whole number"),
    ],
)
def test_wrong_values(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        small(**values)


def test_another_search_in_the_file_is_told_by_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    first: dict[str, Any] = {"strategy": "rand", "rounds": 1, "budget": 5}
    Experiment(**first).run(path)
    for change, words in (
        ({"settings": {"first": 4}}, "settings {}, and this run has {'first': 4}"),
        ({"strategy": "ae", "budget": 64}, "strategy 'rand', and this run has 'ae'"),
        ({"dataset": "cifar10"}, "dataset 'mnist1d', and this run has 'cifar10'"),
        ({"budget": 6}, "budget 5, and this run has 6"),
        ({"strategy": "rl"}, "strategy 'rand', and this run has 'rl'"),
        ({"warmup": 9}, "scorer None, and this run has 'epsilon'"),
    ):
        with pytest.raises(InvalidSetting, match=re.escape(words)):
            Experiment(**{**first, **change}).run(path)


def test_wrong_name() -> None:
    with pytest.raises(UnknownName, match="did you mean ae"):
        small(strategy="aee")


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    small(warmup=90).run(watch=lambda title: lambda done, total: told.append((title, done, total)))
    assert {title for title, *_ in told} == {"scoring by params", "searching"}
    assert told[-1] == ("searching", 6, 6)


@pytest.mark.slow
def test_ray_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs nassearch[ray]")
    guided = {"warmup": 90, "rounds": 12}
    small(**guided).run(tmp_path / "a.jsonl", cache=False)
    small(**guided).run(tmp_path / "b.jsonl", cache=False, workers=2, executor="ray")
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()
    wrong = small(warmup=5, scorer="epsilon(path=wrong)")
    with pytest.raises(
        InvalidSetting, match=r"^path of epsilon is collapsed, compiled, torch or full, not 'wrong'$"
    ):
        wrong.run(cache=False, workers=2, executor="ray")
