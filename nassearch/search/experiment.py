"""An experiment: what the command line's flags, a Python call and a result's header have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, cast

from nassearch.benchmarks.base import Benchmark, Dataset
from nassearch.benchmarks.given import (
    GivenBenchmark,
    dataset_of,
    load_benchmark,
    name_of_benchmark,
    space_of,
    words_of,
)
from nassearch.constraints.limits import Constraints
from nassearch.errors import UnknownName
from nassearch.provenance.identity import made_with
from nassearch.scorers.cache.scores import cache_path
from nassearch.scorers.compute import Tally
from nassearch.scorers.open import check_made, open_batch, open_roles
from nassearch.scorers.spec import GivenScorer, Spec, name_of, needs_batch
from nassearch.search.fields import CHECKS, GUIDE
from nassearch.search.given import (
    as_text,
    name_of_strategy,
    refuse_guidance,
    result_name,
    strategy_of,
    texts,
    with_scorer,
)
from nassearch.search.guidance import (
    StrategyMaker,
    check_search,
    label,
    roles,
    searched,
    shorter_fields,
    unscored,
    witness,
)
from nassearch.search.metrics.shown import check_known, check_shown
from nassearch.search.outcome import Outcome
from nassearch.search.pareto.asking import check_objectives
from nassearch.search.pareto.objectives import Objective, known_of, limited, open_objectives, told_of
from nassearch.search.quantity import Quantity
from nassearch.search.runner import Round
from nassearch.search.store import Header, Store
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import EXPLORE, Strategy
from nassearch.types import Batch, Scorer
from nassearch.workers.progress import Watch, watched
from nassearch.workers.spread import check_work


@dataclass(frozen=True)
class Experiment:
    """A search strategy on a benchmark, guided or not, over seeded rounds.

        result = Experiment("ae", warmup=3000, move="epsilon").run(workers=2)
        result.curve().median()[-1]

    It keeps what it was given, and is equal, hashed and changed by `dataclasses.replace` as such.

    Attributes:
        strategy: a name, see `nassearch list strategies`, or a subclass of `Strategy`.
        benchmark: a name, a subclass of `Benchmark`, or one that is open.
        dataset: of the benchmark; None for its first, or for the one that is open.
        budget: models trained in a round.
        rounds: how many.
        seed: of the whole experiment.
        scorer: ranks the warm-up, and is meant where `move` or a strategy's scorer setting is True. None for
            epsilon. A text, what `@proxy` made, or a function `f(archs) -> scores [N]`: higher is better, NaN: none.
        warmup: architectures scored before each search; 0 for none.
        move: scorer that guides each step, or None.
        move_at: which step; None for the strategy's first choice.
        explore: share of the moves at the child that ignore the scorer.
        move_ratio: architectures scored for each one trained, for the moves of rl and rand; None for the strategy's.
        settings: the strategy's own.
        batch: what proxies look at: None for the data set's own, a path of an .npz file, a synthetic kind or a `Batch`.
        objectives: what is searched for where it is several things, such as "accuracy,latency", or None.
        constraints: the most that a network may cost, a `nassearch.Constraints` or a dict of its fields, or None.
        show, choose: what curves show, test, valid or a further metric, and choose by; see `Outcome.curve`.
        target: value that curves are asked to reach, as published (a loss not negated), or None.

    Raises:
        UnknownName, InvalidSetting: when made, for values that cannot be right.
    """

    strategy: str | type[Strategy]
    benchmark: GivenBenchmark = "nasbench201"
    dataset: str | None = None
    budget: int = 300
    rounds: int = 100
    seed: int = 0
    scorer: GivenScorer | None = None
    warmup: int = 0
    move: GivenScorer | bool | None = None
    move_at: str | None = None
    explore: float = EXPLORE
    move_ratio: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch: str | os.PathLike[str] | Batch | None = None
    constraints: Constraints | Mapping[str, Any] | None = None
    objectives: str | Sequence[str] | None = None
    show: str = "test"
    choose: str = "valid"
    target: float | None = None

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        strategy, dataset = self._strategy_class, self._dataset
        for name in self.settings:
            if name not in strategy.settings():
                raise UnknownName(
                    f"setting of {name_of_strategy(self.strategy)}",
                    name,
                    strategy.settings(),
                    "(nassearch list strategies)",
                )
        if self.move_scorer is None:
            refuse_guidance(self.move_at, self.explore, self.move_ratio)
        space = space_of(self.benchmark, dataset.name)
        strategy.check_warm_up(self.warmup, space, least=0)
        check_objectives(strategy, len(self.objectives or ()))
        check_shown(self.show, self.benchmark, dataset, self.objectives or ())
        check_search(self._stand_in(space), self.budget, self._roles, self.warmup)

    def __getstate__(self) -> dict[str, Any]:
        """Travel without what was opened on the way."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def dataset_name(self) -> str:
        """Return the name of the data set: the benchmark's first where none was given."""
        return self._dataset.name

    @property
    def _dataset(self) -> Dataset:
        return dataset_of(self.benchmark, self.dataset)

    @property
    def move_scorer(self) -> GivenScorer | None:
        """Return the scorer of the moves: `scorer` where `move` is True, None where there are none."""
        return (self._scorer if self.move else None) if isinstance(self.move, bool) else self.move

    @property
    def _scorer(self) -> GivenScorer:
        """Return the scorer: the usual one where none was given."""
        return GUIDE if self.scorer is None else self.scorer

    @property
    def used_settings(self) -> dict[str, Any]:
        """Return the settings, with `scorer` where one that takes a scorer is True and lists of scorers written out."""
        return with_scorer(self.settings, self._strategy_class, self.scorer)

    @property
    def guided(self) -> bool:
        """Return whether anything is scored."""
        return bool(self._roles)

    @property
    def _strategy_class(self) -> type[Strategy]:
        return strategy_of(self.strategy)

    @property
    def _roles(self) -> dict[str, Spec]:
        return roles(self._strategy_class, self._scorer, self.warmup, self.move_scorer, self.used_settings)

    def _maker(self, space: SearchSpace, scorers: Mapping[str, Scorer]) -> StrategyMaker:
        guidance = {"move_at": self.move_at, "explore": self.explore, "move_ratio": self.move_ratio}
        return StrategyMaker(self._strategy_class, space, scorers, self.used_settings, **guidance)

    def _stand_in(self, space: SearchSpace) -> StrategyMaker:
        return self._maker(space, dict.fromkeys(self._roles, unscored))

    @cached_property
    def oracle(self) -> Benchmark:
        """Open the benchmark."""
        return load_benchmark(self.benchmark, self.dataset)

    @cached_property
    def _space(self) -> SearchSpace:
        """The architectures that are searched."""
        space = limited(self.oracle, self._constraints)
        self._strategy_class.check_warm_up(self.warmup, space, least=0)
        return space

    @cached_property
    def _objectives(self) -> tuple[Objective, ...]:
        return open_objectives(self.objectives or (), self.oracle, self._space, self._constraints)

    @property
    def _constraints(self) -> Constraints:
        return Constraints() if self.constraints is None else cast(Constraints, self.constraints)

    @cached_property
    def _batch(self) -> Batch | None:
        """The batch, where a scorer in use looks at one."""
        needy = [name_of(spec) for spec in self._roles.values() if needs_batch(spec)]
        given = self.batch if isinstance(self.batch, Batch | None) else os.fspath(self.batch)
        return open_batch(given, self.benchmark, self.dataset_name, needy[0]) if needy else None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values: objects by name, and what was left open as it is used."""
        given = {n: v for n, v in self.__getstate__().items() if n not in ("constraints", "objectives")}
        resolved = {
            "strategy": name_of_strategy(self.strategy),
            "benchmark": name_of_benchmark(self.benchmark),
            "dataset": self.dataset_name,
            "scorer": as_text(self._scorer),
            "move": as_text(self.move_scorer),
            "settings": texts(self.used_settings, self._strategy_class),
            "batch": as_text(self.batch),
        }
        return {**given, **resolved, **told_of(self._constraints, self.objectives and self._objectives)}

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self._strategy_class, self.oracle, self._roles

    @property
    def label(self) -> str:
        """Return what tells this search from others on its data set, for legends and tables."""
        return label(self.as_dict())

    @property
    def file_name(self) -> str:
        """Return the usual name of its result, of less than 200 bytes; see `file_stem`."""
        words = words_of(self.benchmark, self.dataset_name)
        return result_name(self.as_dict(), words, self.label, self.guided)

    def header(self) -> Header:
        """Return what a result of this experiment is the result of: its batch by content, no unused scorer."""
        from nassearch import __version__

        used: dict[str, Any] = {
            "batch": self._batch.digest() if self._batch else None,
            "scorer": as_text(self._scorer) if self.warmup else None,
            **(Quantity.of(self.oracle).fields() | self.oracle.facts),
            **shorter_fields(self._stand_in(self.oracle.space), self.oracle),
        }
        used |= known_of(self._constraints, self._objectives, self.oracle, self._space)
        code = dict(witness(*self._parts).code)
        if isinstance(self.benchmark, Benchmark) and (made := made_with(self.benchmark)):
            code["benchmark"] += f", made with {made}"
        return Header({**self.as_dict(), **used}, __version__, self.oracle.digest, code)

    def run(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        workers: int | None = None,
        executor: str = "processes",
        cache: bool = True,
        progress: bool = False,
        watch: Watch | None = None,
        overwrite: bool = False,
    ) -> Outcome:
        """Run the rounds that are not there yet.

        Args:
            out: file that takes the rounds, one line each, and is gone on with if it is there; None to keep them in
                memory.
            workers: processes at a time; None for this one alone, or for all of a cluster. They change no result.
            executor: "processes", or "ray", perhaps with the address of a cluster as in "ray:HOST:PORT".
            cache: keep scores in the user's data directory.
            progress: show it: bars on a terminal or below the cell of a notebook, a line each minute elsewhere.
            watch: told of progress instead.
            overwrite: begin anew where there is a result, of whatever experiment.
        """
        check_work(workers, executor)
        check_known(self.show, self.oracle, self.objectives or ())
        header, seen = self.header(), witness(*self._parts)
        how, kept = {"workers": workers, "executor": executor}, cache_path() if cache else None
        with watched(watch, progress) as watch:
            scorers = open_roles(self._roles, self.oracle, self._batch, watch, cache=kept, **how)
            check_made((self.scorer, self.move, *self.settings.values()), scorers.values())
            if out is None:
                rounds = list(self._search(scorers, range(self.rounds), watch, **how))
                seen.check()
                return Outcome(header, rounds, 0, Tally.of_all(scorers.values()), oracle=self.oracle)
            with Store.open(out, header, overwrite) as store:
                found = min(store.done, self.rounds)
                for finished in self._search(scorers, range(store.done, self.rounds), watch, **how):
                    seen.check()
                    store.append(finished)
                done = store.rounds[: self.rounds], found, Tally.of_all(scorers.values())
                return Outcome(header, *done, store.path, self.oracle)

    def _search(self, scorers: Any, rounds: range, watch: Watch | None, **how: Any) -> Iterator[Round]:
        maker = self._maker(self._space, scorers)
        parts = self.oracle, self._space, self._strategy_class, maker, scorers, self._roles
        return searched(*parts, rounds, watch, self.warmup, self.budget, self.seed, self._objectives, **how)
