"""Locks: one holder at a time, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, environment
from filelock import Timeout

from nassearch.files.locks import held, hold, let_go

TAKE_TURNS = """
import sys
from pathlib import Path
from nassearch.files.locks import held

path = Path(sys.argv[1])
for _ in range(60):
    with held(path, timeout=60):
        number = int(path.read_text())
        path.write_text(str(number + 1))
"""


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    with held(tmp_path / "a"):
        assert [path.name for path in tmp_path.iterdir()] == ["a.lock"]
    assert not list(tmp_path.iterdir())
    with pytest.raises(RuntimeError), held(tmp_path / "a"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first = hold(tmp_path / "a")
    with pytest.raises(Timeout):
        hold(tmp_path / "a")
    let_go(first)
    second = hold(tmp_path / "a")
    let_go(first)  # once more: the file is the second's now
    with pytest.raises(Timeout):
        hold(tmp_path / "a")
    let_go(second)


def test_a_file_that_a_killed_process_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "a.lock").touch()
    with held(tmp_path / "a"):
        pass
    assert not list(tmp_path.iterdir())


def test_removing_the_file_lets_no_two_in(tmp_path: Path) -> None:
    """Count with four processes: one that was let in beside another would lose a count."""
    path = tmp_path / "count"
    path.write_text("0")
    line = [sys.executable, "-c", TAKE_TURNS, str(path)]
    started = [subprocess.Popen(line, cwd=ROOT, env=environment()) for _ in range(4)]
    assert [process.wait(timeout=120) for process in started] == [0] * 4
    assert path.read_text() == "240"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]
