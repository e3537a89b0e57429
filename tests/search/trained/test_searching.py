"""Searches that train: what they leave, how they go on, and what they refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from searches import SPACE, made_up_search, write_images

import nassearch
from nassearch.benchmarks import Entry
from nassearch.errors import BadData, Busy, InvalidSetting, MissingData, UnknownName
from nassearch.search.trained import trial, winner
from nassearch.search.trained.asked import Search
from nassearch.search.trained.clock import Clock
from nassearch.search.trained.events import EventFile
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.opening import open_folder
from nassearch.search.trained.searching import run_search
from nassearch.search.trained.trial import plan, usual_threads
from nassearch.search.trained.winner import decide_final
from nassearch.training import Recipe

QUICK: dict[str, Any] = {
    **{"space": SPACE, "settings": {"pool": 2, "tournament": 2}},
    **{"recipe": {"epochs": 1}, "final_epochs": 2, "threads": 1},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "images.npz")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, images: Path) -> SearchFolder:
    out = tmp_path_factory.mktemp("search") / "out"
    return nassearch.find_network(images, out=out, strategy="ae", budget=4, **QUICK).folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return what a search has left, but the seconds that things took."""
    found = {path.name: path.read_bytes() for path in sorted((folder / "weights").iterdir())}
    found["events"] = (folder / "events.jsonl").read_bytes()
    for line in (folder / "trained.jsonl").read_text().splitlines():
        entry = json.loads(line)
        entry.pop("seconds", None)
        found["ledger"] = found.get("ledger", b"") + json.dumps(entry).encode()
    winner = json.loads((folder / "winner.json").read_text())
    found["winner"] = json.dumps({k: v for k, v in winner.items() if "seconds" not in k}).encode()
    return found


def test_a_search_trains_its_budget_and_the_winner_for_longer(finished: SearchFolder) -> None:
    assert [event.kind for event in finished.events] == ["ask", "tell"] * 4
    assert len(finished.entries) == 4
    assert len(finished.trainings) == 5, "the final training is one more"
    winner, best = finished.winner, finished.best
    assert winner is not None and best is not None
    assert winner["valid"] >= best.valid == winner["valid_in_search"]
    assert winner["text"] == best.text
    assert (finished.path / winner["weights"]).exists()
    assert not list((finished.path / "unfinished").glob("*")), "nothing of what has ended is kept twice"
    low, high = winner["test_interval"]
    assert low <= winner["test"] <= high


def test_the_search_is_a_result_of_one_round_too(finished: SearchFolder) -> None:
    (result,) = nassearch.read(finished.path)
    assert result.rounds[0].archs == [entry.arch for entry in finished.entries]
    assert result.rounds[0].valid.tolist() == [entry.valid for entry in finished.entries]


def test_a_search_that_has_ended_trains_nothing_more(finished: SearchFolder, images: Path) -> None:
    before = bytes_of(finished.path)
    nassearch.find_network(images, out=finished.path, strategy="ae", budget=4, **QUICK)
    assert bytes_of(finished.path) == before


def test_a_larger_budget_goes_on_where_the_smaller_ended(images: Path, tmp_path: Path) -> None:
    for budget in (2, 4):
        nassearch.find_network(images, out=tmp_path / "out", strategy="ae", budget=budget, **QUICK)
    folder = SearchFolder.open(tmp_path / "out")
    assert len(folder.entries) == 4


@pytest.mark.parametrize(
    "other",
    [
        {"strategy": "rand", "settings": {}},
        {"seed": 1},
        {"recipe": {"epochs": 2}},
        {"space": "nasbench201"},
        {"test": 0.2},
    ],
)
def test_another_search_in_the_same_folder_is_refused(
    finished: SearchFolder, images: Path, other: dict[str, Any]
) -> None:
    with pytest.raises((InvalidSetting, BadData), match=r"another --out|another folder"):
        nassearch.find_network(images, out=finished.path, **{**QUICK, "strategy": "ae", "budget": 4, **other})


def test_two_searches_in_one_folder_at_a_time_are_refused(finished: SearchFolder, images: Path) -> None:
    held = EventFile(finished.path / "events.jsonl")
    try:
        with pytest.raises(Busy, match="another --out"):
            nassearch.find_network(images, out=finished.path, strategy="ae", budget=4, **QUICK)
    finally:
        held.close()


def test_what_a_kill_has_left_in_the_beginning_is_gone_on_with(images: Path, tmp_path: Path) -> None:
    EventFile(tmp_path / "events.jsonl").close()
    (tmp_path / "events.jsonl.lock").touch()
    (tmp_path / f".search.json.{'0' * 32}").write_text("{")
    found = nassearch.find_network(
        images, out=tmp_path, strategy="ae", budget=2, **QUICK | {"final_epochs": 0}
    )
    assert len(found.folder.entries) == 2


