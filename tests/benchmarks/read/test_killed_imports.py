"""An import that is killed leaves the old table or the new one, of every data set of the file, and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from killed_imports import KINDS

SCRIPT = Path(__file__).resolve().parents[2] / "support" / "killed_imports.py"


@pytest.mark.posix
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "kills"), [(0, 3), pytest.param(1, 50, marks=pytest.mark.slow)])
def test_a_killed_import_is_none_or_whole(tmp_path: Path, kind: str, seed: int, kills: int) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path), kind, str(seed), str(kills)]
    root = str(Path(__file__).resolve().parents[3])
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": root}
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["kills"] >= kills
    assert {tuple(each) for each in told["seen"]} <= {(40.0,), (41.0,)}
    assert told["end"] == [41.0] and told["left"] == []
