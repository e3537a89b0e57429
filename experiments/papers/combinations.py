"""Look for the best training-free combination that scores every architecture of NAS-Bench-201.

    python experiments/papers/combinations.py --data FOLDER --out results/combinations [--home FOLDER] [--sample 400] [--final]

The candidates, fixed below, are compared on CIFAR-10 and CIFAR-100 alone: the best is the one with full coverage whose
mean rho over the two is highest on the first half of a random sample; the second half confirms it. With --final it is
reported, once, on ImageNet16-120, of which there are no images: epsilon looks at solid greys in their place there, the
other parts of the candidates at no data anywhere. With --paper N the first N also go through the vote of arXiv 2101.08134
and ranks with naswot, which look at images, on CIFAR-10. Writes OUT.md and OUT.json. Run again with the same --home, what is
scored already is not scored again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import GREY, data_options, prepare, say
from scipy.stats import kendalltau, rankdata

from nassearch.benchmarks.batches import synthetic_batch
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.scorers import build_scorer, compute_scores
from nassearch.scorers.combinations import pair_accuracy
from nassearch.statistics.correlation import bootstrap, coverage

SEARCHED = "cifar10", "cifar100"
EPSILON = "fallback(epsilon, logsynflow)"


def candidates(batch_size: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return single proxies and combinations, those of AZ-NAS on so many images (their default is 64)."""
    E, P, T = (
        f"{name}(batch_size={batch_size})" for name in ("expressivity", "progressivity", "trainability")
    )
    AZ = f"rank({E}, {P}, {T}, flops, log=true)"
    return ("params", "flops", "synflow", "logsynflow", "epsilon", E, P, T), (
        "fallback(epsilon, synflow)",
        "fallback(epsilon, synflow, place=last)",
        "rank(epsilon, synflow)",
        "rank(epsilon, logsynflow)",
        EPSILON,
        f"fallback(epsilon, {E})",
        AZ,
        f"rank({E}, {P}, {T}, flops)",
        f"fallback(epsilon, {AZ})",
        f"rank({E}, logsynflow)",
        f"rank({E}, logsynflow, log=true)",
        f"rank({E}, {EPSILON}, log=true)",
        f"rank({E}, logsynflow, {EPSILON}, log=true)",
        f"rank({E}, {P}, logsynflow, flops, log=true)",
        f"rank({E}, {P}, {T}, flops, logsynflow, log=true)",
        f"rank({AZ}, {EPSILON}, log=true)",
        f"rank({E}, logsynflow, {AZ}, log=true)",
        f"rank({E}, logsynflow, fallback(epsilon, {AZ}), log=true)",
        f"rank({E}, logsynflow, {AZ}, fallback(epsilon, {AZ}), log=true)",
        f"vote({E}, logsynflow, fallback(epsilon, {AZ}))",
    )


NASWOT = "naswot(batch_size=64)"
PAPER = (
    NASWOT,
    "jacob_cov",
    "snip",
    "vote",
    f"rank(logsynflow, {NASWOT})",
    f"rank(fallback(epsilon, rank(logsynflow, {NASWOT})), logsynflow, {NASWOT})",
)


def scores_of(specs: tuple[str, ...], dataset: str, archs: list[Any], home: Path, workers: int) -> list[Any]:
    """Return the scores of each text, from one set of passes."""
    oracle = NASBench201Benchmark.open(dataset)
    task = oracle.dataset.task
    batch = NASBench201Benchmark.find_batch(dataset) or synthetic_batch("grey", task)
    scorers = [build_scorer(spec, oracle.space, task, batch, cache=home / "scores.sqlite") for spec in specs]
    start = time.time()

    def told(done: int, total: int) -> None:
        if done % 200 < 4:
            say(f"{dataset}: {done} of {total} scores, {time.time() - start:.0f} s")

    compute_scores([leaf for s in scorers for leaf in s.leaves], archs, workers=workers, progress=told)
    return [scorer(archs) for scorer in scorers]


def seconds_of(specs: tuple[str, ...], archs: list[Any]) -> list[float]:
    """Return processor seconds per architecture of each text on its own, nothing known beforehand."""
    space, task = NASBench201Benchmark.make_space(), NASBench201Benchmark.datasets()["cifar10"].task
    batch = NASBench201Benchmark.find_batch("cifar10")
    found = []
    for spec in specs:
        # Other architectures first: imports, compiled kernels and shared programs are no cost of an architecture.
        compute_scores(build_scorer(spec, space, task, batch).leaves, archs[:1])
        costs = compute_scores(build_scorer(spec, space, task, batch).leaves, archs[1:])
        found.append(sum(cost.seconds for cost in costs) / (len(archs) - 1))
    return found


def accuracies(dataset: str, archs: list[Any]) -> np.ndarray:
    oracle = NASBench201Benchmark.open(dataset)
    return np.array([oracle.query(arch, np.random.default_rng(0)).test for arch in archs])


def rho(scores: np.ndarray, reached: np.ndarray) -> float:
    known = ~np.isnan(scores)
    return float(np.corrcoef(rankdata(scores[known]), rankdata(reached[known]))[0, 1])


