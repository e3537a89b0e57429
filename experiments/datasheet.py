"""Write the datasheet of the embedded benchmark: what is in the table, how noisy it is, and what proxies say of it.

python experiments/datasheet.py --out benchmarks_data/README.md
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.scorers import build_scorer
from nassearch.search.experiment import Experiment
from nassearch.statistics.correlation import coverage, kendall, spearman, top_count, top_overlap

HEADER = """\
# The embedded benchmark: NAS-Bench-201's cells on MNIST-1D

`nassearch bench build` trained this table; `python experiments/datasheet.py --out benchmarks_data/README.md` wrote
this page from it.

| file | what it is |
|---|---|
| `nasbench201-mnist1d.npz` | validation accuracy, test accuracy and training seconds of every cell, up to isomorphism, for each training seed, with the recipe and the versions it was made with |
| `mnist1d-batch.npz` | the fixed batch for proxies that look at data: the first {batch} training signals with their labels |

**Data.** MNIST-1D (Greydanus and Kobak, 2020; package `mnist1d`, whose generator is used with its default settings):
ten digit templates, each padded, translated, sheared, scaled and blurred with noise into a signal of 40 numbers.
{train:,} training, {valid:,} validation and {test:,} test signals, generated apart; every digit is equally frequent.

**Networks.** A 3-wide stem of stride 2, one cell at {c0} channels, average pooling with a 1x1 convolution, one cell at
{c1} channels, then batch norm, ReLU, global pooling and a linear classifier. There is no residual block: with one,
every cell reaches nearly the same accuracy, because the block does the work.

**Training.** AdamW under a one-cycle learning rate: {training}. {seeds} seeds per architecture, which differ in initial
weights and in the order of the examples.

**Which architectures.** {rows:,} rows for 15,625 cells. Cells share a row where their sums agree term by term, with a sum that
a skip hands on as one term; of those with one row the one with the fewest parameters was trained. The rows are as many as NAS-Bench-201's
published classes and not the same, for 747 cells. `NASBench201.key` now also sees through sums that a skip hands on, and has 4,930
values: each row lies within one, and another build has a row for each. Rows also put together cells that use one convolution
twice through a skip with cells that have two convolutions there, which in training are not quite the same function.

**What a query answers.** `valid` and `seconds`: those of one seed, drawn by the search's generator, since a search sees one
training. `test`: the mean over seeds, which is what the architecture is worth. `seconds` are a unit's wall-clock time
shared equally among its architectures, on a busy 2-core machine: good for an axis, not for a comparison of architectures.

**Made again.** The kernel has since been changed to round its sums in one order however it is compiled, so a build gives
the same distribution as this table and not the same digits. `pytest -m slow tests/benchmarks/test_building.py` trains 20 architectures
anew, by the torch program and from other seeds, and compares them within the noise.
"""


def main() -> None:
    """Print the datasheet, or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="markdown file; default: standard output")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100, help="rounds of random search")
    args = parser.parse_args()
    text = "\n".join([about(), distribution(), random_search(args.rounds), proxies(args.workers)])
    if args.out:
        args.out.write_text(text)
    else:
        print(text)


def about() -> str:
    benchmark = NASBench201Benchmark.open("mnist1d")
    recipe: Any = benchmark.table.meta["recipe"]
    batch = benchmark.batch()
    assert batch is not None
    values = {
        "batch": len(batch.inputs),
        "c0": recipe["task"]["channels"][0],
        "c1": recipe["task"]["channels"][1],
        "training": ", ".join(
            f"{key.replace('_', ' ')} {value}" for key, value in recipe["training"].items()
        ),
        "seeds": benchmark.table.test.shape[0],
        "rows": benchmark.table.test.shape[1],
        **recipe["sizes"],
    }
    versions = json.dumps(benchmark.table.meta["versions"])
    return (
        HEADER.format(**values)
        + f"\nVersions: `{versions}`. Engine: {recipe['engine']}. Digest: `{benchmark.digest}`.\n"
    )


