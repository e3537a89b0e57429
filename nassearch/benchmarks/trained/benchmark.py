"""The oracle that trains: data of one's own in the place of a table."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nassearch.benchmarks.base import Dataset, no_shorter
from nassearch.benchmarks.made import MadeBenchmark
from nassearch.benchmarks.trained.builder import Builder, load_weights, task_for
from nassearch.benchmarks.trained.entry import Entry, key_of
from nassearch.benchmarks.trained.ledger import Ledger
from nassearch.benchmarks.trained.reduction import check_channels, shorter_epochs
from nassearch.checks import SEEDS, whole
from nassearch.datasets import OwnDataset
from nassearch.errors import InvalidSetting, MissingData, NassearchError
from nassearch.files.data_folder import write_whole
from nassearch.provenance.identity import identity
from nassearch.spaces.base import SearchSpace
from nassearch.training.single.recipe import Recipe
from nassearch.types import Arch, Batch, Metrics, Task

if TYPE_CHECKING:
    from torch import nn

BATCH = 256
NOTE = (
    "valid is the accuracy of the best epoch on the validation part, from one training; the test part is not looked "
    "at, and test repeats valid"
)


class TrainedBenchmark(MadeBenchmark):
    """Train what is asked about, on data of one's own (baseline: no table, no surrogate).

        data = open_dataset("my_images")
        bench = TrainedBenchmark(NASBench201(), data, Recipe(epochs=20), Path("results/mine"))
        bench.query(arch, rng).valid

    Every training is recorded in the ledger of the folder, and none is done twice: an architecture that is asked for
    again gets its entry. What a kill interrupts goes on from where it was. The test part of the data is not looked at.

    A network that cannot be built, that diverges in its first epoch, or that memory does not suffice for, has no
    accuracy. Strategies are told that of guessing, 100 percent over the number of classes; the entry says what it was.

    Args:
        space: the search space.
        data: the data set.
        recipe: of a whole training.
        folder: where the ledger `trained.jsonl` is, with `weights/` of the best epochs and `unfinished/` trainings;
            None to keep entries in memory, and no weights.
        skeleton: fields of `Task` beside the shape of the input and the classes, such as `{"cells": 1}`.
        seed: of all trainings.
        device, threads: see `nassearch.training.train_model`.
        fidelity: numbers of epochs of shorter trainings, which `sh` may ask for at their share of the price.
        space_text: by which results open the space again; None for its name.

    Raises:
        InvalidSetting: a setting that is out of range or that these data have no use for.
        BadData: the folder has trainings on other data, or in another space.
    """

    name: ClassVar[str] = "train"
    how_made: ClassVar[str] = (
        "train has no data of its own: make it with them, TrainedBenchmark(space, open_dataset(PATH)), or run "
        "nassearch search PATH"
    )
    needs_data: ClassVar[bool] = True
    tested = False

    def __init__(
        self,
        space: SearchSpace,
        data: OwnDataset,
        recipe: Recipe | None = None,
        folder: Path | str | None = None,
        *,
        skeleton: Mapping[str, Any] | None = None,
        seed: int = 0,
        device: str = "auto",
        threads: int = 1,
        fidelity: Iterable[int] = (),
        space_text: str | None = None,
    ) -> None:
        self.space, self.data = space, data
        self.space_text = space_text or space.name
        self.given = Recipe() if recipe is None else recipe
        self.recipe = self.given.resolved(data)
        self.folder = None if folder is None else Path(folder)
        self.seed = whole("seed", seed, least=0, largest=SEEDS)
        self.device, self.threads = device, whole("threads", threads)
        self.skeleton = dict(skeleton or {})
        self.task = data.task(**self.skeleton)
        self.dataset = Dataset(data.name, self.task, note=NOTE)
        self.fidelity = shorter_epochs(fidelity, self.recipe.epochs)
        if self.recipe.channels is not None:
            check_channels(space, self.task, "of a recipe")
        facts = {
            "data": data.digest,
            "space": [space.name, identity(space)],
            "task": json.loads(json.dumps(self.task.as_dict())),
        }
        self.ledger = Ledger(self.folder and self.folder / "trained.jsonl", facts)
        self.scored = Ledger(self.folder and self.folder / "scored.jsonl", facts)
        self._tidy_up()

    def again(self, **other: Any) -> TrainedBenchmark:
        """Return another oracle of the same space and data, with other arguments by name."""
        names = ("folder", "skeleton", "seed", "device", "threads", "fidelity", "space_text")
        how = {"recipe": self.given, **{name: getattr(self, name) for name in names}}
        return type(self)(self.space, self.data, **how | other)

    @cached_property
    def digest(self) -> str:
        """Hash of data, recipe, seed and task: results of other trainings are other results."""
        facts = [self.data.digest, self.recipe.as_dict(), self.seed, self.task.as_dict()]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def facts(self) -> dict[str, Any]:
        """Return the space with its skeleton, and the recipe."""
        told = {"space": self.space_text, "skeleton": self.task.as_dict(), "recipe": self.recipe.as_dict()}
        return json.loads(json.dumps(told))  # type: ignore[no-any-return]

    def batch(self) -> Batch:
        """Return examples of the training part for proxies, the same every time, its classes in turns."""
        return self.data.batch(BATCH)

    @property
    def chance(self) -> float:
        """Return the accuracy of guessing, in percent."""
        return 100 / len(self.data.classes)

    @property
    def shorter(self) -> dict[int, float]:
        return {epochs: epochs / self.recipe.epochs for epochs in self.fidelity}

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        """Return what training this architecture gives; it is trained where that was not done before.

        `test` repeats `valid`. Nothing is drawn from `rng`: the seed of the benchmark decides.

        Raises:
            InvalidArch: not an architecture of the space.
            NassearchError: the data have changed or are gone, or the ledger cannot be written.
        """
        return self.answer(self.entry(arch))

    def query_shorter(self, arch: Arch, rng: np.random.Generator, epochs: int) -> Metrics:
        """Return what training it for so many epochs gives, with a rate that falls to its end within them."""
        return self.answer(self.entry(arch, epochs))

    def answer(self, entry: Entry) -> Metrics:
        """Return what a search is told of a training: the accuracy of guessing where it has none."""
        valid = float(self.chance if entry.valid is None else entry.valid)
        return Metrics(valid, valid, float(entry.seconds))

    def recipe_of(self, epochs: int | None = None) -> Recipe:
        """Return the recipe of a whole training, or of a shorter one.

        Raises:
            InvalidSetting: there are no trainings of so many epochs.
        """
        if epochs is None:
            return self.recipe
        if epochs not in self.shorter:
            raise InvalidSetting(
                f"{no_shorter(self, [epochs]).partition(': ')[0]}: name them as its fidelity (--fidelity), each below "
                f"the {self.recipe.epochs} epochs of a whole training"
            )
        return replace(self.recipe, epochs=epochs, anneal=None)

    def known(self, arch: Arch, epochs: int | None = None) -> Entry | None:
        """Return the entry of a training, None where it is not done yet."""
        return self.ledger.find(self.space.check(arch), self.seed, self.recipe_of(epochs).as_dict())

    def entry(self, arch: Arch, epochs: int | None = None) -> Entry:
        """Return the entry of a training, which is done and recorded where it was not before.

        One that another process has begun is waited for.
        """
        if (found := self.known(arch, epochs)) is not None:
            return found
        with self.ledger.alone(key_of(arch, self.seed, self.recipe_of(epochs).as_dict())):
            return self.known(arch, epochs) or self.record(self.train(arch, epochs))

    def train(self, arch: Arch, epochs: int | None = None) -> Entry:
        """Train, and return an entry that is not recorded yet; any process may do it, and one that may write does.

        The weights of its best epoch are in the folder by then.
        """
        return self.train_by(self.space.check(arch), self.recipe_of(epochs))

    def record(self, entry: Entry) -> Entry:
        """Record an entry, and return what is recorded: an earlier one of the same training stays."""
        recorded = self.ledger.append(entry)
        self.tidy(entry)
        return recorded

    def lost(self, arch: Arch, note: str, epochs: int | None = None) -> Entry:
        """Return an entry for a training whose process died, which is not tried again once it is recorded."""
        arch, recipe = self.space.check(arch), self.recipe_of(epochs)
        return Entry(
            arch, self.space.format(arch), self.seed, recipe.as_dict(), self._share(recipe), "died", note=note
        )

    def unfinished(self, entry: Entry) -> Path | None:
        """Return where a training is kept while it goes on."""
        return self.folder and self.folder / "unfinished" / f"{entry.key}.safetensors"

    def tidy(self, entry: Entry) -> None:
        """Remove what was kept of a training while it went on, and what kills have left half written."""
        if (path := self.unfinished(entry)) is not None:
            path.unlink(missing_ok=True)
            for folder in (path.parent, path.parents[1] / "weights"):
                for half in folder.glob(f".{path.name}.*"):
                    half.unlink(missing_ok=True)

    def _tidy_up(self) -> None:
        """Remove what a kill has left of trainings that are recorded: it came before they were tidied."""
        kept = () if self.folder is None else (self.folder / "unfinished").glob("*")
        done = {entry.key for ledger in (self.ledger, self.scored) for entry in ledger.entries}
        for path in kept:
            if path.name.lstrip(".").partition(".")[0] in done:
                path.unlink(missing_ok=True)

    def built_for(self, recipe: Recipe) -> Task:
        """Return the task of a recipe's networks: of smaller inputs and fewer channels where it says so."""
        return task_for(self.task, recipe)

    def train_by(self, arch: Arch, recipe: Recipe, weights: bool = True) -> Entry:
        """Train by any recipe that is resolved for the data; see `train`."""
        from nassearch.training.single.device import find_device
        from nassearch.training.single.loop import train_model
        from nassearch.training.single.state import weights_bytes

        task = self.built_for(recipe)
        begun = Entry(arch, self.space.format(arch), self.seed, recipe.as_dict(), self._share(recipe))
        builder = Builder(self.space, arch, task, self.seed)
        how: dict[str, Any] = {"seed": self.seed, "device": self.device, "threads": self.threads}
        how |= {"state": self.unfinished(begun), "about": self.ledger.header}
        found = train_model(builder, self.data, recipe, **how)
        note, file = found.note, None
        if weights and self.folder is not None and found.weights is not None:
            file = f"weights/{begun.key}.safetensors"
            try:
                write_whole(self.folder / file, weights_bytes(found.weights), "make room")
            except NassearchError as error:
                file, note = None, "; ".join(filter(None, [note, f"its weights are lost: {error}"]))
        return replace(
            begun,
            status=found.status,
            valid=None if math.isnan(found.valid) else found.valid,
            seconds=found.seconds,
            history=found.history,
            params=builder.params,
            flops=builder.flops,
            batch_size=found.batch_size,
            accumulate=found.accumulate,
            weights=file,
            note=note,
            device=find_device(self.device).type,
            threads=self.threads,
        )

    def scored_by(self, arch: Arch, recipe: Recipe) -> Entry:
        """Return the entry of a training that a scorer asks for, by a recipe that is resolved for the data.

        These are recorded apart, in `scored.jsonl`, and their weights are not kept.
        """
        which = self.space.check(arch), self.seed, recipe.as_dict()

        def known() -> Entry | None:
            return self.ledger.find(*which) or self.scored.find(*which)

        if (found := known()) is None:
            with self.ledger.alone(key_of(*which)):
                if (found := known()) is None:
                    found = self.scored.append(self.train_by(arch, recipe, weights=False))
                    self.tidy(found)
        return found

    def module(self, entry: Entry) -> nn.Module:
        """Return the network of a training with the weights of its best epoch; raise where they are not there."""
        if self.folder is None or entry.weights is None:
            raise MissingData(f"the training of {entry.text} has left no weights: train it in a folder")
        built = Builder(self.space, entry.arch, self.built_for(Recipe.of(entry.recipe)), self.seed)
        return load_weights(built(), self.folder / entry.weights)

    def _share(self, recipe: Recipe) -> float:
        return recipe.epochs / self.recipe.epochs
