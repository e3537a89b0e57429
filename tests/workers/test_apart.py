"""A pool whose processes do one piece of work each: answers as they come, deaths one by one, and an end at once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from nassearch.workers.apart import Apart, Done

PATIENCE = 60.0


def work(item: tuple[str, str]) -> str:
    """Do as the item says: write the own number to a file and sleep, die, raise, or answer."""
    what, path = item
    Path(path).write_text(str(os.getpid()))
    if what == "sleep":
        time.sleep(10 * PATIENCE)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise":
        raise ValueError("no")
    return what


def is_there(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(path: Path) -> int:
    end = time.monotonic() + PATIENCE
    while not path.exists() or not path.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    return int(path.read_text())


@pytest.mark.posix
def test_a_process_at_work_is_ended_with_the_pool(tmp_path: Path) -> None:
    with Apart(work, 2) as pool:
        pool.submit(("sleep", str(tmp_path / "a")))
        pool.submit(("answer", str(tmp_path / "b")))
        (done,) = pool.wait()
        assert done.result == "answer"
        number = wait_for(tmp_path / "a")
        start = time.monotonic()
    assert time.monotonic() - start < PATIENCE / 4
    assert not is_there(number)


@pytest.mark.posix
def test_a_process_that_dies_is_told_and_the_next_works(tmp_path: Path) -> None:
    with Apart(work) as pool:
        found: list[Done] = []
        for what in ("die", "raise", "answer"):
            pool.submit((what, str(tmp_path / what)))
            found += pool.wait()
    died, raised, answered = found
    assert died.died is not None
    assert "killed by signal 9" in died.died
    assert isinstance(raised.error, ValueError)
    assert answered.result == "answer"
