"""What guidance is worth in seconds where nothing is known: searches that train, on signals that are generated.

    python experiments/papers/own_data.py --out results/own_data [--models 20] [--rounds 20] [--workers 2]

The data are 1,000 signals of MNIST-1D to train on, 1,000 for validation and 1,000 for the test, the space the cells of
NAS-Bench-201 at 8 channels. Each search trains 20 models in each of 20 rounds, and all share what was trained. Seconds
are those of the trainings by the clock, and those of the search itself, of the processor: a round that is replayed with
all trainings known and no score kept. The target is what random search ends with, as a median over the rounds. A round
that does not reach it counts with all seconds that it had, which is too few: half of those of random search do not.

Written as OUT/own_data.md. Run again with the same OUT, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, prepare, say, show

from nassearch import Curve, Experiment
from nassearch.benchmarks import TrainedBenchmark
from nassearch.benchmarks.build.mnist1d import split
from nassearch.benchmarks.trained.oracle import open_oracle
from nassearch.types import Floats

SPACE = "nasbench201(channels=8, cells=1)"
RECIPE = {"epochs": 10}
SIGNALS = 1000
SEARCHES: dict[str, dict[str, Any]] = {
    "rand": {"strategy": "rand"},
    "gp, no guide": {"strategy": "gp", "settings": {"features": ""}},
    "gp": {"strategy": "gp"},
    "gp, several guides": {"strategy": "gp", "settings": {"features": "params,synflow,epsilon"}},
}
UNGUIDED = "rand"
HEAD = [
    "search",
    "best validation accuracy, median",
    "rounds to the target",
    "models to the target, median",
    "seconds to the target, median",
    "seconds of all trainings, median",
    "seconds saved to the target, 95 %",
    "own seconds of a search",
]
DRAWS = 2000


def generate(folder: Path) -> Path:
    """Write the data, where they are not there yet."""
    path = folder / "mnist1d.npz"
    if not path.exists():
        parts = {name: split(name, SIGNALS) for name in ("train", "valid", "test")}
        arrays = {f"x_{name}": part.inputs for name, part in parts.items()}
        np.savez(path, **arrays, **{f"y_{name}": part.labels for name, part in parts.items()})
    return path


def seconds_to(curve: Curve, target: float) -> Floats:
    """Return the seconds of training in which each round reaches a value, `[rounds]`; all it had where it does not."""
    there = curve.values >= target
    there[:, -1] = True
    return curve.seconds[np.arange(curve.rounds), there.argmax(axis=1)]


def own_seconds(search: dict[str, Any], bench: TrainedBenchmark, models: int) -> float:
    """Return what a search takes besides trainings: its first round once more, with all of them known."""
    start = time.process_time()
    Experiment(benchmark=bench, budget=models, rounds=1, **search).run(cache=False)
    return time.process_time() - start


def saved(theirs: Floats, ours: Floats) -> str:
    """Return the 95 % interval of the difference of the medians, by bootstrap over the rounds."""
    rng = np.random.default_rng(0)
    draws = [
        np.median(rng.choice(theirs, len(theirs))) - np.median(rng.choice(ours, len(ours)))
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{low:.0f} to {high:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/own_data"))
    parser.add_argument("--models", type=int, default=20, help="trained in each search")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    prepare(None, args.out / "home")
    bench = open_oracle(generate(args.out), SPACE, RECIPE, args.out / "trainings")
    curves, own = {}, {}
    for label, search in SEARCHES.items():
        experiment = Experiment(benchmark=bench, budget=args.models, rounds=args.rounds, **search)
        outcome = experiment.run(args.out / experiment.file_name, workers=args.workers)
        curves[label], own[label] = outcome.curve(), own_seconds(search, bench, args.models)
        say(f"{label}: {len(bench.ledger.entries)} architectures are trained")
    target = float(curves[UNGUIDED].median()[-1])
    needed = {label: seconds_to(curve, target) for label, curve in curves.items()}
    rows: list[list[object]] = []
    for label, curve in curves.items():
        reached = int((curve.values[:, -1] >= target).sum())
        rows.append(
            [
                label,
                float(curve.median()[-1]),
                f"{reached} of {curve.rounds}",
                curve.models_to(target),
                float(np.median(needed[label])),
                float(np.median(curve.seconds[:, -1])),
                "-" if label == UNGUIDED else saved(needed[UNGUIDED], needed[label]),
                own[label],
            ]
        )
    told = (
        f"Target: {target:.2f} percent. {args.rounds} rounds of {args.models} models, {len(bench.ledger.entries)} "
        f"architectures trained, a training {np.median([e.seconds for e in bench.ledger.entries]):.1f} seconds "
        "(median).\n\n"
    )
    show(told + markdown(HEAD, rows), args.out / "own_data.md")


if __name__ == "__main__":
    main()