def agreement(scores: np.ndarray, reached: np.ndarray) -> dict[str, Any]:
    """Return coverage, rho with a 95 % bootstrap interval, tau and pair accuracy, of those that have a score."""
    known = ~np.isnan(scores)
    scored, seen = scores[known], reached[known]

    def resampled(draws: np.ndarray) -> np.ndarray:
        a, b = rankdata(scored[draws], axis=1), rankdata(seen[draws], axis=1)
        a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
        return np.asarray((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1)))

    interval = bootstrap(resampled, np.arange(len(scored)), rng=np.random.default_rng(0), draws=1000)
    return {
        "coverage": coverage(scores),
        "rho": rho(scores, reached),
        "interval": interval,
        "tau": float(kendalltau(scored, seen)[0]),
        "pairs": pair_accuracy(scored[None], seen),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="where to write, without suffix")
    parser.add_argument(
        "--sample", type=int, default=400, help="random architectures, half of them to choose by"
    )
    parser.add_argument(
        "--timed", type=int, default=8, help="architectures on which costs are measured; 0 for none"
    )
    parser.add_argument(
        "--batch-size", type=int, default=16, help="of AZ-NAS's parts; 64 costs three times as much"
    )
    parser.add_argument("--paper", type=int, default=0, help="architectures for what looks at images")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--final", action="store_true", help=f"report the best on {GREY}")
    args = parser.parse_args()
    home = prepare(args.data, args.home)
    space = NASBench201Benchmark.make_space()
    draws = space.sample_many(2 * args.sample, np.random.default_rng(0))
    archs = list(dict.fromkeys(draws))[: args.sample]
    half = len(archs) // 2

    single, combined = candidates(args.batch_size)
    specs = single + combined
    costs = seconds_of(specs, archs[: args.timed + 1]) if args.timed else [float("nan")] * len(specs)
    rows: dict[str, dict[str, Any]] = {s: {"seconds": cost} for s, cost in zip(specs, costs, strict=True)}
    for dataset in SEARCHED:
        reached = accuracies(dataset, archs)
        for spec, scores in zip(specs, scores_of(specs, dataset, archs, home, args.workers), strict=True):
            rows[spec][dataset] = {
                **agreement(scores, reached),
                "choosing": rho(scores[:half], reached[:half]),
                "confirming": rho(scores[half:], reached[half:]),
            }
    full = [spec for spec in combined if all(rows[spec][d]["coverage"] == 1 for d in SEARCHED)]
    best = max(full, key=lambda spec: sum(rows[spec][d]["choosing"] for d in SEARCHED))
    text = f"{len(archs)} random architectures; [95 % interval], rho on the choosing half / the confirming half.\n\n"
    text += table(rows, SEARCHED) + f"\nBest: `{best}`\n"
    if args.final:
        (scores,) = scores_of((best,), GREY, archs, home, args.workers)
        rows[best][GREY] = agreement(scores, accuracies(GREY, archs))
        text += "\n" + table({best: rows[best]}, (GREY,))
    if args.paper:
        text += "\n" + of_paper(archs[: args.paper], home, args.workers)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".json").write_text(json.dumps({"best": best, "rows": rows}, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(text)
    print(text)


def of_paper(archs: list[Any], home: Path, workers: int) -> str:
    """Return the table of what looks at images, and how often the majority behind `vote` is right, on CIFAR-10."""
    reached = accuracies("cifar10", archs)
    scores = dict(zip(PAPER, scores_of(PAPER, "cifar10", archs, home, workers), strict=True))
    rows = {
        spec: {"cifar10": agreement(column, reached), "seconds": float("nan")}
        for spec, column in scores.items()
    }
    (synflow,) = scores_of(("synflow",), "cifar10", archs, home, workers)
    right = pair_accuracy(np.array([synflow, scores["jacob_cov"], scores["snip"]]), reached)
    text = f"{len(archs)} of them on images.\n\n" + table(rows, ("cifar10",))
    return text + f"\nPairs that the majority behind `vote` ranks correctly: {right:.3f}; the paper: 0.82.\n"


def table(rows: dict[str, dict[str, Any]], datasets: tuple[str, ...]) -> str:
    lines = [
        "| scorer | coverage | " + " | ".join(f"{d}: rho | tau | pairs" for d in datasets) + " | seconds |"
    ]
    lines.append("|---" * (3 + 3 * len(datasets)) + "|")
    for spec, row in rows.items():
        cells = [f"`{spec}`", f"{row[datasets[0]]['coverage']:.3f}"]
        for found in (row[dataset] for dataset in datasets):
            low, high = found["interval"]
            halves = f" {found['choosing']:.3f} / {found['confirming']:.3f}" if "choosing" in found else ""
            cells += [f"{found['rho']:.3f} [{low:.3f}, {high:.3f}]{halves}", f"{found['tau']:.3f}"]
            cells.append(f"{found['pairs']:.3f}")
        lines.append("| " + " | ".join([*cells, f"{row['seconds']:.3f}"]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
