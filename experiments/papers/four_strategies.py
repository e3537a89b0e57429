"""Four strategies, with and without guidance: table 3 and figure 4 of arXiv 2101.08134, and the same elsewhere.

    python experiments/papers/four_strategies.py --data FOLDER --out results [--home FOLDER] [--datasets cifar100 mnist1d]

For each data set and scorer: every strategy alone, with warm-ups of three sizes and with its move; the median value at
50 models and the models to a target, by the running maximum of test accuracy (the papers' curve) and by the test
accuracy of the best by validation (what a search would hand over). Written as OUT/strategies-DATASET-SCORER.md with a
picture beside it. Nothing is tuned per data set or scorer. Run again with the same --home, finished rounds are kept.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import DATASETS, GREY, data_options, markdown, prepare
from searches_nasbench201 import HONEST, PAPER, run

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.reports.curve_data import collect
from nassearch.reports.curve_figure import draw_curves
from nassearch.search.curves import Curve

TARGETS = {"cifar10": 94.0, "cifar100": 73.0, "ImageNet16-120": 46.5, "mnist1d": 94.0}
CHILD = {"move": "", "move_at": "child"}
WEAK = {"entropy_weight": 0.02}
SEARCHES: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "rand": (
        ("RAND", {}),
        ("RAND, warm-up 1000", {"warmup": 1000}),
        ("RAND, warm-up 3000", {"warmup": 3000}),
        ("RAND, warm-up 15000", {"warmup": 15000}),
        ("RAND, move: best of 10", {"move": "", "move_ratio": 10}),
        ("RAND, move: best of 100", {"move": "", "move_ratio": 100}),
    ),
    "rl": (
        ("RL", {}),
        ("RL, warm-up 1000", {"warmup": 1000}),
        ("RL, warm-up 3000", {"warmup": 3000}),
        ("RL, warm-up 15000", {"warmup": 15000}),
        ("RL, move 10", {"move": "", "move_ratio": 10}),
        ("RL, move 100", {"move": "", "move_ratio": 100}),
        ("RL, entropy 0.02", {"settings": WEAK}),
        ("RL, entropy 0.02, warm-up 3000", {"settings": WEAK, "warmup": 3000}),
        ("RL, entropy 0.02, warm-up 15000", {"settings": WEAK, "warmup": 15000}),
    ),
    "ae": (
        ("AE", {}),
        ("AE, warm-up 1000", {"warmup": 1000}),
        ("AE, warm-up 3000", {"warmup": 3000}),
        ("AE, warm-up 15000", {"warmup": 15000}),
        ("AE, move at the child", CHILD),
        ("AE, warm-up 3000, move at the child", {"warmup": 3000, **CHILD}),
    ),
    "bp": (
        ("BP", {}),
        ("BP, warm-up 256", {"warmup": 256}),
        ("BP, warm-up 512", {"warmup": 512}),
    ),
}
PUBLISHED = {  # table 3: CIFAR-100, synflow, median of 32 rounds
    "RAND": "71.02 / 1000+",
    "RAND, warm-up 1000": "72.79 / 1000+",
    "RAND, warm-up 3000": "73.00 / 49",
    "RAND, warm-up 15000": "73.09 / 14",
    "RL": "71.00 / 722",
    "RL, warm-up 1000": "72.55 / 134",
    "RL, warm-up 3000": "72.88 / 64",
    "RL, warm-up 15000": "72.52 / 137",
    "RL, move 10": "71.39 / 309",
    "RL, move 100": "72.72 / 141",
    "AE": "71.05 / 171",
    "AE, warm-up 1000": "72.63 / 93",
    "AE, warm-up 3000": "72.89 / 68",
    "AE, warm-up 15000": "73.12 / 33",
    "AE, move at the child": "71.10 / 76",
    "BP": "72.72 / 65",
    "BP, warm-up 256": "73.02 / 48",
    "BP, warm-up 512": "73.19 / 44",
}
DRAWN = (
    "RAND",
    "RL",
    "AE",
    "BP",
    "RAND, warm-up 3000",
    "RL, warm-up 3000",
    "AE, warm-up 3000",
    "BP, warm-up 512",
)
LONGEST = {
    "RAND, warm-up 15000",
    "RL, warm-up 15000",
    "AE, warm-up 15000",
    "RAND, move: best of 100",
    "RL, move 100",
    "RL, entropy 0.02",
    "RL, entropy 0.02, warm-up 3000",
    "RL, entropy 0.02, warm-up 15000",
}
"""Searches that take minutes; on other data sets than the paper's they are left out unless --all is given."""
BUDGET = 300
LONG = {"rand": 1000, "rl": 1000, "ae": 1000}
"""Models of the searches without guidance, which need more to reach the target."""


