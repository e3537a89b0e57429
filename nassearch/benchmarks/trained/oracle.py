"""Open an oracle that trains from what people name: data, a space, a recipe."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.datasets import open_dataset
from nassearch.files.bounded import check_folder
from nassearch.files.data_folder import file_stem
from nassearch.spaces.opening import open_space
from nassearch.workers.progress import Watch


def open_oracle(
    source: str | os.PathLike[str],
    space: str = "nasbench201",
    recipe: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    *,
    below: str | os.PathLike[str] | None = None,
    size: Any = None,
    valid: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    fidelity: Iterable[int] = (),
    watch: Watch | None = None,
) -> TrainedBenchmark:
    """Open data of one's own as a benchmark that trains what it is asked about.

        oracle = open_oracle("my_images", "nasbench201(channels=8)", {"epochs": 20}, "results/my_images")
        nassearch.Experiment("gp", oracle, budget=30, rounds=5).run("gp.jsonl")

    Args:
        source, size, valid, test, split_seed, watch: of the data, see `nassearch.datasets.open_dataset`.
        space: see `nassearch.spaces.open_space`.
        recipe: settings by name, see `nassearch.training.Recipe.of`.
        folder: of the trainings; None to keep them in memory, unless `below` is given.
        below: folder in which that of the trainings has a name made of data and space, so that other data do not meet
            them.
        seed, device, threads, fidelity: of the trainings, see `TrainedBenchmark`.

    Raises:
        NassearchError: one of its kinds, before anything is trained.
    """
    from nassearch.training import Recipe
    from nassearch.training.single.device import find_device

    found = Recipe.of({} if recipe is None else recipe)
    find_device(device)
    chosen = open_space(space)
    for place in (folder, below):
        if place is not None:
            check_folder(Path(place), "choose another folder of trainings")
    data = open_dataset(source, size=size, valid=valid, test=test, seed=split_seed, watch=watch)
    if folder is None and below is not None:
        folder = Path(below) / file_stem([data.name, space, data.digest[:8]])
    how: dict[str, Any] = {"seed": seed, "device": device, "threads": threads, "fidelity": fidelity}
    place = None if folder is None else Path(folder)
    return TrainedBenchmark(chosen.space, data, found, place, skeleton=chosen.skeleton, **how)
