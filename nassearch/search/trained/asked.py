"""What is asked for: the data, the space, how to search, how to train, and for how long."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nassearch import registry
from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.oracle import open_oracle
from nassearch.checks import positive, whole
from nassearch.constraints.limits import Constraints
from nassearch.errors import InvalidSetting, quoted
from nassearch.scorers.spec import GivenScorer
from nassearch.search.experiment import Experiment
from nassearch.search.given import strategy_of
from nassearch.search.store import is_search
from nassearch.search.trained.folder import SearchFolder
from nassearch.strategies.base import Strategy
from nassearch.workers.progress import Watch
from nassearch.workers.spread import check_work

ETA = 3.0
ROUNDING = 1e-9
BUDGET = 20
"""Models that are trained where neither a number nor hours are given."""


@dataclass(frozen=True)
class Search:
    """What is asked for: the data, the space, how to search, how to train, and for how long.

    Attributes:
        source: data set, see `nassearch.datasets.open_dataset`.
        space: see `nassearch.spaces.open_space`.
        strategy, scorer, warmup, move, settings, constraints, objectives: as in `nassearch.Experiment`.
        hours: of wall clock, the final training included; None for no end.
        budget: models; None for `BUDGET` where there are no hours, else for any number.
        recipe: settings of `nassearch.training.Recipe`. Without `epochs` and with hours they follow from a trial.
        fidelity: epochs of shorter trainings, for `sh`, whose rungs they are; it begins with as many architectures as
            fit the budget with what is promoted of them, unless settings say otherwise.
        final_epochs: of the final training of the winner, 0 for none. None for three times those of the search; with
            hours alone, for as many as fit into what is left, which is half of them at least.
        valid, test, size: of the data.
        seed: of the split, of the search and of all trainings.
        workers, executor: trainings at a time, as processes or on a Ray cluster, whose nodes have to see data and
            folder under the same paths.
        threads: of each; None for the processors there are, shared, and 1 where networks are small.
        device: `auto` for a GPU where there is one.
    """

    source: str | os.PathLike[str]
    space: str = "nasbench201"
    strategy: str | type[Strategy] = "gp"
    scorer: GivenScorer | None = None
    warmup: int = 0
    move: GivenScorer | bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    constraints: Constraints | Mapping[str, Any] | None = None
    objectives: str | Sequence[str] | None = None
    hours: float | None = None
    budget: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    fidelity: Iterable[int] = ()
    final_epochs: int | None = None
    valid: float = 0.15
    test: float = 0.15
    size: Any = None
    seed: int = 0
    workers: int = 1
    executor: str = "processes"
    threads: int | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        strategy_of(self.strategy)  # refuses an unknown one before data are read
        if self.hours is not None:
            positive("hours", self.hours)
        if self.budget is not None:
            whole("budget", self.budget)
        if self.final_epochs is not None:
            whole("final_epochs", self.final_epochs, least=0)
        if not isinstance(self.device, str):
            raise InvalidSetting(f"device is auto, cpu or cuda, not {quoted(self.device)}")
        check_work(self.workers, self.executor)

    @property
    def by_the_clock(self) -> bool:
        """Return whether hours alone decide how long the winner is trained."""
        return self.final_epochs is None and self.hours is not None and self.budget is None

    def oracle(self, watch: Watch | None = None) -> TrainedBenchmark:
        """Open space and data, and return what trains by the recipe that is asked for; nothing is on the disk yet.

        Raises:
            NassearchError: see `open_oracle`.
        """
        return open_oracle(
            self.source,
            self.space,
            self.recipe,
            size=self.size,
            valid=self.valid,
            test=self.test,
            split_seed=self.seed,
            seed=self.seed,
            device=self.device,
            watch=watch,
        )

    def experiment(self, bench: TrainedBenchmark, budget: int) -> Experiment:
        """Return the search as one round on an oracle."""
        return Experiment(
            self.strategy,
            bench,
            budget=budget,
            rounds=1,
            seed=self.seed,
            scorer=self.scorer,
            warmup=self.warmup,
            move=self.move,
            settings=halving(
                self.strategy, self.settings, bench.shorter, self.budget or BUDGET, bench.folder
            ),
            constraints=self.constraints,
            objectives=self.objectives,
        )


def halving(
    strategy: str | type[Strategy],
    settings: Mapping[str, Any],
    shares: Mapping[int, float],
    budget: float,
    folder: Path | None,
) -> dict[str, Any]:
    """Return `rungs` and `first` of a strategy that has them, so that a bracket and its whole trainings fit a budget.

    Args:
        strategy: of the search.
        settings: that are given; these stay.
        shares: of a whole training, by epochs of the shorter ones; none where there are none.
        budget: models.
        folder: of a search that may be gone on with, and then keeps what it began with.
    """
    made = registry.load("strategies", strategy) if isinstance(strategy, str) else strategy
    taken = inspect.signature(made).parameters
    if not shares or "rungs" not in taken or "rungs" in settings:
        return dict(settings)
    if folder is not None and is_search(folder):
        before = SearchFolder.open(folder).made.get("settings") or {}
        return {name: before[name] for name in ("rungs", "first") if name in before} | dict(settings)
    found: dict[str, Any] = {"rungs": tuple(sorted(shares))}
    if "first" in taken:
        eta = float(settings.get("eta", ETA))
        steps = [*(shares[epochs] for epochs in found["rungs"]), 1.0]
        most = int(budget / steps[0])
        found["first"] = next((n for n in range(most, 1, -1) if _cost(n, steps, eta) <= budget + ROUNDING), 1)
    return found | dict(settings)


def _cost(first: int, steps: Sequence[float], eta: float) -> float:
    """Return the models that a bracket costs, the best of which comes up to a whole training."""
    cost, count = 0.0, first
    for share in steps:
        cost += share * count
        count = max(1, int(count / eta))
    return cost
