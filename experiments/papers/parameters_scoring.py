"""Figures 2-5 of "Improving Zero-Shot Neural Architecture Search with Parameters Scoring" (2020).

    python experiments/papers/parameters_scoring.py --data FOLDER --home DIR --out results --sample 1000 --workers 2

Scores random architectures of NAS-Bench-201 by the twelve scores of the paper. Scores are kept in DIR: a run that is
stopped goes on where it was, and a larger --sample computes what is missing. The whole sample makes figures 2, 4 and
5; split into --runs equal parts it makes the left of figure 3, so that the paper's 5 runs of 1000 are --sample 5000.

The eigen-scores are written twice: scaled by the least and greatest value that the batch size allows (`analytic`, as
the proxies do), and by those found in the sample (`empirical`, as the paper did). Both follow from the same cached
values: scaling by (low, high) divides the differences behind sns, lns and mnjs by high - low.

The paper's figures 2-5 have no numbers; what its text states is printed beside ours. Labels are needed, so that
ImageNet16-120, whose images are not at hand, is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import data_options, markdown, prepare, say

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.networks.probe.similarity import eigen_range
from nassearch.registry import load
from nassearch.scorers import build_scorer, compute_scores
from nassearch.statistics.correlation import coverage
from nassearch.statistics.intervals import Resampling, judge
from nassearch.types import Batch

NAMES = ("js", "jsc", "sns", "snsc", "lns", "lnsc", "mnjs", "mnjsc", "pjs", "pjsc", "wpjs", "wpjsi")
EIGEN = ("js", "sns", "lns", "mnjs")
AMPLITUDES = (0.1, 10.0, 100.0)
K = 1e-5
PLACE = {"js": 30.8, "wpjs": 1.6, "wpjsi": 1.6}
"""Section 5: the best of 1000 architectures lies within the top so many percent of the scores, on every data set."""


def specs(batch_size: int, seed: int) -> dict[str, str]:
    """Return the scorers to compute, under a name each: without scaling where the sample's range is wanted."""
    at = f"batch_size={batch_size}, seed={seed}"
    plain = [name for name in NAMES if name not in EIGEN]
    raw = {f"change {a}": f"sns(amplitude={a}, range=(0, 1), k={K}, {at})" for a in AMPLITUDES}
    return {"raw": f"js(range=(0, 1), k={K}, {at})", **raw, **{name: f"{name}({at})" for name in plain}}


def scaled(columns: dict[str, np.ndarray], low: float, high: float) -> dict[str, np.ndarray]:
    """Return the twelve scores for a range of the eigen-score, from what `specs` computes."""
    clean = (columns["raw"] - low) / (high - low)
    steady = [1 - (1 - columns[f"change {a}"]) / (high - low) for a in AMPLITUDES]
    eigen = {"js": clean, "sns": steady[0], "lns": steady[1], "mnjs": clean * math.prod(steady)}
    return {name: eigen[name] if name in eigen else columns[name] for name in NAMES}


def best_found(scores: np.ndarray, accuracy: np.ndarray, runs: int) -> np.ndarray:
    """Return the accuracy of the highest-scored architecture of each run, `[runs]`."""
    parts = np.array_split(np.arange(len(scores)), runs)
    return np.array([accuracy[part][np.argmax(np.nan_to_num(scores[part], nan=-np.inf))] for part in parts])


def place_of_best(scores: np.ndarray, accuracy: np.ndarray) -> float:
    """Return the percentage of the scores that are as high as that of the most accurate architecture."""
    filled = np.nan_to_num(scores, nan=-np.inf)
    return 100 * float(np.mean(filled >= filled[np.argmax(accuracy)]))


def seconds_alone(networks: list[Any], batch: Batch, options: dict[str, int]) -> dict[str, float]:
    """Time each score alone, in processor seconds per architecture on one thread; building the network included."""
    found = {}
    for name in NAMES:
        proxy = load("proxies", name)
        proxy(networks[:1], batch, **options)
        start = time.process_time()
        proxy(networks, batch, **options)
        found[name] = (time.process_time() - start) / len(networks)
    return found


