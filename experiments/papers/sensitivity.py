"""What the gradient proxies owe to seed, initialisation and batch: tables 14-16 of arXiv 2101.08134.

    python experiments/papers/sensitivity.py --data FOLDER --out results --sample 200 --workers 2

Every row scores the same random architectures of NAS-Bench-201 on the same CIFAR-10 images, so that what differs
between two rows is the setting and not the sample; `difference` is that of the row's rho from its table's first row,
with the bootstrap interval over architectures. Scores are cached: a run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import data_options, prepare, say
from scipy.stats import rankdata

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.images import read_images
from nassearch.scorers import ProxyScorer, build_scorer, compute_scores

PROXIES = ("grad_norm", "snip", "grasp", "fisher", "jacob_cov")
SEEDS, SIZES = range(1, 6), (32, 64, 128, 256, 512)
INITS = [(init, bias) for bias in ("default", "zero") for init in ("default", "kaiming", "xavier")]
DRAWS = 1000

PAPER: dict[str, dict[str, tuple[float, ...]]] = {
    "seeds": {
        "1": (0.578, 0.581, 0.487, 0.361, 0.735),
        "2": (0.580, 0.583, 0.488, 0.354, 0.728),
        "3": (0.582, 0.584, 0.486, 0.358, 0.726),
        "4": (0.581, 0.584, 0.491, 0.356, 0.730),
        "5": (0.581, 0.583, 0.486, 0.356, 0.727),
    },
    "initialisations": {
        "default, default": (0.580, 0.583, 0.488, 0.357, 0.729),
        "kaiming, default": (0.548, 0.558, 0.364, 0.332, 0.723),
        "xavier, default": (0.543, 0.568, 0.424, 0.345, 0.729),
        "default, zero": (0.581, 0.583, 0.488, 0.509, 0.729),
        "kaiming, zero": (0.542, 0.551, 0.370, 0.479, 0.723),
        "xavier, zero": (0.540, 0.566, 0.412, 0.495, 0.730),
    },
    "batch sizes": {
        "32": (0.595, 0.596, 0.511, 0.362, 0.732),
        "64": (0.589, 0.590, 0.509, 0.361, 0.735),
        "128": (0.578, 0.581, 0.487, 0.361, 0.735),
        "256": (0.564, 0.569, 0.447, 0.361, 0.731),
        "512": (0.547, 0.552, 0.381, 0.361, 0.724),
    },
}
"""Rho of each of `PROXIES`, all 15,625 architectures; batch 128 where the batch is not what varies."""


def settings(batch_size: int) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the options of each row of each table."""
    return {
        "seeds": {str(seed): {"batch_size": batch_size, "seed": seed} for seed in SEEDS},
        "initialisations": {
            f"{init}, {bias}": {"batch_size": batch_size, "seed": 1, "init": init, "bias": bias}
            for init, bias in INITS
        },
        "batch sizes": {str(size): {"batch_size": size, "seed": 1} for size in SIZES},
    }


def rho(scores: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Return Spearman's rho of each row, `[D, N]` each to `[D]`."""
    a, b = (rankdata(values, axis=1) for values in (scores, accuracy))
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (a, b))
    return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    data_options(parser)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--sample", type=int, default=200, help="random architectures")
    parser.add_argument("--batch-size", type=int, default=64, help="where the batch is not what varies")
    parser.add_argument("--only", choices=PAPER, nargs="*", default=list(PAPER))
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    home = prepare(args.data, args.home)

    benchmark = NASBench201Benchmark.open("cifar10")
    space, task = benchmark.space, benchmark.dataset.task
    archs = space.sample_many(args.sample, np.random.default_rng(0))
    accuracy = np.array([benchmark.expected(arch).test for arch in archs])
    batch = read_images(args.data / "images" / "cifar10.npz", benchmark.dataset, max(SIZES))
    rows = {table: settings(args.batch_size)[table] for table in args.only}
    scorers: dict[tuple[str, str, str], ProxyScorer] = {}
    for table, by_row in rows.items():
        for row, options in by_row.items():
            for name in PROXIES:
                text = ", ".join(f"{key}={value}" for key, value in options.items())
                scorers[table, row, name] = build_scorer(
                    f"{name}({text})", space, task, batch, cache=home / "scores.sqlite"
                )
    compute_scores(
        list(scorers.values()), archs, workers=args.workers, progress=lambda d, n: say(f"{d} of {n}")
    )
    figures = {
        table: {row: {name: scorers[table, row, name](archs) for name in PROXIES} for row in by_row}
        for table, by_row in rows.items()
    }
    picks = np.random.default_rng(0).integers(len(archs), size=(DRAWS, len(archs)))
    report: dict[str, Any] = {"architectures": len(archs), "batch_size": args.batch_size}
    text = f"{len(archs)} random architectures of NAS-Bench-201, CIFAR-10 test accuracy. Each cell: ours / the paper's\n"
    for table, by_row in figures.items():
        report[table], first = {}, next(iter(by_row.values()))
        text += f"\n**{table}**\n\n| row | " + " | ".join(PROXIES) + " |\n" + "|---" * 6 + "|\n"
        for row, scores in by_row.items():
            cells = []
            for name, theirs in zip(PROXIES, PAPER[table][row], strict=True):
                both = ~(np.isnan(scores[name]) | np.isnan(first[name]))
                drawn = [p[both[p]] for p in picks]
                value = float(rho(scores[name][None, both], accuracy[None, both])[0])
                change = [
                    float(
                        (
                            rho(scores[name][None, p], accuracy[None, p])
                            - rho(first[name][None, p], accuracy[None, p])
                        )[0]
                    )
                    for p in drawn
                ]
                low, high = np.quantile(change, [0.025, 0.975])
                report[table].setdefault(row, {})[name] = {
                    "rho": value,
                    "paper": theirs,
                    "difference": [float(np.mean(change)), float(low), float(high)],
                }
                cells.append(f"{value:.3f} ({low:+.3f} to {high:+.3f}) / {theirs:.3f}")
            text += f"| {row} | " + " | ".join(cells) + " |\n"
    text += "\nIn brackets: 95 % bootstrap interval of the difference from the table's first row.\n"
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "sensitivity.json").write_text(json.dumps(report, indent=1) + "\n")
    (args.out / "sensitivity.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
