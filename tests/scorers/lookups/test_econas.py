"""Reduced training as a scorer: what it trains, that it does so once, and where it cannot."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import blobs

import nassearch as ns
from nassearch.benchmarks import TrainedBenchmark
from nassearch.benchmarks.trained.ledger import read_ledger
from nassearch.benchmarks.trained.reduction import follows_channels
from nassearch.errors import InvalidSetting
from nassearch.spaces import NASBench201, NATSSize
from nassearch.training import Recipe, train_model
from nassearch.training.single import loop

ARCHS = [(1, 2, 3, 1, 2, 3), (3, 3, 3, 3, 3, 3), (1, 2, 3, 1, 2, 3)]


def bench(folder: Path | None = None, recipe: Recipe | None = None, **settings: object) -> TrainedBenchmark:
    given = {"space": NASBench201(), "skeleton": {"channels": (8, 16, 16), "cells": 1}, **settings}
    recipe = recipe or Recipe(epochs=20, batch_size=32)
    return TrainedBenchmark(data=blobs((3, 16, 16)), recipe=recipe, folder=folder, **given)  # type: ignore[arg-type]


def test_the_score_is_the_accuracy_of_the_reduced_training(tmp_path: Path) -> None:
    oracle = bench(tmp_path)
    scores = ns.make_scorer("econas(epochs=2, size=8, channels=4, anneal=3)", oracle)(ARCHS)
    _, entries = read_ledger(tmp_path / "scored.jsonl")
    assert [entry.arch for entry in entries] == ARCHS[:2]
    assert scores.tolist() == [entries[0].valid, entries[1].valid, entries[0].valid]
    (recipe,) = {str(entry.recipe) for entry in entries}
    expected = Recipe(epochs=2, batch_size=32, size=8, channels=4, anneal=3).resolved(oracle.data)
    assert recipe == str(expected.as_dict())
    assert oracle.ledger.entries == []
    assert not (tmp_path / "weights").exists()
    task = oracle.data.task(channels=(4, 8, 8), cells=1)
    assert oracle.built_for(expected).channels == task.channels
    assert oracle.built_for(expected).input_shape == (3, 8, 8)


def test_nothing_is_trained_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ns.make_scorer("econas(epochs=1)", bench(tmp_path))(ARCHS)

    def refuse(*given: object, **how: object) -> None:
        raise AssertionError("trained twice")

    monkeypatch.setattr(loop, "train_model", refuse)
    assert np.array_equal(ns.make_scorer("econas(epochs=1)", bench(tmp_path))(ARCHS), first)
    assert loop.train_model is not train_model


def test_what_the_oracle_has_trained_is_not_trained_for_a_score() -> None:
    oracle = bench(fidelity=(1,))
    entry = oracle.entry(ARCHS[0], 1)
    assert ns.make_scorer("econas(epochs=1, size=16, channels=8)", oracle)(ARCHS[:1]).tolist() == [
        entry.valid
    ]
    assert oracle.scored.entries == []


def test_what_is_left_out_is_what_econas_found_best() -> None:
    oracle = bench(recipe=Recipe(epochs=20, batch_size=32, crop=4))
    ns.make_scorer("econas", oracle)(ARCHS[:1])
    recipe = oracle.scored.entries[0].recipe
    assert (recipe["epochs"], recipe["size"], recipe["channels"], recipe["anneal"]) == (2, 4, 2, None)
    assert recipe["crop"] == 1  # 4 of 16 pixels


def test_shifts_become_smaller_with_the_size_from_that_of_the_recipe() -> None:
    oracle = bench(recipe=Recipe(epochs=20, batch_size=32, crop=2, size=8))
    ns.make_scorer("econas(epochs=1, size=4)", oracle)(ARCHS[:1])
    assert oracle.scored.entries[0].recipe["crop"] == 1  # 2 of 8 pixels


def test_an_oracle_made_again_reduces_by_what_it_was_given() -> None:
    oracle = bench(recipe=Recipe(epochs=20, batch_size=32, crop="auto", flip=True))
    assert oracle.again().given == oracle.given != oracle.recipe


def test_one_process_of_all_trains_for_a_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def slow(*given: Any, **how: Any) -> Any:
        calls.append(1)
        time.sleep(0.2)  # while the other looks
        return train_model(*given, **how)

    monkeypatch.setattr(loop, "train_model", slow)
    scorers = [ns.make_scorer("econas(epochs=1)", bench(tmp_path)) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda scorer: scorer(ARCHS[:1]).tolist(), scorers)
    assert one == other and len(calls) == 1


def test_widths_that_architectures_decide_are_left_as_they_are() -> None:
    oracle = bench(space=NATSSize(), skeleton={})
    assert not follows_channels(oracle.space, oracle.task)
    with pytest.raises(InvalidSetting, match="decide their widths by themselves: leave it out"):
        ns.make_scorer("econas(channels=2)", oracle)
    with pytest.raises(InvalidSetting, match="decide their widths by themselves: leave it out"):
        bench(space=NATSSize(), skeleton={}, recipe=Recipe(channels=2))
    scorer = ns.make_scorer("econas(epochs=1, size=4)", oracle)
    assert np.isfinite(scorer([oracle.space.sample(np.random.default_rng(0))])).all()


def test_a_table_has_no_data_for_it() -> None:
    with pytest.raises(
        InvalidSetting, match=r"a table has none: search on data of your own \(nassearch search PATH"
    ):
        ns.make_scorer("econas", "nasbench201")


@pytest.mark.parametrize(
    "options", ["epochs=0", "size=17", "size=0", "channels=0", "epochs=3, anneal=2", "epochs=1.5", "size=a"]
)
def test_what_has_no_meaning_is_refused_before_training(options: str) -> None:
    with pytest.raises(InvalidSetting, match=r"epochs|size|channels|anneal"):
        ns.make_scorer(f"econas({options})", bench())


def test_it_guides_a_search(tmp_path: Path) -> None:
    settings = {"pool": 2, "tournament": 2}
    guided = {"scorer": "econas(epochs=1, size=4, channels=2)", "warmup": 4, "settings": settings}
    oracle = bench(tmp_path, recipe=Recipe(epochs=2, batch_size=32))
    result = ns.Experiment("ae", benchmark=oracle, budget=3, rounds=1, **guided).run()
    scored = {entry.arch: entry.valid for entry in oracle.scored.entries}
    assert len(scored) <= 4
    first = result.rounds[0].archs[0]
    assert scored[first] == max(scored.values())
