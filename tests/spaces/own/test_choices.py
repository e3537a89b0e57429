"""Dictionaries of choices: what they mean, how architectures are written, and what is refused."""

from __future__ import annotations

import enum
import itertools
from collections import Counter
from functools import partial
from typing import Any

import numpy as np
import pytest
from own_space import CHOICES, build

import nassearch as ns
from nassearch.errors import InvalidArch, InvalidSetting
from nassearch.spaces import ModuleSpace
from nassearch.spaces.opening import open_space
from nassearch.spaces.own.opening import space_from
from nassearch.testing.chance import UNLIKELY, unevenness


def anything(**choices: Any) -> Any: ...


def space_of(**choices: Any) -> ModuleSpace:
    return ns.Space(choices, anything)


def test_choices_that_are_not_there_make_no_architectures() -> None:
    space = ModuleSpace(CHOICES, build)
    # inner: expansion 1, 2 times gate False, or True with one of two activations.
    assert space.size == 3 * 2 * (1 + 2 * (1 + 2)) * 2 == len(set(map(space.format, space.all())))
    texts = [space.format(arch) for arch in space.all()]
    assert texts[0] == "depth=1,width=4,block=plain,norm=None"
    assert texts[-1] == "depth=3,width=8,block=inner,expansion=2,gate=True,act=Tanh,norm=BatchNorm2d"
    assert not any("expansion" in text for text in texts if "block=plain" in text)


def test_draws_are_uniform_over_architectures_not_over_options() -> None:
    space = space_of(kind={"small": {}, "large": {"a": list(range(9)), "b": [1, 2, 3]}})
    draws = space.sample_many(2_800, np.random.default_rng(0))
    counts = Counter(draws)
    assert len(counts) == space.size == 28
    assert unevenness([counts[arch] for arch in space.all()]) < UNLIKELY  # by chance once in 1e12


def test_decisions_of_choices_that_are_not_there_count_for_nothing() -> None:
    space = space_of(kind={"small": {}, "large": {"a": [1, 2, 3]}}, depth=[1, 2])
    meant = {space.decide(decisions) for decisions in itertools.product(*map(range, space.options))}
    assert meant == set(space.all())
    assert space.decide((0, 2, 1)) == (0, 0, 1)
    assert not space.is_valid((0, 2, 1))


def test_build_is_called_with_the_choices_that_are_there() -> None:
    space = ModuleSpace(CHOICES, build)
    arch = space.parse("depth=2, width=8, block=plain, norm=None")
    assert space.chosen(arch) == {"depth": 2, "width": 8, "block": "plain", "norm": None}
    arch = space.parse("norm=None,block=inner,depth=2,width=8,gate=False,expansion=2")
    assert space.chosen(arch)["gate"] is False
    assert space.index(arch) == [*space.all()].index(arch)
    assert space.parse(str(space.index(arch))) == arch


def test_a_list_that_is_an_option_is_a_new_one_each_time() -> None:
    widths = [8, 16]
    space = space_of(widths=[widths, [4]])
    space.chosen((0,))["widths"].append(32)
    assert space.chosen((0,)) == {"widths": [8, 16]} and widths == [8, 16]


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    "options",
    [
        [1],
        [1, 2.5, -3, 1e-7],
        [True, False, None],
        ["a", "two words", "a,b", 'with "quotes"', "a=b", "(", "16", "None", "é", " padded ", "\\", ""],
        [(3, 5), (3,), (), [3, 5], ("a,b", (1, None))],
        [1, 1.0, "1", True],
        [Counter, itertools.chain, len, anything],
        list(Colour),
        range(0, 100, 7),
        np.arange(3),
        np.linspace(0, 1, 5),
        [np.int64(3), np.float32(0.5)],
        [float("inf"), float("nan")],
        [10**400, -1],
    ],
    ids=map(str, range(14)),
)
def test_options_of_every_kind_have_a_text_that_is_read_back(options: Any) -> None:
    space = ns.Space({"x": options, "y": {"on": {"z": options}, "off": {}}}, anything)
    texts = {space.format(arch) for arch in space.all()}
    assert len(texts) == space.size == len(options) * (len(options) + 1)
    for arch in space.all():
        assert space.parse(space.format(arch)) == arch
        assert all(np.isfinite(value) for value in space.features(arch).values())
        space.graph(arch)


