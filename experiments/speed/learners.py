"""The strategies that learn, 100 rounds each on scores in memory, as an experiment runs them on one worker.

python experiments/speed/learners.py --data FOLDER
"""

from __future__ import annotations

import argparse

from _measure import Row, Work, alternate, freshly, prepares, run_part

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.search.experiment import Experiment

SEARCHES = (("rl", 3000, 300, 60.0), ("bp", 0, 100, 900.0), ("bp", 512, 100, 900.0))
"""Strategy, warm-up by synflow, models in a round, and the seconds that 100 rounds may take."""


@prepares
def search(strategy: str, warmup: int, budget: int, rounds: int) -> Work:
    name = "cifar100" if "cifar100" in NASBench201Benchmark.installed() else "mnist1d"
    settings = {"dataset": name, "warmup": warmup, "scorer": "synflow", "budget": budget}
    Experiment("ae", rounds=1, **{**settings, "warmup": 15_625}).run()  # type: ignore[arg-type] # fills the cache
    return lambda: Experiment(strategy, rounds=rounds, **settings).run()  # type: ignore[arg-type]


def rows(args: argparse.Namespace) -> list[Row]:
    rounds, found = 2 if args.quick else 100, []
    for strategy, warmup, budget, target in SEARCHES:
        (samples,) = alternate(
            freshly("learners:search", strategy, warmup, budget, rounds),
            repeats=1 if args.quick else args.repeats,
        )
        what = f"{strategy}, warm-up {warmup}, {rounds} rounds x {budget} models"
        found.append(Row(what, samples, target=None if args.quick else target))
    return found


if __name__ == "__main__":
    run_part(__doc__, rows, repeats=1)
