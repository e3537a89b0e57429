"""Local search, BANANAS and NPENAS beside their own papers' figures, on NAS-Bench-201 and NAS-Bench-101.

    python experiments/papers/rivals.py --data FOLDER --home DIR --out results [--only ls bananas npenas]

A row has the mean and its standard error of the best test accuracy so far and of the test accuracy of the best by
validation, and the models to the best test accuracy there is. NAS-Bench-101's table has test accuracy alone, which is
then the fitness too, and both curves are one. Written as OUT/rivals.md. Run again with the same --home, finished rounds
are kept, and with more --rounds they are gone on with.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import DATASETS, data_options, markdown, prepare, say

from nassearch import Experiment, registry
from nassearch.benchmarks.nasbench101 import NASBench101Benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.spaces import NASBench201
from nassearch.strategies import LocalSearch
from nassearch.types import Arch

OWN_101 = "nasbench101-matrix"
"""Draws matrices, as the papers' own experiments do."""
FIRST = {"step": "first"}
RELEASED = {"step": "first", "starts": 10}


class ApartSpace(NASBench201):
    """Cells that compute the same count as different ones, as in the paper on local search."""

    def key(self, arch: Arch) -> str:
        return self.format(arch)


class ApartSearch(LocalSearch):
    """Local search that trains isomorphic cells one by one (White, Nolen and Savani, 2021)."""

    name = "ls-apart"

    def __init__(self, space: NASBench201, rng: np.random.Generator, **settings: Any) -> None:
        super().__init__(ApartSpace(), rng, **settings)


Row = tuple[str, str, dict[str, Any]]
"""What it is, what its paper says, and the experiment."""


def rows_of_ls() -> list[Row]:
    rows: list[Row] = []
    for dataset in DATASETS:
        own = "127 models to the optimum on average" if dataset == "cifar100" else "-"
        here = {"dataset": dataset, "budget": 500}
        rows += [
            ("all neighbours, isomorphic cells apart", own, {"strategy": ApartSearch, **here}),
            ("all neighbours (default)", "-", {"strategy": "ls", **here}),
            ("to the first better one", "-", {"strategy": "ls", "settings": FIRST, **here}),
            (
                "to the first better one, ordered by synflow",
                "-",
                {"strategy": "ls", "settings": FIRST, "move": "synflow", **here},
            ),
            (
                "the same, warm-up 1000 by synflow",
                "-",
                {
                    **{"strategy": "ls", "settings": FIRST, "move": "synflow", "scorer": "synflow"},
                    **{"warmup": 1000, **here},
                },
            ),
        ]
    at_150 = {"strategy": "ls", "benchmark": OWN_101, "budget": 150}
    return [
        *rows,
        ("all neighbours (default)", "-", at_150),
        ("first better one of 10 starts", "94.07 (error 5.932) at 150", {"settings": RELEASED, **at_150}),
    ]


def rows_of_learners(strategy: str, on_201: dict[str, str], budget_201: int, on_101: str) -> list[Row]:
    rows: list[Row] = [
        (
            "default",
            on_201.get(dataset, "-"),
            {"strategy": strategy, "dataset": dataset, "budget": budget_201},
        )
        for dataset in DATASETS
    ]
    return [*rows, ("default", on_101, {"strategy": strategy, "benchmark": OWN_101, "budget": 150})]


ROWS = {
    "ls": rows_of_ls(),
    "bananas": rows_of_learners("bananas", {}, 150, "94.08 (error 5.923) at 150"),
    "npenas": rows_of_learners(
        "npenas",
        {"cifar10": "94.31 at 100", "cifar100": "73.46 at 100", "ImageNet16-120": "46.48 at 100"},
        100,
        "94.14 (error 5.86) at 150",
    ),
}
LEARNERS = ("bananas", "npenas")
HEAD = [
    "search",
    "data",
    "rounds",
    "models",
    "best test so far",
    "test of best valid",
    "to the best",
    "paper",
]


def row(label: str, paper: str, values: dict[str, Any], args: argparse.Namespace) -> list[object]:
    """Run one search; return its row at the last of 100 and 150 models that it has, or at its budget."""
    rounds = args.slow_rounds if values["strategy"] in LEARNERS else args.rounds
    experiment = Experiment(rounds=rounds, **values)
    folder = Path(os.environ["NASSEARCH_DATA"]) / "rivals"
    folder.mkdir(parents=True, exist_ok=True)
    outcome = experiment.run(folder / experiment.file_name, workers=args.workers)
    say(f"{experiment.dataset_name}: {experiment.label}")
    models = min(150, experiment.budget)
    best = outcome.curve("test", "test").values
    honest = outcome.curve("test", "valid").values
    benchmark = values.get("benchmark", "nasbench201")
    top = registry.load("benchmarks", benchmark).open(experiment.dataset_name).best.test
    needed = [float(np.argmax(curve >= top)) + 1 if curve[-1] >= top else np.inf for curve in best]
    reached = [n for n in needed if n < np.inf]
    middle = float(np.median(needed))
    told = f"{len(reached)} of {rounds}; median {f'{middle:.0f}' if middle < np.inf else 'never'}"
    if len(reached) == rounds:
        told += f", mean {np.mean(needed):.0f} ± {np.std(needed, ddof=1) / np.sqrt(rounds):.0f}"
    name = experiment.dataset_name if benchmark == "nasbench201" else benchmark
    means = [
        f"{c[:, models - 1].mean():.2f} ± {c[:, models - 1].std(ddof=1) / np.sqrt(rounds):.2f}"
        for c in (best, honest)
    ]
    return [label, name, rounds, models, *means, told, paper]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--only", nargs="*", choices=[*ROWS], default=[*ROWS])
    parser.add_argument("--rounds", type=int, default=100, help="of local search")
    parser.add_argument("--slow-rounds", type=int, default=30, help="of the searches that train a predictor")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    prepare(args.data, args.home)
    if args.data is not None and not NASBench101Benchmark.table_path("cifar10").exists():
        import_file(NASBench101Benchmark, args.data / "nasbench101" / "nasbench101.npz")
    args.out.mkdir(parents=True, exist_ok=True)
    text = ""
    for name in args.only:
        text += f"## {name}\n\n{markdown(HEAD, [row(*each, args) for each in ROWS[name]])}\n"
        (args.out / "rivals.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
