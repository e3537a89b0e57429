"""Train a whole search space into a table. A kill costs the training that it interrupts and no other."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import BadData
from nassearch.networks.graph import Network
from nassearch.spaces.base import SearchSpace
from nassearch.training.loop import Training, train
from nassearch.types import Arch, Batch, Progress, Task
from nassearch.workers.spread import in_order


@dataclass(frozen=True)
class Recipe:
    """All that decides what is trained; the header of the work file and the metadata of the table.

    Attributes:
        task: what the networks are built for.
        training: how they are trained.
        data: arguments of the data set's generator.
        sizes: examples in `train`, `valid` and `test`.
        seeds: trainings of each architecture, which differ in initial weights and order of the examples.
        group: architectures in one unit of work, which one program trains where the engine is `grouped`.
        engine: see `nassearch.training.loop.train`.
    """

    task: Task
    training: Training = field(default_factory=Training)
    data: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=lambda: {"train": 5000, "valid": 5000, "test": 10000})
    seeds: int = 4
    group: int = 40
    engine: str = "compiled"

    def as_dict(self) -> dict[str, Any]:
        return json.loads(json.dumps({**asdict(self), "task": self.task.as_dict()}))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Unit:
    """One group under one seed."""

    seed: int
    first: int
    archs: tuple[Arch, ...]


def representatives(space: SearchSpace, count: Callable[[Network], int], task: Task) -> list[Arch]:
    """Return one architecture per key, the one with the fewest parameters, in order of their operations.

    That one has no layer that its output ignores. Neighbours in the list share most of their layers, which makes
    groups of them quick to train.
    """
    chosen: dict[str, tuple[int, Arch]] = {}
    for arch in space.all():
        key, candidate = space.key(arch), (count(space.network(arch, task)), arch)
        chosen[key] = min(chosen.get(key, candidate), candidate)
    return sorted(arch for _, arch in chosen.values())


def units(archs: Sequence[Arch], recipe: Recipe) -> list[Unit]:
    """Return the work, one seed after the other."""
    return [
        Unit(seed, first, tuple(archs[first : first + recipe.group]))
        for seed in range(recipe.seeds)
        for first in range(0, len(archs), recipe.group)
    ]


def run_unit(
    unit: Unit, space: SearchSpace, recipe: Recipe, splits: dict[str, Batch], device: str
) -> dict[str, Any]:
    """Train one unit and return its line of the work file.

    `seconds` is the unit's training time shared equally among its architectures.
    """
    networks = [space.network(arch, recipe.task) for arch in unit.archs]
    weights = [_seed(unit.seed, space.format(arch)) for arch in unit.archs]
    start = time.perf_counter()
    held_out = {name: batch for name, batch in splits.items() if name != "train"}
    accuracy = train(
        networks, weights, unit.seed, recipe.training, splits["train"], held_out, device, recipe.engine
    )
    seconds = (time.perf_counter() - start) / len(networks)
    line: dict[str, Any] = {"seed": unit.seed, "first": unit.first, "count": len(networks)}
    line |= {name: [round(float(v), 4) for v in values] for name, values in accuracy.items()}
    return line | {"seconds": round(seconds, 4)}


def _seed(seed: int, text: str) -> int:
    # Depends on the architecture and not on its place, so that grouping does not change the weights.
    entropy = [seed, *text.encode()]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


class WorkFile(WorkLog):
    """Finished units, by seed and place in the list of architectures."""

    def __init__(self, path: Path, recipe: Recipe, archs: Sequence[Arch]) -> None:
        from nassearch import __version__

        # More seeds continue a build, so their number is not part of what a work file is of.
        header = {
            "format": 2,
            "package": __version__,  # units of two releases may be of two ways to train
            "recipe": {k: v for k, v in recipe.as_dict().items() if k != "seeds"},
            "architectures": hashlib.sha256(json.dumps(list(archs)).encode()).hexdigest()[:16],
        }
        super().__init__(path, header, "recipe, another list of architectures or another release")
        try:
            self.done = {(line["seed"], line["first"]): line for line in self.lines}
        except (KeyError, TypeError) as error:
            raise BadData(
                f"{path} is not a work file: a unit without {error}; remove it to start over"
            ) from error

    def append(self, line: dict[str, Any]) -> None:
        super().append(line)
        self.done[line["seed"], line["first"]] = line


def train_space(
    space: SearchSpace,
    archs: Sequence[Arch],
    recipe: Recipe,
    splits: dict[str, Batch],
    work: WorkFile,
    workers: int | None = None,
    executor: str = "processes",
    device: str = "cpu",
    progress: Progress | None = None,
) -> None:
    """Train what the work file does not hold yet; `progress` hears of (units done, units in all)."""
    wanted = units(archs, recipe)
    todo = [unit for unit in wanted if (unit.seed, unit.first) not in work.done]
    run = partial(run_unit, space=space, recipe=recipe, splits=splits, device=device)
    for finished, line in enumerate(in_order(run, todo, workers, executor), start=1):
        work.append(line)
        if progress:
            progress(len(wanted) - len(todo) + finished, len(wanted))


def collect(archs: Sequence[Arch], recipe: Recipe, work: WorkFile) -> dict[str, np.ndarray]:
    """Return `valid`, `test` and `seconds`, each float64 `[seeds, N]`, once every unit is done."""
    shape = (recipe.seeds, len(archs))
    arrays = {name: np.full(shape, np.nan) for name in ("valid", "test", "seconds")}
    for (seed, first), line in work.done.items():
        if seed >= recipe.seeds:
            continue
        for name, array in arrays.items():
            array[seed, first : first + line["count"]] = line[name]
    missing = int(np.isnan(arrays["test"]).sum())
    if missing:
        raise BadData(
            f"{missing} of {recipe.seeds * len(archs)} trainings are not done yet; run the build again"
        )
    return arrays