def study(name: str, args: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Score the sample on one data set and return everything the figures show."""
    benchmark = NASBench201Benchmark.open(name)
    space, task, batch = benchmark.space, benchmark.dataset.task, benchmark.batch()
    if batch is None or batch.labels is None:
        raise SystemExit(f"{name} has no batch with labels: give --data with images/{name}.npz")
    archs = space.sample_many(args.sample, np.random.default_rng(args.seed))
    rng = np.random.default_rng(0)  # not drawn from: the test accuracy is a mean over seeds
    accuracy = np.array([benchmark.query(arch, rng).test for arch in archs])
    scorers = {
        column: build_scorer(spec, space, task, batch, cache=home / "scores.sqlite")
        for column, spec in specs(args.batch_size, args.seed).items()
    }
    leaves = [leaf for scorer in scorers.values() for leaf in scorer.leaves]
    compute_scores(leaves, archs, workers=args.workers, progress=lambda d, n: say(f"{name}: {d} of {n}"))
    columns = {column: scorer(archs) for column, scorer in scorers.items()}
    raw = columns["raw"]
    ranges = {"analytic": eigen_range(args.batch_size, K), "empirical": (np.nanmin(raw), np.nanmax(raw))}
    how, rows = Resampling(draws=args.draws), {}
    for label, (low, high) in ranges.items():
        for score, values in scaled(columns, float(low), float(high)).items():
            if label == "empirical" and score not in EIGEN:
                continue
            estimates = judge(values, accuracy, how)
            found = best_found(values, accuracy, args.runs)
            rows[score if label == "analytic" else f"{score}, empirical"] = {
                "coverage": coverage(values),
                "best": [float(found.mean()), float(found.std())],
                "place": place_of_best(values, accuracy),
                **{figure: list(estimate) for figure, estimate in estimates.items()},
                "values": values.tolist(),
            }
    timed = [space.network(arch, task) for arch in archs[: args.timed]]
    options = {"batch_size": args.batch_size, "seed": args.seed}
    return {
        "architectures": len(archs),
        "ranges": {label: [float(end) for end in ends] for label, ends in ranges.items()},
        "highest": float(benchmark.best.test),
        "random": float(accuracy.mean()),
        "seconds": seconds_alone(timed, batch, options) if timed else {},
        "accuracy": accuracy.tolist(),
        "scores": rows,
    }


def report(name: str, study: dict[str, Any], args: argparse.Namespace) -> str:
    """Write the figures of one data set as Markdown."""

    def interval(estimate: list[float], digits: int = 3) -> str:
        value, low, high = (f"{number:.{digits}g}" for number in estimate)
        return f"{value} ({low} to {high})"

    head = [
        "score",
        "scored",
        "best of a run",
        "place of the best, %",
        "paper",
        "monotonicity",
        "above median",
    ]
    head += ["slope", "above median", "rho", "seconds"]
    rows = []
    for score, row in study["scores"].items():
        seconds = study["seconds"].get(score)
        rows.append(
            [
                score,
                f"{row['coverage']:.1%}",
                f"{row['best'][0]:.2f} ± {row['best'][1]:.2f}",
                f"{row['place']:.1f}",
                str(PLACE.get(score.split(",")[0], "")),
                *(interval(row[figure]) for figure in ("monotonicity", "monotonicity_above")),
                *(interval(row[figure], 2) for figure in ("slope", "slope_above", "rho")),
                "" if seconds is None else f"{seconds:.2f}",
            ]
        )
    size = len(study["accuracy"])
    return (
        f"\n**{name}**: {size} random architectures, batch {args.batch_size}, seed {args.seed}; best of a run over "
        f"{args.runs} runs of {size // args.runs}: the highest-scored one's test accuracy, mean ± standard deviation "
        f"(highest there is {study['highest']:.2f}, random {study['random']:.2f}); slope of log(1 - score) per percent; "
        f"95 % bootstrap intervals; processor seconds per architecture, each score alone\n\n"
        + markdown(head, rows)
    )


def draw(studies: dict[str, dict[str, Any]], out: Path) -> None:
    """Draw figure 2 for each data set, and figures 3-5 together."""
    os.environ.setdefault("MPLBACKEND", "agg")
    from matplotlib import pyplot as plt

    for name, study in studies.items():
        accuracy = np.array(study["accuracy"])
        figure, panels = plt.subplots(3, 4, figsize=(14, 9), sharex=True, layout="constrained")
        for score, axes in zip(NAMES, panels.flat, strict=True):
            values = np.array(study["scores"][score]["values"])
            with np.errstate(divide="ignore"):
                shown = np.log1p(-values)
            above = values > np.nanmedian(values)
            axes.scatter(accuracy[~above], shown[~above], s=6, color="#999999", label="the rest")
            axes.scatter(accuracy[above], shown[above], s=6, color="#0072B2", label="above the median score")
            axes.set_title(score)
        panels[0, 0].legend()
        figure.supxlabel(f"{name} test accuracy, %")
        figure.supylabel("log(1 - score)")
        figure.savefig(out / f"parameters-scoring-figure2-{name}.png", dpi=120, metadata={"Software": None})
        plt.close(figure)

    figure, panels = plt.subplots(4, 1, figsize=(12, 14), layout="constrained")
    labels = ("best accuracy of a run, %", "processor seconds", "monotonicity", "|slope|")
    bars = [(name, part) for name in studies for part in ("", "_above")]
    places, wide = np.arange(len(NAMES)), 0.8 / len(studies)
    lowest: list[float] = []
    for number, (name, study) in enumerate(studies.items()):
        best = np.array([study["scores"][score]["best"] for score in NAMES])
        at = places + (number - (len(studies) - 1) / 2) * wide
        panels[0].bar(at, best[:, 0], wide, yerr=best[:, 1], label=name)
        panels[0].axhline(study["highest"], color="#8B0000", linewidth=1)
        lowest.append((best[:, 0] - best[:, 1]).min())
        panels[1].bar(at, [study["seconds"].get(score, np.nan) for score in NAMES], wide, label=name)
    panels[0].set_ylim(bottom=max(0, min(lowest) - 2))
    for axes, kind in ((panels[2], "monotonicity"), (panels[3], "slope")):
        for number, (name, part) in enumerate(bars):
            rows = [studies[name]["scores"][score][kind + part][0] for score in NAMES]
            at = places + (number - (len(bars) - 1) / 2) * 0.8 / len(bars)
            label = f"{name}, {'above the median score' if part else 'all'}"
            axes.bar(at, np.abs(np.array(rows, dtype=float)), 0.8 / len(bars), label=label)
    for axes, label in zip(panels, labels, strict=True):
        axes.set_xticks(places, NAMES)
        axes.set_ylabel(label)
        axes.legend(fontsize="small")
    figure.savefig(out / "parameters-scoring-figures3-5.png", dpi=120, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    data_options(parser)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--datasets", nargs="+", choices=("cifar10", "cifar100"), default=["cifar10"])
    parser.add_argument("--sample", type=int, default=1000, help="random architectures on each data set")
    parser.add_argument("--runs", type=int, default=5, help="parts of the sample for the best of a run")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0, help="of the weights, the noise and the sample")
    parser.add_argument("--timed", type=int, default=3, help="architectures timed; 0 leaves the times out")
    parser.add_argument("--draws", type=int, default=1000, help="of the bootstrap")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    home = prepare(args.data, args.home)
    args.out.mkdir(parents=True, exist_ok=True)
    studies = {name: study(name, args, home) for name in args.datasets}
    (args.out / "parameters_scoring.json").write_text(json.dumps(studies, indent=1) + "\n")
    text = "".join(report(name, found, args) for name, found in studies.items())
    (args.out / "parameters_scoring.md").write_text(text)
    draw(studies, args.out)
    print(text)


if __name__ == "__main__":
    main()
