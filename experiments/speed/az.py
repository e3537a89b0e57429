"""Time the three parts of AZ-NAS cell by cell, each version of the package by turns.

    python experiments/speed/az.py [--before COMMIT] [--benchmark nasbench101 nasbench201] [--cells 5] [--out FILE]

Random cells at full size, 32x32, batch 64 of noise, one thread; networks are built within the time. Every cell of every
version is a new process, which scores the same network on two samples first, so that what is done once is done. Times
are of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from _common import markdown, say, show
from _measure import THREADS, clock
from against import HERE, checkout

from nassearch import registry
from nassearch.networks.counting import macs
from nassearch.proxies.model import together

PARTS = ("expressivity", "progressivity", "trainability")
BATCH = 64
ASKED = {"nasbench101": 3}
"""Seconds of a core that a cell may take."""


def network(benchmark: str, number: int) -> Any:
    """Return the network of one of the random cells."""
    loaded = registry.load("benchmarks", benchmark)
    space = loaded.make_space()
    archs = space.sample_many(number + 1, np.random.default_rng(0))
    return space.network(archs[number], loaded.datasets()["cifar10"].task)


def cell(benchmark: str, number: int) -> float:
    """Return the seconds that a cell takes in this process."""
    asked = network(benchmark, number)
    proxies = [registry.load("proxies", name) for name in PARTS]

    def score(size: int) -> None:
        for _, failures in together([(p, {"batch_size": size}, None) for p in proxies], [asked]):
            assert not failures, failures

    score(2)
    return clock(lambda: score(BATCH)).cpu


def apart(tree: Path, benchmark: str, number: int) -> float:
    """Return the seconds that a cell takes in a new process, by the package in a folder."""
    done = subprocess.run(
        [sys.executable, __file__, "--only", benchmark, str(number)],
        env={**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(json.loads(done.stdout))


def row(benchmark: str, trees: list[Path], count: int) -> list[str]:
    pairs = []
    for number in range(count):
        pairs.append([apart(tree, benchmark, number) for tree in trees])
        size = macs(network(benchmark, number)) / 1e9
        say(f"{benchmark} {number}, {size:.2f} GMAC: {' / '.join(f'{s:.2f}' for s in pairs[-1])} s")
    versions = list(zip(*pairs, strict=True))
    times = [f"{median(v):.2f} s [{min(v):.2f} to {max(v):.2f}], mean {sum(v) / count:.2f}" for v in versions]
    ratio = median(first / last for first, *_, last in pairs) if len(trees) > 1 else float("nan")
    asked = f"{ASKED[benchmark]} s" if benchmark in ASKED else ""
    return [benchmark, str(count), *times, *([f"{ratio:.2f}"] if len(trees) > 1 else []), asked]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", help="a commit to hold against the working tree")
    parser.add_argument("--benchmark", nargs="+", default=["nasbench101", "nasbench201"])
    parser.add_argument("--cells", type=int, default=5, help="random ones; default: 5")
    parser.add_argument("--out", type=Path, help="write the table here too")
    parser.add_argument("--only", nargs=2, metavar=("BENCHMARK", "NUMBER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(cell(args.only[0], int(args.only[1]))))
        return
    head = ["benchmark", "cells", "seconds of a core, a cell", "asked"]
    if args.before is None:
        table = [row(name, [HERE], args.cells) for name in args.benchmark]
    else:
        head[2:3] = [f"{args.before}, a cell", "working tree", "ratio"]
        with checkout(args.before) as tree:
            table = [row(name, [tree, HERE], args.cells) for name in args.benchmark]
    text = f"Load average at the end {os.getloadavg()[0]:.1f}.\n\n{markdown(head, table)}"
    show(text, args.out)


if __name__ == "__main__":
    main()
