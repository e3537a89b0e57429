"""Local search: where it goes, where it stops, and what guides it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fakes import score, trace, worth

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.spaces.choices import Choices
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.ls import LocalSearch
from nassearch.types import Arch, Floats, Task


class Line(Choices):
    """Two decisions of six options: a plane on which the hills are drawn by hand."""

    name = "line"
    choices = (tuple("abcdef"),) * 2

    def network(self, arch: Arch, task: Task) -> Any:
        raise AssertionError("nothing is scored here")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def height(arch: Arch) -> float:
    """Have one top, (5, 5), which two steps reach from everywhere."""
    return arch[0] + 10.0 * arch[1]


def hills(arch: Arch) -> float:
    """Have two tops: (5, 5), the higher one, and (0, 0)."""
    tops: dict[Arch, float] = {(5, 5): 9.0, (0, 0): 8.0}
    return tops.get(arch, -float(min(sum(arch), 10 - sum(arch))))


def test_the_best_of_all_neighbours_is_next() -> None:
    strategy = LocalSearch(Line(), rng(3))
    asked = trace(strategy, 1, height)
    start = asked[0]
    near = trace(strategy, 10, height)
    assert sorted(near) == sorted(Line().neighbours(start))
    best = max(near, key=height)
    known = {start, *near}
    second = [arch for arch in Line().neighbours(best) if arch not in known]
    assert sorted(trace(strategy, len(second), height)) == sorted(second)


def test_the_first_better_neighbour_is_next() -> None:
    strategy = LocalSearch(Line(), rng(3), step="first")
    asked = trace(strategy, 20, height)
    place, known = asked[0], {asked[0]}
    for arch in asked[1:]:
        if arch not in Line().neighbours(place):
            break  # the top is reached and its neighbourhood known: a new start
        known.add(arch)
        place = arch if height(arch) > height(place) else place
    assert place == (5, 5)
    assert known >= set(Line().neighbours((5, 5)))


def ends(strategy: LocalSearch) -> list[tuple[int, int, float | None]]:
    """Return models, steps and value at the end of each climb."""
    _, *columns = strategy.report()["climbs"].values()
    return [*zip(*columns, strict=True)]


@pytest.mark.parametrize("step", ["best", "first"])
def test_every_climb_ends_where_no_neighbour_is_better_and_the_next_begins(step: str) -> None:
    strategy = LocalSearch(Line(), rng(1), step=step)
    asked = trace(strategy, 36, hills)
    assert sorted(asked) == sorted(Line().all())  # nothing is trained twice
    strategy.ask()
    report = strategy.report()
    climbs = report["climbs"]
    assert climbs["climb"] == [*range(1, min(10, report["climbs ended"]) + 1)]
    assert set(climbs["value on top"]) <= {8.0, 9.0}
    assert climbs["models by its end"] == sorted(climbs["models by its end"])
    assert all(steps <= n for steps, n in zip(climbs["steps"], climbs["models by its end"], strict=True))


def test_a_space_that_is_used_up_is_trained_again() -> None:
    asked = trace(LocalSearch(Line(), rng(1)), 50, hills)
    assert len(set(asked)) == 36


def test_equal_neighbours_are_not_better() -> None:
    strategy = LocalSearch(Line(), rng(2))
    trace(strategy, 12, lambda arch: 1.0)
    assert ends(strategy) == [(11, 0, 1.0)]


def test_nan_is_climbed_away_from_and_reported_as_none() -> None:
    strategy = LocalSearch(Line(), rng(2))
    trace(strategy, 12, lambda arch: math.nan)
    assert ends(strategy) == [(11, 0, None)]
    strategy = LocalSearch(Line(), rng(2), step="first")
    start = strategy.ask()
    strategy.tell(start, math.nan)
    better = strategy.ask()
    strategy.tell(better, -50.0)
    assert strategy.ask() in Line().neighbours(better)
    assert strategy._place == better


def test_a_climb_begins_with_the_best_of_several_starts() -> None:
    strategy = LocalSearch(Line(), rng(4), starts=5)
    starts = trace(strategy, 5, height)
    assert strategy.ask() in Line().neighbours(max(starts, key=height))


def test_a_warm_up_gives_the_starts_in_their_order() -> None:
    strategy = LocalSearch(NASBench201(), rng(4))
    ranking = strategy.warm_up(score, 20, rng(5))
    asked = trace(strategy, 26, lambda arch: 1.0)
    assert asked[0] == ranking[0]
    known: set[str] = set()
    for arch in asked:
        known.add(NASBench201().key(arch))
    near = {NASBench201().key(arch) for arch in NASBench201().neighbours(ranking[0])}
    beyond = [arch for arch in asked[1:] if NASBench201().key(arch) not in near]
    assert beyond[0] == next(
        arch for arch in ranking[1:] if NASBench201().key(arch) not in near | {NASBench201().key(ranking[0])}
    )
    assert len(known) == len(asked)


def in_part(archs: Sequence[Arch]) -> Floats:
    """Score by height, but nothing in one column."""
    return np.array([np.nan if arch[1] == 4 else height(arch) for arch in archs])


def test_a_move_tries_what_scores_no_lower_best_first() -> None:
    strategy = LocalSearch(Line(), rng(6), move=in_part, explore=0)
    (start,) = trace(strategy, 1, lambda arch: 1.0)
    near = [arch for arch in Line().neighbours(start) if arch[1] != 4 and height(arch) > height(start)]
    assert 0 < len(near) < 9  # some score lower, two have no score
    assert trace(strategy, len(near), lambda arch: 1.0) == sorted(near, key=height, reverse=True)
    strategy.ask()
    assert strategy.report()["climbs ended"] == 1


def test_a_move_on_the_way_to_the_first_better_one_leaves_none_out() -> None:
    strategy = LocalSearch(Line(), rng(6), step="first", move=in_part, explore=0)
    (start,) = trace(strategy, 1, lambda arch: 1.0)
    near = Line().neighbours(start)
    scored = sorted((arch for arch in near if arch[1] != 4), key=height, reverse=True)
    assert trace(strategy, 10, lambda arch: 1.0) == [*scored, *(arch for arch in near if arch[1] == 4)]


def test_what_ignores_the_scorer_is_the_search_without_it() -> None:
    alone = trace(LocalSearch(NASBench201(), rng(7)), 60, worth)
    assert trace(LocalSearch(NASBench201(), rng(7), move=score, explore=1), 60, worth) == alone


def test_a_neighbourhood_without_scores_is_tried_whole() -> None:
    def none(archs: Sequence[Arch]) -> Floats:
        return np.full(len(archs), np.nan)

    strategy = LocalSearch(Line(), rng(7), move=none)
    asked = trace(strategy, 11, lambda arch: 1.0)
    assert sorted(asked[1:]) == sorted(Line().neighbours(asked[0]))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"step": "better"}, UnknownName, "step"),
        ({"starts": 0}, InvalidSetting, "starts is a whole number of at least 1, not 0"),
        ({"move": score, "move_at": "child"}, InvalidSetting, "no meaning for ls: it takes neighbour"),
        ({"move": score, "explore": 2}, InvalidSetting, "explore is a share from 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        LocalSearch(NASBench201(), rng(), **settings)
