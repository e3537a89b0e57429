"""What a person waits for: the start of the command, the first search, a table that is opened and asked.

    python experiments/speed/commands.py [--data FOLDER]

Whole processes, by the clock; the start of Python is in them. Beside `nassearch --help` stands Python importing numpy.
With --data the published tables are opened and asked too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _measure import Row, Sample, Work, alternate, clock, freshly, prepares, run_part

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark

QUERIES = 30_000
FIRST = ["-m", "nassearch", "run", "ae", "--warmup", "3000", "--move", "epsilon"]


def python(*command: str, cwd: str | None = None, data: str | None = None) -> None:
    path = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    if data is not None:
        environment["NASSEARCH_DATA"] = data
    subprocess.run(
        [sys.executable, *command], env=environment, cwd=cwd, stdout=subprocess.DEVNULL, check=True
    )


def first_search() -> Sample:
    """Run the first command of the README in a data folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return clock(lambda: python(*FIRST, cwd=folder, data=f"{folder}/data"))


def opening(name: str) -> None:
    NASBench201Benchmark.open(name)


@prepares
def asking(name: str) -> Work:
    benchmark, rng = NASBench201Benchmark.open(name), np.random.default_rng(0)
    archs = benchmark.space.sample_many(QUERIES, rng)
    return lambda: [benchmark.query(arch, rng) for arch in archs]


def rows(args: argparse.Namespace) -> list[Row]:
    starts = alternate(
        lambda: python("-m", "nassearch", "--help"), lambda: python("-c", "import numpy"), repeats=10
    )
    found = [Row("nassearch --help, beside python importing numpy", *starts, target=0.5)]
    (first,) = alternate(first_search, repeats=1 if args.quick else args.repeats)
    found.append(
        Row(
            "nassearch run ae --warmup 3000 --move epsilon on the embedded table, nothing cached",
            first,
            target=60,
        )
    )
    for name in NASBench201Benchmark.installed():
        open_it, ask_it = freshly("commands:opening", name), freshly("commands:asking", name)
        opened, asked = alternate(open_it, ask_it, repeats=args.repeats)
        found.append(Row(f"open the table of {name}", opened, target=0.3))
        found.append(Row(f"ask the table of {name}", asked, each=QUERIES, unit="a query"))
    return found


if __name__ == "__main__":
    run_part(__doc__, rows)
