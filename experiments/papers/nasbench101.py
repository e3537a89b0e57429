"""NAS-Bench-101: how proxies rank its cells, and what guided searches need, beside the two papers.

    python experiments/papers/nasbench101.py --data FOLDER --home FOLDER --out results [--only proxies weights searches predictor]

FOLDER holds `nasbench101/nasbench101.npz` (test accuracies; there are no validation values, so searches see the test
value, as in the papers' curves) and `images/cifar10.npz`. Scores and rounds are kept in --home: stopped, it goes on.

proxies: tables 2 of arXiv 2302.04406 (the epsilon paper) and 2, 6, 7 and 9 to 13 of arXiv 2101.08134
("Zero-cost proxies"). synflow, params and flops of all 423,624 cells and of 1,000 neighbourhoods; epsilon and, on
fewer, the proxies with gradients on a random sample.
weights: table 7 of the epsilon paper, epsilon under every pair of weights.
searches: table 4 and figure 7 of "Zero-cost proxies", guided by synflow: models to 94.22 %; and what the noise of a
single training, which the table does not have, would do to random search, which does not look at it.
predictor: the same for bp, which learns from what it has trained: fewer models, and fewer rounds, as each takes a minute.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import data_options, markdown, prepare, say
from _papers import FIGURES, SHORT
from searches_nasbench201 import PAPER, run
from tables_nasbench201 import beside

from nassearch.benchmarks.nasbench101 import NASBench101Benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.proxies.epsilon import distance, outputs
from nassearch.reports.correlate import correlate, draw_distinct
from nassearch.reports.curve_data import collect
from nassearch.reports.curve_figure import draw_curves
from nassearch.search.curves import Curve
from nassearch.search.experiment import Outcome
from nassearch.statistics.intervals import Resampling, judge
from nassearch.types import Arch

PARTS = ("proxies", "weights", "searches", "predictor")
CHEAP = ("synflow", "params", "flops")
GRADIENT = ("grad_norm", "snip", "grasp", "fisher", "jacob_cov")
TABLE_2 = {  # of the epsilon paper: rho, rho top, tau, tau top, top 10 % / top 10 %, top 64 / top 5 %
    "synflow": (0.37, 0.14, 0.25, 0.10, 0.2267, 4),
    "grad_norm": (-0.20, -0.05, -0.14, -0.03, 0.0198, 0),
    "grasp": (0.45, -0.01, 0.31, -0.01, 0.2560, 0),
    "snip": (-0.16, 0.01, -0.11, 0.00, 0.0343, 0),
    "fisher": (-0.26, -0.07, -0.18, -0.05, 0.0265, 0),
    "jacob_cov": (0.38, -0.08, -0.05, 0.05, 0.0166, 0),
    "epsilon": (0.62, 0.12, 0.44, 0.08, 0.4033, 10),
}
LOCAL = {"synflow": (0.36, 0.123)}
"""Tables 12 and 13 of "Zero-cost proxies": rho within a neighbourhood, and how often the best scored is the most accurate."""
WEIGHTS = tuple(10.0**k for k in range(-4, 2))
TABLE_7: dict[
    tuple[int, int], tuple[float, ...]
] = {  # of the epsilon paper, by exponents: scored of 5000, then as in TABLE_2
    (-4, -3): (2120, 0.47, 0.41, 0.33, 0.28, 0.3821, 23),
    (-4, -2): (2120, 0.61, 0.03, 0.43, 0.02, 0.4198, 24),
    (-4, 0): (2120, 0.61, 0.03, 0.43, 0.02, 0.4198, 24),
    (-4, 1): (2120, 0.61, 0.03, 0.43, 0.02, 0.4198, 24),
    (-3, -2): (4968, 0.29, -0.05, 0.20, -0.03, 0.1730, 10),
    (-3, 1): (4968, 0.29, -0.05, 0.19, -0.03, 0.1730, 8),
    (-2, 1): (5000, 0.21, -0.12, 0.14, -0.08, 0.0460, 0),
    (-1, 1): (5000, -0.45, 0.00, -0.30, 0.00, 0.0020, 0),
    (0, 1): (5000, -0.44, 0.01, -0.29, 0.00, 0.0020, 0),
}
TARGETS = (93.5, 94.0, 94.22)
"""The last is the papers'."""
NOISE = (0.0, 0.1, 0.2, 0.3, 0.4)
"""Standard deviations, in percent, of one training around the mean of three that the table has."""
SEARCHES = (  # label, models to the target in table 4 of "Zero-cost proxies", settings
    ("RAND", None, {"strategy": "rand"}),
    ("RAND, warm-up 3000", 34, {"strategy": "rand", "warmup": 3000}),
    ("RAND, warm-up 15000", None, {"strategy": "rand", "warmup": 15000}),
    ("AE", None, {"strategy": "ae"}),
    ("AE, warm-up 3000", None, {"strategy": "ae", "warmup": 3000}),
    ("AE, warm-up 15000", 50, {"strategy": "ae", "warmup": 15000}),
    ("AE, move at the child", None, {"strategy": "ae", "move": "synflow"}),
    ("RL", None, {"strategy": "rl"}),
    ("RL, warm-up 3000", None, {"strategy": "rl", "warmup": 3000}),
    ("RL, warm-up 15000", None, {"strategy": "rl", "warmup": 15000}),
    ("RL, move 10", None, {"strategy": "rl", "move": "synflow", "move_ratio": 10}),
    ("RL, move 100", 51, {"strategy": "rl", "move": "synflow", "move_ratio": 100}),
)


