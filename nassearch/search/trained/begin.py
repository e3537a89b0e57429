"""The strategy of a search that trains, warmed up, as the first round of its experiment would have it."""

from __future__ import annotations

from nassearch.provenance.blame import blamed
from nassearch.scorers.cache.scores import cache_path
from nassearch.scorers.open import check_made, open_roles
from nassearch.scorers.spec import AnyScorer
from nassearch.search.experiment import Experiment
from nassearch.search.guidance import WARMUP, score_ahead
from nassearch.search.pareto.objectives import Objective, give_costs
from nassearch.search.runner import check_budget, refuse_shorter, streams, warmup_draws
from nassearch.strategies.base import Strategy
from nassearch.workers.progress import Watch


def begin(
    experiment: Experiment, watch: Watch | None, workers: int | None = None
) -> tuple[Strategy, dict[str, AnyScorer], tuple[Objective, ...]]:
    """Return the strategy of round 0, warmed up, its scorers by role, and the objectives of the search.

    Raises:
        InvalidSetting: the strategy cannot be made or warmed up.
    """
    roles, oracle = experiment._roles, experiment.oracle
    how = {"workers": workers, "executor": "processes"}
    scorers = open_roles(roles, oracle, experiment._batch, watch, cache=cache_path(), **how)
    check_made((experiment.scorer, experiment.move, *experiment.settings.values()), scorers.values())
    space, objectives = experiment._space, experiment._objectives
    maker, guide = experiment._maker(space, scorers), scorers.get(WARMUP)
    for_warmup, for_strategy, _ = streams(experiment.seed, 0)
    uniform = guide and experiment._strategy_class.guidance.uniform_warm_up
    draws = {0: warmup_draws(space, experiment.warmup, experiment.seed, 0)} if uniform else {}
    score_ahead(scorers, roles, maker, draws, 1, experiment.warmup, experiment.budget)
    with blamed(space):
        strategy = maker(for_strategy)
    check_budget(strategy, experiment.budget)
    refuse_shorter(strategy, oracle)
    give_costs(strategy, objectives)
    if guide is not None:
        with blamed(strategy, space):
            strategy.warm_up(guide, experiment.warmup, for_warmup)
    return strategy, scorers, objectives
