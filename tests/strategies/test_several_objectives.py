"""Searches for several objectives find the front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.statistics.hypervolume import by_fronts, hypervolume
from nassearch.strategies.base import Strategy
from nassearch.strategies.gp.front import log_growth
from nassearch.strategies.gp.scalarised import scalarised
from nassearch.strategies.nsga import NonDominatedEvolution
from nassearch.types import Arch, Floats

SPACE = NASBench201()
REFERENCE = np.array([-1.0, -100.0])
SEVERAL = {"nsga": {"pool": 10}, "gp": {"candidates": 100, "draws": 100, "looks": 8}, "rand": {}}


def values(arch: Arch) -> Floats:
    """Return something that large operations raise, and what they cost."""
    worth = sum((place + 1) * (option == 3) for place, option in enumerate(arch)) + 0.3 * arch.count(2)
    return np.array([worth, -float(sum((0, 1, 3, 9, 2)[option] for option in arch))])


def searched(name: str, seed: int, budget: int = 60, sign: float = 1.0, **settings: Any) -> Floats:
    strategy: Strategy = registry.load("strategies", name)(
        SPACE, np.random.default_rng(seed), **{**SEVERAL.get(name, {}), **settings}
    )
    found = []
    for _ in range(budget):
        arch = strategy.ask()
        found.append(values(arch))
        strategy.tell_all(arch, sign * found[-1])
    return np.array(found)


@pytest.mark.parametrize("name", ["nsga", "gp"])
def test_they_get_further_than_random_draws(name: str) -> None:
    """Of 6 pairs of searches chance alone would win all with probability 1 / 64, and here the seeds are fixed."""
    for seed in range(6):
        ours, chance = (hypervolume(searched(each, seed, 150), REFERENCE) for each in (name, "rand"))
        assert ours > chance, seed


class Known:
    """The second of two values, as a search gives it to a strategy that asks for it."""

    trained, reference = 0, REFERENCE[1]

    def __call__(self, archs: Sequence[Arch]) -> Floats:
        return np.array([[values(arch)[1]] for arch in archs])


def test_gp_gets_further_where_a_cost_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4 pairs chance alone would win all with probability 1 / 16, and here the seeds are fixed."""
    blind = [hypervolume(searched("gp", seed, 40), REFERENCE) for seed in range(4)]
    monkeypatch.setattr(registry.load("strategies", "gp"), "costs", Known())
    found = [searched("gp", seed, 40) for seed in range(4)]
    assert np.array_equal(found[0], searched("gp", 0, 40))
    assert all(hypervolume(one, REFERENCE) > other for one, other in zip(found, blind, strict=True))
    whole = searched("gp", 0, 12, candidates=20_000)
    assert len(whole) == 12


def test_the_growth_that_is_expected_is_the_mean_growth() -> None:
    told = np.array([[0.0, -1.0], [1.0, -3.0], [0.5, -2.0], [0.4, -3.5], [-1.0, -4.0]])
    mean, deviation = np.array([0.3, 1.4, -0.5, 0.2]), np.array([0.5, 0.2, 1.0, 0.5])
    costs = np.array([-1.5, -2.5, -0.5, np.nan])
    found = log_growth(mean, deviation, costs, told, -5.0)
    reference = np.array([-1.0, -5.0])
    before, rng = hypervolume(told, reference), np.random.default_rng(0)
    for place in range(3):
        draws = rng.normal(mean[place], deviation[place], 4000)
        growth = [
            hypervolume(np.vstack([told, [value, costs[place]]]), reference) - before
            for value in draws.tolist()
        ]
        error = np.std(growth) / len(growth) ** 0.5
        assert np.exp(found[place]) == pytest.approx(
            np.mean(growth), abs=5 * error
        )  # 1 of 10^6 misses by chance
    assert np.isneginf(found[3]), "what has no cost is not asked for"
    assert np.isneginf(log_growth(mean, deviation, np.full(4, -6.0), told, -5.0)).all()


@pytest.mark.parametrize("survival", ["best", "newest"])
def test_both_ways_to_survive_learn(survival: str) -> None:
    pairs = [
        (
            hypervolume(searched("nsga", s, survival=survival), REFERENCE),
            hypervolume(searched("rand", s), REFERENCE),
        )
        for s in range(6)
    ]
    assert np.mean([ours for ours, _ in pairs]) > np.mean([chance for _, chance in pairs])
    with pytest.raises(InvalidSetting, match="survival is best or newest"):
        searched("nsga", 0, survival="fittest")


def test_nsga_trains_nothing_twice_while_there_is_something_else() -> None:
    strategy = NonDominatedEvolution(SPACE, np.random.default_rng(0))
    archs = []
    for _ in range(120):
        archs.append(strategy.ask())
        strategy.tell_all(archs[-1], values(archs[-1]))
    assert len(set(archs[20:])) == 100


def test_a_tournament_goes_by_fronts_then_by_crowding() -> None:
    strategy = NonDominatedEvolution(SPACE, np.random.default_rng(0), pool=4, tournament=4)
    archs = list(SPACE.all())[:4]
    for arch, point in zip(archs, [[0.0, 0.0], [3.0, 1.0], [1.0, 3.0], [2.0, 2.0]], strict=True):
        strategy.tell_all(arch, np.array(point))
    assert strategy._winner() == archs[1]  # an end of the front, and longer there than the other end
    assert by_fronts(np.array([[0.0, 0.0], [3.0, 1.0], [1.0, 3.0], [2.0, 2.0], [np.nan, 9.0]])) == [
        1,
        2,
        3,
        0,
        4,
    ]


def test_a_warm_up_goes_by_scores_and_costs() -> None:
    def score(archs: Sequence[Arch]) -> Floats:
        return np.array([values(arch)[0] for arch in archs])

    def costs(archs: Sequence[Arch]) -> Floats:
        return np.array([values(arch)[1:] for arch in archs])

    plain, told = (NonDominatedEvolution(SPACE, np.random.default_rng(0)) for _ in range(2))
    told.costs = costs
    one, two = (each.warm_up(score, 300, np.random.default_rng(1)) for each in (plain, told))
    assert sorted(one) == sorted(two)
    assert (np.diff(score(one)) <= 0).all()
    begun = [[each.ask() for _ in range(20)] for each in (plain, told)]
    volumes = [hypervolume(np.array([values(arch) for arch in archs]), REFERENCE) for archs in begun]
    assert volumes[1] > volumes[0]


def test_weights_lead_to_all_parts_of_a_front() -> None:
    points = np.array([[0.0, 9.0], [5.0, 5.0], [9.0, 0.0], [4.0, 4.0], [np.nan, 9.0]])
    rng = np.random.default_rng(0)
    rows = [scalarised(points, rng) for _ in range(200)]
    assert {int(np.nanargmax(row)) for row in rows} == {0, 1, 2}
    assert all(np.isnan(row[4]) and row[3] < row[1] for row in rows), "what is dominated is never the best"
    assert np.isnan(scalarised(np.full((2, 2), np.nan), rng)).all()


def test_others_say_what_to_use() -> None:
    with pytest.raises(InvalidSetting, match="ae takes one objective: use nsga, gp or rand"):
        searched("ae", 0, 1)