def test_data_that_lie_elsewhere_by_now_are_the_same(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"out": tmp_path / "out", "strategy": "ae", **QUICK, "final_epochs": 0}
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    (home / "images.npz").write_bytes(images.read_bytes())
    folder = nassearch.find_network("~/images.npz", budget=2, **asked).folder
    assert folder.data().digest == folder.made["data"]["digest"]
    (home / "images.npz").rename(home / "moved.npz")
    folder = nassearch.find_network(home / "moved.npz", budget=3, **asked).folder
    assert len(folder.entries) == 3
    assert SearchFolder.open(folder.path).made["data"]["path"] == str(home / "moved.npz")


def test_a_folder_of_other_things_is_left_alone(images: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("\\documentclass")
    with pytest.raises(InvalidSetting, match="other things than a search"):
        nassearch.find_network(images, out=tmp_path, strategy="ae", budget=4, **QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


SCRIPT = """
import sys
import nassearch
nassearch.find_network(sys.argv[1], out=sys.argv[2], strategy="ae", budget=4, workers=int(sys.argv[3]), **%r)
"""


def begin(images: Path, out: Path, workers: int = 1) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT % QUICK, str(images), str(out), str(workers)], stderr=subprocess.PIPE
    )


@pytest.mark.posix
@pytest.mark.slow
def test_a_kill_at_any_moment_changes_no_byte(finished: SearchFolder, images: Path, tmp_path: Path) -> None:
    out, delay = tmp_path / "out", 2.0
    while True:
        process = begin(images, out)
        try:
            process.wait(timeout=delay)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            delay += 0.7
    assert process.returncode == 0, process.stderr.read().decode()  # type: ignore[union-attr]
    assert bytes_of(out) == bytes_of(finished.path)


@pytest.mark.posix
@pytest.mark.slow
def test_a_worker_that_is_killed_is_recorded_and_the_search_goes_on(images: Path, tmp_path: Path) -> None:
    process = begin(images, tmp_path / "out", workers=2)
    while not (killed := list(children(process.pid))):
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(killed[0], signal.SIGKILL)
    assert process.wait(timeout=300) == 0
    folder = SearchFolder.open(tmp_path / "out")
    died = [entry for entry in folder.entries if entry.status == "died"]
    assert len(folder.entries) == 4
    assert len(died) == 1
    assert "signal 9" in str(died[0].note)


