"""Searches that go on: from kills between two writes, with fewer workers, with another budget, with data elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import call
from searches import write_images
from torch import nn

import nassearch
from nassearch.errors import BadData, BrokenPart, InvalidSetting, NassearchError
from nassearch.search.trained import opening, searching
from nassearch.search.trained.events import Event, EventFile
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.standing import Standing, is_driven
from nassearch.workers.done import Done, Pool

OWN = """
from torch import nn
choices = {"width": [2, 3, 4], "act": ["relu", "tanh"]}
def build(width, act):
    if act == "tanh" and width == 4:
        raise ValueError("no such thing")
    act = nn.ReLU() if act == "relu" else nn.Tanh()
    return nn.Sequential(nn.Conv2d(3, width, 3), act, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))
space = (choices, build)
"""
QUICK: dict[str, Any] = {
    **{"space": "own_here:space", "strategy": "rand", "recipe": {"epochs": 2, "batch_size": 32}},
    **{"final_epochs": 0, "threads": 1},
}


class Inline(Pool):
    """Does the work of all workers in this process; the last that was asked for is ready first."""

    done: list[Any]

    def __init__(self, function: Callable[[Any], Any], workers: int = 1) -> None:
        self.function, self.workers, self._busy = function, workers, {}

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def submit(self, item: Any) -> None:
        assert self.free > 0
        self._busy[len(self._busy)] = item

    def wait(self, timeout: float | None = None) -> list[Done]:
        if not self._busy:
            return []
        _, item = self._busy.popitem()
        Inline.done.append(item)
        return [Done(item, self.function(item))]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(tmp_path / "images.npz", count=60)
    (tmp_path / "own_here.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(searching, "open_pool", lambda function, workers, *_: Inline(function, workers))
    Inline.done = []


def search(**asked: Any) -> SearchFolder:
    return nassearch.find_network("images.npz", **{"out": "out", **QUICK, **asked}).folder


def test_a_training_that_no_longer_fits_the_budget_is_asked_for_again_with_a_larger_one() -> None:
    """Of the whole trainings of a bracket one fits; shorter ones would fit beside it, and are not asked for."""
    asked = {
        **{"strategy": "sh", "settings": {"first": 6, "rungs": (1,)}, "fidelity": [1]},
        **{"recipe": {"epochs": 4, "batch_size": 32}, "workers": 2},
    }
    folder = search(**asked, budget=3)
    asks = [event.epochs for event in folder.events if event.kind == "ask"]
    assert asks == [1] * 6 + [None], "a model and a half, and one of two; half a one is left"
    more = [event.epochs for event in search(**asked, budget=4).events if event.kind == "ask"]
    assert more == [*asks, None, 1, 1], "the other whole one, and half a model of the next bracket"


def test_what_was_asked_for_goes_on_with_fewer_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(self: Inline, timeout: float | None = None) -> list[Done]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Inline, "wait", killed)
        with pytest.raises(KeyboardInterrupt):
            search(budget=4, workers=3)
    folder = SearchFolder.open("out")
    assert Standing.of(folder.path).running == folder.running >= 3, "one for each worker"
    folder = search(budget=4, workers=1)
    assert (folder.running, sum(event.kind == "tell" for event in folder.events)) == (0, 4)


def test_nothing_is_trained_twice_at_a_time() -> None:
    folder = search(budget=12, workers=4, seed=1)
    asks = [(event.arch, event.epochs) for event in folder.events if event.kind == "ask"]
    assert len(asks) == 12 and len(set(asks)) < 12
    assert sorted(Inline.done) == sorted(set(asks)), "each once, though some were asked for while in training"
    winner = folder.winner
    assert winner is not None
    assert winner["models"] == len(folder.entries) == len(set(asks))
    assert folder.entries[winner["found_after"] - 1].arch == tuple(winner["arch"])
    assert winner["seconds_of_search"] == pytest.approx(sum(entry.seconds for entry in folder.entries))
    assert Standing.of(folder.path).used == 12


def test_a_training_that_hours_do_not_suffice_for_is_not_begun() -> None:
    with pytest.raises(
        NassearchError, match=r"a training takes about .* seconds are left; give more --hours"
    ):
        search(hours=0.001, recipe={"epochs": 100_000})
    assert not Inline.done
    assert not SearchFolder.open("out").events


def test_hours_count_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading data and the first steps take 10 of the 36 seconds that there are."""
    monkeypatch.setattr(opening, "seconds_of_an_epoch", lambda bench, seed: 0.6)
    clock = time.monotonic
    times = iter([clock() - 10.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times, None) or clock())
    folder = search(hours=0.01, budget=1, recipe={}, final_epochs=1)
    assert folder.made["recipe"]["epochs"] == 1, (
        "36 epochs for 20 trainings; without the 10 seconds they are 50"
    )
    assert folder.spent >= 10


