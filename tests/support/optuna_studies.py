"""Small studies of Optuna: what they build, and how they are run."""

from __future__ import annotations

import math
from typing import Any

import optuna
from optuna.trial import FixedTrial, FrozenTrial
from torch import nn

from nassearch.integrations.optuna import GuidedSampler

LOOKS: dict[str, Any] = {"input_shape": (1, 4, 4), "classes": 3}
"""What the modules of `build` are for."""


def build(trial: Any) -> nn.Module:
    """Return a perceptron; later layers are parameters only where there are so many."""
    layers: list[nn.Module] = [nn.Flatten()]
    width = 16
    for i in range(trial.suggest_int("layers", 1, 3)):
        units = trial.suggest_int(f"units{i}", 2, 32, log=True)
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    layers += [nn.Dropout(trial.suggest_float("dropout", 0.0, 0.5)), nn.Linear(width, 3)]
    return nn.Sequential(*layers)


def build_few(trial: Any) -> nn.Module:
    """Return one of nine perceptrons: 3 of one layer, 6 of two."""
    width = trial.suggest_categorical("width", [2, 4, 8])
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(16, width), nn.ReLU()]
    if trial.suggest_categorical("deep", [False, True]):
        units = trial.suggest_int("units", 3, 5, step=2)
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, 3))


def size(module: nn.Module) -> float:
    """Return the number of parameters."""
    return float(sum(parameter.numel() for parameter in module.parameters()))


def size_of(trial: FrozenTrial, make: Any = build) -> float:
    """Return the number of parameters of a trial's module."""
    return size(make(FixedTrial(trial.params)))


def objective(trial: optuna.Trial) -> float:
    """Return something that depends on the module and on a rate that is not the module's."""
    module = build(trial)
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    return abs(math.log(size(module)) - 5) + abs(math.log(rate) + 6)


def guided(
    base: optuna.samplers.BaseSampler, ratio: int = 4, scorer: Any = "params", make: Any = build
) -> Any:
    """Return a guided sampler of these modules."""
    return GuidedSampler(base, make, scorer, ratio, **LOOKS)


def run(
    sampler: optuna.samplers.BaseSampler, trials: int | None = 12, aim: Any = objective, **study: Any
) -> Any:
    """Run a study and return it."""
    made = optuna.create_study(sampler=sampler, **study)
    made.optimize(aim, n_trials=trials)
    return made


def work(storage: str, name: str, seed: int, trials: int) -> None:
    """Take part in a study that is in a database, as one of several processes."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = guided(optuna.samplers.TPESampler(seed=seed, n_startup_trials=3))
    study = optuna.load_study(study_name=name, storage=storage, sampler=sampler)
    study.optimize(objective, n_trials=trials)
