"""Short trainings of NAS-Bench-201 on real images against the table's 200 epochs, beside proxies at equal seconds.

    python experiments/papers/short_trainings.py --data FOLDER --home HOME --out OUT [--archs 100] [--workers 2]

FOLDER holds `nasbench201/nasbench201.csv.gz` and `images/cifar10.npz`. Different architectures are drawn uniformly. Each is
trained by every setting, epochs x pixels x channels of the first stage, on the first images of the training part, and
judged on its validation part; the rate falls to its end within the epochs of each setting. Every training is recorded in
OUT: a run that is stopped goes on where it was, and more architectures or settings add to what is there.

The first table has rank correlations with the table's mean test accuracy after 200 epochs, with 95 % intervals, and seconds for one
architecture on one thread. The second has what the choice is worth at equal seconds: of as many architectures as the
scorer can look at in that time, drawn from all that were trained here, the one it likes best, and its accuracy by the
table, in the mean over draws.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import data_options, markdown, prepare, say

import nassearch as ns
from nassearch.benchmarks import Entry, TrainedBenchmark
from nassearch.benchmarks.trained.reduction import reduced
from nassearch.datasets import open_dataset
from nassearch.spaces import NASBench201
from nassearch.statistics.intervals import Estimate, Resampling
from nassearch.statistics.intervals import judge as judge_scores
from nassearch.training import Recipe
from nassearch.types import Arch, Floats
from nassearch.workers.spread import in_order

SETTINGS = ("1x16x8", "4x8x4", "12x8x4", "4x16x8", "12x16x8", "4x32x8")
"""Epochs x pixels x channels; EcoNAS's is a quarter of pixels and channels, 8x4, and econas+ of 2021 is 16x8."""
BEST = "rank(fallback(epsilon, logsynflow), params, fallback(epsilon, params), fallback(epsilon, layers), log=true)"
"""The best of the cheap combinations of docs/results/combinations.md."""
PROXIES = ("params", "synflow", "epsilon", BEST)
BUDGETS = (10.0, 60.0, 600.0, 3600.0)
DRAWS = 2000


def train(bench: TrainedBenchmark, job: tuple[Arch, Recipe]) -> Entry:
    return bench.scored_by(*job)


class Judge(NamedTuple):
    """What scores architectures: its scores `[N]`, and its seconds for one."""

    name: str
    scores: Floats
    seconds: float


def subset(data: Path, out: Path, images: int) -> Path:
    """Write the first images of CIFAR-10's training part to a file of their own, and return it."""
    path = out / f"cifar10-{images}.npz"
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        with np.load(data / "images" / "cifar10.npz") as arrays:
            np.savez(path, x_train=arrays["x_train"][:images], y_train=arrays["y_train"][:images])
    return path


def trainings(
    bench: TrainedBenchmark, archs: Sequence[Arch], settings: Sequence[str], workers: int
) -> list[Judge]:
    """Train what is not trained yet, and return a judge for each setting."""
    recipes = {}
    for setting in settings:
        epochs, size, channels = map(int, setting.split("x"))
        recipes[setting] = reduced(bench.given, bench.data, epochs=epochs, size=size, channels=channels)

    def known(setting: str, arch: Arch) -> Entry | None:
        return bench.scored.find(arch, bench.seed, recipes[setting].as_dict())

    jobs = [(arch, recipes[setting]) for arch in archs for setting in settings if not known(setting, arch)]
    say(f"{len(jobs)} of {len(archs) * len(settings)} trainings are to be done")
    start = time.monotonic()
    for done, _ in enumerate(in_order(partial(train, bench), jobs, workers), start=1):
        if done % len(settings) == 0:
            left = (time.monotonic() - start) / done * (len(jobs) - done)
            say(f"{done} of {len(jobs)} trainings, {left / 60:.0f} minutes left at this pace")
    judges = []
    for setting in settings:
        entries = [entry for arch in archs if (entry := known(setting, arch))]
        valid = np.array([np.nan if each.valid is None else each.valid for each in entries])
        judges.append(Judge(setting, valid, float(np.mean([each.seconds for each in entries]))))
    return judges


def proxies(archs: Sequence[Arch]) -> list[Judge]:
    """Return a judge for each proxy, computed anew for its seconds."""
    found = []
    for spec in PROXIES:
        scorer = ns.make_scorer(spec, "nasbench201", "cifar10", cache=False)
        start = time.process_time()
        scores = scorer(list(archs))
        found.append(Judge(spec, scores, (time.process_time() - start) / len(archs)))
    return found


def chosen(judge: Judge, truth: Floats, budget: float, rng: np.random.Generator) -> float:
    """Return the mean accuracy of the best by a judge among as many as it can look at in so many seconds."""
    count = min(len(truth), int(budget / judge.seconds))
    if not count:
        return float(truth.mean())  # any one
    scores = np.nan_to_num(judge.scores, nan=-np.inf)
    picks = [
        draw[scores[draw].argmax()] for draw in (rng.permutation(len(truth))[:count] for _ in range(DRAWS))
    ]
    return float(truth[picks].mean())


def interval(figure: Estimate) -> str:
    """Write a figure with its 95 % interval."""
    return f"{figure.value:.3f} [{figure.low:.3f} {figure.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the trainings and of table.md")
    parser.add_argument("--archs", type=int, default=100)
    parser.add_argument("--images", type=int, default=5000, help="to train and validate on; default: 5000")
    parser.add_argument("--cells", type=int, default=5, help="in each stage; default: 5, as in the table")
    parser.add_argument("--settings", nargs="+", default=SETTINGS, metavar="EPOCHSxPIXELSxCHANNELS")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data FOLDER has the table and the images")
    prepare(args.data, args.home)
    space, table = NASBench201(), ns.load_benchmark("nasbench201", "cifar10")
    draws = space.sample_many(4 * args.archs, np.random.default_rng(0))
    archs = list({space.key(arch): arch for arch in reversed(draws)}.values())[::-1][: args.archs]
    data = open_dataset(subset(args.data, args.out, args.images), valid=0.25, test=0)
    say(f"{data!r}, {len(archs)} architectures, {len(args.settings)} settings")
    skeleton = {"channels": (16, 32, 64), "cells": args.cells}
    bench = TrainedBenchmark(space, data, Recipe(), args.out, skeleton=skeleton, device="cpu")
    judges = trainings(bench, archs, args.settings, args.workers) + proxies(archs)
    truth = np.array([table.expected(arch).test for arch in archs])
    head = ["epochs x pixels x channels, or proxy", "rho", "tau", "scored", "seconds each"]
    rows = []
    for judge in judges:
        told = judge_scores(judge.scores, truth, Resampling())
        scored = f"{np.isfinite(judge.scores).sum()} of {len(truth)}"
        rows.append([judge.name, *map(interval, (told["rho"], told["tau"])), scored, f"{judge.seconds:.3g}"])
    page = markdown(head, rows)
    rng = np.random.default_rng(1)
    values = [[judge.name, *(f"{chosen(judge, truth, b, rng):.2f}" for b in BUDGETS)] for judge in judges]
    values.append(["the best there is", *[f"{truth.max():.2f}"] * len(BUDGETS)])
    page += "\n" + markdown(["chosen within", *(f"{budget:g} s" for budget in BUDGETS)], values)
    (args.out / "table.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
