"""An Optuna study of convolutional networks on small images, with and without a zero-cost proxy that guides it.

    python examples/optuna_study.py

The study is an ordinary one: layers, channels, kernels, dropout and a learning rate, by TPE with a median pruner. What
nassearch adds are the sampler around TPE and the pruner around the median pruner. Images are drawn here: digits of
seven strokes, moved, faded and noisy. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import optuna
import torch
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.integrations.optuna import GuidedSampler, ScorePruner

SIZE, CLASSES, EPOCHS = 14, 10, 3
STROKES = ["abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg"]
"""The strokes of each digit, by the usual letters."""
LINES: dict[str, Any] = {
    "a": np.s_[0, 0:5],
    "b": np.s_[0:5, 4],
    "c": np.s_[4:9, 4],
    "d": np.s_[8, 0:5],
    "e": np.s_[4:9, 0],
    "f": np.s_[0:5, 0],
    "g": np.s_[4, 0:5],
}


def digits(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw noisy digits: images float32 `[count, 1, 14, 14]` and labels `[count]`."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    images = rng.normal(0, 0.2, (count, 1, SIZE, SIZE))
    for image, label in zip(images, labels, strict=True):
        glyph = np.zeros((9, 5))
        for stroke in STROKES[label]:
            glyph[LINES[stroke]] = rng.uniform(0.5, 1.5)
        y, x = rng.integers(0, SIZE - 9 + 1), rng.integers(0, SIZE - 5 + 1)
        image[0, y : y + 9, x : x + 5] += glyph
    return torch.from_numpy(images.astype(np.float32)), torch.from_numpy(labels)


@cache
def data() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return images and labels to train on, and those to judge by."""
    return *digits(1000, seed=1), *digits(500, seed=2)


def build(trial: optuna.Trial) -> nn.Module:
    """Return the network of a trial: what is suggested here is what the proxy chooses."""
    layers: list[nn.Module] = []
    width = 1
    for i in range(trial.suggest_int("n_layers", 1, 3)):
        channels = trial.suggest_categorical(f"channels{i}", [4, 8, 16])
        kernel = trial.suggest_categorical(f"kernel{i}", [1, 3, 5])
        layers += [nn.Conv2d(width, channels, kernel, padding=kernel // 2, bias=False)]
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)]
        width = channels
    dropout = trial.suggest_float("dropout", 0.0, 0.4, step=0.2)
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * width, CLASSES)]
    return nn.Sequential(*layers, *head)


def epochs(model: nn.Module, lr: float, count: int = EPOCHS) -> Iterator[float]:
    """Train a network; yield its accuracy, a share, on the images to judge by after each epoch."""
    images, labels, others, answers = data()
    optimizer = torch.optim.Adam(model.parameters(), lr)
    order = torch.Generator().manual_seed(0)
    for _ in range(count):
        model.train()
        for some in torch.randperm(len(images), generator=order).split(80):
            optimizer.zero_grad()
            F.cross_entropy(model(images[some]), labels[some]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            yield (model(others).argmax(1) == answers).float().mean().item()


def objective(trial: optuna.Trial) -> float:
    """Train the network of a trial and return its accuracy, as any objective of Optuna does."""
    torch.manual_seed(0)
    model = build(trial)
    lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    if trial.should_prune():  # by its score, before anything is trained
        raise optuna.TrialPruned()
    accuracy = 0.0
    for epoch, accuracy in enumerate(epochs(model, lr)):
        trial.report(accuracy, epoch)
        if trial.should_prune():  # by what was reported
            raise optuna.TrialPruned()
    return accuracy


def main(trials: int = 10) -> None:
    """Run two studies with the same number of trials, and say what they found."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # the networks are too small for more
    images, labels, _, _ = data()
    guided = GuidedSampler(TPESampler(seed=0), build, "synflow", batch=(images[:64], labels[:64]))
    studies = {
        "TPE": optuna.create_study(direction="maximize", sampler=TPESampler(seed=0), pruner=MedianPruner()),
        "TPE, guided": optuna.create_study(
            direction="maximize",
            sampler=guided,
            pruner=ScorePruner(0.25, n_startup_trials=5, pruner=MedianPruner()),
        ),
    }
    for name, study in studies.items():
        study.optimize(objective, n_trials=trials)
        ended = len(study.get_trials(states=[optuna.trial.TrialState.PRUNED]))
        print(
            f"{name}: {study.best_value:.3f} after {trials} trials, {ended} ended early; {study.best_params}"
        )
    print(f"what the best trial was scored: {studies['TPE, guided'].best_trial.user_attrs}")


if __name__ == "__main__":
    main()
