"""Epsilon on NAS-Bench-201: one compiled channel against every channel in torch, and against one channel in numpy.

    python experiments/speed/epsilon.py --data FOLDER [--repeats 3] [--quick]
    python experiments/speed/epsilon.py --data FOLDER --check

Batch of 256 CIFAR-10 images, weights 1e-7 and 1. Every repeat takes other architectures, the same for both sides. The full
width is one torch network after the other, under one weight after the other, on as many threads as there are cores; ours
is as many processes of one thread. Starting them, and compiling, is left out: a service that scores is warm. The whole
space are the 4,930 architectures of different keys. `--check` compares all of their scores with those of the reference in
numpy instead of timing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import plain
from _measure import Row, Work, alternate, freshly, prepares, run_part

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.proxies.epsilon import epsilon
from nassearch.scorers import ProxyScorer
from nassearch.scorers.open import open_batch
from nassearch.types import Arch

BATCH, CORES = 256, 2
SPACE, TASK = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task


def unique() -> list[Arch]:
    """Return one architecture of each key, in random order."""
    archs = list({SPACE.key(arch): arch for arch in SPACE.all()}.values())
    return [archs[k] for k in np.random.default_rng(0).permutation(len(archs))]


@prepares
def score(path: str, first: int, count: int, workers: int, out: str = "") -> Work:
    """Return what scores `count` architectures from `first` on, and saves the scores where `out` is given."""
    batch = open_batch(None, NASBench201Benchmark, "cifar10", "epsilon")
    archs = unique()

    def scores(some: list[Arch]) -> np.ndarray:
        return ProxyScorer(epsilon, SPACE, TASK, batch, {"path": path}, workers=workers)(some)

    def work() -> None:
        found = scores(archs[first : first + count])
        if out:
            np.save(out, found)

    scores(archs[-64 if workers == 1 else -640 :])  # starts the workers, and compiles, in each
    return work


@prepares
def full_width(first: int, count: int, threads: int) -> Work:
    """Return what scores the same architectures in plain torch."""
    batch = open_batch(None, NASBench201Benchmark, "cifar10", "epsilon")
    networks = [SPACE.network(arch, TASK) for arch in unique()[first : first + count]]
    return lambda: [plain.epsilon(network, batch.inputs, (1e-7, 1.0), threads) for network in networks]


def rows(args: argparse.Namespace) -> list[Row]:
    few, whole = (8, 64) if args.quick else (32, len(unique()))
    pairs, naive = [], []
    for repeat in range(args.repeats):
        place = (repeat * few, few)
        pairs += zip(*alternate(
            freshly("epsilon:score", "compiled", *place, CORES),
            freshly("epsilon:full_width", *place, CORES, threads=CORES), repeats=1), strict=True)  # fmt: skip
        naive += zip(*alternate(
            freshly("epsilon:score", "compiled", *place, 1),
            freshly("epsilon:score", "collapsed", *place, 1), repeats=1), strict=True)  # fmt: skip
    everything = alternate(freshly("epsilon:score", "compiled", 0, whole, CORES), repeats=1)[0]
    what = f"epsilon, batch {BATCH}, both weights"
    return [
        Row(f"{what}: {CORES} workers, against full width on {CORES} threads", *map(list, zip(*pairs, strict=True)),
            each=few, plain_each=few, unit="an architecture", target=3.1 / 500),
        Row(f"{what}: 1 worker, against one channel in numpy", *map(list, zip(*naive, strict=True)),
            each=few, plain_each=few, unit="an architecture"),
        Row(f"{what}: {whole} architectures, {CORES} workers", everything, unit="all of them",
            target=None if args.quick else 40.0),
    ]  # fmt: skip


def check(args: argparse.Namespace) -> None:
    """Print how the scores of the kernel differ from those of the reference."""
    from _common import prepare

    prepare(args.data, args.home)
    count = 64 if args.quick else len(unique())
    with tempfile.TemporaryDirectory() as folder:
        for path in ("compiled", "collapsed"):
            freshly("epsilon:score", path, 0, count, CORES, f"{folder}/{path}.npy")()
        found, expected = (np.load(f"{folder}/{path}.npy") for path in ("compiled", "collapsed"))
    print(compared(found, expected))


def compared(found: np.ndarray, expected: np.ndarray) -> str:
    """Return in words how scores differ from the reference's."""
    same = np.isnan(found) == np.isnan(expected)
    away, size = np.abs(found - expected), np.abs(expected)
    text = f"{len(found)} architectures: NaN pattern equal on {same.sum()}, {np.isnan(expected).sum()} not scorable; "
    text += f"largest absolute difference {np.nanmax(away):.1e}"
    for least in (0.0, 1e-5, 1e-3):
        within = size > least
        text += f"; relative, of scores above {least:g} ({within.sum()}): {np.nanmax(away[within] / size[within]):.1e}"
    return text


if __name__ == "__main__":
    if "--check" in sys.argv:
        parser = argparse.ArgumentParser()
        for name in ("--data", "--home"):
            parser.add_argument(name, type=Path)
        for name in ("--quick", "--check"):
            parser.add_argument(name, action="store_true")
        check(parser.parse_args())
    else:
        run_part(__doc__, rows, repeats=3)
