"""`AskTell`: the asks of a strategy, what may be told of them, and what an open search makes of a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import value
from lasting import lasting

import nassearch as ns
from nassearch import AskTell, Experiment, registry
from nassearch.errors import BadData, InvalidArch, InvalidSetting, MissingData, UnknownName
from nassearch.search.asking import calendar
from nassearch.search.asking import folder as asked_folder
from nassearch.search.asking.overview import Overview
from nassearch.search.asking.steps import FILE, Step, read_asked
from nassearch.search.runner import streams
from nassearch.types import Arch

SMALL: dict[str, dict[str, Any]] = {
    "ae": {"settings": {"pool": 6, "tournament": 3}, "warmup": 20, "scorer": "params", "move": "flops"},
    "nsga": {"settings": {"pool": 6}},
    "bp": {"settings": {"points": 8, "iterations": 2}},
    "gp": {"settings": {"features": "params"}},
    "robot": {"settings": {"steps": 4, "proxies": "params,flops", "candidates": 100}},
    "bananas": {"settings": {"initial": 4, "step": 3}},
    "npenas": {"settings": {"initial": 4, "step": 3, "children": 5}},
    "sh": {"settings": {"rungs": [3], "first": 6}},
    "rl": {"move": "params", "move_ratio": 3},
}
BUDGET = 11


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., AskTell]:
    """Return what begins a search of a few models by `rand`, or as told."""

    def begin(name: str = "asked", **wanted: Any) -> AskTell:
        given = {"space": "nasbench201", "strategy": "rand", "budget": 6, **wanted}
        return AskTell.begin(tmp_path / name, **{k: v for k, v in given.items() if v is not None})

    return begin


def run(search: AskTell, worth: Callable[[Arch], float] = value) -> list[Arch]:
    """Train until there is nothing more; return what was, in order."""
    while asks := search.ask():
        for ask in asks:
            search.tell(ask.id, worth(ask.arch))
    return [model.key[0] for model in search.course().models]


@pytest.mark.parametrize("name", lasting({*registry.names("strategies")} - {"sh"}, "gp", "npenas"))
def test_one_driver_asks_what_an_experiment_does(name: str, tmp_path: Path) -> None:
    how = SMALL.get(name, {})
    about = {"benchmark": "nasbench201", "dataset": "mnist1d"}
    wanted = (
        Experiment(name, **about, budget=BUDGET, rounds=1, seed=5, **how).run(cache=False).rounds[0].archs
    )
    bench, rng = ns.load_benchmark(**about), streams(5, 0)[2]
    search = AskTell.begin(tmp_path / "asked", strategy=name, **about, budget=BUDGET, seed=5, **how)
    while asks := search.ask():
        # Each in a search that was opened anew half of the time, as by commands.
        search = AskTell.open(tmp_path / "asked") if asks[0].id % 4 == 0 else search
        for ask in asks:
            search.tell(ask.id, bench.query(ask.arch, rng).valid)
    found = [model.key[0] for model in AskTell.open(tmp_path / "asked").course().models]
    if len(set(wanted)) == len(wanted):  # else the table drew another training for what was asked for twice
        assert found == wanted
    assert len(found) == BUDGET


@pytest.mark.parametrize("name", lasting(registry.names("strategies"), "gp", "npenas"))
def test_every_strategy_goes_on_after_what_it_never_asked_for_failed_or_was_forgotten(
    name: str, begun: Callable[..., AskTell]
) -> None:
    how = SMALL.get(name, {})
    shorter = {"epochs": 12, "fidelity": [3]} if name == "sh" else {}
    search = begun(strategy=name, budget=10, **shorter, **how)
    own = search.space.sample_many(3, np.random.default_rng(9))
    for arch in own[:2]:
        assert search.tell(arch, value(arch)).learnt is search.course().strategy.learns_unasked
    acts = 0
    while asks := search.ask(3):
        for ask in asks[::-1]:  # the last first
            acts += 1
            if acts == 2:
                search.tell(ask.id, failed=True, note="out of memory")
            elif acts == 4:
                search.forget(ask.id)
                search.tell(own[2], value(own[2]))
            else:
                search.tell(ask.id, value(ask.arch))
    course = AskTell.open(search.path).course()
    assert search.ended and search.why == "the budget of 10 is used up"
    assert 9 < course.spent <= 10
    assert [ask.key for ask in course.asks] == [ask.key for ask in search.course().asks]
    assert sum(ask.state == "forgotten" for ask in course.asks) == 1


def test_an_ask_says_what_its_network_is_built_of(begun: Callable[..., AskTell], own_space: Any) -> None:
    ask = begun(space="nasbench201(cells=1, channels=4)", input="3,16,16", classes=7).ask()[0]
    said = ask.as_dict()
    assert said["text"] == ask.text and said["task"]["input_shape"] == (3, 16, 16)
    json.dumps(said, allow_nan=False)
    layers = sum(block["repeats"] * len(block["layers"]) for block in said["network"]["blocks"])
    assert layers == sum(len(block) for block in ask.network().blocks())
    module = ask.module()
    assert sum(each.numel() for each in module.parameters()) > 0
    import torch

    assert module(torch.zeros(2, 3, 16, 16)).shape == (2, 7)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), ask.module().parameters(), strict=True))
    own = begun("own", space=own_space, input="3,8,8", classes=3).ask()[0]
    assert own.choices is not None and set(own.choices) == {"width", "block"}
    said = own.as_dict()["choices"]  # what is no JSON by its name
    assert said == {"width": own.choices["width"], "block": own.choices["block"].__name__}
    assert "network" not in own.as_dict()
    assert own.module()(torch.zeros(2, 3, 8, 8)).shape == (2, 3)


@pytest.fixture
def own_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "askedmodels.py").write_text(
        "from torch import nn\n"
        "import nassearch as ns\n\n\n"
        "def build(width, block, *, input_shape, classes):\n"
        "    size = input_shape[0] * input_shape[1] * input_shape[2]\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(size, width), block(), nn.Linear(width, classes))\n\n\n"
        "space = ns.Space({'width': [4, 8, 16], 'block': [nn.ReLU, nn.Tanh]}, build)\n"
    )
    monkeypatch.chdir(tmp_path)
    return "askedmodels:space"


def test_a_small_space_is_asked_for_once_each_and_then_there_is_nothing_new(
    begun: Callable[..., AskTell], own_space: str
) -> None:
    search = begun(space=own_space, input="1,4,4", classes=2, budget=None)
    first = search.ask(20)
    assert len({each.arch for each in first}) == len(first) == 6
    assert "nothing new" in str(search.why)
    before = len(read_asked(search.path / FILE).steps)
    assert search.ask() == [] and not search.ended  # pending ones may be forgotten, and come again
    assert len(read_asked(search.path / FILE).steps) == before, "asking in vain does not fill the disk"
    search.forget(first[0].id)
    assert [each.arch for each in search.ask()] == [first[0].arch]
    for each in search.pending:
        search.tell(each.id, 1.0)
    while search.ask():
        pass
    assert search.ended


def test_what_was_told_stays(begun: Callable[..., AskTell]) -> None:
    search = begun()
    one, two = search.ask(2)
    assert search.tell(one.id, 91.5, seconds=3.0).new
    assert not search.tell(one.id, 91.5, seconds=4.0).new
    assert not search.tell(one.text, 91.5).new
    with pytest.raises(InvalidSetting, match=r"was told 91.5 before, and this says 92: what was told stays"):
        search.tell(one.id, 92)
    with pytest.raises(InvalidSetting, match=r"was told 91.5 before, and this says failed"):
        search.tell(one.id, failed=True)
    assert search.tell(two.text, 80.0).id == two.id  # by its text: it is pending
    assert search.pending == []
    with pytest.raises(InvalidSetting, match=r"was told already"):
        search.forget(one.id)


@pytest.mark.parametrize(
    ("what", "told", "message"),
    [
        (1, {"value": math.nan}, "the value is a finite number, not nan.*--failed"),
        (1, {"value": math.inf}, "finite number, not inf"),
        (1, {"value": 10**400}, "finite number"),
        (1, {"value": "93"}, "finite number, not '93'"),
        (1, {"value": True}, "finite number, not True"),
        (1, {}, "has a value, or it failed"),
        (1, {"value": 3, "failed": True}, "has a value, or it failed"),
        (1, {"value": 3, "failed": "yes"}, "failed is true or false"),
        (1, {"value": 3, "metrics": [1]}, "metrics are numbers by name"),
        (1, {"value": 3, "metrics": {"a": math.nan}}, "metric a is a finite number"),
        (1, {"value": 3, "metrics": {3: 1}}, "the name of a metric is a text"),
        (1, {"value": 3, "seconds": -1}, "seconds is a number of at least 0, not -1|seconds is a number"),
        (1, {"value": 3, "note": 5}, "note is a text"),
        (1, {"value": 3, "note": "\ud800"}, "note is a text of whole characters"),
        (1, {"value": 3, "epochs": 3}, "the id of an ask says its epochs"),
        ("6111", {"value": 3, "epochs": 3}, "trainings of this search have epochs"),
        (9, {"value": 3}, "no ask of .* has the id 9: they are 1 to 1"),
        (0, {"value": 3}, "no ask of .* has the id 0"),
        (True, {"value": 3}, "no ask of .* has the id True"),
        (1.5, {"value": 3}, "no ask of .* has the id 1.5"),
        (None, {"value": 3}, "no ask of .* has the id None"),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_is_written(
    what: Any, told: dict[str, Any], message: str, begun: Callable[..., AskTell]
) -> None:
    search = begun()
    search.ask()
    before = (search.path / FILE).read_bytes()
    with pytest.raises(InvalidSetting, match=message):
        search.tell(what, **told)
    assert (search.path / FILE).read_bytes() == before
    assert search.tell(1, 3.0).new


def test_other_architectures_are_refused(begun: Callable[..., AskTell]) -> None:
    search = begun()
    for what in ("nonsense", (9, 9, 9, 9, 9, 9), (1,)):
        with pytest.raises(InvalidArch):
            search.tell(what, 3.0)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"count": 0}, "count is a whole number"),
        ({"count": 1001}, "count is a whole number from 1 to 1000"),
        ({"count": "2"}, "count is a whole number"),
        ({"worker": 3}, "worker is a text"),
        ({"again": -1}, "again is a number"),
        ({"again": math.nan}, "again is a number"),
    ],
)
def test_an_ask_that_means_nothing_is_refused(
    asked: dict[str, Any], message: str, begun: Callable[..., AskTell]
) -> None:
    search = begun()
    with pytest.raises(InvalidSetting, match=message):
        search.ask(**asked)
    assert search.course().asks == []


def test_a_worker_gets_its_own_again_and_leases_end_where_they_are_asked_for(
    begun: Callable[..., AskTell], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000]
    monkeypatch.setattr(calendar.time, "time", lambda: clock[0])
    search = begun(budget=4)
    (mine,) = search.ask(worker="a")
    assert [each.id for each in search.ask(worker="a")] == [mine.id]
    assert [each.id for each in search.ask(2, worker="a")] == [mine.id, 2]
    assert [each.id for each in search.ask(worker="b")] == [3]
    assert [each.id for each in search.ask(worker="c", again=60)] == [4]
    clock[0] += 100
    assert [each.id for each in search.ask(2, worker="c", again=60)] == [4, 1]  # its own, then the oldest
    assert [each.id for each in search.ask(worker="a")] == [2]  # 1 is with c by now
    assert [each.id for each in search.ask(4, worker="d", again=60)] == [3]
    assert search.ask() == [] and search.ended
    assert search.ask(again=1e6) == [] and not search.ended  # a lease may end yet
    clock[0] -= 500  # a clock that is set back makes nothing older
    assert search.ask(again=60) == []
    assert [each.id for each in search.ask(9, again=0)] == [1, 2, 3, 4]


def test_what_is_pending_is_not_handed_out_twice_and_told_together(
    begun: Callable[..., AskTell], own_space: str
) -> None:
    search = begun(space=own_space, input="1,4,4", classes=2, budget=40)
    asks = search.ask(6)
    course = search.course()
    assert len(course.asks) > len(asks), "this seed draws none twice: take another"
    for ask in asks:
        search.tell(ask.id, float(ask.id))
    course = AskTell.open(search.path).course()
    assert {ask.state for ask in course.asks} == {"told"}
    assert len(course.models) == len(course.asks)
    with pytest.raises(InvalidSetting, match="told"):
        search.forget(next(ask.number for ask in course.asks if ask.first))


def test_a_value_that_comes_after_its_ask_was_forgotten_is_taken(begun: Callable[..., AskTell]) -> None:
    search = begun(budget=2)
    one, _ = search.ask(2)
    assert search.forget(one.id) and not search.forget(one.id)
    assert len(search.ask()) == 1  # the budget has it back
    told = search.tell(one.id, 77.0)
    assert told.new and told.learnt
    assert search.course().known[one.arch, None].values == (77.0,)


def test_the_budget_may_be_another_later(begun: Callable[..., AskTell]) -> None:
    search = begun(budget=2)
    assert len(search.ask(5)) == 2 and search.why == "the budget of 2 is used up"
    begun(budget=3)
    assert len(search.ask(5)) == 1
    begun(budget=None)
    assert len(search.ask(50)) == 50
    assert AskTell.open(search.path).course().budget is None


def test_several_objectives_are_told_and_computed(begun: Callable[..., AskTell]) -> None:
    names = "accuracy,params,energy"
    search = begun(strategy="nsga", settings={"pool": 4}, told=["energy"], objectives=names, budget=8)
    asks = search.ask(3)
    with pytest.raises(InvalidSetting, match="energy is an objective that only you can tell: add it"):
        search.tell(asks[0].id, 90.0)
    values = search.tell(asks[0].id, 90.0, metrics={"energy": 3.5, "other": 1}).values
    assert values[0] == 90.0 and values[2] == 3.5
    params = sum(each.numel() for each in asks[0].module().parameters())
    assert values[1] == params
    assert search.tell(asks[1].id, 91.0, metrics={"energy": 2.5, "params": 7}).values == (91.0, 7.0, 2.5)
    assert search.tell(asks[2].id, failed=True).values == (None, None, None)
    with pytest.raises(
        InvalidSetting, match=r"was told 90 and .* and 3.5 before, and this says 90 and .* and 4:"
    ):
        search.tell(asks[0].id, 90.0, metrics={"energy": 4})
    while found := search.ask(2):
        for ask in found:
            search.tell(ask.id, value(ask.arch), metrics={"energy": float(ask.id)})
    (outcome,) = ns.read(search.path)
    assert [objective["name"] for objective in outcome.header.experiment["objectives"]] == names.split(",")
    assert outcome.rounds[0].further["energy"][:2].tolist() == [3.5, 2.5]
    assert np.isfinite(outcome.curve().values).all()
    replayed = AskTell.open(search.path).course()
    assert [each.key for each in replayed.asks] == [each.key for each in search.course().asks]


def test_losses_are_told_as_they_are(begun: Callable[..., AskTell]) -> None:
    how: dict[str, Any] = {"settings": {"pool": 4, "tournament": 4}, "budget": 9, "strategy": "ae"}
    high, low = begun("high", **how), begun("low", lower_is_better=True, quantity="loss", unit="nats", **how)
    assert run(high) == run(low, lambda arch: -value(arch))
    best = Overview.of(low.path).best
    assert best is not None and best[1][0] == -max(value(each.key[0]) for each in high.course().models)
    (outcome,) = ns.read(low.path)
    assert outcome.quantity.name == "loss"
    assert outcome.frame()["best"].iloc[-1] == best[1][0]


def test_limits_hold_and_what_turned_out_too_dear_is_recorded(
    begun: Callable[..., AskTell], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = begun(constraints={"params": "150k"}, budget=5, space="nasbench201(channels=8)")
    asks = search.ask(5)
    assert all(sum(each.numel() for each in ask.module().parameters()) <= 150_000 for ask in asks)
    free = begun("free", strategy="ae", settings={"pool": 4, "tournament": 2}, budget=8)
    space = type(free.space)
    with monkeypatch.context() as patch:  # as a latency that is measured: known here, and nowhere else
        patch.setattr(space, "admits", lambda self, arch: arch[0] > 1)
        found = run(free)
    assert all(arch[0] > 1 for arch in found)
    assert any(step.refused for step in read_asked(free.path / FILE).steps)
    assert [each.key[0] for each in AskTell.open(free.path).course().models] == found


def test_shorter_trainings_are_asked_for_with_their_epochs(begun: Callable[..., AskTell]) -> None:
    search = begun(strategy="sh", settings={"rungs": [3], "first": 6}, epochs=12, fidelity=[3], budget=4)
    asks = search.ask(9)
    assert [ask.epochs for ask in asks] == [3] * 6
    assert search.why == "sh waits until what is pending is told" and not search.ended
    for ask in asks[:-1]:
        search.tell(ask.id, value(ask.arch))
    assert search.ask() == []
    search.tell(asks[-1].arch, value(asks[-1].arch), epochs=3)
    later = search.ask(9)
    assert [ask.epochs for ask in later[:2]] == [None, None]
    best = sorted(asks, key=lambda ask: -value(ask.arch))[:2]
    assert {ask.arch for ask in later[:2]} == {ask.arch for ask in best}
    search.tell(later[0].arch, 1.0, epochs=12)  # a whole one by its epochs
    assert later[0].id not in [ask.id for ask in search.pending]


@pytest.mark.parametrize(
    ("wanted", "kind", "message"),
    [
        ({"space": None}, InvalidSetting, "give --space SPACE, or --benchmark"),
        ({"benchmark": "nasbench201"}, InvalidSetting, "give --space SPACE, or --benchmark"),
        ({"space": "nasbench210"}, UnknownName, "no space is called 'nasbench210'"),
        ({"space": "nothere:space"}, InvalidSetting, "no module is called 'nothere'"),
        ({"space": 3}, InvalidSetting, "space is a text"),
        ({"strategy": "aes"}, UnknownName, "did you mean ae"),
        ({"strategy": ns.load("strategies", "ae")}, InvalidSetting, "strategy is a text"),
        ({"scorer": max}, InvalidSetting, "scorer is a text"),
        ({"move": max}, InvalidSetting, "move is the text of a scorer"),
        ({"warmup": 5, "scorer": "synflo"}, UnknownName, "did you mean synflow"),
        ({"warmup": 5, "scorer": "grad_norm"}, MissingData, "grad_norm looks at data.*--batch FILE.npz"),
        ({"budget": 0}, InvalidSetting, "budget is a whole number"),
        ({"strategy": "ae"}, InvalidSetting, "a budget of 6 is too small"),
        ({"settings": {"frist": 3}}, UnknownName, "did you mean first"),
        ({"dataset": "cifar10"}, InvalidSetting, "--dataset is one of a benchmark"),
        ({"space": None, "benchmark": "nasbench201", "classes": 5}, InvalidSetting, "leave --classes out"),
        (
            {"space": None, "benchmark": "nasbench201", "quantity": "loss"},
            InvalidSetting,
            "leave --quantity out",
        ),
        ({"input": "3,x"}, InvalidSetting, "needs the shape of one input"),
        ({"classes": 1}, InvalidSetting, "needs its number of logits"),
        (
            {"input": "12"},
            InvalidSetting,
            "not for inputs of 12 and 10 classes .* say what they read by --input",
        ),
        ({"batch": "nothing.npz"}, MissingData, "nothing.npz"),
        ({"batch": "gray"}, UnknownName, "did you mean grey"),
        ({"told": ["accuracy"]}, InvalidSetting, "a told objective is a name of its own"),
        ({"told": ["a b"]}, InvalidSetting, "a told objective is a name of its own"),
        ({"told": ["a:up"]}, InvalidSetting, "a told objective is a name of its own"),
        (
            {"objectives": "accuracy,energy", "strategy": "rand"},
            UnknownName,
            "no objective is called 'energy'",
        ),
        ({"objectives": "accuracy,params", "strategy": "ls"}, InvalidSetting, "ls takes one objective"),
        ({"fidelity": [3]}, InvalidSetting, "say by --epochs"),
        ({"fidelity": [30], "epochs": 12}, InvalidSetting, "12"),
        ({"epochs": 0}, InvalidSetting, "epochs is a whole number"),
        ({"constraints": {"params": 1}}, InvalidSetting, "params"),
        (
            {"constraints": {"latency": "5ms", "latency_by": lambda model: 1.0}},
            InvalidSetting,
            "MODULE:FUNCTION",
        ),
    ],
)
def test_what_cannot_be_begun_leaves_nothing(
    wanted: dict[str, Any], kind: type[Exception], message: str, begun: Callable[..., AskTell], tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message):
        begun(**wanted)
    assert list(tmp_path.iterdir()) == []


def test_another_search_is_refused_in_the_same_folder(begun: Callable[..., AskTell], tmp_path: Path) -> None:
    search = begun()
    begun()  # the same
    with pytest.raises(InvalidSetting, match="holds a search with strategy 'rand', and this one has 'ls'"):
        begun(strategy="ls")
    with pytest.raises(InvalidSetting, match="with seed None, and this one has 3"):
        begun(seed=3)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(InvalidSetting, match="holds other things than a search"):
        begun("other")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidSetting, match="holds other things than a search"):
        begun("file")
    for missing in ("nothing", "other"):
        with pytest.raises(MissingData, match="begin one with nassearch begin"):
            AskTell.open(tmp_path / missing)
    assert not (tmp_path / "nothing").exists()
    assert len(search.ask()) == 1


def test_other_code_is_refused(begun: Callable[..., AskTell], monkeypatch: pytest.MonkeyPatch) -> None:
    search = begun()
    search.ask()
    with monkeypatch.context() as patch:
        patch.setattr(ns.load("strategies", "rand"), "revision", 99)
        with pytest.raises(
            InvalidSetting, match="code of the strategy 'revision 1', and here it is 'revision 99'"
        ):
            AskTell.open(search.path)
    with monkeypatch.context() as patch:
        patch.setattr(asked_folder, "begin", _drawing_others(asked_folder.begin))
        with pytest.raises(BadData, match="ask 1 of the folder is not what this search asks for"):
            AskTell.open(search.path).ask()


def _drawing_others(begin: Any) -> Any:
    def changed(experiment: Any, *rest: Any) -> Any:
        return begin(replace(experiment, seed=77), *rest)

    return changed


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "Expecting value"),
        ("[1]", "a step is one of ask"),
        ("{}", "a step is one of ask"),
        ('{"ask": 1, "tell": 1}', "a step is one of ask"),
        ('{"ask": 2, "arch": [1, 1, 1, 1, 1, 1]}', "ask is a whole number from 1 to 1"),
        ('{"ask": 1}', "it lacks arch"),
        ('{"ask": 1, "arch": [1.5]}', "arch is"),
        ('{"ask": 1, "arch": "x"}', "arch is"),
        ('{"tell": null, "arch": [1, 1, 1, 1, 1, 1]}', "it lacks values"),
        ('{"tell": null, "arch": [1, 1, 1, 1, 1, 1], "values": []}', "values is"),
        ('{"tell": null, "arch": [1, 1, 1, 1, 1, 1], "values": [NaN]}', "NaN is no number here"),
        ('{"tell": null, "arch": [1, 1, 1, 1, 1, 1], "values": [1, 2]}', "tells 2 values"),
        ('{"tell": 3, "arch": [1, 1, 1, 1, 1, 1], "values": [1]}', "tell is a whole number"),
        ('{"forget": 1}', "forget is a whole number"),
        ('{"budget": -1}', "budget is a whole number"),
        ('{"ask": 1, "arch": [9, 9, 9, 9, 9, 9]}', "is not what this search asks for"),
        ("[" * 5000, "deeper|more than"),
        ('{"note": 1' + ', "a": 1' * 3 + "}", "is there twice"),
    ],
)
def test_damaged_lines_are_told_with_their_number(
    line: str, message: str, begun: Callable[..., AskTell]
) -> None:
    search = begun()
    with (search.path / FILE).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(BadData, match=message):
        AskTell.open(search.path).ask()
    if "not what this search" not in message and "tells 2" not in message:
        with pytest.raises(BadData, match=f"line 2 of .* is damaged: .*({message})"):
            ns.read(search.path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 2},
        {"made": 3},
        {"made": {"budget": "x"}},
        {"made": {"epochs": [1]}},
        {"header": []},
        {"header": {"package": 3}},
    ],
)
def test_damaged_first_lines_are_told(change: dict[str, Any], begun: Callable[..., AskTell]) -> None:
    search = begun()
    first = json.loads((search.path / FILE).read_text())
    (search.path / FILE).write_text(json.dumps({**first, **change}) + "\n")
    with pytest.raises(BadData, match=r"line 1 of .* is damaged"):
        AskTell.open(search.path)
    with pytest.raises(BadData, match=r"line 1 of .* is damaged"):
        ns.read(search.path)


def test_settings_of_later_versions_are_told(begun: Callable[..., AskTell]) -> None:
    search = begun()
    first = json.loads((search.path / FILE).read_text())
    first["made"]["colour"] = "red"
    (search.path / FILE).write_text(json.dumps(first) + "\n")
    with pytest.raises(InvalidSetting, match="says 'colour' of its search"):
        AskTell.open(search.path)


def test_steps_that_others_add_are_followed(begun: Callable[..., AskTell]) -> None:
    one = begun(budget=20)
    two = AskTell.open(one.path)
    ids = [search.ask()[0].id for search in (one, two, two, one, two)]
    assert ids == [1, 2, 3, 4, 5]
    two.tell(1, 5.0)
    assert not one.tell(1, 5.0).new
    assert [each.id for each in one.pending] == [2, 3, 4, 5]


def test_it_reads_as_a_result(begun: Callable[..., AskTell]) -> None:
    search = begun(strategy="ae", settings={"pool": 4, "tournament": 2}, budget=8)
    (unbegun,) = ns.read(search.path)
    assert unbegun.rounds == []
    first = search.ask()[0]
    search.tell(first.id, failed=True)
    found = run(search)
    (outcome,) = ns.read(search.path)
    assert outcome.rounds[0].archs == found and np.isnan(outcome.rounds[0].valid[0])
    assert outcome.label == search.label
    assert outcome.curve().budget == 8
    assert Step("ask", 1, (1, 2)).line() == b'{"ask": 1, "arch": [1, 2]}\n'
