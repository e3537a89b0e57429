"""Several drivers of one search at once, killed at any moment: nothing is lost, asked twice or told twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from asking import value
from commands import ROOT

from nassearch import AskTell
from nassearch.search.asking.steps import FILE, Step, StepFile, read_asked

SCRIPT = ROOT / "tests" / "support" / "asking.py"


def begun(folder: Path, budget: int) -> AskTell:
    settings = {"pool": 8, "tournament": 4}
    return AskTell.begin(folder, space="nasbench201", strategy="ae", settings=settings, budget=budget)


def kill(folder: Path, seed: int, kills: int, workers: int) -> int:
    command = [sys.executable, str(SCRIPT), str(folder), str(seed), str(kills), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == 0, done.stderr
    return int(found["kills"])


def check_whole(folder: Path, budget: int) -> None:
    """Hold a finished search against what it may be."""
    steps = read_asked(folder / FILE).steps
    fresh: Counter[tuple[int, ...]] = Counter()
    told = [step for step in steps if step.kind == "tell"]
    assert len({step.arch for step in told}) == len(told), "told twice"
    for step in told:
        assert step.arch is not None
        assert step.values == (value(step.arch),)
    known: set[object] = set()
    pending: set[object] = set()
    for step in steps:
        if step.kind == "ask":
            fresh[step.arch or ()] += step.arch not in known and step.arch not in pending
            pending |= {step.arch} - known
        elif step.kind == "tell":
            known.add(step.arch)
            pending -= {step.arch}
    assert max(fresh.values()) == 1, "asked twice"
    assert not pending, "lost"
    course = AskTell.open(folder).course()  # a replay from the beginning asks for the same
    assert len(course.asks) == len(course.models) == budget
    assert {ask.state for ask in course.asks} == {"told"}


@pytest.mark.posix
def test_several_drivers_killed_at_random_lose_nothing(tmp_path: Path) -> None:
    begun(tmp_path / "asked", 24)
    kill(tmp_path / "asked", seed=1, kills=12, workers=3)
    check_whole(tmp_path / "asked", 24)


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    begun(tmp_path / "asked", 300)
    assert kill(tmp_path / "asked", seed, kills=150, workers=4) > 50
    check_whole(tmp_path / "asked", 300)


def test_a_line_torn_at_any_byte_is_cut_off_and_the_same_is_asked_again(tmp_path: Path) -> None:
    search = begun(tmp_path / "whole", 10)
    for ask in search.ask(2):
        search.tell(ask.id, value(ask.arch))
    whole = (search.path / FILE).read_bytes()
    ends = [place for place, byte in enumerate(whole, start=1) if byte == ord("\n")]
    for cut in range(ends[-2], len(whole), 7):  # within the last line, the second tell
        folder = tmp_path / f"{cut}"
        folder.mkdir()
        (folder / FILE).write_bytes(whole[:cut])
        again = AskTell.open(folder)
        assert [each.id for each in again.pending] == [2]
        again.tell(2, value(again.pending[0].arch))
        assert (folder / FILE).read_bytes() == whole
    for cut in range(0, ends[0], 97):  # within the first: nothing was begun
        folder = tmp_path / f"first {cut}"
        folder.mkdir()
        (folder / FILE).write_bytes(whole[:cut])
        begun(folder, 10)
        assert (folder / FILE).read_bytes() == whole[: ends[0]]


def test_a_step_that_cannot_be_written_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = begun(tmp_path / "asked", 10)
    first = search.ask()[0]

    def full(self: StepFile, step: Step) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(StepFile, "append", full)
        for act in (search.ask, lambda: search.tell(first.id, 1.0), lambda: search.forget(first.id)):
            with pytest.raises(OSError, match="No space"):
                act()
    assert [each.id for each in search.pending] == [1]
    search.tell(first.id, value(first.arch))
    other = AskTell.open(search.path)
    assert other.ask()[0].arch == search.pending[0].arch  # and not what came behind an ask that was lost
    assert len(other.course().asks) == 2
