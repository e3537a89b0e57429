"""An experiment as plain values: what the command line's flags, a Python call and a result's header have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.batches import KINDS, load_batch, synthetic_batch
from nassearch.curves import Curve
from nassearch.errors import InvalidSetting, MissingData, UnknownName
from nassearch.paths import data_dir
from nassearch.runner import Round, check_budget, run_rounds, warmup_draws
from nassearch.scorers import ProxyScorer, build_scorer, parse_spec
from nassearch.spaces.base import SearchSpace
from nassearch.store import Header, Store
from nassearch.strategies.base import Strategy, whole
from nassearch.types import Batch, Progress

Watch = Callable[[str], Progress]
"""Makes a progress callback for a piece of work with that title."""


@dataclass(frozen=True)
class Experiment:
    """A search strategy on a benchmark, guided or not, over seeded rounds.

        result = Experiment("ae", warmup=3000, move="epsilon").run(workers=2)
        result.curve().median()[-1]

    Attributes:
        strategy, benchmark: names; see `nassearch list`.
        dataset: of the benchmark; None for its first.
        budget: models trained in a round.
        rounds: how many.
        seed: of the whole experiment.
        scorer: ranks the warm-up, and is what `move=True` and a strategy's scorer settings fall back on.
        warmup: architectures scored before each search; 0 for none.
        move: scorer that guides each step, or None.
        move_at: which step; None for the strategy's first choice.
        explore: share of the moves at the child that ignore the scorer.
        settings: the strategy's own.
        batch: what proxies look at: None for the data set's own, a path of an .npz file, or a synthetic kind.
        show, choose: what curves show; see `Curve.from_rounds`.
        target: value that curves are asked to reach, or None.

    Raises:
        UnknownName, InvalidSetting: when made, for values that cannot be right.
    """

    strategy: str
    benchmark: str = "nasbench201"
    dataset: str | None = None
    budget: int = 300
    rounds: int = 100
    seed: int = 0
    scorer: str = "epsilon"
    warmup: int = 0
    move: str | None = None
    move_at: str | None = None
    explore: float = 0.25
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch: str | None = None
    show: str = "test"
    choose: str = "valid"
    target: float | None = None

    def __post_init__(self) -> None:
        strategy, datasets = self._strategy_class, registry.load("benchmarks", self.benchmark).datasets()
        if self.dataset is None:
            object.__setattr__(self, "dataset", next(iter(datasets)))
        if self.dataset not in datasets:
            raise UnknownName(f"data set of {self.benchmark}", str(self.dataset), datasets)
        for name in self.settings:
            if name not in strategy.settings():
                raise UnknownName(f"setting of {self.strategy}", name, strategy.settings())
        for name in ("budget", "rounds"):
            whole(name, getattr(self, name))
        whole("seed", self.seed, least=0)
        whole("warmup", self.warmup, least=0)
        if self.move is None and self.move_at is not None:
            raise InvalidSetting(f"--move-at {self.move_at} says where a move acts, and there is none: add --move SCORER")

    @property
    def _strategy_class(self) -> type[Strategy]:
        return registry.load("strategies", self.strategy)  # type: ignore[no-any-return]

    @cached_property
    def oracle(self) -> Benchmark:
        """Open the benchmark."""
        return registry.load("benchmarks", self.benchmark).open(self.dataset)  # type: ignore[no-any-return]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {**{f.name: getattr(self, f.name) for f in fields(self)}, "settings": dict(self.settings)}

    @property
    def label(self) -> str:
        """Return what tells this search from others on its data set, for legends and tables."""
        parts = [self.strategy]
        if self.warmup:
            parts.append(f"warm-up {self.warmup} by {self.scorer}")
        if self.move:
            parts.append(f"move {self.move}" + (f" at {self.move_at}" if self.move_at else ""))
        parts += [f"{name}={value}" for name, value in self.settings.items()]
        return ", ".join(parts)

    @property
    def file_name(self) -> str:
        """Return the usual name of its result."""
        explore = f"explore {self.explore:g}" if self.explore != 0.25 else ""
        text = " ".join([self.benchmark, str(self.dataset), self.label, explore, f"seed {self.seed} budget {self.budget}"])
        return re.sub(r"[^A-Za-z0-9.=]+", "-", text).strip("-") + ".jsonl"

    def header(self) -> Header:
        """Return what a result of this experiment is the result of."""
        from nassearch import __version__

        batch = self._batch.digest() if self._batch else None
        return Header({**self.as_dict(), "batch": batch}, __version__, self.oracle.digest)

    @cached_property
    def _scorers(self) -> dict[str, str]:
        """The scorers in use: role to spec."""
        found = {"warmup": self.scorer} if self.warmup else {}
        if self.move:
            found["move"] = self.move
        for name in self._strategy_class.scorer_settings:
            if self.settings.get(name):
                found[name] = str(self.settings[name])
        return found

    @cached_property
    def _batch(self) -> Batch | None:
        """The batch, where a scorer in use looks at one."""
        needy = [spec for spec in self._scorers.values() if needs_batch(spec)]
        return open_batch(self.batch, type(self.oracle), str(self.dataset), needy[0]) if needy else None

    def run(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        workers: int = 1,
        executor: str = "processes",
        cache: bool = True,
        watch: Watch | None = None,
    ) -> Outcome:
        """Run the rounds that are not there yet.

        Args:
            out: file that takes the rounds, one line each, and is gone on with if it is there; None to keep them in
                memory.
            workers, executor: see `nassearch.parallel.in_order`; they change no result.
            cache: keep scores in the user's data directory.
            watch: told of progress.

        Raises:
            NassearchError: one of its kinds, with what to do about it.
        """
        make = self._factory(workers, executor, cache, watch)
        check_budget(make.strategy(np.random.default_rng(0)), self.budget)
        if out is None:
            return Outcome(self, list(self._rounds(make, range(self.rounds), workers, executor, watch)))
        with Store.open(out, self.header()) as store:
            missing = range(store.done, self.rounds)
            for round in self._rounds(make, missing, workers, executor, watch):
                store.append(round)
            return Outcome(self, store.rounds[: self.rounds])

    def _factory(self, workers: int, executor: str, cache: bool, watch: Watch | None) -> _Parts:
        oracle = self.oracle
        path = data_dir() / "scores.sqlite" if cache else None
        built: dict[str, ProxyScorer] = {}
        for spec in self._scorers.values():
            if spec not in built:
                built[spec] = build_scorer(
                    spec,
                    oracle.space,
                    oracle.dataset.task,
                    self._batch,
                    workers=workers,
                    executor=executor,
                    cache=path,
                    progress=watch(f"scoring by {spec}") if watch else None,
                )
        return _Parts(self, oracle.space, {role: built[spec] for role, spec in self._scorers.items()})

    def _rounds(
        self, make: _Parts, rounds: range, workers: int, executor: str, watch: Watch | None
    ) -> Any:
        if not rounds:
            return
        self._score_first(make, rounds)
        guide = make.scorers.get("warmup")
        progress = watch("searching") if watch else None
        found = run_rounds(
            self.oracle,
            make.strategy,
            self.budget,
            self.seed,
            rounds,
            (guide, self.warmup) if guide is not None else None,
            workers=workers,
            executor=executor,
        )
        for done, round in enumerate(found, start=1):
            if progress:
                progress(done, len(rounds))
            yield round

    def _score_first(self, make: _Parts, rounds: range) -> None:
        """Score at once, on all workers, what the rounds will ask for, and leave the rest to each round."""
        space = self.oracle.space
        if "warmup" in make.scorers:
            whole("warmup", self.warmup, most=space.size)
            draws = (warmup_draws(space, self.warmup, self.seed, round) for round in rounds)
            make.scorers["warmup"](list(dict.fromkeys(arch for drawn in draws for arch in drawn)))
        for role, scorer in make.scorers.items():
            # Steps ask for an architecture or its neighbours; beyond the size of the space that is nearly all of it.
            if role != "warmup" and len(rounds) * self.budget >= space.size:
                scorer(list(space.all()))
            scorer.workers, scorer.progress = 1, None


class _Parts:
    """Makes the strategy of each round; shipped to the workers."""

    def __init__(self, experiment: Experiment, space: SearchSpace, scorers: dict[str, ProxyScorer]) -> None:
        cls = experiment._strategy_class
        settings = {**experiment.settings, **{name: s for name, s in scorers.items() if name in cls.scorer_settings}}
        self.scorers = scorers
        self.strategy = partial(
            cls, space, move=scorers.get("move"), move_at=experiment.move_at, explore=experiment.explore, **settings
        )


@dataclass(frozen=True)
class Outcome:
    """The rounds of an experiment."""

    experiment: Experiment
    rounds: list[Round] = field(repr=False)

    def curve(self, show: str | None = None, choose: str | None = None) -> Curve:
        """Return the rounds as a curve, as the experiment says unless told otherwise."""
        return Curve.from_rounds(self.rounds, show or self.experiment.show, choose or self.experiment.choose)


def needs_batch(spec: str) -> bool:
    """Say whether a scorer looks at data."""
    return bool(registry.load("proxies", parse_spec(spec)[0]).needs)


def open_batch(text: str | None, benchmark: type[Benchmark], dataset: str, scorer: str) -> Batch:
    """Return the batch that `--batch` names: None for the data set's own, a synthetic kind, or a file.

    Raises:
        MissingData: the data set has none of its own; `scorer` is what needs it.
        BadData: the file is not a batch of the data set.
    """
    task = benchmark.datasets()[dataset].task
    if text in KINDS:
        return synthetic_batch(text, task)
    if text is not None:
        return load_batch(Path(text), task)
    batch = benchmark.find_batch(dataset)
    if batch is None:
        raise MissingData(
            f"{scorer} looks at data, and no batch of {dataset} is installed; make one from images with: "
            f"nassearch bench import IMAGES.npz --dataset {dataset}, or do without images: --batch grey"
        )
    return batch


def from_header(header: Header) -> Experiment:
    """Return the experiment that a result belongs to, without its batch; its rounds are not stored there."""
    known = {f.name for f in fields(Experiment)}
    values = {name: value for name, value in header.experiment.items() if name in known}
    return replace(Experiment(**values), batch=None)
