"""Guided searches over rounds on tables, beside the same searches as plain loops.

    python experiments/speed/search.py --data FOLDER

Both have the table and the scores in memory before the clock starts: the plain ones as dictionaries. Same sizes, same
rules (`plain.ae`, `plain.rand`), other random numbers. Ours also keeps the rounds as arrays, with revisits.
"""

from __future__ import annotations

import argparse
from functools import partial

import plain
from _measure import Row, Work, alternate, freshly, prepares, run_part

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.registry import load
from nassearch.scorers import build_scorer
from nassearch.search.runner import run_rounds

SEED = 0


@prepares
def ours(strategy: str, rounds: int, budget: int, warmup: int) -> Work:
    """Run the rounds of a search on one worker."""
    oracle, scorer, _ = _open()
    make = partial(load("strategies", strategy), oracle.space)
    return lambda: list(run_rounds(oracle, make, budget, SEED, range(rounds), (scorer, warmup)))


@prepares
def loops(strategy: str, rounds: int, budget: int, warmup: int) -> Work:
    """Run the rounds of a search as plain loops, one round after the other."""
    oracle, scorer, archs = _open()
    scores = dict(zip(archs, scorer(archs).tolist(), strict=True))
    table = {arch: oracle._remember(arch) for arch in archs}
    search = getattr(plain, strategy)
    return lambda: [search(table, scores, warmup, budget, seed) for seed in range(rounds)]


def _open():  # type: ignore[no-untyped-def]
    name = "cifar100" if "cifar100" in NASBench201Benchmark.installed() else "mnist1d"
    oracle = NASBench201Benchmark.open(name)
    scorer = build_scorer("synflow", oracle.space, oracle.dataset.task)
    archs = list(oracle.space.all())
    scorer(archs)
    return oracle, scorer, archs


def rows(args: argparse.Namespace) -> list[Row]:
    """Time ae and rand at 100 rounds of 300 models."""
    rounds = 10 if args.quick else 100
    found = []
    for strategy, target in (("ae", 0.5), ("rand", None)):
        size = (strategy, rounds, 300, 3000)
        mine, plainly = alternate(
            freshly("search:ours", *size), freshly("search:loops", *size), repeats=args.repeats
        )
        what = f"{strategy}, warm-up 3000 on scores in memory, {rounds} rounds x 300 models"
        found.append(Row(what, mine, plainly, target=None if args.quick else target))
    return found


if __name__ == "__main__":
    run_part(__doc__, rows, repeats=7)
