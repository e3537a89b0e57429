"""Optuna studies with and without a zero-cost proxy: trainings until a target is met, over 20 seeds.

    python experiments/papers/optuna_guidance.py --out results/optuna [--seeds 20] [--quick]

The networks, images and training are those of examples/optuna_study.py, with learning rates from a list of four, so that
studies share trainings: a training's result depends on its parameters alone. Each study has 20 trials. Targets are
set by what is compared with: the median of the best after 20 trials of random search, and of TPE. `chance` gives each
network a number drawn by its weights' size, which knows nothing: what a worthless guide costs.

Trainings and studies are kept in --out: stopped, it goes on. Writes OUT/optuna.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
sys.path.append(str(Path(__file__).parents[2] / "examples"))
import optuna
import optuna_study as example
import torch
from _common import markdown, say, show
from optuna.samplers import RandomSampler, TPESampler

from nassearch.integrations.optuna import GuidedSampler, ScorePruner, warm_start

TRIALS = 20
AT = (10, TRIALS)
RATES = [3e-3, 1e-2, 3e-2, 1e-1]
FEW = 64
"""Images that proxies look at."""
GUIDE = "synflow"


def chance(model: Any) -> float:
    """Return a number that says nothing of a network, the same for the same shape of it."""
    shapes = str([tuple(p.shape) for p in model.parameters()])
    return int.from_bytes(hashlib.sha256(shapes.encode()).digest()[:4], "big") / 2**32


ARMS: dict[str, dict[str, Any]] = {
    "random": {"base": "random"},
    "random, guided by synflow": {"base": "random", "guide": GUIDE},
    "TPE": {"base": "TPE"},
    "TPE, guided by synflow": {"base": "TPE", "guide": GUIDE},
    "TPE, warm start by synflow (10 of 200)": {"base": "TPE", "warm": GUIDE},
    "TPE, worst half by synflow ended": {"base": "TPE", "prune": GUIDE},
    "TPE, guided by chance": {"base": "TPE", "guide": chance},
}
BASES = {"random": RandomSampler, "TPE": TPESampler}


class Trainings:
    """Accuracies by parameters, in a file that grows."""

    def __init__(self, path: Path) -> None:
        self.path, self.seconds = path, 0.0
        lines = path.read_text().splitlines() if path.exists() else []
        self.known = dict(json.loads(line) for line in lines if line.endswith("]"))

    def __call__(self, trial: optuna.Trial) -> float:
        """Return the accuracy of a trial's network, in percent."""
        torch.manual_seed(0)
        model = example.build(trial)
        rate = trial.suggest_categorical("lr", RATES)
        if trial.should_prune():
            raise optuna.TrialPruned()
        key = json.dumps(trial.params, sort_keys=True)
        if key not in self.known:
            start = time.process_time()
            *_, accuracy = example.epochs(model, rate)
            self.known[key] = [100 * accuracy, time.process_time() - start]
            with self.path.open("a") as file:
                file.write(json.dumps([key, self.known[key]]) + "\n")
        return self.known[key][0]


def study_of(arm: dict[str, Any], seed: int, train: Trainings) -> list[float | None]:
    """Return the accuracies of a study's trials in order, None for one that ended before it was trained."""
    images, labels, _, _ = example.data()
    looks = {"batch": (images[:FEW], labels[:FEW])}
    sampler = BASES[arm["base"]](seed=seed)
    if "guide" in arm:
        sampler = GuidedSampler(sampler, example.build, arm["guide"], **looks)
    pruner: Any = optuna.pruners.NopPruner()
    if "prune" in arm:
        pruner = ScorePruner(0.5, n_startup_trials=5, build=example.build, scorer=arm["prune"], **looks)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    if "warm" in arm:
        warm_start(study, example.build, arm["warm"], n=200, top=10, seed=seed, **looks)
    study.optimize(train, n_trials=TRIALS)
    return [trial.value for trial in study.trials]


def best_after(values: list[float | None], trials: int) -> float:
    """Return the best of the first trials; one that ended early has no value."""
    return max((v for v in values[:trials] if v is not None), default=float("nan"))


def trainings_to(values: list[float | None], target: float) -> float:
    """Return how many networks were trained until one met the target; infinite for never."""
    trained = [v for v in values if v is not None]
    return next((k + 1.0 for k, v in enumerate(trained) if v >= target), float("inf"))


def row(
    name: str, studies: list[list[float | None]], base: list[list[float | None]], targets: list[float]
) -> list[Any]:
    cells: list[Any] = [name, float(np.mean([sum(v is not None for v in values) for values in studies]))]
    cells += [float(np.median([best_after(values, at) for values in studies])) for at in AT]
    for target in targets:
        needed = sorted(trainings_to(values, target) for values in studies)
        met, half = int(np.isfinite(needed).sum()), needed[(len(needed) - 1) // 2]
        cells.append(
            f"{half:.0f} ({met} of {len(needed)})" if np.isfinite(half) else f"never ({met} of {len(needed)})"
        )
    pairs = [(best_after(a, TRIALS), best_after(b, TRIALS)) for a, b in zip(studies, base, strict=True)]
    above, below = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
    return [*cells, "" if studies is base else f"{above} above, {below} below"]


def page(found: dict[str, list[list[float | None]]], train: Trainings) -> str:
    targets = [float(np.median([best_after(v, TRIALS) for v in found[base]])) for base in BASES]
    head = ["study", "trained", *(f"best after {at}" for at in AT)]
    head += [f"to {target:.1f} %" for target in targets] + ["beside its base, same seeds"]
    rows = [row(name, studies, found[ARMS[name]["base"]], targets) for name, studies in found.items()]
    spent = sum(seconds for _, seconds in train.known.values())
    seeds = len(next(iter(found.values())))
    told = (
        f"{seeds} seeds, {len(train.known)} different trainings, {spent / 60:.1f} minutes of the processor."
    )
    return f"{markdown(head, rows)}\n{told}\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/optuna"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="two seeds")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    train = Trainings(arguments.out / "trainings.jsonl")
    kept = arguments.out / "studies.json"
    done: dict[str, list[float | None]] = json.loads(kept.read_text()) if kept.exists() else {}
    seeds = 2 if arguments.quick else arguments.seeds
    for seed in range(seeds):
        for name, arm in ARMS.items():
            if f"{name}; {seed}" not in done:
                start = time.process_time()
                done[f"{name}; {seed}"] = study_of(arm, seed, train)
                kept.write_text(json.dumps(done))
                say(f"{name}, seed {seed}: {time.process_time() - start:.1f} s")
    found = {name: [done[f"{name}; {seed}"] for seed in range(seeds)] for name in ARMS}
    show(page(found, train), arguments.out / "optuna.md")


if __name__ == "__main__":
    main()