def children(parent: int) -> Iterator[int]:
    """Yield the workers of a process: those of its children that serve a pipe."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            own = int(path.read_text().rpartition(")")[2].split()[1]) == parent
            if own and b"LokyProcess" in (path.parent / "cmdline").read_bytes():
                yield int(path.parent.name)
        except OSError:
            continue


def test_several_workers_train_the_same_networks_to_the_same_bytes(
    finished: SearchFolder, images: Path, tmp_path: Path
) -> None:
    found = nassearch.find_network(images, out=tmp_path / "out", strategy="ae", budget=4, workers=2, **QUICK)
    ours = {entry.key: entry for entry in found.folder.trainings}
    theirs = {entry.key: entry for entry in finished.trainings}
    assert ours.keys() & theirs.keys()
    for key in ours.keys() & theirs.keys():
        assert ours[key].history == theirs[key].history


@pytest.mark.slow
def test_a_ray_cluster_trains_the_same(finished: SearchFolder, images: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    how = {"workers": 1, "executor": "ray"}
    found = nassearch.find_network(images, out=tmp_path / "out", strategy="ae", budget=4, **how, **QUICK)
    assert bytes_of(found.folder.path) == bytes_of(finished.path)


def test_what_was_interrupted_says_what_is_best_so_far(images: Path, tmp_path: Path) -> None:
    def interrupt(driver: Any) -> None:
        if len(driver.told) >= 2:
            raise KeyboardInterrupt

    found = run_search(Search(images, strategy="ae", budget=4, **QUICK), tmp_path / "out", seen=interrupt)
    assert found.stopped
    assert found.winner is None
    assert found.folder.best is not None
    assert len(nassearch.read(tmp_path / "out")[0].rounds[0].archs) >= 2
    whole = nassearch.find_network(images, out=tmp_path / "out", strategy="ae", budget=4, **QUICK)
    assert len(whole.folder.entries) == 4


def test_a_changed_data_set_is_refused(tmp_path: Path) -> None:
    folder = made_up_search(tmp_path / "out")
    write_images(Path(folder.made["data"]["path"]), seed=1)
    with pytest.raises(BadData, match="has changed since the search"):
        folder.data()


def test_trainings_of_others_in_the_same_folder_are_not_those_of_the_search(tmp_path: Path) -> None:
    folder = made_up_search(tmp_path / "out", models=3)
    before, best = folder.entries, folder.best
    ledger = folder.benchmark().ledger
    for entry in before:
        other = {**entry.recipe, "learning_rate": 0.5}
        ledger.append(replace(entry, recipe=other, status="trained", valid=99.0))
        ledger.append(replace(entry, seed=entry.seed + 1, status="trained", valid=99.0))
    assert len(folder.trainings) >= 9
    assert (folder.entries, folder.best) == (before, best)


def test_data_that_are_told_of_in_another_way_are_damage(tmp_path: Path) -> None:
    folder = made_up_search(tmp_path / "out", models=1, finished=False)
    path = folder.path / "search.json"
    content = path.read_text()
    for name in ("path", "classes", "shape", "sizes", "mean", "digest", "notes", "seed"):
        for value in (None, 5.5, [[]], {"": "x"}):
            found = json.loads(content)
            found["made"]["data"][name] = value
            path.write_text(json.dumps(found))
            with pytest.raises(BadData, match=f"is damaged: data is {name} is "):
                SearchFolder.open(folder.path)


@pytest.mark.posix
def test_files_with_names_of_any_bytes_leave_a_search_that_can_be_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "images" / name).mkdir(parents=True)
        for place in range(10):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{place}.png")
    for place in range(60):
        odd = os.fsencode(tmp_path / "images" / "a") + b"/" + b"\xff" * 200 + b"%d.png" % place
        Path(os.fsdecode(odd)).write_bytes(b"no image")
    asked = Search(str(tmp_path / "images"), SPACE, "rand", budget=1)
    folder = open_folder(asked, asked.oracle(), tmp_path / "out", lambda line: None, 0.0).folder
    folder.write()
    (note,) = [note for note in SearchFolder.open(folder.path).made["data"]["notes"] if "Left out" in note]
    assert "\\udcff" in note and "60 images" in note


def test_what_is_no_folder_of_a_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no folder of a search"):
        SearchFolder.open(tmp_path)
    (tmp_path / "search.json").write_text('{"format": "nassearch search", "version": 99, "made": {}}')
    with pytest.raises(BadData, match="another version"):
        SearchFolder.open(tmp_path)
    (tmp_path / "search.json").write_text('{"format')
    with pytest.raises(BadData, match="damaged"):
        SearchFolder.open(tmp_path)


def test_hours_end_a_search_with_a_winner(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "spent", property(lambda self: 1000 * self.asked))
    found = nassearch.find_network(
        images, out=tmp_path / "out", hours=1, **{**QUICK, "settings": {}, "strategy": "rand"}
    )
    assert found.winner is not None
    assert len(found.outcome.rounds[0].archs) == 4, "of 1,000 seconds each; the fourth began in time"
    assert found.winner["looks_at_test"] == 1
    assert found.folder.spent == 4000


def test_the_clock_keeps_time_for_the_final_training() -> None:
    clock = Clock(models=None, seconds=100.0, before=40.0, final=3.0)
    ended = [Entry((0,), "a", 0, {}, seconds=10.0, valid=50.0)]
    assert clock.allows(1.0, ended, ended[0]), "10 seconds and three times 11 are below 60"
    clock.before = 60.0
    assert not clock.allows(1.0, ended, ended[0]), "and above 40"
    assert clock.allows(0.5, ended, ended[0]), "a training of half the epochs fits"
    assert not Clock(models=2, seconds=None, asked=1.5).allows(1.0, [], None)
    halved = Clock(models=None, seconds=100.0, before=35.0, final=200.0, part=0.5)
    assert halved.allows(1.0, ended, ended[0]), "10 seconds are there before the half of the final training"
    halved.before = 45.0
    assert not halved.allows(1.0, ended, ended[0])


def test_the_final_training_takes_what_the_hours_leave_and_keeps_what_was_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_up_search(tmp_path / "out")  # of three epochs
    bench, best = folder.benchmark(), folder.best
    assert best is not None
    monkeypatch.setattr(winner, "seconds_of_its_epoch", lambda bench, arch: 10.0)

    def decided(left: float, **asked: Any) -> int:
        given = Search(folder.made["data"]["path"], SPACE, "rand", recipe={"epochs": 3}, **asked)
        return int(decide_final(given, folder, bench, best, left)["epochs"])

    assert decided(335.0, hours=1) == 30, "of 11 seconds each"
    assert decided(0.0, hours=1) == 30, "that was decided before: a killed one goes on with it"
    assert decided(35.0, hours=2) == 0, "no longer than in the search, so it is left out"
    assert decided(1e6, hours=3) == 200, "the most that hours decide on"
    assert decided(1e6, hours=3, budget=8) == 9, (
        "three times those of the search, where models say how long it is"
    )
    assert decided(1e6, hours=3, final_epochs=5) == 5
    assert decided(float("inf")) == 9
    (folder.path / "final.json").write_text('{"arch": [1], "epochs": 3}')
    with pytest.raises(BadData, match=r"final\.json is damaged"):
        decided(335.0, hours=1)


def test_a_plan_has_epochs_for_twenty_models() -> None:
    recipe = plan(Recipe(), 3600, epoch=10.0, workers=1, part=0.87)
    assert recipe.epochs == 13 - 1, "at most twelve"
    recipe = plan(Recipe(), 1000, epoch=10.0, workers=1, part=0.87)
    assert recipe.epochs == 3, "85 epochs over 20 models and a final training of three times"
    assert plan(Recipe(), 1000, epoch=10.0, workers=2, part=0.5).epochs == 4
    with pytest.raises(InvalidSetting, match="give more --hours"):
        plan(Recipe(), 60, epoch=10.0, workers=1, part=0.5)


def test_small_networks_are_trained_on_one_thread_and_a_search_keeps_its_threads(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    small = SearchFolder.open(made_up_search(tmp_path / "small").path).benchmark()
    assert usual_threads(small, workers=1, seed=0) == 1
    monkeypatch.setattr(trial, "LARGE", 1.0)
    assert [usual_threads(small, workers, 0) for workers in (1, 2, 3, 8, 9)] == [8, 4, 2, 1, 1]
    quick = {**QUICK, "strategy": "rand", "settings": {}, "threads": None}
    nassearch.find_network(images, out=tmp_path / "out", budget=1, workers=8, **quick)
    folder = nassearch.find_network(images, out=tmp_path / "out", budget=2, workers=1, **quick).folder
    threads = {(entry.recipe["epochs"], entry.threads) for entry in folder.trainings}
    assert threads == {(1, 1), (2, 8)}, "the final training has all processors, since nothing else is trained"
    assert folder.made["threads"] == 1


def test_a_search_for_several_objectives_leaves_a_front(images: Path, tmp_path: Path) -> None:
    """The strategy is told accuracy and parameters, and what a kill leaves goes on to the same."""
    asked: dict[str, Any] = {
        **QUICK,
        "strategy": "nsga",
        "budget": 5,
        "objectives": "accuracy,params",
        "constraints": {"params": "6k"},
    }
    found = nassearch.find_network(images, out=tmp_path / "out", **asked)
    assert found.folder.made["objectives"] == ["accuracy", "params"]
    (done,) = found.outcome.rounds
    counts = [entry.params for entry in found.folder.entries if entry.share == 1.0][: len(done.archs)]
    assert done.further["params"].tolist() == counts and max(done.further["params"]) <= 6000
    curve = found.outcome.curve()
    assert curve.values.shape == (1, 5) and found.outcome.quantity.unit == "percent x parameters"
    again = nassearch.find_network(images, out=tmp_path / "out", **asked)
    assert again.outcome.rounds[0].archs == done.archs
    with pytest.raises(InvalidSetting, match="takes one objective"):
        nassearch.find_network(images, out=tmp_path / "no", **{**asked, "strategy": "ae"})


def test_a_plan_keeps_time_for_the_final_training_that_is_asked_for(images: Path, tmp_path: Path) -> None:
    told: list[str] = []
    asked = {"hours": 0.02, "space": SPACE, "strategy": "rand", "threads": 1, "budget": 1}
    for final in (0, 5):
        run_search(Search(images, final_epochs=final, **asked), tmp_path / str(final), tell=told.append)
    ends = [line.rpartition(" ")[2] for line in told if line.startswith("plan:")]
    assert ends == ["0", "5"]
    with pytest.raises(InvalidSetting, match="give more --hours"):
        run_search(Search(images, final_epochs=100_000, **asked), tmp_path / "long")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("source", "a data set is a folder"),
        ("space", "a space is named by a text"),
        ("out", "out is the path of a folder"),
        ("fidelity", "fidelity"),
        ("device", "device is auto, cpu or cuda"),
        ("hours", "hours is a number above 0"),
        ("recipe", "recipe"),
    ],
)
@pytest.mark.parametrize(
    "wrong",
    [5j, object, np.zeros(3), b"x", nassearch.Space({"a": [1, 2]}, lambda a: None)],
    ids=list("joabs"),
)
def test_what_is_of_another_kind_is_refused(
    images: Path, tmp_path: Path, name: str, rule: str, wrong: Any
) -> None:
    given = {"source": images, "out": tmp_path / "out", "strategy": "ae", "budget": 4, **QUICK, name: wrong}
    with pytest.raises(InvalidSetting, match=rule):
        nassearch.find_network(**given)
    assert not (tmp_path / "out").exists(), "nothing is begun"
    with pytest.raises(InvalidSetting, match="a search is opened from the path of its folder"):
        SearchFolder.open(wrong)


def test_an_unknown_strategy_is_told_before_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no strategy is called 'gpp'"):
        nassearch.find_network(tmp_path / "no_data_here", strategy="gpp", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