def test_numbers_of_numpy_reach_build_as_pythons_own() -> None:
    assert type(space_of(x=np.arange(3)).chosen((1,))["x"]) is int
    assert type(space_of(x=[np.float32(0.5)]).chosen((0,))["x"]) is float


def test_nothing_lists_a_space_of_many() -> None:
    space = space_of(**{f"x{k}": list(range(1000)) for k in range(20)})
    assert space.size == 1000**20
    rng = np.random.default_rng(0)
    first, last = space.sample(rng), space.parse(str(space.size - 1))
    assert last == (999,) * 20 and space.index(last) == space.size - 1
    assert space.parse(space.format(first)) == first
    assert len(space.neighbours(first)) <= 20 * 2 * 10
    assert {space.mutate(first, rng) for _ in range(50)} <= set(space.neighbours(first))
    assert space.of_key(space.key(first)) == first and space.representative(first) == first
    assert next(iter(space.all())) == (0,) * 20
    draws = np.array(space.sample_many(2_000, rng))
    # The mean of 2,000 uniform numbers below 1000 has a deviation of 6.5: six of these are missed once in 5e8.
    assert np.abs(draws.mean(0) - 499.5).max() < 40


def test_an_option_that_brings_much_is_taken_with_what_was_there_before() -> None:
    brought = {f"x{k}": list(range(8)) for k in range(4)}
    space = space_of(family={"a": {**brought, "own": [0, 1]}, "b": brought})
    arch = space.parse("family=a,x0=1,x1=2,x2=3,x3=4,own=1")
    assert "family=b,x0=1,x1=2,x2=3,x3=4" in {space.format(near) for near in space.neighbours(arch)}


CHOICES_AT_FAULT: list[tuple[Any, str]] = [
    (None, "choices are a dictionary"),
    ([1, 2], "choices are a dictionary"),
    ({}, "choices are a dictionary"),
    ({"x": []}, "x has 0 options"),
    ({"x": {}}, "x has 0 options"),
    ({"x": 3}, r"options of x are a list.*for one option, \[3\]"),
    ({"x": "abc"}, "options of x are a list"),
    ({"x": None}, "options of x are a list"),
    ({"x": {1, 2}}, "options of x are a list"),
    ({"x": (k for k in range(3))}, "options of x are a list"),
    ({"x": [1, 1]}, "two options of x are written 1"),
    ({"x": [0.1, 0.10]}, "two options of x are written 0.1"),
    ({"x": [(1, 2), (1, 2)]}, "two options of x are written"),
    ({"x": [lambda: 1, 2]}, "a function without a name"),
    ({"x": [partial(build), 2]}, "options are numbers"),
    ({"x": [object(), 2]}, "options are numbers"),
    ({"x": [{"y": [1]}]}, "options are numbers"),
    ({"x": [b"bytes"]}, "options are numbers"),
    ({3: [1, 2]}, "a choice is called by a name"),
    ({"two words": [1, 2]}, "a choice is called by a name"),
    ({"class": [1, 2]}, "a choice is called by a name"),
    ({"classes": [1, 2]}, "classes is what build is told"),
    ({"x": {"a": [1, 2]}}, "option a of x brings"),
    ({"x": {"a": {"x": [1]}}}, "the choice x stands within itself"),
    ({"x": {"a": {"y": [1]}}, "y": [2]}, "two choices called y can be there at once"),
    ({"x": {"a": {"y": []}}}, "y has 0 options"),
    ({"x": np.zeros((2, 2))}, "options of x are a list"),
]


