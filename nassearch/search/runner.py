"""The runner repeats a search over seeded rounds. Each round can be replayed alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from typing import Any, Protocol

import numpy as np

from nassearch.benchmarks.base import Benchmark, no_shorter
from nassearch.checks import whole
from nassearch.errors import BrokenPart, InvalidSetting, quoted
from nassearch.provenance.blame import blamed
from nassearch.search.pareto.asking import asked, tell
from nassearch.search.pareto.objectives import Objective, further_of, give_costs, values_of
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import Strategy
from nassearch.types import Arch, Floats, Metrics, Scorer
from nassearch.workers.spread import in_order

MakeStrategy = Callable[[np.random.Generator], Strategy]
Warmup = tuple[Scorer, int]
"""The scorer that ranks, and the number of architectures it ranks."""

LARGEST_BATCH = 25
SECONDS_IN_BATCH = 1.0
METRICS = ("valid", "test", "seconds")
ROUNDING = 1e-9
"""By which a sum of shares may be above a budget that it is equal to."""


class RemoteScorer(Protocol):
    """A scorer that works on other machines and hands its new scores back, see `nassearch.scorers.ProxyScorer`."""

    def take_new(self) -> Any: ...
    def put(self, new: Any) -> None: ...


@dataclass(frozen=True, eq=False)
class Round:
    """What one search trained, in order.

    Attributes:
        round: its number, from 0.
        archs: T architectures; T is the budget, where all trainings are whole ones.
        valid, test: what each reached, `[T]`, in the unit of the data set; higher is better.
        seconds: what training each took, `[T]`, not summed.
        revisits: how many of them this search had trained before.
        report: what the strategy tells of itself; see `Strategy.report`.
    """

    round: int
    archs: list[Arch]
    valid: Floats
    test: Floats
    seconds: Floats
    revisits: int
    report: dict[str, Any] = field(default_factory=dict)
    shares: Floats | None = None
    """What each training cost of a whole one, `[T]`; None where all are whole ones. They sum up to the budget."""
    further: dict[str, Floats] = field(default_factory=dict)
    """Of several objectives those that are not trained for, by name, `[T]` each, as published."""


def streams(seed: int, number: int) -> tuple[np.random.Generator, np.random.Generator, np.random.Generator]:
    """Return a round's independent random streams: warm-up, strategy, oracle."""
    children = np.random.SeedSequence(seed, spawn_key=(number,)).spawn(3)
    warmup, strategy, oracle = map(np.random.default_rng, children)
    return warmup, strategy, oracle


def warmup_draws(space: SearchSpace, n: int, seed: int, number: int) -> list[Arch]:
    """Return the architectures that the warm-up of this round will score, in the order it draws them.

    True of every strategy that keeps `Strategy.warm_up`. It lets one score the union over all rounds first.
    """
    with blamed(space):
        return space.sample_many(n, streams(seed, number)[0])


def run_round(
    benchmark: Benchmark,
    make_strategy: MakeStrategy,
    budget: int,
    seed: int,
    number: int,
    warmup: Warmup | None = None,
    objectives: Sequence[Objective] = (),
) -> Round:
    """Search once. The result depends on the arguments alone, not on other rounds.

    Args:
        benchmark: the oracle; a revisit is asked, and paid for, again.
        make_strategy: called with the strategy's random stream.
        budget: models to train; a shorter training counts as its share of a whole one.
        seed: of the experiment.
        number: of this round, from 0.
        warmup: scorer and number of architectures to rank before the search, or None.
        objectives: of which the strategy is told all values; none where what is trained for is all.

    Raises:
        InvalidSetting: a budget below 1 or below what the strategy needs, or a warm-up larger than the space.
        BrokenPart: a strategy or benchmark of someone else's fails, or answers what such a part does not.
    """
    for_warmup, for_strategy, for_oracle = streams(seed, number)
    on = benchmark, benchmark.space
    with blamed(*on):
        strategy = make_strategy(for_strategy)
    check_budget(strategy, budget)
    give_costs(strategy, objectives)
    if warmup is not None:
        with blamed(strategy, *on):
            strategy.warm_up(*warmup, for_warmup)
    archs: list[Arch] = []
    answers: list[Metrics] = []
    shares: list[float] = []
    refuse_shorter(strategy, benchmark)
    spent = 0.0
    while spent < budget:
        with blamed(strategy, *on):
            arch = asked(strategy, len(objectives))
        share = share_of(strategy, benchmark)
        if spent + share > budget + ROUNDING:
            break
        with blamed(*on):
            answer = _answered(benchmark, arch, for_oracle, strategy.asked_epochs)
        with blamed(strategy, *on):
            tell(strategy, arch, values_of(objectives, arch, answer.valid))
        archs.append(arch)
        answers.append(answer)
        shares.append(share)
        spent += share
    valid, test, seconds = (
        np.array([getattr(answer, name) for answer in answers], np.float64) for name in METRICS
    )
    with blamed(strategy, *on):
        report = strategy.report()
    revisits = len(archs) - len(set(zip(archs, shares, strict=True)))
    costs = None if set(shares) == {1.0} else np.array(shares)
    further = further_of(objectives, archs)
    return Round(number, archs, valid, test, seconds, revisits, report, costs, further)