def distribution() -> str:
    table = NASBench201Benchmark.open("mnist1d").table
    test, mean = table.test, table.test.mean(axis=0)
    seeds, count = test.shape
    noise = np.sqrt(test.var(axis=0, ddof=1).mean())
    single = np.mean([spearman(a, b).value for a, b in combinations(test, 2)])
    halves, gaps = [], []
    for chosen in combinations(range(seeds), seeds // 2):
        first, second = test[list(chosen)].mean(axis=0), np.delete(test, chosen, axis=0).mean(axis=0)
        halves.append(spearman(first, second).value)
        gaps.append(second[_by_rank(first, 0, 0.01)].mean() - second[_by_rank(first, 0.01, 0.1)].mean())
    top_noise = np.sqrt(test[:, _by_rank(mean, 0, 0.01)].var(axis=0, ddof=1).mean())
    best = np.sort(mean)[::-1]
    rows = [
        (
            "test accuracy, mean over seeds: 5th, 25th, 50th, 75th, 95th percentile",
            _list(np.percentile(mean, [5, 25, 50, 75, 95])),
        ),
        (
            "span from the 5th to the 95th percentile, in points",
            f"{np.percentile(mean, 95) - np.percentile(mean, 5):.1f}",
        ),
        ("ceiling: the best, the 10th and the 65th (1 %) architecture", _list(best[[0, 9, count // 100]])),
        ("best validation accuracy of a single training", f"{table.valid.max():.2f}"),
        ("noise: standard deviation over seeds, pooled over architectures", f"{noise:.2f}"),
        ("noise of the mean over seeds", f"{noise / np.sqrt(seeds):.2f}"),
        (
            "noise within the top 1 %, and of its mean over seeds",
            f"{top_noise:.2f}, {top_noise / np.sqrt(seeds):.2f}",
        ),
        ("Spearman between two seeds", f"{single:.3f}"),
        (
            f"Spearman between the means of {seeds // 2} and of the other {seeds - seeds // 2} seeds, mean of all splits",
            f"{np.mean(halves):.3f}",
        ),
        (
            "top 1 % above the next 9 %, in points, chosen on one part of the seeds and measured on the other, mean of all splits",
            f"{np.mean(gaps):.2f}",
        ),
        (
            "Spearman of validation and test accuracy, means over seeds",
            f"{spearman(table.valid.mean(axis=0), mean).value:.3f}",
        ),
    ]
    lines = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join(["\n## Distribution and noise\n", "| | |", "|---|---|", *lines, ""])


def _by_rank(values: np.ndarray, start: float, stop: float) -> np.ndarray:
    order = np.argsort(-values, kind="stable")
    return order[int(start * len(order)) : int(stop * len(order))]


def _list(values: np.ndarray) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


def random_search(rounds: int) -> str:
    """Say how far random search gets, and in how many rounds it has met the best architecture."""
    experiment = Experiment("rand", rounds=rounds)
    curve = experiment.run().curve("test", "test")
    best = experiment.oracle.best.test
    met = float(np.mean(curve.values[:, -1] >= best))
    median = curve.median()
    return (
        f"\nRandom search ({rounds} rounds x 300 models, running maximum of test accuracy): median {median[49]:.2f} after 50 "
        f"models, {median[-1]:.2f} after 300; the best there is, {best:.2f}, was met in {met:.0%} of the rounds.\n"
    )


def proxies(workers: int) -> str:
    """Correlate every registered proxy with test accuracy."""
    benchmark = NASBench201Benchmark.open("mnist1d")
    space, task = benchmark.space, benchmark.dataset.task
    archs = list(
        dict(zip(benchmark.table.rows.tolist(), space.all(), strict=True)).values()
    )  # one of each row
    accuracy = np.array([benchmark.query(arch, np.random.default_rng(0)).test for arch in archs])
    lines = []
    for name in registry.names("proxies"):
        scores = build_scorer(name, space, task, benchmark.batch(), workers=workers)(archs)
        worst = np.nan_to_num(scores, nan=-np.inf)
        lines.append(
            f"| {name} | {coverage(scores):.1%} | {spearman(scores, accuracy).value:.3f} | "
            f"{kendall(scores, accuracy).value:.3f} | {spearman(worst, accuracy).value:.3f} | "
            f"{spearman(scores, accuracy, top=0.1).value:.3f} | {top_overlap(scores, accuracy):.0%} | "
            f"{top_count(scores, accuracy)} |"
        )
    header = [
        f"\n## Proxies, one architecture per row ({len(archs):,})\n",
        "| proxy | scored | rho | tau | rho, unscored last | rho in the top 10 % | top 10 % / top 10 % | top 64 / top 5 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*header, *lines, ""])


if __name__ == "__main__":
    main()
