"""Searches on NAS-Bench-201 beside the papers' figures.

    python experiments/papers/searches_nasbench201.py --data FOLDER --out results/searches [--home FOLDER] [--only table3 rea]

Parts: `table3`, the RAND and AE rows of table 3 of arXiv 2101.08134; `why`, what moves those numbers; `figure3`, figure
3 of arXiv 2302.04406; `rea`, aging evolution led by a proxy alone. Each writes OUT/PART.md, figure3 also a picture per
data set and strategy. Run again with the same --home, what is there already (scores, rounds) is not computed again.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import DATASETS, GREY, data_options, markdown, prepare, say

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.table import Table
from nassearch.reports.curve_data import collect
from nassearch.reports.curve_figure import draw_curves
from nassearch.scorers import build_scorer
from nassearch.search.experiment import Experiment, Outcome

PAPER = "test", "test"
HONEST = "test", "valid"
SYNFLOW: dict[str, Any] = {"dataset": "cifar100", "scorer": "synflow", "budget": 1000}
TABLE3 = (  # label, what the paper prints, the experiment
    ("RAND", "71.02 / 1000+", {"strategy": "rand"}),
    ("RAND+W1000", "72.79 / 1000+", {"strategy": "rand", "warmup": 1000}),
    ("RAND+W3000", "73.00 / 49", {"strategy": "rand", "warmup": 3000}),
    ("RAND+W15k", "73.09 / 14", {"strategy": "rand", "warmup": 15000}),
    ("AE", "71.05 / 171", {"strategy": "ae"}),
    ("AE+W1000", "72.63 / 93", {"strategy": "ae", "warmup": 1000}),
    ("AE+W3000", "72.89 / 68", {"strategy": "ae", "warmup": 3000}),
    ("AE+W15k", "73.12 / 33", {"strategy": "ae", "warmup": 15000}),
    ("AE+move at child", "71.10 / 76", {"strategy": "ae", "move": "synflow", "move_at": "child"}),
    ("AE+move at parent", "-", {"strategy": "ae", "move": "synflow", "move_at": "parent"}),
)
WHY = (*TABLE3, ("AE+move at child, explore 0", "-", {**TABLE3[8][2], "explore": 0.0}))
TARGETS = {"cifar10": 94.0, "cifar100": 73.0, "ImageNet16-120": 46.5}
MOVE = {"move": "", "move_at": "parent"}
FIGURE3 = {
    "rand": (
        ("RAND", {}),
        ("RAND+W3000, first 64", {"warmup": 3000, "settings": {"first": 64}}),
        ("RAND+W3000, whole ranking", {"warmup": 3000}),
    ),
    "ae": (
        ("AE", {}),
        ("AE+W3000", {"warmup": 3000}),
        ("AE+move at parent", MOVE),
        ("AE+W3000+move at parent", {"warmup": 3000, **MOVE}),
    ),
}
REA = {"population": 1000, "pool": 64, "tournament": 20, "fitness": "synflow"}
REA_PAPER = {
    dataset: {
        "highest score of each round": table5,
        "all models of all rounds": table5,
        "whole space, no search": f"{table3} (random search)",
    }
    for dataset, table3, table5 in (
        ("cifar10", "48.89 (18.76), 70.31 (9.64)", "96.18 (12.07), 75.31 (7.43)"),
        ("cifar100", "51.87 (21.21), 41.65 (9.72)", "98.29 (12.30), 46.65 (9.03)"),
        ("ImageNet16-120", "51.25 (17.83), 23.42 (5.40)", "95.64 (11.57), 24.46 (6.41)"),
    )
}


def run(args: argparse.Namespace, **values: Any) -> Outcome:
    """Run an experiment, going on with what an earlier call left in --home."""
    experiment = Experiment(rounds=args.rounds, **values)
    folder = Path(os.environ["NASSEARCH_DATA"]) / f"rounds-{args.rounds}"
    folder.mkdir(parents=True, exist_ok=True)
    outcome = experiment.run(folder / experiment.file_name, workers=args.workers)
    say(f"{experiment.dataset_name}: {experiment.label}, {experiment.budget} models")
    return outcome


def numbers(outcome: Outcome, at: tuple[int, ...], target: float) -> list[object]:
    """Return medians, models to target for both kinds of curve, then revisits."""
    row: list[object] = []
    for show, choose in (PAPER, HONEST):
        curve = outcome.curve(show, choose)
        row += [float(curve.median()[m - 1]) for m in at] + [curve.models_to(target)]
    return [*row, round(float(np.mean([r.revisits for r in outcome.rounds])), 1)]


def heads(at: tuple[int, ...], target: float) -> list[str]:
    kinds = ("best test", "test of best valid")
    return [f"{kind}, {what}" for kind in kinds for what in (*map(str, at), f"to {target:g} %")] + [
        "revisits"
    ]


def table3(args: argparse.Namespace, out: Path) -> str:
    at, rows = (50, 300, 1000), []
    for label, paper, values in TABLE3:
        rows.append([label, paper, *numbers(run(args, **SYNFLOW, **values), at, 73.0)])
    head = ["search", "paper: at 50 / to 73 %", *heads(at, 73.0)]
    return (
        f"CIFAR-100, expected synflow, budget 1000, median of {args.rounds} rounds (paper: 32), fitness is validation "
        "accuracy.\n\n" + markdown(head, rows)
    )


def why(args: argparse.Namespace, out: Path) -> str:
    """Run table 3 once more on a table whose validation column is the test column, and other variants."""
    at, rows = (50, 300), []
    home = os.environ["NASSEARCH_DATA"]
    for fitness in ("valid", "test"):
        if fitness == "test":
            os.environ["NASSEARCH_DATA"] = str(Path(home) / "fitness-test")
            if not NASBench201Benchmark.table_path("cifar100").exists():
                names = {"cifar100/valid": "cifar100/test/200", "cifar100/test": "cifar100/test/200"}
                source = args.data / "nasbench201" / "nasbench201.csv.gz"
                import_file(NASBench201Benchmark, source, names, only=["cifar100"])
        for label, _, values in WHY:
            outcome = run(args, **SYNFLOW, **values)
            each = outcome.curve(*PAPER).models_to_each(73.0)
            low, high = np.quantile(each, [0.25, 0.75], method="nearest").tolist()
            rows.append([label, fitness, *numbers(outcome, at, 73.0)[:3], f"{low:g} to {high:g}"])
    os.environ["NASSEARCH_DATA"] = home
    head = ["search", "fitness", *heads(at, 73.0)[:3], "to 73 %, quartiles of the rounds"]
    return (
        f"CIFAR-100, expected synflow, median of {args.rounds} rounds.\n\n"
        + markdown(head, rows)
        + "\n"
        + ties()
        + "\n"
        + noise(args)
    )


def ties() -> str:
    """Say what stands at the top of the ranking by expected synflow, and how much of it is equal."""
    oracle = NASBench201Benchmark.open("cifar100")
    space, rng = oracle.space, np.random.default_rng(0)
    archs = list(space.all())
    scores = build_scorer("synflow", space, oracle.dataset.task)(archs)
    groups: dict[float, list[int]] = {}
    for i, score in enumerate(scores.tolist()):
        groups.setdefault(score, []).append(i)
    rows, place = [], 1
    for score in sorted(groups, reverse=True)[:12]:
        tests = [oracle.query(archs[i], rng).test for i in groups[score]]
        keys = len({space.published_key(archs[i]) for i in groups[score]})
        reach = sum(test >= 73 for test in tests)
        rows.append([place, len(tests), keys, float(min(tests)), float(max(tests)), reach])
        place += len(tests)
    head = ["place", "equal scores", "not isomorphic", "lowest test", "highest test", "of them reach 73 %"]
    return (
        f"Expected synflow gives {len(groups)} different values to {space.size} architectures "
        f"({len({space.published_key(arch) for arch in archs})} up to isomorphism). Its ranking begins:\n\n"
        + markdown(head, rows)
    )


def noise(args: argparse.Namespace) -> str:
    """Say how far the medians of 32 and of 100 rounds move between repetitions of the whole experiment."""
    rows = []
    for label, paper, values in TABLE3:
        curve = (
            Experiment(rounds=1000, **{**SYNFLOW, "budget": 300, **values})
            .run(workers=args.workers)
            .curve(*PAPER)
        )
        row: list[object] = [label, paper]
        for size in (32, 100):
            parts = [curve.values[i : i + size] for i in range(0, 1000 - size + 1, size)]
            at_50 = [float(np.median(part[:, 49])) for part in parts]
            reached = [np.flatnonzero(np.median(part, axis=0) >= 73) for part in parts]
            needed = sorted(int(r[0]) + 1 if len(r) else np.inf for r in reached)
            row.append(f"{min(at_50):.2f} to {max(at_50):.2f}")
            row.append(f"{needed[0]:g} to {needed[-1]:g}, median {needed[len(needed) // 2]:g}")
        rows.append(row)
    head = ["search", "paper", "32 rounds, 50", "32 rounds, to 73 %", "100 rounds, 50", "100 rounds, to 73 %"]
    return (
        "How much of it is chance: 1000 rounds of 300 models (running maximum of test), taken as 31 experiments of 32 "
        "rounds and as 10 of 100; lowest to highest median. inf: not within 300 models.\n\n"
        + markdown(head, rows)
    )


def figure3(args: argparse.Namespace, out: Path) -> str:
    at, text = (50, 100, 300), []
    for dataset in args.datasets:
        rows, target = [], TARGETS[dataset]
        batch = "grey" if dataset == GREY and args.scorer == "epsilon" else None
        best = NASBench201Benchmark.open(dataset).best.test
        seen = args.scorer
        if args.scorer == "epsilon":
            seen += " on 256 solid greys of 16x16, no images" if batch else " on 256 training images"
        for strategy, searches in FIGURE3.items():
            curves = {}
            for label, values in searches:
                guide = {"scorer": args.scorer, **({"move": args.scorer} if "move" in values else {})}
                outcome = run(args, **{**values, **guide}, strategy=strategy, dataset=dataset, batch=batch)
                rows.append([label, *numbers(outcome, at, target)])
                curves[label] = outcome.curve(*PAPER)
            data = collect(curves, title=f"{dataset}, {seen}", best=best)
            draw_curves(data, out / f"figure3-{args.scorer}-{dataset}-{strategy}.{args.format}")
        text.append(
            f"{dataset}, {seen}, median of {args.rounds} rounds; the highest test accuracy there is: "
            f"{best:.2f}.\n\n" + markdown(["search", *heads(at, target)], rows)
        )
        (out / f"figure3-{args.scorer}-{dataset}.md").write_text(text[-1])
    return "\n".join(text)


def rea(args: argparse.Namespace, out: Path) -> str:
    """Take the highest score of each round, and beside it the mean over all that the rounds held."""
    rows = []
    folder = Path(os.environ["NASSEARCH_DATA"]) / "12-epochs"
    known, space = NASBench201Benchmark.datasets(), NASBench201Benchmark.make_space()
    if not all((folder / f"{name}.npz").exists() for name in DATASETS):
        source = args.data / "nasbench201" / "nasbench201.csv.gz"
        import_file(NASBench201Benchmark, source, epochs=12, folder=folder)
    for dataset in DATASETS:
        rounds = run(args, strategy="ae", dataset=dataset, budget=1000, settings=REA).rounds
        scorer = build_scorer("synflow", space, known[dataset].task)
        early = NASBench201Benchmark(space, known[dataset], Table.load(folder / f"{dataset}.npz", ""))
        tables, rng = (early, NASBench201Benchmark.open(dataset)), np.random.default_rng(0)
        groups = {
            "highest score of each round": [r.archs[int(np.argmax(scorer(r.archs)))] for r in rounds],
            "all models of all rounds": [arch for r in rounds for arch in r.archs],
            "whole space, no search": list(space.all()),
        }
        for label, archs in groups.items():
            scores = scorer(archs)
            row = [dataset, label, len(set(map(space.key, archs))), spread(np.log(scores[scores > 0]))]
            for table in tables:
                answers = [table.query(arch, rng) for arch in archs]
                row += [spread([a.valid for a in answers]), spread([a.test for a in answers])]
            rows.append([*row, REA_PAPER[dataset][label]])
    accuracies = ["valid 12", "test 12", "valid 200", "test 200"]
    head = ["data set", "over", "different", "ln score", *accuracies, "paper: ln score, accuracy"]
    return (
        "Aging evolution with synflow as the fitness, 1000 models of history, pool 64, tournament 20. Mean (standard "
        f"deviation) over {args.rounds} rounds, at 12 and at 200 epochs; the paper's accuracy is at 12 epochs.\n\n"
        + markdown(head, rows)
    )


def spread(values: Any) -> str:
    return f"{np.mean(values):.2f} ({np.std(values):.2f})"


PARTS = {"table3": table3, "why": why, "rea": rea, "figure3": figure3}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and pictures")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS), help="of figure3")
    parser.add_argument("--scorer", default="epsilon", help="of figure3")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--format", choices=("png", "svg", "pdf"), default="png")
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data is missing: the accuracies are not part of this project")
    prepare(args.data, args.home)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        text = PARTS[name](args, args.out)
        (args.out / f"{name}.md").write_text(text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
