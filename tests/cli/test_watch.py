"""`nassearch watch`, and the table of a search while it goes on: what the folder says, once a second."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import call
from readers import HARMFUL, NASTY
from rich.console import Console
from searches import made_up_search

from nassearch.benchmarks import Entry, Ledger
from nassearch.cli import live
from nassearch.cli.commands import watch
from nassearch.files.locks import held
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.standing import Standing, is_driven


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_LOOKS", 0.02)


def content(path: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in sorted(path.rglob("*")) if each.is_file()}


def change(path: Path, name: str, **values: Any) -> None:
    found = json.loads((path / name).read_text())
    inner = found["made"] if name == "search.json" else found
    inner.update(values)
    (path / name).write_text(json.dumps(found))


def test_a_search_that_has_ended_is_told_at_once(tmp_path: Path) -> None:
    folder = made_up_search(tmp_path / "mine")
    before = content(tmp_path)
    result = call("watch", folder.path)
    assert result.exit_code == 0, result.stderr
    best = folder.best
    assert best is not None
    number = 1 + folder.entries.index(best)
    first, *rest = result.stdout.splitlines()
    assert first.startswith(
        f"8 of 8 models trained; best validation accuracy {best.valid:.2f} percent, of model {number}"
    )
    assert "left" not in first
    assert rest == [
        f"winner: {best.text}",
        f"validation accuracy: {best.valid:.2f} percent, after 3 epochs",
        "test accuracy: 50.00 percent, 95 % 30.00 to 70.00, of 18 examples",
    ]
    assert content(tmp_path) == before


def test_scripts_get_what_the_files_say(tmp_path: Path) -> None:
    folder = made_up_search(tmp_path / "mine", finished=False)
    folder.write_spent(61.5)
    result = call("watch", folder.path, "--json")
    told = json.loads(result.stdout)
    best = folder.best
    assert best is not None
    assert (told["models"], told["budget"], told["running"], told["winner"]) == (8, 8, 0, None)
    assert told["driven"] is False
    assert told["spent"] == 61.5
    assert (told["best"]["arch"], told["best"]["valid"]) == (list(best.arch), best.valid)
    assert [(each["status"], each["valid"]) for each in told["trained"]] == [
        (entry.status, entry.valid) for entry in folder.entries
    ]


def test_a_search_that_nobody_is_at_ends_the_watching(tmp_path: Path) -> None:
    folder = made_up_search(tmp_path / "mine", finished=False)
    before = content(tmp_path)
    result = call("watch", folder.path)
    assert "nobody is at it: run the same search again to go on" in result.stdout
    assert content(tmp_path) == before


def test_watching_goes_on_until_the_search_ends(tmp_path: Path) -> None:
    folder = made_up_search(tmp_path / "mine", models=4)
    winner = (folder.path / "winner.json").read_bytes()
    (folder.path / "winner.json").unlink()
    begun, told = threading.Event(), []

    def drive() -> None:
        with held(folder.path / "events.jsonl"):
            begun.set()
            time.sleep(0.4)
            told.append(time.monotonic())
            (folder.path / "winner.json").write_bytes(winner)

    driver = threading.Thread(target=drive)
    driver.start()
    begun.wait()
    assert is_driven(folder.path)
    result = call("watch", folder.path)
    ended = time.monotonic()
    driver.join()
    assert ended >= told[0]
    assert "best validation accuracy" in result.stdout
    assert "winner: " in result.stdout
    assert not is_driven(folder.path)


def test_trainings_of_a_run_are_watched_too(tmp_path: Path) -> None:
    entries = made_up_search(tmp_path / "mine").entries
    ledger = Ledger(tmp_path / "trained" / "trained.jsonl", {"data": "0"})
    for entry in entries:
        ledger.append(entry)
    found = Standing.of(tmp_path / "trained")
    assert (found.models, found.budget, found.left) == (8, None, None)
    told = json.loads(call("watch", tmp_path / "trained", "--json").stdout)
    assert told["best"]["valid"] == max(entry.valid or 0 for entry in entries)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("search.json", {"hours": "two"}, "hours is a number"),
        ("search.json", {"budget": 0}, "budget is a whole number"),
        ("search.json", {"workers": []}, "workers is a whole number"),
        ("search.json", {"recipe": {}}, "recipe is epochs is a whole number"),
        ("search.json", {"data": [1]}, "data is values by name"),
        ("winner.json", {"test_interval": [70.0]}, "test_interval is two numbers"),
        ("winner.json", {"valid": "high"}, "valid is a number"),
        ("winner.json", {"text": 3}, "text is a text"),
        ("spent.json", {"seconds": None}, "seconds is a number"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_damaged_files_are_told(tmp_path: Path, name: str, values: dict[str, Any], message: str) -> None:
    path = made_up_search(tmp_path / "mine", models=2).path
    SearchFolder.open(path).write_spent(1.0)
    change(path, name, **values)
    result = call("watch", path)
    assert result.exit_code == 1
    assert f"{name} is damaged: {message}" in result.stderr


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"code": [[]]}, "code is values by name"),
        ({"code": "ab"}, "code is"),
        ({"package": [1]}, "package is a text"),
    ],
)
def test_a_damaged_file_of_a_search_is_told(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    path = made_up_search(tmp_path / "mine", models=2).path
    found = json.loads((path / "search.json").read_text())
    (path / "search.json").write_text(json.dumps({**found, **values}))
    result = call("watch", path)
    assert result.exit_code == 1 and f"search.json is damaged: {message}" in result.stderr


@pytest.mark.parametrize("name", ["weights", "seconds", "models", "test_interval"])
def test_a_winner_that_lacks_something_is_told(tmp_path: Path, name: str) -> None:
    path = made_up_search(tmp_path / "mine", models=2).path
    found = json.loads((path / "winner.json").read_text())
    del found[name]
    (path / "winner.json").write_text(json.dumps(found))
    for command in (["watch", path], ["export", path, "-o", tmp_path / "best.py"]):
        result = call(*command)
        assert result.exit_code == 1 and f"winner.json is damaged: it lacks {name}" in result.stderr


def test_what_is_no_search_is_told(tmp_path: Path) -> None:
    result = call("watch", tmp_path)
    assert result.exit_code == 1
    assert "no folder of a search" in result.stderr


def test_what_is_left_is_expected_by_models_and_by_hours(tmp_path: Path) -> None:
    path = made_up_search(tmp_path / "mine", models=3, finished=False).path
    SearchFolder.open(path).write_spent(100.0)
    seconds = [2.0, 3.0, 4.0]  # as made up; the final training has three times the epochs
    change(path, "search.json", budget=7, workers=2)
    assert Standing.of(path).left == pytest.approx((4 / 2 + 3) * seconds[1])
    change(path, "search.json", final_epochs=6)
    assert Standing.of(path).left == pytest.approx((4 / 2 + 2) * seconds[1])
    change(path, "search.json", hours=0.03)
    assert Standing.of(path).left == pytest.approx(108 - 100)
    change(path, "search.json", budget=None, hours=1.0)
    found = Standing.of(path)
    assert found.left == pytest.approx(3500)
    assert found.budget is None
    assert "3 models trained" in live.headline(found)
    assert "about 58 min 20 s left" in live.headline(found)


def test_a_line_is_said_where_the_best_is_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made_up_search(tmp_path / "mine", models=3, finished=False).path
    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    with live.Live(path) as shown:
        for count in range(1, len(lines) + 1):
            (path / "events.jsonl").write_bytes(b"".join(lines[:count]))
            shown.look(Standing.of(path))
    said = capsys.readouterr().err.splitlines()
    valid = [float(line.partition("accuracy ")[2].partition(" ")[0]) for line in said]
    assert valid == sorted(set(valid))
    assert all(line.startswith("nassearch: ") for line in said)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_table_fits_the_terminal_and_is_inert(width: int) -> None:
    entries = [Entry((place,), f"{NASTY}{place}" * 3, 0, {}, valid=50.0 - place, seconds=1e4, params=10**8)
               for place in range(20)]  # fmt: skip
    entries[15] = replace(entries[15], status="out of memory", valid=None)
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(live.drawn(Standing({}, tuple(entries), 2), {NASTY: (1, 2)}, width))
    text = captured.get()
    assert not HARMFUL & set(text)
    assert max(map(len, text.splitlines())) <= width
    if width >= 80:
        rows = text[text.index("model   ") :].splitlines()[2:]
        assert [row.split()[0] for row in rows] == ["1", *map(str, range(14, 21))]
        assert "50.00" in rows[0]
        assert "best so far" in rows[0]
        assert "out of memory" in rows[3]
        assert "2 in training" in text


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    yield


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made_up_search(tmp_path / "mine", models=3, finished=False).path
    with live.Live(path) as shown:
        progress = shown.watch("scoring by params")
        progress(3, 10)
        shown.tell("plan: a line above")
        shown.look(Standing.of(path))
        progress(10, 10)
    text = capsys.readouterr().err
    assert "scoring by params: 3 of 10" in text
    assert "plan: a line above" in text
    assert "best so far" in text
    assert text.endswith("\x1b[2K")  # nothing of it stays