def test_a_kill_before_the_first_file_is_whole_leaves_a_folder_to_begin_in(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    EventFile(tmp_path / "out" / "events.jsonl").close()
    (tmp_path / "out" / f".search.json.{'0' * 32}").write_text("{")
    assert search(budget=1).winner is not None


def test_a_search_that_never_asked_may_be_given_otherwise() -> None:
    with pytest.raises(InvalidSetting, match="ae trains 64 models before"):
        search(strategy="ae", budget=4)
    assert search(strategy="rand", budget=1).made["strategy"] == "rand"
    with pytest.raises(InvalidSetting, match="a search with strategy 'rand'"):
        search(strategy="ae", budget=100)


def test_data_may_move_and_not_change(tmp_path: Path) -> None:
    search(budget=1)
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "images.npz", tmp_path / "elsewhere" / "cloth.npz")
    moved = nassearch.find_network("elsewhere/cloth.npz", out="out", **QUICK, budget=2).folder
    assert moved.made["data"]["path"] == str(tmp_path / "elsewhere" / "cloth.npz")
    assert moved.data().digest == moved.made["data"]["digest"]
    write_images(tmp_path / "images.npz", seed=1)
    with pytest.raises(BadData, match="trainings of another data"):
        search(budget=2)


def test_results_do_not_lie_among_the_data(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for source, out in ((".", "out"), ("data", "data/deep/out"), (tmp_path, "results/mine")):
        with pytest.raises(InvalidSetting, match="lies in the folder of the data"):
            opening.refuse_within(Path(out), source)
    opening.refuse_within(Path("out"), "data")
    opening.refuse_within(Path("images.npz"), "images.npz")


def test_shorter_trainings_that_nobody_asks_for_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="rand asks for none"):
        search(budget=1, fidelity=[1])
    assert not Path("out").exists()


def test_a_network_that_cannot_be_built_has_no_cost_and_the_search_goes_on() -> None:
    for cost in ("params", "latency"):
        asked: dict[str, Any] = {"objectives": f"accuracy,{cost}", "out": cost}
        found = nassearch.find_network("images.npz", **QUICK, budget=12, **asked)
        (done,) = found.outcome.rounds
        failed = [entry.arch for entry in found.folder.entries if entry.status == "failed"]
        assert failed == [(2, 1)]
        unknown = [arch for arch, value in zip(done.archs, done.further[cost], strict=True) if value != value]
        assert set(unknown) == set(failed)
        assert found.outcome.curve().values[0, -1] > 0
        assert nassearch.read(found.folder.path)[0].rounds[0].archs == done.archs


class Phone:
    """A device that tells latencies, until it is unplugged."""

    def __init__(self) -> None:
        self.asked, self.plugged = list[str](), True

    def __call__(self, model: nn.Module) -> float:
        if not self.plugged:
            raise RuntimeError("unplugged")
        self.asked.append(str(model))
        return float(len(self.asked))


def test_a_function_of_latencies_is_asked_once_for_each_network() -> None:
    for asked in ({"objectives": "accuracy,latency"}, {}):
        phone = Phone()
        limits = nassearch.Constraints(latency_by=phone, **({} if asked else {"latency": 1e6}))
        folder = search(budget=4, constraints=limits, out=f"out{len(asked)}", **asked)
        assert len(phone.asked) == len(set(phone.asked)), "no two networks are alike"
        if asked:
            known = [entry.latency for entry in folder.entries if entry.status == "trained"]
            assert known == [1.0 + n for n in range(len(phone.asked))]


def test_a_function_of_latencies_that_fails_costs_no_training() -> None:
    phone = Phone()
    phone.plugged = False
    asked: dict[str, Any] = {
        "objectives": "accuracy,latency",
        "constraints": nassearch.Constraints(latency_by=phone),
    }
    with pytest.raises(BrokenPart, match=r"Phone fails for width=.*RuntimeError: unplugged"):
        search(budget=2, **asked)
    assert not Inline.done
    phone.plugged = True
    assert len(search(budget=2, **asked).events) == 4
    with pytest.raises(InvalidSetting, match="a search with latency_by 'Phone', and this one has 'measured'"):
        search(budget=2, objectives="accuracy,latency")


def test_a_second_look_at_the_test_part_is_told(tmp_path: Path) -> None:
    folder = search(budget=1)
    ended = folder.winner
    assert ended is not None and ended["looks_at_test"] == 1
    folder.write_winner({**ended, "weights": "weights/other.safetensors"})  # as if another had won
    where = ("images.npz", "--out", "out", "--space", "own_here:space", "--strategy", "rand")
    how = ("--recipe", "epochs=2", "--recipe", "batch_size=32", "--final-epochs", 0, "--threads", 1)
    result = call("search", *where, *how, "--budget", 1)
    assert "9 examples that the search has looked at for 2 winners by now" in result.stdout


def test_a_search_that_goes_on_after_its_end_has_no_winner_yet(tmp_path: Path) -> None:
    folder = search(budget=2)
    assert folder.ended
    events = EventFile(folder.path / "events.jsonl")
    events.append(Event("ask", (0, 0)))
    standing = Standing.of(folder.path)
    assert (folder.ended, standing.winner, standing.running) == (False, None, 1)
    assert is_driven(folder.path)
    events.close()
    assert not is_driven(folder.path)
