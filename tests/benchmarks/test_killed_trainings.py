"""Killed at any moment, a search by training loses seconds: its ledger and its weights end as if nothing had been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "support" / "killed.py"


@pytest.mark.posix
@pytest.mark.parametrize(("seed", "kills"), [(0, 4), pytest.param(1, 50, marks=pytest.mark.slow)])
def test_kills_at_random_moments_change_nothing(tmp_path: Path, seed: int, kills: int) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path), str(seed), str(kills)]
    # One thread from the start: a process with a pool of threads must not fork.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["kills"] >= kills
    assert len(told["whole"]["lines"]) == 3  # a header and two trainings
    for end in told["ends"]:
        assert end == told["whole"]
    assert told["unfinished"] == []