@pytest.mark.parametrize(("choices", "message"), CHOICES_AT_FAULT, ids=map(str, range(len(CHOICES_AT_FAULT))))
def test_choices_that_mean_nothing_are_refused(choices: Any, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        ns.Space(choices, anything)


def test_two_branches_may_have_a_choice_of_one_name() -> None:
    space = ns.Space({"x": {"a": {"y": [1, 2]}, "b": {"y": [3]}}}, lambda x, y: None)
    assert [space.format(arch) for arch in space.all()] == ["x=a,y=1", "x=a,y=2", "x=b,y=3"]


BUILDS_AT_FAULT: list[tuple[Any, str]] = [
    (None, "build is a function"),
    ("build", "build is a function"),
    (lambda depth: None, "has no parameter for the choice block"),
    (lambda depth, block, inner: None, "called without inner where that choice is not there"),
    (lambda depth, block, inner=1, *, width: None, "needs width, which is no choice"),
    (lambda depth, block, /, inner=1: None, "no parameter for the choice depth"),
    (lambda depth, blok, inner=1: None, "has no parameter for the choice block"),
]


@pytest.mark.parametrize(("function", "message"), BUILDS_AT_FAULT, ids=[str(k) for k in range(7)])
def test_a_build_that_does_not_fit_its_choices_is_refused(function: Any, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        ns.Space({"depth": [1, 2], "block": {"a": {}, "b": {"inner": [1]}}}, function)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no name=value"),
        ("depth", "is no name=value"),
        ("depth=1", "does not say width"),
        ("depth=4,width=8,block=plain,norm=None", "'4' in .* is no option: there is depth of 1, 2, 3"),
        ("depth=1,width=8,block=plain,norm=None,colour=red", "'colour' .* is none of depth"),
        (
            "depth=1,width=8,block=plain,norm=None,expansion=2",
            "'expansion' .* is not there with these options",
        ),
        ("depth=1,depth=2,width=8,block=plain,norm=None", "says depth twice"),
        ("84", "a place of .* is from 0 to 83"),
        ("-1", "is no name=value"),
        ("9" * 5000, "is no name=value"),
        ("depth=" + "(" * 3000, "is no option"),
        ("depth=1,width=8,block=plain,norm=\udc80", "is no option"),
    ],
)
def test_texts_that_name_no_architecture_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArch, match=message):
        ModuleSpace(CHOICES, build).parse(text)


def test_spaces_are_named_in_the_current_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    (tmp_path / "mine_here.py").write_text(
        "from nassearch.spaces import ModuleSpace\n"
        "def build(x): ...\n"
        "space = ({'x': [1, 2]}, build)\nmade = ModuleSpace(*space)\ntriple = (1, 2, 3)\nprint('hello')\n"
    )
    (tmp_path / "broken_here.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    opened = open_space("mine_here:space")
    assert (opened.space.size, opened.skeleton, opened.space.name) == (2, {}, "mine_here.build")
    assert open_space("mine_here:made").space.size == 2
    for text, message in {
        "mine_here:triple": "is a pair .choices, build., a SearchSpace",
        "mine_here:other": "there is no 'other' in mine_here",
        "nowhere:space": "no module is called 'nowhere'",
        "mine_here.py:space": "without .py, mine_here:space",
    }.items():
        with pytest.raises(InvalidSetting, match=message):
            open_space(text)
    with pytest.raises(
        ns.NassearchError, match=r"importing broken_here failed: ZeroDivisionError.*broken_here.py:1"
    ):
        open_space("broken_here:space")


def test_a_space_is_given_in_several_ways() -> None:
    space = ModuleSpace(CHOICES, build)
    assert space_from(space) is space
    assert space_from((CHOICES, build)).size == space.size
    for wrong in (None, 3, CHOICES, (CHOICES,), build):
        with pytest.raises(InvalidSetting, match="is a pair"):
            space_from(wrong)
    with pytest.raises(InvalidSetting, match="does not define"):
        space_from(ns.Space.__mro__[1])
