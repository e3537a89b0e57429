"""The embedded benchmark: NAS-Bench-201's cells trained by this project on MNIST-1D (Greydanus and Kobak, 2020)."""

from __future__ import annotations

import platform
import random
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from nassearch import __version__
from nassearch.benchmarks.batches import batch_arrays
from nassearch.benchmarks.build.building import Recipe, WorkFile, collect, representatives, train_space
from nassearch.benchmarks.nasbench201 import MNIST1D_TASK, NASBench201Benchmark
from nassearch.benchmarks.npz import npz_bytes
from nassearch.benchmarks.table import Table
from nassearch.errors import InvalidSetting
from nassearch.files.together import write_together
from nassearch.networks.counting import parameters
from nassearch.types import Batch, Progress

RECIPE = Recipe(task=MNIST1D_TASK)

BATCH = 256
"""Signals in the batch for proxies: the first of the training set."""
SPLIT_SEEDS = {"train": 1, "valid": 2, "test": 3}


def split(name: str, size: int, **arguments: Any) -> Batch:
    """Generate a split: signals float32 `[size, 1, 40]` with zero mean and unit variance, and digits int64 `[size]`.

    Splits are generated apart, from seeds of their own, so none shares an example with another.

    Args:
        name: `train`, `valid` or `test`.
        size: number of signals, a multiple of 10; every digit is equally frequent.
        arguments: arguments of the generator to change, such as `corr_noise_scale`.

    Raises:
        InvalidSetting: the `mnist1d` package is missing.
    """
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError as error:
        raise InvalidSetting("MNIST-1D comes from its package: pip install 'nassearch[build]'") from error
    settings = get_dataset_args()
    changes = {"num_samples": size, "train_split": 1.0, "seed": SPLIT_SEEDS[name], **arguments}
    for key, value in changes.items():
        setattr(settings, key, value)
    # The package seeds the global generators; they are put back as they were.
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        data = make_dataset(settings)
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
    return Batch(data["x"].astype(np.float32)[:, None, :], data["y"].astype(np.int64))


def splits(recipe: Recipe) -> dict[str, Batch]:
    """Generate every split of a recipe."""
    return {name: split(name, size, **recipe.data) for name, size in recipe.sizes.items()}


def build_embedded(
    out: Path,
    *,
    workers: int | None = None,
    executor: str = "processes",
    engine: str = RECIPE.engine,
    device: str = "cpu",
    seeds: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Train the embedded benchmark and return the paths of its table and its batch.

    Args:
        out: folder; a work file there holds what is finished, so that a build goes on where it was stopped.
        workers, executor: see `nassearch.workers.spread.in_order`.
        engine, device: see `nassearch.training.loop.train`.
        seeds: trainings of each architecture; None for the recipe's.
        progress: called with (units done, units in all).

    Raises:
        InvalidSetting: a package of the `build` extra is missing.
        BadData: the work file is of another recipe, or is not one.
    """
    recipe = replace(RECIPE, engine=engine, seeds=RECIPE.seeds if seeds is None else seeds)
    data = splits(recipe)
    space = NASBench201Benchmark.make_space()
    archs = representatives(space, parameters, recipe.task)
    name = f"{space.name}-mnist1d"
    work = WorkFile(out / f"{name}.work.jsonl", recipe, archs)
    train_space(space, archs, recipe, data, work, workers, executor, device, progress)
    trained = collect(archs, recipe, work)
    table = Table.build(
        space,
        NASBench201Benchmark.datasets()["mnist1d"],
        archs,
        trained["valid"],
        trained["test"],
        trained["seconds"],
        by_key=True,
        origin="trained by nassearch bench build",
        recipe=recipe.as_dict(),
        seeds=list(range(recipe.seeds)),
        versions=versions(),
    )
    paths = [out / f"{name}.npz", out / "mnist1d-batch.npz"]
    labels = data["train"].labels
    assert labels is not None
    batch = Batch(data["train"].inputs[:BATCH], labels[:BATCH])
    write_together(
        out, {paths[0].name: npz_bytes(table.arrays()), paths[1].name: npz_bytes(batch_arrays(batch))}
    )
    return paths


def versions() -> dict[str, str]:
    """Return the versions that a build depends on."""
    found = {"python": platform.python_version(), "nassearch": __version__}
    for package in ("torch", "numpy", "numba", "mnist1d"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
