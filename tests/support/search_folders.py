"""Folders of searches that train, as they are on the disk, with made-up trainings: nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.trained.entry import Entry
from nassearch.spaces.nasbench201 import NASBench201

RECIPE = {"epochs": 6, "batch_size": 64, "learning_rate": 0.1}
DATA = {
    **{"source": "my_images", "path": "my_images", "name": "my_images", "kind": "image", "shape": [3, 8, 8]},
    **{"classes": [f"class {i}" for i in range(10)], "sizes": {"train": 700, "valid": 150, "test": 150}},
    **{"digest": "0123456789abcdef", "seed": 0, "valid": 0.15, "test": 0.15, "size": None},
    **{"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "natural": False},
    "notes": ["2 images were grey and are taken as colour"],
}
MADE = {
    **{"strategy": "rand", "settings": {}, "scorer": "synflow", "seed": 3, "budget": 30, "hours": None},
    **{"space": "nasbench201", "skeleton": {"cells": 1}, "data": DATA, "recipe": RECIPE, "device": "cpu"},
    **{"threads": 1, "objectives": ["accuracy"], "constraints": {"params": 500000.0}},
}
WINNER = {
    **{"arch": [3, 3, 3, 1, 3, 3], "text": "the winner", "recipe": RECIPE, "seconds": 61.25, "valid": 93.5},
    **{"test": 91.0, "test_interval": [85.5, 94.5], "test_examples": 150, "params": 123456, "flops": 7654321},
    **{
        "latency": None,
        "found_after": 7,
        "epochs": 6,
        "models": 30,
        "seconds_of_search": 812.5,
        "weights": "weights/winner.safetensors",
    },
}


def entries(count: int, seed: int = 0, epochs: int = 6) -> list[Entry]:
    """Return different trainings of NAS-Bench-201 cells: most trained, every tenth with a fault of its own."""
    rng, space = np.random.default_rng(seed), NASBench201()
    archs = list(dict.fromkeys(space.sample_many(2 * count, rng)))[:count]
    return [_entry(n, arch, space.format(arch), rng, epochs) for n, arch in enumerate(archs)]


def _entry(n: int, arch: tuple[int, ...], text: str, rng: np.random.Generator, epochs: int) -> Entry:
    worth = 40.0 + 50.0 * float(rng.random())
    rise = [round(worth * (1 - 0.5 ** (epoch + 1)), 6) for epoch in range(epochs)]
    history = {
        "epoch": list(range(1, epochs + 1)),
        "rate": [0.1] * epochs,
        "train_loss": [round(2.3 - value / 50, 6) for value in rise],
        "valid_loss": [round(2.4 - value / 50, 6) for value in rise],
        "valid": rise,
    }
    params = int(10 ** rng.uniform(4, 6))
    found = Entry(
        *(arch, text, 3, {**RECIPE, "epochs": epochs}),
        valid=rise[-1],
        seconds=round(10 + 20 * float(rng.random()), 3),
        history=history,
        params=params,
        flops=params * 40,
        latency=round(float(rng.uniform(1, 9)), 3),
        memory=params * 4,
        scores={"synflow": worth + float(rng.normal(0, 8)), "naswot": None if n % 3 == 0 else -worth},
        batch_size=64,
    )
    faults: dict[int, dict[str, Any]] = {
        4: {"status": "diverged", "note": "the loss was NaN in epoch 2"},
        14: {"status": "failed", "valid": None, "history": {}, "note": "RuntimeError: no such layer"},
        24: {"status": "out of memory", "valid": None, "history": {}, "note": "batches of 8 did not fit"},
    }
    return replace(found, **faults.get(n, {}))


def write_folder(
    path: Path,
    trained: Sequence[Entry],
    made: Mapping[str, Any] | None = None,
    winner: Mapping[str, Any] | None = None,
) -> Path:
    """Write what a search that has asked for these, and was told of each, leaves."""
    path.mkdir(parents=True, exist_ok=True)
    facts = {"format": "nassearch search", "version": 1, "package": "0.1.0", "code": {"strategy": "rand 1"}}
    recipe = {"recipe": dict(trained[0].recipe)} if trained else {}
    (path / "search.json").write_text(json.dumps({**facts, "made": {**MADE, **recipe, **(made or {})}}))
    ledger = [{"format": "nassearch trainings", "version": 1, "data": DATA["digest"]}]
    events: list[Any] = [{"format": "nassearch events", "version": 1}]
    for each in trained:
        ledger.append(each.as_dict())
        events += [{kind: list(each.arch)} for kind in ("ask", "tell")]
    for name, rows in (("trained.jsonl", ledger), ("events.jsonl", events)):
        (path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    if winner is not None:
        (path / "winner.json").write_text(json.dumps(winner))
    return path
