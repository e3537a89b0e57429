"""Signals end a command with its workers, on each executor: a status that says which, and what is safe."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import call, environment, install, spawn

pytestmark = pytest.mark.posix
LINE = "run rand --dataset cifar10 --rounds 100000 --budget 300 --workers 2 --out a.jsonl"
PATIENCE = 60.0


def session(process: subprocess.Popen[str]) -> list[str]:
    """Return the processes of a command that are still there."""
    done = subprocess.run(["pgrep", "-s", str(process.pid)], text=True, capture_output=True, check=False)
    return done.stdout.split()


def started(folder: Path, *more: str) -> subprocess.Popen[str]:
    """Start a search, and wait until it has some rounds."""
    install()
    path = folder / "a.jsonl"
    process = spawn(*LINE.split(), *more, cwd=folder)
    end = time.monotonic() + PATIENCE
    while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < 30):
        assert time.monotonic() < end
        time.sleep(0.02)
    return process


def check_end(process: subprocess.Popen[str], folder: Path, how: str) -> None:
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + getattr(signal, how)
    done = (folder / "a.jsonl").read_bytes().count(b"\n") - 1
    told = "interrupted" if how == "SIGINT" else f"ended by {how}"
    safe = f"the {done} rounds in a.jsonl are safe: run the same command to go on"
    assert (out, err) == ("", f"nassearch: {told}; {safe}\n")
    end = time.monotonic() + PATIENCE / 4
    while session(process):
        assert time.monotonic() < end, "processes are left"
        time.sleep(0.05)


@pytest.mark.parametrize("executor", ["processes", pytest.param("ray", marks=pytest.mark.slow)])
@pytest.mark.parametrize("to", ["one", "all"])
@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_search_and_its_workers(tmp_path: Path, how: str, to: str, executor: str) -> None:
    pytest.importorskip({"processes": "joblib"}.get(executor, executor))
    process = started(tmp_path, "--executor", executor)
    (os.kill if to == "one" else os.killpg)(process.pid, getattr(signal, how))
    check_end(process, tmp_path, how)
    count = (tmp_path / "a.jsonl").read_bytes().count(b"\n")
    line = LINE.replace("100000", str(count)).replace("a.jsonl", str(tmp_path / "a.jsonl"))
    assert call(*line.split()).exit_code == 0, "it goes on where it was"


def test_a_signal_that_is_sent_twice_is_told_once(tmp_path: Path) -> None:
    process = started(tmp_path)
    for _ in range(3):  # as `timeout` does
        os.killpg(process.pid, signal.SIGTERM)
        time.sleep(0.01)
    check_end(process, tmp_path, "SIGTERM")


def test_what_is_ignored_stays_ignored(tmp_path: Path) -> None:
    install()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which is handed down, as by nohup
    try:
        process = started(tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    os.killpg(process.pid, signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGTERM)
    check_end(process, tmp_path, "SIGTERM")


HERE = """
import signal, sys, time
from nassearch.cli import main
from nassearch.search.store import Store
import nassearch.search.runner as runner
if __name__ == "__main__":
    append = Store.append
    def stop(store, round):
        append(store, round)
        if round.round == 2:
            signal.raise_signal(signal.SIGTERM)
    Store.append = stop
    main()
"""


def test_workers_end_wherever_the_signal_finds_this_process(tmp_path: Path) -> None:
    install()
    (tmp_path / "program.py").write_text(HERE)
    line = LINE.replace("--budget 300", "--budget 100000")  # a second or more for each round
    process = subprocess.Popen(
        [sys.executable, "program.py", *line.split()],
        cwd=tmp_path,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    check_end(process, tmp_path, "SIGTERM")


def test_a_command_in_a_program_leaves_its_handlers(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    assert call("list", "strategies").exit_code == 0
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before


LISTENING = """
import os, subprocess
from nassearch.workers.spread import in_order
if __name__ == "__main__":
    work = in_order(abs, [-1, -2, -3], 2, "ray")
    next(work)
    for pid in subprocess.run(["pgrep", "-s", "0"], capture_output=True, text=True).stdout.split():
        mine = set()
        for descriptor in os.listdir(f"/proc/{pid}/fd") if os.path.isdir(f"/proc/{pid}/fd") else []:
            try:
                mine.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
            except OSError:
                pass
        for table in ("tcp", "tcp6"):
            for line in open(f"/proc/net/{table}").read().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine:
                    print("listens", fields[1].partition(":")[0])
    list(work)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="asks Linux who listens")
def test_a_local_ray_listens_to_this_machine_and_its_token_is_for_one_user(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs nassearch[ray]")
    (tmp_path / "program.py").write_text(LISTENING)
    token = tmp_path / "home" / ".ray" / "auth_token"
    (tmp_path / "home").mkdir()
    for state in ("new", "open"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "program.py"],
            cwd=tmp_path,
            env=environment(HOME=str(tmp_path / "home"), RAY_ADDRESS=""),
            text=True,
            capture_output=True,
            start_new_session=True,
            timeout=120,
            check=True,
        )
        ends = re.findall(r"listens (\w+)", done.stdout)
        assert len(ends) >= 4, "no more than this is looked at"
        # 127.0.0.1, by itself and within IPv6, as the kernel writes it.
        assert set(ends) <= {"0100007F", "0000000000000000FFFF00000100007F"}, ends
        assert token.stat().st_mode & 0o777 == 0o600, state
        assert len(token.read_text()) >= 32
        token.chmod(0o644)
