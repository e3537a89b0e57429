"""An experiment keeps what it was given, says what is wrong with it, and can be copied, compared and changed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nassearch import Experiment
from nassearch.checks import number, whole
from nassearch.errors import InvalidSetting
from nassearch.search.fields import Settings


def test_what_was_left_open_stays_open() -> None:
    given = Experiment("ae", warmup=10, move=True, settings={"fitness": True, "pool": 32})
    assert (given.dataset, given.move, given.settings["fitness"]) == (None, True, True)
    assert (given.dataset_name, given.move_scorer) == ("mnist1d", "epsilon")
    other = replace(given, scorer="params")
    assert (other.move_scorer, other.used_settings["fitness"]) == ("params", "params")
    assert other.header().experiment["move"] == "params"
    assert replace(given, benchmark="nasbench101").dataset_name == "cifar10"


def test_another_strategy_or_move_is_one_replacement() -> None:
    guided = Experiment("ae", warmup=10, move="params")
    assert replace(guided, strategy="rl").header() == Experiment("rl", warmup=10, move="params").header()
    assert replace(guided, move="flops").label == "ae, warm-up 10 by epsilon, move flops"
    assert replace(guided, move=None) == Experiment("ae", warmup=10)
    with pytest.raises(InvalidSetting, match="a move at 'parent' has no meaning for rand: it takes draw"):
        replace(replace(guided, move_at="parent"), strategy="rand")


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, replace, lambda e: pickle.loads(pickle.dumps(e))],
    ids=["copy", "deepcopy", "replace", "pickle"],
)
def test_copies_are_equal(again: Callable[[Experiment], Experiment]) -> None:
    one = Experiment("ae", warmup=5, settings={"pool": 32, "population": None})
    assert one.oracle.validated  # what was opened does not travel
    other = again(one)
    assert other == one and hash(other) == hash(one) and other.header() == one.header()
    assert len({one, other, replace(one, seed=1)}) == 2


def test_numbers_of_numpy_are_numbers() -> None:
    of_numpy = Experiment(
        "ae",
        budget=np.int64(70),
        rounds=np.uint8(2),
        seed=np.int32(3),
        warmup=np.int16(5),
        move=np.str_("params"),
        explore=np.float64(0.5),
        settings={"pool": np.int64(32)},
        target=np.float32(73.5),
    )
    plain = Experiment(
        "ae",
        budget=70,
        rounds=2,
        seed=3,
        warmup=5,
        move="params",
        explore=0.5,
        settings={"pool": 32},
        target=73.5,
    )
    assert of_numpy == plain and hash(of_numpy) == hash(plain)
    assert of_numpy.header().line() == plain.header().line()
    assert {type(getattr(of_numpy, name)) for name in ("budget", "rounds", "seed", "warmup")} == {int}
    assert Experiment("rl", settings={"learning_rate": np.float32(0.5)}).settings == {"learning_rate": 0.5}
    assert (whole("n", np.int8(3)), number("x", np.float16(0.5))) == (3, 0.5)
    assert Experiment("ae", batch=Path("grey")) == Experiment("ae", batch="grey")


def test_settings_are_changed_by_nobody() -> None:
    given: dict[str, Any] = {"pool": 32}
    experiment = Experiment("ae", settings=given)
    given["pool"] = 5
    assert experiment.settings == {"pool": 32}
    with pytest.raises(TypeError):
        experiment.settings["pool"] = 5  # type: ignore[index]
    experiment.as_dict()["settings"]["pool"] = 5
    experiment.used_settings["pool"] = 5
    assert experiment.header().experiment["settings"] == {"pool": 32}


def test_lists_in_settings_are_copied_both_ways() -> None:
    widths = [1, [2, np.int64(3)], {"a": (4,)}]
    settings = Settings({"widths": widths})
    widths.clear()
    settings["widths"].clear()
    assert settings == {"widths": [1, [2, 3], {"a": (4,)}]}
    assert hash(settings) == hash(Settings({"widths": [1, [2, 3], {"a": (4,)}]}))


WRONG: list[tuple[str, Any, str]] = [
    ("strategy", 3, "strategy is a name, such as 'ae', or a subclass of Strategy, not 3"),
    ("strategy", ["ae"], "strategy is a name"),
    (
        "benchmark",
        None,
        "benchmark is a name, such as 'nasbench201', a subclass of Benchmark, or one that is open, not None",
    ),
    ("dataset", b"", "dataset is a name, such as 'cifar10', not b''"),
    ("dataset", 10, "dataset is a name"),
    *(
        (field, "300", f"{field} is a whole number of at least 1, not '300'")
        for field in ("budget", "rounds")
    ),
    ("rounds", 2.0, "rounds is a whole number of at least 1, not 2.0"),
    ("rounds", np.float64(2), "rounds is a whole number"),
    ("rounds", True, "rounds is a whole number of at least 1, not True"),
    ("rounds", np.True_, "rounds is a whole number of at least 1, not True"),
    ("budget", None, "budget is a whole number"),
    ("budget", np.array([300]), "budget is a whole number"),
    ("seed", "0", "seed is a whole number of at least 0, not '0'"),
    ("seed", np.uint64(2**64 - 1), "seed is a whole number of at most"),
    ("warmup", "3", "warmup is a whole number from 0 to 15625, not '3'"),
    ("warmup", True, "warmup is a whole number"),
    ("warmup", np.zeros(2), "warmup is a whole number"),
    (
        "scorer",
        3,
        "scorer is a scorer, named by a text such as 'synflow', or a proxy or a function of architectures itself, not",
    ),
    (
        "move",
        3,
        "move is a scorer, named by a text such as 'synflow', or a proxy or a function of architectures itself, not 3",
    ),
    ("move_at", 3, "move_at is a name, such as 'child', not 3"),
    ("explore", "0.5", "explore is a share from 0 to 1, not '0.5'"),
    ("explore", True, "explore is a share from 0 to 1, not True"),
    ("move_ratio", 2.0, "move ratio is a whole number of at least 1, not 2.0"),
    ("settings", [("pool", 3)], "settings are names with values, such as {'pool': 32}, not [('pool', 3)]"),
    ("settings", None, "settings are names with values"),
    ("settings", {3: 1}, "a setting has a text for a name, such as 'pool', not 3"),
    ("settings", {"pool": np.zeros(2)}, "settings are numbers, texts or lists of them"),
    ("settings", {"pool": float("nan")}, "settings are numbers, texts or lists of them"),
    ("settings", {"fitness": 3}, "fitness: '3' is not a scorer"),
    ("batch", 3, "batch is the path of an .npz file or a kind such as 'grey', not 3"),
    ("batch", b"x.npz", "batch is the path"),
    ("show", ["test"], "show is test or valid, or the name of a metric, not ['test']"),
    ("choose", None, "choose is test or valid, not None"),
    ("target", "73", "target is a number that curves may reach, not '73'"),
    ("target", float("nan"), "target is a number that curves may reach, not nan"),
    ("target", True, "target is a number that curves may reach, not True"),
    ("target", 10**400, "target is a number that curves may reach, not a whole number of 1329 bits"),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG, ids=str)
def test_a_wrong_value_is_named_with_its_field_and_rule(field: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Experiment(**{"strategy": "ae", field: value})
    assert message in str(caught.value)


def test_settings_that_refer_to_themselves_are_refused() -> None:
    deep: list[Any] = []
    deep.append(deep)
    with pytest.raises(InvalidSetting, match="numbers, texts or lists"):
        Experiment("ae", settings={"pool": deep})


ALONE: list[tuple[dict[str, Any], str]] = [
    (
        {"strategy": "rl", "warmup": 9, "scorer": "rank(params, flops)"},
        "a warm-up of rl scores one at a time",
    ),
    ({"strategy": "rl", "move": "rank(params, flops)"}, "a move at reward of rl scores one at a time"),
    ({"strategy": "ae", "settings": {"fitness": "vote(params)"}}, "fitness of ae scores one at a time"),
    ({"strategy": "ae", "move": "fallback(params, flops)", "move_at": "parent"}, "a move at parent of ae"),
    ({"strategy": "rand", "move": "rank(params)", "move_ratio": 1}, "a move at draw of rand scores one"),
    ({"strategy": "rand", "warmup": 1, "scorer": "rank(params)"}, "a warm-up of rand scores one at a time"),
    ({"strategy": "bp", "warmup": 1, "scorer": "rank(params)"}, "a warm-up of bp scores one at a time"),
]


@pytest.mark.parametrize(("values", "message"), ALONE, ids=str)
def test_a_scorer_that_compares_is_refused_where_one_is_scored_alone(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Experiment(**values)
    assert message in str(caught.value)
    assert "among=1000)" in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"strategy": "rl", "warmup": 9, "scorer": "rank(params, flops, among=50)"},
        {"strategy": "bp", "warmup": 9, "scorer": "rank(params, flops)"},
        {"strategy": "ae", "move": "rank(params, flops)"},
        {"strategy": "rand", "move": "rank(params, flops)"},
    ],
    ids=str,
)
def test_a_scorer_that_compares_is_taken_where_several_are_scored(values: dict[str, Any]) -> None:
    assert Experiment(**values)
