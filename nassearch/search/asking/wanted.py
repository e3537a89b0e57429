"""What a search that is asked and told is for, as plain values that its folder keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.base import Dataset, Metric
from nassearch.benchmarks.batches import KINDS
from nassearch.benchmarks.given import dataset_of, space_of
from nassearch.benchmarks.trained.reduction import shorter_epochs
from nassearch.checks import whole
from nassearch.constraints.latency import machine
from nassearch.constraints.limits import MEASURED, Constraints
from nassearch.errors import InvalidModel, InvalidSetting, MissingData, NassearchError, quoted
from nassearch.provenance.blame import blamed
from nassearch.scorers.model_batches import open_model_batch, read_input
from nassearch.search.asking.oracle import AskedBenchmark
from nassearch.search.experiment import Experiment
from nassearch.search.fields import limits_of
from nassearch.search.pareto.objectives import UNITS
from nassearch.spaces import open_space
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built
from nassearch.strategies.base import EXPLORE
from nassearch.types import Batch, Task, plain

IMAGE, CLASSES = (3, 32, 32), 10
"""What networks are built for where nobody says it."""
UNBOUNDED = 1000
"""Stands for the budget of a search that has none, where a number of models is wanted for what is scored ahead."""
FREE = ("budget",)
"""What may be another one when a search is begun again."""


@dataclass(frozen=True)
class Wanted:
    """What a search that is asked and told is for. All of it is text and numbers, so that a folder can keep it.

    Attributes:
        space: see `nassearch.spaces.open_space`; or
        benchmark, dataset: whose space, inputs and batch are taken; its table is not looked at.
        strategy, scorer, warmup, move, move_at, explore, move_ratio, settings, seed: as in `nassearch.Experiment`,
            scorers as texts.
        constraints, objectives: as there. Objectives are what is trained for, called `quantity`, and what an
            architecture costs, or what of `told` is named.
        budget: models that are asked for; None for no end.
        input, vocabulary, classes: of the networks of a space, as `nassearch score` takes them.
        batch: what proxies look at, a kind such as grey or an .npz file.
        quantity, unit, lower_is_better: of the values that are told.
        told: further objectives that only whoever trains can tell; lower is better, or `name:max` where higher is.
        epochs: of a whole training, where there are shorter ones too.
        fidelity: epochs of shorter trainings, for `sh`.
    """

    space: str | None = None
    benchmark: str | None = None
    dataset: str | None = None
    strategy: str = "gp"
    scorer: str | None = None
    warmup: int = 0
    move: str | bool | None = None
    move_at: str | None = None
    explore: float = EXPLORE
    move_ratio: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    constraints: Constraints | Mapping[str, Any] | None = None
    objectives: str | Sequence[str] | None = None
    seed: int = 0
    budget: int | None = None
    input: str | None = None
    vocabulary: int | None = None
    classes: int | None = None
    batch: str | None = None
    quantity: str = "accuracy"
    unit: str = "percent"
    lower_is_better: bool = False
    told: Sequence[str] = ()
    epochs: int | None = None
    fidelity: Iterable[int] = ()

    def __post_init__(self) -> None:
        if (self.space is None) == (self.benchmark is None):
            raise InvalidSetting(
                "a search is in one space: give --space SPACE, or --benchmark NAME for the space of a benchmark"
            )
        texts = ("space", "benchmark", "dataset", "strategy", "scorer", "input", "batch", "quantity", "unit")
        for name in texts:
            value = getattr(self, name)
            optional = name not in ("strategy", "quantity", "unit")
            if not (value is None and optional) and (not isinstance(value, str) or not value):
                raise InvalidSetting(f"{name} is a text, as a folder keeps it, not {quoted(value)}")
        if not isinstance(self.move, str | bool | None):
            raise InvalidSetting(
                f"move is the text of a scorer, as a folder keeps it, not {quoted(self.move)}"
            )
        if not isinstance(self.lower_is_better, bool):
            raise InvalidSetting(f"lower_is_better is true or false, not {quoted(self.lower_is_better)}")
        for name in ("budget", "epochs", "vocabulary", "classes"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name))
        for name in ("fidelity", "told"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Iterable):
                what = "epochs" if name == "fidelity" else "names"
                raise InvalidSetting(f"{name} is a list of {what}, not {quoted(value)}")
            object.__setattr__(self, name, tuple(value))
        if self.fidelity and self.epochs is None:
            raise InvalidSetting(
                "fidelity is epochs of shorter trainings: say by --epochs how many a whole one has"
            )
        self._check_benchmark()

    def _check_benchmark(self) -> None:
        if self.benchmark is None:
            if self.dataset is not None:
                raise InvalidSetting("--dataset is one of a benchmark: add --benchmark, or leave it out")
            return
        usual = {each.name: each.default for each in fields(self)}
        for name in ("input", "vocabulary", "classes", "quantity", "unit", "lower_is_better"):
            if getattr(self, name) != usual[name]:
                raise InvalidSetting(
                    f"a benchmark says what its networks read and what is told: leave --{name.replace('_', '-')} out, "
                    "or give --space"
                )

    @classmethod
    def of(cls, made: Mapping[str, Any]) -> Wanted:
        """Return what a folder has kept; raise `InvalidSetting` where it is none of this version."""
        known = {each.name for each in fields(cls)}
        if strange := sorted(set(made) - known - {"machine"}):
            raise InvalidSetting(
                f"the folder says {strange[0]!r} of its search, which this nassearch does not know: go on with the "
                "version that began it"
            )
        return cls(**{name: value for name, value in made.items() if name in known})

    def made(self) -> dict[str, Any]:
        """Return it as plain JSON values, files by their whole paths, and nothing that is as usual."""
        usual = cls_defaults()
        found = {each.name: plain(getattr(self, each.name)) for each in fields(self)}
        found["constraints"] = self._limits()
        found["settings"] = dict(self.settings)
        for name in ("told", "fidelity"):
            found[name] = list(found[name])
        if not isinstance(self.objectives, str | None):
            found["objectives"] = list(self.objectives)
        if self.batch is not None and self.batch not in KINDS:
            found["batch"] = str(Path(self.batch).resolve())
        if self._measures():
            found["machine"] = machine()
        return {name: value for name, value in found.items() if value != usual.get(name)}

    def _limits(self) -> dict[str, Any] | None:
        limits = self._constraints()
        if callable(limits.latency_by):
            raise InvalidSetting("latency_by is kept in a folder: name the function as MODULE:FUNCTION")
        by = {} if limits.latency_by == MEASURED else {"latency_by": limits.latency_by}
        return {**limits.limits, **by} or None

    def _constraints(self) -> Constraints:
        limits = limits_of(self.constraints)
        return Constraints() if limits is None else limits

    def _measures(self) -> bool:
        limits, names = self._constraints(), self.objectives or ()
        names = names.split(",") if isinstance(names, str) else names
        return limits.latency_by == MEASURED and (limits.latency is not None or "latency" in names)

    def oracle(self) -> AskedBenchmark:
        """Return what stands in the place of an oracle.

        Raises:
            NassearchError: one of its kinds, where something is not there, or means nothing.
        """
        if self.benchmark is not None:
            dataset = dataset_of(self.benchmark, self.dataset)
            space, text = space_of(self.benchmark, dataset.name), ""
        else:
            assert self.space is not None
            chosen = open_space(self.space)
            space, text = chosen.space, self.space
            dataset = Dataset(
                text,
                self._task(chosen.skeleton),
                self.unit,
                not self.lower_is_better,
                lowest=-np.inf,
                highest=np.inf,
                quantity=self.quantity,
            )
        dataset = replace(dataset, metrics=(*dataset.metrics, *self._told(dataset)))
        shorter = {}
        if self.epochs is not None:
            shorter = {each: each / self.epochs for each in shorter_epochs(self.fidelity, self.epochs)}
        return AskedBenchmark(space, text or space.name, dataset, self.benchmark, shorter)

    def _task(self, skeleton: Mapping[str, Any]) -> Task:
        given = read_input(self.input, self.vocabulary, self.classes)
        batch = self._read_batch()
        shape, classes, words = given.shape, self.classes, given.words
        if batch is not None:
            shape, words = batch.inputs.shape[1:], batch.inputs.dtype.kind == "i"
            if classes is None and batch.labels is not None:
                classes = int(batch.labels.max()) + 1
        classes = CLASSES if classes is None else classes
        return Task(
            shape or IMAGE, classes, words=(self.vocabulary or classes) if words else None, **skeleton
        )

    def _read_batch(self) -> Batch | None:
        """Return the batch of a file; None where there is none, or one of a kind that is made up."""
        if self.batch is None or self.batch in KINDS:
            return None
        given = read_input(self.input, self.vocabulary, self.classes)
        return open_model_batch(self.batch, given, ())[0]

    def _told(self, dataset: Dataset) -> tuple[Metric, ...]:
        taken = {"valid", "test", dataset.quantity, *UNITS, *dataset.metrics_by_name}
        found = []
        for text in self.told:
            match = (
                re.fullmatch(r"([^\W\d][\w-]{0,63})(?::(max|min))?", text) if isinstance(text, str) else None
            )
            if match is None or match[1] in taken:
                raise InvalidSetting(
                    f"a told objective is a name of its own, as in energy, or robustness:max where higher is better, "
                    f"not {quoted(text)}"
                )
            taken.add(match[1])
            found.append(Metric(match[1], match[1], "as told", match[2] == "max", told=True))
        return tuple(found)

    def experiment(self, oracle: AskedBenchmark) -> Experiment:
        """Return the search as one round on an oracle."""
        names = ("strategy", "scorer", "warmup", "move", "move_at", "explore", "move_ratio", "settings")
        batch = self.batch if self.benchmark is not None else self._read_batch() or self.batch
        return Experiment(
            **{name: getattr(self, name) for name in (*names, "objectives", "seed")},
            benchmark=oracle,
            budget=self.budget or UNBOUNDED,
            rounds=1,
            constraints=self._constraints(),
            batch=batch,
        )


def cls_defaults() -> dict[str, Any]:
    """Return the values that need not be kept."""
    usual = {each.name: each.default for each in fields(Wanted)}
    return {**usual, "settings": {}, "told": [], "fidelity": [], "constraints": None}


def try_out(space: SearchSpace, task: Task) -> None:
    """Raise `InvalidSetting` where networks of a space cannot be built for a task."""
    space.try_out(task)
    arch = space.sample(np.random.default_rng(0))
    try:
        with blamed(space):
            built(space, arch, task)
    except InvalidModel:  # of this one architecture
        return
    except MissingData:
        raise
    except NassearchError as error:
        shape = ",".join(map(str, task.input_shape))
        raise InvalidSetting(
            f"networks of {space.name} are not for inputs of {shape} and {task.classes} classes ({error}): say what "
            "they read by --input and --classes"
        ) from error
