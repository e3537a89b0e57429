"""The winner is trained once more: from wherever a kill has left it, once, and beside what was found."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import call
from searches import made_up_search

from nassearch.errors import BadData, InvalidSetting, NassearchError, UnknownName
from nassearch.export.results.again import train_again
from nassearch.export.results.found import found_in
from nassearch.export.results.retraining import SECOND, read_record
from nassearch.search.trained.folder import SearchFolder
from nassearch.training import evaluate

SHORT = {"epochs": 4, "batch_size": 16}


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made_up_search(tmp_path / "found", models=3)
    return tmp_path / "found"


def state_of(folder: Path) -> dict[str, str]:
    """Return what every file of a folder holds, by name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_what_was_found_stays_and_nothing_is_trained_twice(found: Path) -> None:
    before = state_of(found)
    result = call("retrain", found, "--epochs", 4, "--recipe", "batch_size=16", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    after = state_of(found)
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == sorted(
        [told["weights"], told["weights"].replace("safetensors", "json")]
    )
    assert told["new"]
    assert told["recipe"]["epochs"] == len(told["history"]["epoch"]) == 4
    assert told["recipe"]["batch_size"] == 16
    assert told["test_note"] == SECOND
    again = call("retrain", found, "--epochs", 4, "--recipe", "batch_size=16")
    assert "was trained before, nothing was done" in again.stdout
    assert state_of(found) == after
    # The weights are those that the figures are of.
    subject = found_in(found, retrained=True)
    data = SearchFolder.open(found).data()
    module = subject.module(subject.network())
    for part in ("valid", "test"):
        assert evaluate(module, data, part).accuracy == told[part]
    assert evaluate(module, data, "test").interval == tuple(told["test_interval"])
    assert call("export", found, "--retrained", "-o", "longer.py").exit_code == 0
    assert f"{told['test']:.2f}" in Path("longer.md").read_text()
    assert "a look of its own" in Path("longer.md").read_text()


def test_a_kill_costs_nothing(found: Path, tmp_path: Path) -> None:
    """Ctrl-C between epochs; `tests/training` kills within them."""
    other = Path(shutil.copytree(found, tmp_path / "other"))
    whole = train_again(other, SHORT)

    def stop(done: int, of: int, valid: float) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_again(found, SHORT, watch=stop, every=0.0)
    assert not list((found / "retrained").glob("*.json"))
    seen: list[int] = []
    gone_on = train_again(found, SHORT, watch=lambda done, of, valid: seen.append(done))
    assert seen == [3, 4] or seen == [2, 3, 4]  # what a kill finds is the end of epoch 1 or 2
    timeless = {name: value for name, value in gone_on.items() if name != "seconds"}
    assert timeless == {name: value for name, value in whole.items() if name != "seconds"}
    name = str(whole["weights"])
    assert (found / name).read_bytes() == (other / name).read_bytes()
    assert not list((found / "unfinished").iterdir())


def test_other_settings_are_another_training(found: Path) -> None:
    for settings, seed in ((SHORT, 0), ({**SHORT, "learning_rate": 0.01}, 0), (SHORT, 1)):
        train_again(found, settings, seed=seed)
    records = [read_record(path) for path in (found / "retrained").glob("*.json")]
    assert len(records) == 3
    best = max(record["valid"] for record in records)
    assert found_in(found, retrained=True).facts["accuracy"]["valid"] == best


def test_another_architecture(found: Path) -> None:
    told = train_again(found, SHORT, "6111")
    assert told["text"] == SearchFolder.open(found).space().format(tuple(told["arch"]))
    assert found_in(found, "6111", retrained=True).text == told["text"]
    with pytest.raises(InvalidSetting, match="nothing was trained again"):
        found_in(found, "0", retrained=True)


def test_what_has_no_meaning_is_refused(found: Path) -> None:
    for settings, kind, rule in (
        ({"epochs": 0}, InvalidSetting, "epochs"),
        ({"nonsense": 1}, UnknownName, "'nonsense'"),
        ({"learning_rate": -1}, InvalidSetting, "learning_rate"),
    ):
        with pytest.raises(kind, match=rule):
            train_again(found, settings)
    for option, value, rule in (
        ("--threads", 0, "threads is a whole number of at least 1"),
        ("--seed", -1, "seed is a whole number of at least 0"),
        ("--device", "tpu", "device is auto, cpu or cuda"),
    ):
        assert rule in call("retrain", found, option, value).stderr
    result = call("retrain", found, "--recipe", "epochs=3")
    assert result.exit_code == 1
    assert "--epochs says" in result.stderr
    assert "is no folder of a search" in call("retrain", found.parent).stderr
    assert not (found / "retrained").exists()


def test_data_that_have_changed_or_are_gone(found: Path) -> None:
    images = found.parent / "found-images.npz"
    kept = images.read_bytes()
    images.unlink()
    with pytest.raises(NassearchError, match="found-images"):
        train_again(found, SHORT)
    from searches import write_images

    write_images(images, seed=1)
    with pytest.raises(BadData, match="has changed since the search"):
        train_again(found, SHORT)
    images.write_bytes(kept)


@pytest.mark.parametrize(
    "content", ["", "text", "[]", "{}", '{"format": "nassearch retraining", "version": 9}']
)
def test_records_that_are_damaged(found: Path, content: str) -> None:
    told: dict[str, Any] = train_again(found, SHORT)
    record = (found / str(told["weights"])).with_suffix(".json")
    record.write_text(content)
    result = call("export", found, "--retrained")
    assert result.exit_code == 1
    assert "is no record of a training" in result.stderr


def test_fields_of_a_record_that_are_damaged(found: Path) -> None:
    told: dict[str, Any] = train_again(found, SHORT)
    record = (found / str(told["weights"])).with_suffix(".json")
    whole = json.loads(record.read_text())
    wrong: dict[str, Any] = {
        "arch": [0.5],
        "valid": "high",
        "test_interval": [3],
        "test_note": 5,
        "weights": None,
    }
    for name, value in wrong.items():
        record.write_text(json.dumps({**whole, name: value}))
        with pytest.raises(BadData, match=f"is no record of a training: {name} is"):
            found_in(found, retrained=True)