def refuse_shorter(strategy: Strategy, benchmark: Benchmark) -> None:
    """Raise `InvalidSetting` where a strategy may ask for shorter trainings that a benchmark does not have."""
    missing = sorted(set(strategy.shorter_epochs) - set(benchmark.shorter))
    if missing:
        raise InvalidSetting(no_shorter(benchmark, missing))


def share_of(strategy: Strategy, benchmark: Benchmark) -> float:
    """Return what the training that was asked for costs of a whole one."""
    if strategy.asked_epochs is None:
        return 1.0
    if strategy.asked_epochs not in strategy.shorter_epochs:
        raise BrokenPart(
            f"the strategy {strategy.name} asked for {quoted(strategy.asked_epochs)} epochs, and its shorter_epochs "
            f"are {quoted(strategy.shorter_epochs)}: name there all that it asks for"
        )
    return benchmark.shorter[strategy.asked_epochs]


def _answered(benchmark: Benchmark, arch: Arch, rng: np.random.Generator, epochs: int | None) -> Metrics:
    """Return what a benchmark says of an architecture; raise `BrokenPart` where that is not three numbers."""
    answer = benchmark.query(arch, rng) if epochs is None else benchmark.query_shorter(arch, rng, epochs)
    if not isinstance(answer, Metrics) or not all(
        isinstance(getattr(answer, name), Real) for name in METRICS
    ):
        raise BrokenPart(
            f"the benchmark {benchmark.name} answered {quoted(answer)}: query() returns Metrics of three numbers, NaN "
            "for what is not known"
        )
    return answer


def check_budget(strategy: Strategy, budget: int) -> None:
    """Raise `InvalidSetting` where the budget is smaller than what the strategy begins with."""
    whole("budget", budget)
    if budget < strategy.least_budget:
        raise InvalidSetting(
            f"{strategy.name} trains {strategy.least_budget} models before its search begins, so a budget of "
            f"{budget} is too small: raise the budget to at least {strategy.least_budget}, or lower the pool"
        )


def run_rounds(
    benchmark: Benchmark,
    make_strategy: MakeStrategy,
    budget: int,
    seed: int,
    rounds: Sequence[int],
    warmup: Warmup | None = None,
    objectives: Sequence[Objective] = (),
    *,
    scorers: Sequence[RemoteScorer] = (),
    workers: int | None = None,
    executor: str = "processes",
) -> Iterator[Round]:
    """Yield the given rounds in their order, as soon as each is there.

    Args:
        rounds: their numbers, such as `range(store.done, 100)`.
        scorers: those that `make_strategy` and `warmup` score by, whose new scores are brought here from workers that
            do not see their caches.
        workers, executor: see `nassearch.workers.spread.in_order`; they change nothing in what is yielded. More
            processes than one get the rounds in batches, see `Batches`.

    The remaining arguments are those of `run_round`, and so is what is raised.
    """
    batches = Batches(rounds, workers)
    work = partial(_run_batch, benchmark, make_strategy, budget, seed, warmup, objectives, scorers)
    for found, new, seconds in in_order(work, batches, workers, executor):
        for scorer, each in zip(scorers, new, strict=True):
            scorer.put(each)
        batches.hear(len(found), seconds)
        yield from found


class Batches:
    """Rounds in batches, each of which goes to a worker by itself.

    A kill loses the batches that are handed out. So the first are single rounds, and the others about a second of work:
    many quick rounds, or one that is slow. For one process, or as many as a cluster has, all are single.
    """

    def __init__(self, rounds: Sequence[int], workers: int | None) -> None:
        self._rounds, self._workers, self._size = rounds, workers, 1

    def hear(self, count: int, seconds: float) -> None:
        """Take note that a batch of so many rounds took so long."""
        if self._workers not in (None, 1):
            quick = SECONDS_IN_BATCH * count / max(seconds, 1e-9)
            self._size = int(min(max(1, quick), LARGEST_BATCH))

    def __iter__(self) -> Iterator[Sequence[int]]:
        start = 0
        while start < len(self._rounds):
            fair = -(-(len(self._rounds) - start) // (2 * (self._workers or 1)))
            size = min(self._size, fair)
            yield self._rounds[start : start + size]
            start += size


def _run_batch(
    benchmark: Benchmark,
    make_strategy: MakeStrategy,
    budget: int,
    seed: int,
    warmup: Warmup | None,
    objectives: Sequence[Objective],
    scorers: Sequence[RemoteScorer],
    rounds: Sequence[int],
) -> tuple[list[Round], list[Any], float]:
    start = time.monotonic()
    parts = warmup, objectives
    found = [run_round(benchmark, make_strategy, budget, seed, number, *parts) for number in rounds]
    return found, [scorer.take_new() for scorer in scorers], time.monotonic() - start