PREDICTOR = (  # label, settings
    ("BP", {}),
    ("BP, warm-up 512 by synflow", {"warmup": 512, "scorer": "synflow"}),
    ("BP, warm-up 512 by params", {"warmup": 512, "scorer": "params"}),
)
PREDICTOR_BUDGET = 150


def install(data: Path) -> None:
    """Import the table and the images that are not there yet."""
    if not NASBench101Benchmark.installed():
        import_file(NASBench101Benchmark, data / "nasbench101" / "nasbench101.npz")
    if not NASBench101Benchmark.batch_path("cifar10").exists():
        NASBench101Benchmark.import_batch(data / "images" / "cifar10.npz", "cifar10")


def proxies(args: argparse.Namespace) -> str:
    """Judge proxies: counts and synflow on every cell, the others on samples."""
    rows, local = [], []
    for names, sample, around in (
        (CHEAP, args.cheap_sample, args.neighbourhoods),
        (("epsilon",), args.epsilon, 0),
        (GRADIENT, args.gradients, 0),
    ):
        if sample == 0:
            continue
        say(f"{', '.join(names)}: {sample or 'all'}")
        found = correlate(
            "nasbench101",
            names,
            dataset="cifar10",
            sample=sample,
            neighbourhoods=around,
            draws=args.draws,
            workers=args.workers,
            watch=lambda title: (
                lambda done, total: say(f"  {title} {done}/{total}") if done % 1000 < 300 else None
            ),
        )
        for report in found.reports:
            figures, paper = report.figures["dropped"], TABLE_2.get(report.proxy, (None,) * 6)
            cells = [beside(figures[name], value) for name, value in zip(FIGURES, paper, strict=True)]
            rows.append([report.proxy, str(len(found.archs)), f"{report.coverage.value:.1%}", *cells])
            last = report.figures["last"]["rho"]
            if report.coverage.value < 1:
                rows.append([f"{report.proxy}, NaN last", "", "", beside(last, None), *[""] * 5])
            if around:
                within, best = LOCAL.get(report.proxy, (None, None))
                local.append(
                    [report.proxy, beside(figures["local_rho"], within), beside(figures["best_child"], best)]
                )
                chance = figures["chance"].value
                size = found.cluster
    text = markdown(["proxy", "cells", "scored", *SHORT], rows)
    if local:
        text += f"\n{args.neighbourhoods} neighbourhoods of {size:.1f} cells on average (paper: 26), chance {chance:.3f}:\n\n"
        text += markdown(["proxy", "rho within", "best scored is the most accurate"], local)
    return (
        text
        + '\nours [95 % interval] (paper: table 2 of the epsilon paper, tables 12 and 13 of "Zero-cost proxies").\n'
    )


def weights(args: argparse.Namespace) -> str:
    """Score a sample by epsilon under every pair of weights; one forward pass per weight serves all its pairs."""
    benchmark = NASBench101Benchmark.open("cifar10")
    batch = benchmark.batch()
    assert batch is not None
    archs = draw_distinct(benchmark.space, args.ablation, 0)
    accuracies = np.array([benchmark.expected(arch).test for arch in archs])
    by_arch = []
    for number, arch in enumerate(archs, start=1):
        network = benchmark.space.network(arch, benchmark.dataset.task)
        by_arch.append(outputs([network], batch.inputs, WEIGHTS, "collapsed")[0])
        if number % 100 == 0:
            say(f"  weights {number}/{len(archs)}")
    rows = []
    for (low, high), (scored, *papers) in TABLE_7.items():
        scores = np.array([distance(each[[low + 4, high + 4]]) for each in by_arch])
        found = judge(scores, accuracies, Resampling(args.draws))
        cells = [beside(found[name], paper) for name, paper in zip(FIGURES, papers, strict=True)]
        rows.append([f"1e{low}, 1e{high}", f"{np.mean(~np.isnan(scores)):.1%} ({scored / 5000:.1%})", *cells])
    stated = f"\nours [95 % interval] (paper), {len(archs)} random cells (paper: 5,000).\n"
    return markdown(["weights", "scored", *SHORT], rows) + stated


