"""Guidance says which scorer plays which part in a search, and which strategy is made with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nassearch.benchmarks.base import Benchmark
from nassearch.constraints.limits import MEASURED, UNITS, written
from nassearch.errors import InvalidSetting, NassearchError, quoted
from nassearch.provenance.identity import Witness
from nassearch.scorers.combined import AMONG
from nassearch.scorers.compute import compute_scores
from nassearch.scorers.spec import (
    AnyScorer,
    GivenScorer,
    Spec,
    check_scorer,
    compares,
    name_of,
    parts_of,
    specified,
    with_among,
)
from nassearch.search.fields import holds_scorer, is_scorer
from nassearch.search.pareto.objectives import Objective
from nassearch.search.runner import Round, check_budget, refuse_shorter, run_rounds, warmup_draws
from nassearch.search.silence import draws_of, refuse_silent, refuse_silent_rounds
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import EXPLORE, Strategy
from nassearch.types import Arch, Floats, Scorer
from nassearch.workers.progress import Watch

WARMUP, MOVE = "warmup", "move"


def roles(
    strategy: type[Strategy],
    scorer: GivenScorer,
    warmup: int,
    move: GivenScorer | None,
    settings: Mapping[str, Any],
) -> dict[str, Spec]:
    """Return the scorers in use, by the part they play.

    A part is `warmup`, `move`, a setting of the strategy, or one of a list of scorers: `features synflow`.

    Args:
        strategy: whose settings.
        scorer, warmup, move: of the search.
        settings: with lists written out, see `nassearch.search.given.with_scorer`.

    Raises:
        InvalidSetting, UnknownName: no such scorer, or one where none is taken.
    """
    found = {WARMUP: specified(scorer)} if warmup else {}
    if move is not None:
        found[MOVE] = specified(move)
    for name in strategy.guidance.settings:
        if (value := settings.get(name)) is not None:
            if isinstance(value, list | tuple):
                raise InvalidSetting(f"{name} of {strategy.name} takes one scorer, not {quoted(value)}")
            found[name] = _checked(name, value if is_scorer(value) else str(value))
    for name in strategy.guidance.lists:
        for value in settings.get(name) or ():
            spec = _checked(name, value)
            found[f"{name} {name_of(spec)}"] = spec
    for name, value in settings.items():
        known = name in strategy.guidance.settings or name in strategy.guidance.lists
        if not known and holds_scorer(value):
            raise InvalidSetting(
                f"{name} of {strategy.name} takes no scorer: give a number, a text or a list"
            )
    return found


def _checked(setting: str, value: Any) -> Spec:
    try:
        return check_scorer(value)
    except InvalidSetting as error:
        raise InvalidSetting(f"{setting}: {error}") from None


def setting_of(role: str) -> str:
    """Return the setting of a role: features of `features synflow`, one of a list of scorers."""
    return role.partition(" ")[0]


def check_search(make: StrategyMaker, budget: int, roles: Mapping[str, Spec], warmup: int) -> None:
    """Make a strategy to see whether it can be made, and whether its scorers can do what it asks of them.

    Args:
        make: with stand-ins for the scorers.
        budget: models to train.
        roles: which scorers, see `roles`.
        warmup: architectures scored before each search.

    Raises:
        InvalidSetting: it cannot be made, the budget is too small, or a scorer that compares architectures is asked
            about one at a time.
    """
    try:
        made = make(np.random.default_rng(0))
    except NassearchError:
        raise
    except Exception as error:  # whatever a constructor of someone else's raises
        raise InvalidSetting(
            f"the strategy cannot be made with these settings: {type(error).__name__}: {error}"
        ) from error
    check_budget(made, budget)
    for role, spec in roles.items():
        where = made.move_at if role == MOVE else setting_of(role)
        count = {WARMUP: warmup, MOVE: made.move_ratio}.get(role)
        if (where in made.guidance.alone or count == 1) and compares(spec):
            what = {WARMUP: "a warm-up", MOVE: f"a move at {where}"}.get(role, where)
            raise InvalidSetting(
                f"{name_of(spec)} compares architectures that are scored together, and {what} of {made.name} scores "
                f"one at a time: give it {AMONG} others to be compared with, as in {with_among(spec)}"
            )


def shorter_fields(make: StrategyMaker, oracle: Benchmark) -> dict[str, Any]:
    """Return what a header says of shorter trainings: a digest of them where the strategy asks for such.

    Raises:
        InvalidSetting: the benchmark has none of these epochs.
    """
    made = make(np.random.default_rng(0))
    refuse_shorter(made, oracle)
    return {"shorter": oracle.shorter_digest} if made.shorter_epochs else {}


def witness(strategy: type[Strategy], oracle: Benchmark, roles: Mapping[str, Spec]) -> Witness:
    """Return which code a search runs: its strategy, benchmark and space, and the scorers by role."""
    parts: dict[str, list[Any]] = {"strategy": [strategy], "benchmark": [oracle], "space": [oracle.space]}
    return Witness({**parts, **{f"{role} scorer": parts_of(spec) for role, spec in roles.items()}})


class StrategyMaker:
    """Makes the strategy of each round, on its own random stream; goes to the workers.

    Args:
        strategy: what to make.
        space: what it searches.
        scorers: by role, see `roles`.
        settings: the strategy's own; those that name a scorer are taken from `scorers`.
        guidance: `move_at`, `explore` and `move_ratio`.
    """

    def __init__(
        self,
        strategy: type[Strategy],
        space: SearchSpace,
        scorers: Mapping[str, Scorer],
        settings: Mapping[str, Any],
        **guidance: Any,
    ) -> None:
        named: dict[str, Any] = {name: {} for name in strategy.guidance.lists if name in settings}
        for role, scorer in scorers.items():
            setting, _, name = role.partition(" ")
            if setting in named:
                named[setting][name] = scorer
            elif setting in strategy.guidance.settings:
                named[setting] = scorer
        make: Callable[..., Strategy] = strategy
        self._make = partial(make, space, move=scorers.get(MOVE), **guidance, **{**settings, **named})

    def __call__(self, rng: np.random.Generator) -> Strategy:
        return self._make(rng)


def unscored(archs: Sequence[Arch]) -> Floats:
    """Stand in for a scorer where a strategy is made only to see whether it can be made."""
    return np.full(len(archs), np.nan)


def score_ahead(
    scorers: Mapping[str, AnyScorer],
    specs: Mapping[str, Spec],
    make: StrategyMaker,
    warmup: Mapping[int, Sequence[Arch]],
    rounds: int,
    warming: int,
    budget: int,
) -> None:
    """Score at once, on all workers, what the rounds will ask for; they compute the rest themselves, one by one.

    Args:
        scorers: by role.
        specs: which they are, by role.
        make: of the strategy.
        warmup: what the warm-up of each round will rank; empty where it depends on the scores.
        rounds: how many there are.
        warming: architectures scored by the warm-up of each.
        budget: models trained in each.

    Raises:
        InvalidSetting: a scorer scores nothing, or nothing of what the warm-up of a round ranks.
    """
    made = make(np.random.default_rng(0))
    space, steps = made.space, rounds * budget * (made.move_ratio or 1)
    first = list(dict.fromkeys(arch for archs in warmup.values() for arch in archs))
    for role, scorer in scorers.items():
        warming_up = role == WARMUP
        looked_at = first if warming_up and first else draws_of(space)
        refuse_silent(scorer, name_of(specs[role]), "warm-up" if warming_up else role, looked_at)
    for role, scorer in scorers.items():
        asked: list[Arch] = []
        if role == WARMUP and first:
            asked = first
        elif setting_of(role) in made.guidance.lists:
            asked = list(space.all()) if made.scores_all and not warming else first
        elif space.fits(rounds * warming if role == WARMUP else steps):
            # What they will ask for is not known. Beyond the size of the space it is nearly all of it.
            asked = list(space.all())
        compute_scores(
            scorer.leaves, asked, workers=scorer.workers, executor=scorer.executor, progress=scorer.progress
        )
    if warmup:
        refuse_silent_rounds(scorers[WARMUP], name_of(specs[WARMUP]), warmup)
    for scorer in scorers.values():
        scorer.progress = None


def searched(
    oracle: Benchmark,
    space: SearchSpace,
    strategy: type[Strategy],
    make: StrategyMaker,
    scorers: Mapping[str, AnyScorer],
    roles: Mapping[str, Spec],
    rounds: range,
    watch: Watch | None,
    warmup: int,
    budget: int,
    seed: int,
    objectives: Sequence[Objective],
    **how: Any,
) -> Iterator[Round]:
    """Yield the rounds, in order, as soon as each is there.

    Args:
        oracle: what is asked.
        space: what is searched: of the oracle, or the part of it that meets limits.
        strategy, make: which strategy, and what makes it.
        scorers, roles: by the part that they play.
        rounds: which.
        watch: told of progress.
        warmup, budget, seed, objectives: of the experiment.
        how: workers and executor.
    """
    if not rounds:
        return
    guide = scorers.get(WARMUP)
    uniform = guide and strategy.guidance.uniform_warm_up
    draws = {r: warmup_draws(space, warmup, seed, r) for r in rounds if uniform}
    score_ahead(scorers, roles, make, draws, len(rounds), warmup, budget)
    progress = watch("searching") if watch else None
    found = run_rounds(
        oracle,
        make,
        budget,
        seed,
        rounds,
        (guide, warmup) if guide else None,
        objectives,
        scorers=list({id(leaf): leaf for s in scorers.values() for leaf in s.leaves}.values()),
        **how,
    )
    for done, finished in enumerate(found, start=rounds.start + 1):
        if progress:
            progress(done, rounds.stop)
        yield finished


def label(experiment: Mapping[str, Any]) -> str:
    """Return a search in words, from the fields of an experiment, which a result's header holds too.

    >>> label({"strategy": "ae", "warmup": 3000, "scorer": "epsilon", "move": "synflow", "settings": {"pool": 32}})
    'ae, warm-up 3000 by epsilon, move synflow, pool=32'
    """
    parts = [str(experiment.get("strategy"))]
    if experiment.get("warmup"):
        parts.append(f"warm-up {experiment['warmup']} by {experiment.get('scorer')}")
    if experiment.get("move"):
        at, explore = experiment.get("move_at"), experiment.get("explore", EXPLORE)
        parts.append(f"move {experiment['move']}" + (f" at {at}" if at else ""))
        parts += [f"explore {explore:g}"] if explore != EXPLORE else []
        parts += [f"ratio {experiment['move_ratio']}"] if experiment.get("move_ratio") else []
    parts += [f"{name}={value}" for name, value in experiment.get("settings", {}).items()]
    limits = experiment.get("constraints") or {}
    parts += [f"{name} up to {written(name, value)}" for name, value in limits.items() if name in UNITS]
    if several := experiment.get("objectives"):
        parts.insert(1, f"for {' and '.join(str(each['name']) for each in several)}")
    parts += [f"latency by {limits['latency_by']}"] if limits.get("latency_by", MEASURED) != MEASURED else []
    return ", ".join(parts)