def table(args: argparse.Namespace, dataset: str, scorer: str) -> str:
    """Run every search on one data set by one scorer; write its table and its picture."""
    target, rows, curves = TARGETS[dataset], [], {}
    grey = dataset == GREY and scorer == "epsilon"
    for strategy in args.strategies:
        for label, values in SEARCHES[strategy]:
            if label in LONGEST and dataset != "cifar100" and not args.all:
                continue
            # Unguided, a search is the same whatever the scorer, and is run once for all of them.
            guide = {"scorer": scorer} if "warmup" in values else {}
            guide |= {"move": scorer} if "move" in values else {}
            outcome = run(
                args,
                **{**values, **guide},
                strategy=strategy,
                dataset=dataset,
                budget=BUDGET if values else LONG.get(strategy, BUDGET),
                batch="grey" if grey and values else None,
            )
            row: list[object] = [label]
            if (dataset, scorer) == ("cifar100", "synflow"):
                row.append(PUBLISHED.get(label, "-"))
            for show, choose in (PAPER, HONEST):
                curve = outcome.curve(show, choose)
                row += [*(float(curve.median()[n - 1]) for n in (50, BUDGET)), curve.models_to(target)]
            rows.append(row)
            if label in DRAWN:
                whole = outcome.curve(*PAPER)
                parts = (values[:, :BUDGET] for values in (whole.values, whole.seconds))
                curves[label] = Curve(*parts, *PAPER)
    best = NASBench201Benchmark.open(dataset).best.test
    name = f"strategies-{dataset}-{scorer}"
    draw_curves(collect(curves, title=f"{dataset}, {scorer}", best=best), args.out / f"{name}.{args.format}")
    paper = ["paper: at 50 / to 73 %"] if (dataset, scorer) == ("cifar100", "synflow") else []
    kinds = ("best test so far", "test of the best by validation")
    head = ["search", *paper, *(f"{k}, {what}" for k in kinds for what in ("50", "300", f"to {target:g} %"))]
    inputs = ", scores of grey inputs" if grey else ""
    text = (
        f"{dataset}, guided by {scorer}{inputs}; median of {args.rounds} rounds of {BUDGET} models "
        f"(RAND, RL and AE without guidance: 1000); highest test accuracy there is: {best:.2f}.\n\n"
        + markdown(head, rows)
    )
    (args.out / f"{name}.md").write_text(text)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for tables and pictures")
    parser.add_argument("--datasets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--scorers", nargs="+", default=["synflow", "epsilon"])
    parser.add_argument("--strategies", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument("--all", action="store_true", help="the longest searches on every data set")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--format", choices=("png", "svg", "pdf"), default="png")
    args = parser.parse_args()
    if args.data is None and set(args.datasets) & set(DATASETS):
        parser.error("--data is missing: the accuracies of NAS-Bench-201 are not part of this project")
    prepare(args.data, args.home)
    args.out.mkdir(parents=True, exist_ok=True)
    for dataset in args.datasets:
        for scorer in args.scorers:
            print(table(args, dataset, scorer), flush=True)


if __name__ == "__main__":
    main()