def searches(args: argparse.Namespace) -> str:
    """Repeat every search; return medians and models to the targets, and draw figure 7."""
    rows, noisy, curves = [], [], {}
    for label, paper, values in SEARCHES:
        guide = {"scorer": "synflow"} if "warmup" in values else {}
        outcome = run(args, benchmark="nasbench101", budget=args.budget, **values, **guide)
        curve = outcome.curve(*PAPER)
        curves[label] = curve
        cells = [float(curve.median()[m - 1]) for m in (50, 100, args.budget)]
        rows.append([label, *cells, *map(curve.models_to, TARGETS), "-" if paper is None else paper])
        if values["strategy"] == "rand":
            noisy.append([label, *(median_to(outcome, deviation) for deviation in NOISE)])
    benchmark = NASBench101Benchmark.open("cifar10")
    best = benchmark.best.test
    above = int((benchmark.table.test >= TARGETS[-1]).sum())
    title = "NAS-Bench-101, guided by synflow"
    draw_curves(collect(curves, title=title, best=best), args.out / f"nasbench101.{args.format}")
    heads = [f"models to {target} %" for target in TARGETS]
    head = ["search", "at 50", "at 100", f"at {args.budget}", *heads, "paper"]
    return (
        f"best test so far (no validation values), median of {args.rounds} rounds; highest there is: {best:.2f}; "
        f"{above} of {benchmark.space.size} cells reach {TARGETS[-1]}.\n\n"
        + markdown(head, rows)
        + f"\nModels to {TARGETS[-1]} % had each value the noise of one training, by its standard deviation in percent:\n\n"
        + markdown(["search", *map(str, NOISE)], noisy)
    )


def predictor(args: argparse.Namespace) -> str:
    """Repeat bp; return medians and models to the targets."""
    rows, at = [], (50, 100, PREDICTOR_BUDGET)
    few = argparse.Namespace(**{**vars(args), "rounds": args.predictor_rounds})
    for label, values in PREDICTOR:
        curve = run(few, strategy="bp", benchmark="nasbench101", budget=PREDICTOR_BUDGET, **values).curve(
            *PAPER
        )
        medians, mean = curve.median(), curve.values.mean(axis=0)
        rows.append(
            [label, *(float(medians[m - 1]) for m in at), *map(curve.models_to, TARGETS), float(mean[-1])]
        )
    head = [
        "search",
        *(f"at {m}" for m in at),
        *(f"models to {target} %" for target in TARGETS),
        "mean at the end",
    ]
    return (
        f"best test so far (no validation values), median of {args.predictor_rounds} rounds.\n\n"
        + markdown(head, rows)
    )


def median_to(outcome: Outcome, deviation: float) -> int | None:
    """Return models to the papers' target with normal noise on every value, the same for a cell that comes again."""
    rng, values = np.random.default_rng(0), []
    for finished in outcome.rounds:
        noise: dict[Arch, float] = {}
        pairs = zip(finished.archs, finished.test, strict=True)
        values.append([test + noise.setdefault(arch, rng.normal(0, deviation)) for arch, test in pairs])
    best = np.maximum.accumulate(np.array(values), axis=1)
    return Curve(best, np.zeros_like(best), *PAPER).models_to(TARGETS[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--cheap-sample", type=int, help="cells for synflow and counts; default: all")
    parser.add_argument("--neighbourhoods", type=int, default=1000)
    parser.add_argument("--epsilon", type=int, default=5000, help="cells")
    parser.add_argument(
        "--gradients", type=int, default=0, help="cells for proxies with gradients; 0 for none"
    )
    parser.add_argument("--ablation", type=int, default=1000, help="cells for the table of weights")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=32)
    parser.add_argument("--predictor-rounds", type=int, default=16)
    parser.add_argument("--budget", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--format", default="png", choices=["png", "svg", "pdf"])
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and the picture")
    args = parser.parse_args()
    prepare(None, args.home)
    if args.data is not None:
        install(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    for part in args.only:
        text = {"proxies": proxies, "weights": weights, "searches": searches, "predictor": predictor}[part](
            args
        )
        (args.out / f"nasbench101-{part}.md").write_text(text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
