"""Expected synflow of whole spaces, beside one autograd pass per architecture at full width.

    python experiments/speed/synflow.py --data FOLDER

Ours: in a fresh process, nothing cached, without the start of the interpreter, by the path that commands take: checks,
keys, networks, scores. The plain pass is timed on few architectures and counted by architecture; it is one sample of
the initialisation, where ours is the expectation over all. NAS-Bench-101 whole is one command on two workers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib import import_module

import numpy as np
import plain
from _measure import Row, Work, alternate, freshly, prepares, run_part

SPACES = {
    "nasbench201": ("nassearch.benchmarks.nasbench201", "NASBench201Benchmark"),
    "nasbench101": ("nassearch.benchmarks.nasbench101", "NASBench101Benchmark"),
}


@prepares
def ours(name: str, n: int) -> Work:
    """Score n random architectures, or all of them for 0."""
    from nassearch.scorers import build_scorer

    space, task = _open(name)
    archs = list(space.all()) if n == 0 else space.sample_many(n, np.random.default_rng(0))
    return lambda: build_scorer("synflow", space, task)(archs)


@prepares
def one_by_one(name: str, n: int) -> Work:
    """Score n random architectures in plain torch, one after the other."""
    import torch

    torch.set_num_threads(1)
    space, task = _open(name)
    archs = space.sample_many(n, np.random.default_rng(0))

    def work() -> None:
        for arch in archs:
            plain.synflow(space.network(arch, task), seed=0)

    return work


def command(workers: int) -> None:
    """Score all of NAS-Bench-101 as the command line does, into a new data folder and a file."""
    with tempfile.TemporaryDirectory() as folder:
        words = (
            f"score --benchmark nasbench101 --all --proxies synflow --workers {workers} -o {folder}/all.csv"
        )
        code = f"import os; os.environ['NASSEARCH_DATA'] = {folder!r}; from nassearch.cli import main; main()"
        subprocess.run([sys.executable, "-c", code, *words.split()], check=True, stdout=subprocess.DEVNULL)


def _open(name: str) -> tuple[object, object]:
    module, benchmark = SPACES[name]
    owner = getattr(import_module(module), benchmark)
    return owner.make_space(), owner.datasets()["cifar10"].task


def rows(args: argparse.Namespace) -> list[Row]:
    """Time both spaces; `--quick` leaves out all of NAS-Bench-101."""
    few, some = (2, 1000) if args.quick else (8, 15_625)
    found = []
    for name, n, count, target in (("nasbench201", 0, 15_625, 2.0), ("nasbench101", some, some, None)):
        what = "all 15,625 of NAS-Bench-201" if n == 0 else f"{n:,} random cells of NAS-Bench-101"
        mine, plainly = alternate(
            freshly("synflow:ours", name, n), freshly("synflow:one_by_one", name, few), repeats=args.repeats
        )
        found.append(Row(f"expected synflow, {what}", mine, target=target))
        found.append(Row("the same", mine, plainly, each=count, plain_each=few, unit="an architecture"))
    if not args.quick:
        (whole,) = alternate(freshly("synflow:command", 2), repeats=1)
        found.append(
            Row("nassearch score --all of 423,624 cells of NAS-Bench-101, 2 workers", whole, target=180)
        )
    return found


if __name__ == "__main__":
    run_part(__doc__, rows, repeats=3)
