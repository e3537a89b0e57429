"""An Optuna study of convolutional networks on small images, with and without a zero-cost proxy that guides it.

    python examples/optuna_study.py

The study is an ordinary one: layers, channels, kernels, dropout and a learning rate, by TPE with a median pruner. What
nassearch adds are the sampler around TPE and the pruner around the median pruner. Images are drawn here: digits of
seven strokes, moved, faded and noisy. Nothing is downloaded.
"""

from __future__ import annotations

import warnings
from functools import cache

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
LINES = {
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
    images = rng.normal(0, 0.5, (count, 1, SIZE, SIZE))
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
    return *digits(1500, seed=1), *digits(1000, seed=2)


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
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * width, CLASSES))


def train(model: nn.Module, lr: float, epochs: int = EPOCHS) -> list[float]:
    """Train a network and return its accuracy (share) on the images to judge by, after each epoch."""
    images, labels, others, answers = data()
    optimizer = torch.optim.Adam(model.parameters(), lr)
    order = torch.Generator().manual_seed(0)
    accuracies = []
    for _ in range(epochs):
        model.train()
        for some in torch.randperm(len(images), generator=order).split(50):
            optimizer.zero_grad()
            F.cross_entropy(model(images[some]), labels[some]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracies.append((model(others).argmax(1) == answers).float().mean().item())
    return accuracies
