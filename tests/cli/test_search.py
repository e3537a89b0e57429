"""`nassearch search`: what it prints, what it refuses before anything is trained, and how signals end it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from commands import call, spawn
from searches import SPACE, write_images

from nassearch.search.trained.folder import SearchFolder

QUICK = (
    "--space",
    SPACE,
    "--strategy",
    "rand",
    "--recipe",
    "epochs=1",
    "--final-epochs",
    "2",
    "--threads",
    "1",
)
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def in_a_folder_with_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(tmp_path / "images.npz")
    monkeypatch.chdir(tmp_path)


def test_a_search_says_what_it_found_and_goes_on_from_what_is_there() -> None:
    data = ("--size", "6,8", "--valid", "0.3", "--test", "0.1")
    result = call("search", "images.npz", *QUICK, *data, "--budget", 2)
    assert result.exit_code == 0, result.stderr
    folder = SearchFolder.open("results/images")
    winner = folder.winner
    assert winner is not None
    text = result.stdout
    assert "images: images of 3x6x8, 3 classes; train 72, valid 36, test 12" in text
    assert f"winner:  {winner['text']}" in text
    assert f"validation accuracy {winner['valid']:.2f} %" in text
    assert f"{winner['test']:.2f} %, 95 % interval {winner['test_interval'][0]:.2f} to" in text
    again = call("search", "images.npz", *QUICK, *data, "--budget", 2, "--json")
    told = json.loads(again.stdout)
    assert (told["models"], told["stopped"], told["winner"]) == (2, False, winner)
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone.npz",), "there is no data set"),
        (("images.npz", "--space", "nasbench202"), "did you mean nasbench201"),
        (("images.npz", "--strategy", "go"), "did you mean gp"),
        (("images.npz", "--recipe", "epoch=1"), "did you mean epochs?"),
        (("images.npz", "--hours", "0"), "hours is a number above 0"),
        (("images.npz", "--budget", "0"), "budget is a whole number"),
        (("images.npz", "--size", "8x8"), "--size is a number, or height and width as in 48,64"),
        (("images.npz", "--valid", "1"), "valid is a share above 0"),
        (("images.npz", "--device", "tpu"), "device is auto, cpu or cuda"),
        (("images.npz", "--workers", "0"), "workers is a whole number"),
        (("images.npz", "--set", "guides=1"), "no setting of gp is called"),
        (("images.npz", "--set", "features=synflo"), "did you mean synflow"),
        (("images.npz", "--max-params", "1"), "params"),
        (("images.npz", "--strategy", "sh"), "no shorter trainings"),
        (("images.npz", "--hours", "0.0000001"), "give more --hours"),
    ],
    ids=lambda value: " ".join(value[1:]) or "gone" if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_said_before_anything_is_trained(words: tuple[str, ...], message: str) -> None:
    result = call("search", *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not list(Path().rglob("trained.jsonl"))


@pytest.mark.posix
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_with_the_best_so_far(how: str, tmp_path: Path) -> None:
    line = ("search", "images.npz", *QUICK, "--budget", "1000", "--out", "mine")
    process = spawn(*line, cwd=tmp_path)
    ledger = tmp_path / "mine" / "trained.jsonl"
    end = time.monotonic() + PATIENCE
    while not ledger.exists() or ledger.read_bytes().count(b"\n") < 3:
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, getattr(signal, how))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + getattr(signal, how)
    assert "Traceback" not in err
    best = SearchFolder.open("mine").best
    assert best is not None
    assert f"stopped: the best so far is {best.text}" in out
    assert "give the same command to go on" in out
    count = len(SearchFolder.open("mine").entries)
    # What it was at when the signal came counts as asked for.
    assert call(*line[:-4], "--budget", count + 1, "--out", "mine").exit_code == 0
    assert len(SearchFolder.open("mine").entries) == count + 1
