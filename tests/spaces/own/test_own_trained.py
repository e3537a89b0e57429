"""Training judges the modules of a user's space, and those that cannot be built or trained end no search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import nassearch as ns
from nassearch.benchmarks import TrainedBenchmark
from nassearch.datasets import open_dataset
from nassearch.training import Recipe


def build(width: int, fault: str | None, *, classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    if fault == "fails":
        raise RuntimeError("this one fails")
    if fault == "seeds":
        torch.manual_seed(5)
    outputs = classes + 1 if fault == "classes" else classes
    return nn.Sequential(
        nn.Conv2d(input_shape[0], width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36 * width, outputs)
    )


SPACE = ns.Space({"width": [2, 4], "fault": [None, "fails", "classes", "seeds"]}, build)


@pytest.fixture
def oracle(tmp_path: Path) -> TrainedBenchmark:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 200, (60, 8, 8, 1)) + 50 * labels[:, None, None, None]
    np.savez(tmp_path / "noise.npz", x=images.astype(np.uint8), y=labels)
    recipe = Recipe(epochs=1, batch_size=16, learning_rate=0.01)
    return TrainedBenchmark(SPACE, open_dataset(tmp_path / "noise.npz"), recipe, tmp_path / "trainings")


def entry(oracle: TrainedBenchmark, text: str) -> Any:
    return oracle.entry(SPACE.parse(text))


def test_modules_are_trained_and_counted(oracle: TrainedBenchmark) -> None:
    found = entry(oracle, "width=4,fault=None")
    assert found.status == "trained" and 0 <= found.valid <= 100
    assert found.params == 4 * 9 + 4 + 36 * 4 * 2 + 2
    assert found.flops == 36 * 4 * 9 + 36 * 4 * 2
    torch.manual_seed(1)  # weights follow the seed of the oracle alone
    again = TrainedBenchmark(SPACE, oracle.data, oracle.recipe, None)
    assert again.entry(found.arch).history == found.history


def test_what_cannot_be_built_or_trained_is_recorded(oracle: TrainedBenchmark) -> None:
    failed = entry(oracle, "width=2,fault=fails")
    assert failed.status == "failed" and "RuntimeError: this one fails" in str(failed.note)
    assert entry(oracle, "width=2,fault=classes").status == "failed"
    before = torch.get_rng_state()
    assert entry(oracle, "width=2,fault=seeds").status == "trained"
    assert torch.equal(before, torch.get_rng_state())
    result = ns.Experiment("rand", oracle, budget=6, rounds=1, warmup=8, scorer="params").run()
    assert len(result.rounds[0].archs) == 6
