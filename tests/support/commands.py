"""What tests of the command line share: a small installed benchmark, and commands called in this process or another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result

from nassearch.benchmarks.batches import save_batch, synthetic_batch
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.table import Table
from nassearch.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; from nassearch.cli import main; main()"


def call(*args: Any) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, [str(arg) for arg in args], catch_exceptions=False)


def command(*args: Any) -> list[str]:
    """Return the command line of another process."""
    return [sys.executable, "-c", START, *map(str, args)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def spawn(*args: Any, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    """Start a command in another process, at the head of a process group of its own, as a shell would."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    # Started in the background itself, this process ignores Ctrl-C and would hand that down.
    heard = None if os.name == "nt" else partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        command(*args),
        cwd=cwd,
        env=environment(),
        text=True,
        start_new_session=True,
        preexec_fn=heard,
        **pipes,
    )


@cache
def _table(name: str) -> bytes:
    import tempfile

    space = NASBench201Benchmark.make_space()
    archs = list(space.all())
    worth = np.array(archs) @ np.array([1.0, 2.0, 1.0, 3.0, 2.0, 1.0]) * 2
    noise = np.random.default_rng(0).uniform(0, 5, (2, 2, len(archs)))
    dataset = NASBench201Benchmark.datasets()[name]
    table = Table.build(
        space, dataset, archs, worth + noise[0], worth + noise[1], np.full((2, len(archs)), 9.0)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.npz"
        table.save(path)
        return path.read_bytes()


def install(name: str = "cifar10", batch: bool = True) -> None:
    """Put a made-up table, and a batch of 8 inputs, where an import would put them."""
    path = NASBench201Benchmark.table_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_table(name))
    if batch:
        task = NASBench201Benchmark.datasets()[name].task
        save_batch(NASBench201Benchmark.batch_path(name), synthetic_batch("grey", task, 8))
