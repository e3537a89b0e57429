"""Choose the settings of `rl`: a grid on CIFAR-10's validation accuracy and the embedded benchmark, and nothing else.

Nobody published settings of REINFORCE for these searches. What is chosen here has the smallest median regret, in
multiples of that of random search at the same number of models, as the mean over both data sets, 50, 100 and 300
models, and the searches below. The same settings have to do for all of them, as in arXiv 2101.08134.

    python experiments/papers/settings_rl.py --data FOLDER [--home FOLDER] [--rounds 20]
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import data_options, markdown, prepare, say

from nassearch import Experiment

DATASETS = ("cifar10", "mnist1d")
AT = (50, 100, 300)
GUIDANCE: dict[str, dict[str, Any]] = {
    "none": {},
    "warm-up 1000": {"warmup": 1000},
    "warm-up 3000": {"warmup": 3000},
    "move 10": {"move": "synflow", "move_ratio": 10},
}
GRID: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.01, 0.02, 0.05, 0.1),
    "entropy_weight": (0.05, 0.1, 0.2),
    "baseline_decay": (0.9,),
}


def regrets(strategy: str, rounds: int, **values: Any) -> np.ndarray:
    """Return the median regret of validation accuracy by number of models, in the unit of the data set."""
    experiment = Experiment(strategy, scorer="synflow", rounds=rounds, show="valid", **values)
    median = experiment.run().curve().median()
    return experiment.oracle.best.valid - median[np.array(AT) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data_options(parser)
    parser.add_argument("--rounds", type=int, default=20)
    for name, values in GRID.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, nargs="+", default=values)
    parser.add_argument("--controller", default="softmax")
    arguments = parser.parse_args()
    prepare(arguments.data, arguments.home)
    random = {data: regrets("rand", 4 * arguments.rounds, dataset=data) for data in DATASETS}
    rows = []
    for chosen in itertools.product(*(getattr(arguments, name) for name in GRID)):
        settings = {**dict(zip(GRID, chosen, strict=True)), "controller": arguments.controller}
        ratios = [
            [
                regrets("rl", arguments.rounds, dataset=data, settings=settings, **guidance) / random[data]
                for data in DATASETS
            ]
            for guidance in GUIDANCE.values()
        ]  # [searches, data sets, AT]
        rows.append([*chosen, *np.mean(ratios, axis=(1, 2)).tolist(), float(np.mean(ratios))])
        say(" ".join(f"{value:.3g}" for value in rows[-1]))
    rows.sort(key=lambda row: row[-1])
    print(markdown([*(name.replace("_", " ") for name in GRID), *GUIDANCE, "all"], rows))


if __name__ == "__main__":
    main()
