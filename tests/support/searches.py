"""Folders of searches on small images: one that was trained, and one whose trainings are made up."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nassearch.benchmarks import Entry
from nassearch.benchmarks.trained.builder import Builder
from nassearch.search.trained.asked import Search
from nassearch.search.trained.events import Event, EventFile
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.opening import open_folder
from nassearch.training.single.state import weights_bytes, weights_of

SPACE = "nasbench201(channels=4, cells=1)"
CLASSES = ("disc", "ring", "bar")


def write_images(path: Path, count: int = 120, size: int = 8, seed: int = 0) -> Path:
    """Write an archive of small images in three classes, each bright in a place of its own."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    images = rng.integers(0, 90, (count, size, size, 3)).astype(np.uint8)
    for place, label in enumerate(labels):
        images[place, 2 * label : 2 * label + 3, 1:5, label] += 120
    np.savez(path, x_train=images, y_train=labels)
    return path


def made_up_search(path: Path, models: int = 8, finished: bool = True, space: str = SPACE) -> SearchFolder:
    """Write a folder of a search by `rand` whose trainings did not happen; the weights are initial ones."""
    path.mkdir(parents=True, exist_ok=True)
    source = write_images(path.parent / f"{path.name}-images.npz")
    asked = Search(
        str(source), space, "rand", scorer="params", warmup=20, budget=models, recipe={"epochs": 3}
    )
    opened = open_folder(asked, asked.oracle(), path, lambda line: None, 0.0)
    folder, bench = opened.folder, opened.bench
    folder.write()
    rng = np.random.default_rng(0)
    archs = list(dict.fromkeys(bench.space.sample_many(4 * models, rng)))[:models]
    events = EventFile(path / "events.jsonl")
    told = []
    for place, arch in enumerate(archs):
        entry = made_up_entry(bench, arch, place, path)
        events.append(Event("ask", arch))
        told.append(bench.ledger.append(entry))
        events.append(Event("tell", arch))
    events.close()
    if finished:
        _finish(folder, told)
    return folder


def made_up_entry(bench: Any, arch: tuple[int, ...], place: int, path: Path) -> Entry:
    """Return a training that did not happen; each fifth of them diverged."""
    builder = Builder(bench.space, arch, bench.task, bench.seed)
    module = builder()
    begun = Entry(arch, bench.space.format(arch), bench.seed, bench.recipe.as_dict())
    if place % 5 == 4:
        return replace(
            begun,
            status="diverged",
            seconds=1.0,
            note="the loss was no number in epoch 1",
            params=builder.params,
        )
    epochs = list(range(1, bench.recipe.epochs + 1))
    valid = [round(40 + 5 * epoch + 7 * math.sin(place), 2) for epoch in epochs]
    weights = path / "weights" / f"{begun.key}.safetensors"
    weights.parent.mkdir(exist_ok=True)
    with torch.no_grad():
        weights.write_bytes(weights_bytes(weights_of(module)))
    history = {
        "epoch": epochs,
        "rate": [0.1 / epoch for epoch in epochs],
        "train_loss": [1.2 / epoch for epoch in epochs],
        "valid_loss": [1.3 / epoch for epoch in epochs],
        "valid": valid,
    }
    return replace(
        begun,
        valid=max(valid),
        seconds=2.0 + place,
        history=history,
        params=builder.params,
        flops=builder.flops,
        scores={"warmup": float(builder.params or 0)},
        batch_size=64,
        weights=f"weights/{begun.key}.safetensors",
        device="cpu",
    )


def _finish(folder: SearchFolder, told: list[Entry]) -> None:
    best = max(told, key=lambda entry: entry.valid or 0.0)
    folder.write_winner(
        {
            "arch": list(best.arch),
            "text": best.text,
            "recipe": dict(best.recipe),
            "epochs": best.recipe["epochs"],
            "seconds": best.seconds,
            "valid": best.valid,
            "valid_in_search": best.valid,
            "test": 50.0,
            "test_interval": [30.0, 70.0],
            "test_examples": 18,
            "weights": best.weights,
            "params": best.params,
            "flops": best.flops,
            "latency": None,
            "found_after": 1 + told.index(best),
            "models": len(told),
            "seconds_of_search": sum(entry.seconds for entry in told),
        }
    )
