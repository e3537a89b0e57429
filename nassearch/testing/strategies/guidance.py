"""What every strategy has to keep of what guides it: higher is better, NaN is worse than every number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.base import Strategy
from nassearch.types import Arch, Floats

StrategyClass = type[Strategy]
Value = Callable[[Arch], float]
Search = Callable[[int, Value], list[Arch]]
"""`(seed, value) -> architectures that were asked for` where `value` guides."""


def needs_warm_up(strategy_class: StrategyClass) -> None:
    """Skip a test of warm-ups for a strategy that takes none."""
    if not strategy_class.takes_warm_up():
        pytest.skip(f"{strategy_class.name} takes no warm-up")


class GuidanceContract:
    """The part of `StrategyContract` on accuracies, moves and warm-ups: they pull upwards, wherever they pull at all.

    Each test lets one thing guide a few searches, turns it upside down and searches again from the same streams. What
    is asked for must then be worth more the right way up. A strategy that uses the thing passes by a margin; the seeds
    are fixed, so a test does not pass today and fail tomorrow.
    """

    budget: ClassVar[int] = 120
    seeds: ClassVar[int] = 4
    """Searches compared for each direction. Aging evolution, REINFORCE and random search pass each comparison by over
    nine of its standard errors, and so would they with two; a climber, which stays on one hill for a whole search, may
    tie with two. What learns less in its budget needs more."""

    @pytest.fixture
    def strategy_class(self) -> StrategyClass:
        """Return the class; a subclass overrides this."""
        raise NotImplementedError("override the fixture strategy_class: it returns your class")

    @pytest.fixture
    def space(self) -> SearchSpace:
        """Return a space that the strategy searches in."""
        return NASBench201()

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Return settings other than the defaults, for a strategy that is slow with those."""
        return {}

    def score(self, archs: Sequence[Arch]) -> Floats:
        """Score architectures in a fixed way, one in seven as not scorable."""
        codes = [sum((place + 1) * option for place, option in enumerate(arch)) for arch in archs]
        return np.array([np.nan if code % 7 == 0 else code % 23 for code in codes], dtype=np.float64)

    def worth(self, arch: Arch) -> float:
        """Return a worth that strategies can learn: each decision adds its own share, 0 to 1 each."""
        return sum((3 * option + place) % 5 for place, option in enumerate(arch)) / (4 * len(arch))

    def trace(self, strategy: Strategy, budget: int | None = None, value: Value | None = None) -> list[Arch]:
        """Let a strategy run on an accuracy, here a made-up one, and return what it asked for."""
        asked = []
        for _ in range(budget or self.budget):
            asked.append(strategy.ask())
            told = float(np.nan_to_num(self.score(asked[-1:])[0])) if value is None else value(asked[-1])
            strategy.tell(asked[-1], told)
        return asked

    def pull(self, search: Search, late: float = 0.5) -> tuple[float, bool]:
        """Return how much more is asked for where the worth guides than where it does upside down, and whether at all.

        Args:
            search: one search.
            late: share of each search, at its end, that counts.
        """
        gaps, changed = [], False
        for seed in range(self.seeds):
            up, down = search(seed, self.worth), search(seed, lambda arch: -self.worth(arch))
            changed |= up != down
            ends = [asked[int(len(asked) * (1 - late)) :] for asked in (up, down)]
            gaps.append(np.mean([*map(self.worth, ends[0])]) - np.mean([*map(self.worth, ends[1])]))
        return float(np.mean(gaps)), changed

    def avoids(self, search: Search, late: float = 0.5) -> float:
        """Return how much less of what has no value is asked for: its share in one half of the space and the other."""
        middle = float(np.median([*map(self.worth, self._draws)]))

        def lacking(half: bool) -> Value:
            return lambda arch: math.nan if (self.worth(arch) > middle) == half else 0.5

        gaps = []
        for seed in range(self.seeds):
            for half in (True, False):
                asked = search(seed, lacking(half))
                share = np.mean([self.worth(arch) > middle for arch in asked[int(len(asked) * (1 - late)) :]])
                gaps.append(-share if half else share)
        return float(np.mean(gaps))

    _draws: Sequence[Arch] = ()

    def guided(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any], by: str
    ) -> Search:
        """Return searches in which nothing but accuracy, a warm-up or the move of that name tells good from bad."""
        self._draws = space.sample_many(500, np.random.default_rng(0))

        def search(seed: int, value: Value) -> list[Arch]:
            def scorer(archs: Sequence[Arch]) -> Floats:
                return np.array([value(arch) for arch in archs], np.float64)

            rng = np.random.default_rng(seed)
            if by == "accuracy":
                return self.trace(strategy_class(space, rng, **settings), value=value)
            if by == "warm-up":
                strategy = strategy_class(space, rng, **settings)
                strategy.warm_up(scorer, self.warmed_by, np.random.default_rng(100 + seed))
                return self.trace(strategy, max(8, self.budget // 8), value=lambda arch: 0.5)
            strategy = strategy_class(space, rng, move=scorer, move_at=by, **settings)
            return self.trace(strategy, value=lambda arch: 0.5)

        return search

    warmed_by: ClassVar[int] = 300
    """Architectures in the warm-ups that are compared."""

    def test_higher_accuracy_is_better(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        pull, changed = self.pull(self.guided(strategy_class, space, settings, "accuracy"))
        assert pull > 0 or not changed, (
            f"what tell() is told is maximised: the search ends at a worth {-pull:.3f} lower where the worth is told "
            "than where its negative is"
        )

    def test_accuracy_that_is_nan_is_worse_than_every_number(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        search = self.guided(strategy_class, space, settings, "accuracy")
        if search(0, self.worth) != search(0, lambda arch: -self.worth(arch)):
            assert self.avoids(search) > 0, (
                "an accuracy of NaN is worse than every number, and not taken for the best"
            )

    def test_a_warm_up_guides_upwards(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        needs_warm_up(strategy_class)
        search = self.guided(strategy_class, space, settings, "warm-up")
        pull, _ = self.pull(search, late=1)
        assert pull > 0, (
            f"a warm-up guides the search to higher scores: turned upside down it gains {-pull:.3f}"
        )
        assert self.avoids(search, late=1) > 0, "a warm-up takes NaN for worse than every score"

    def test_every_declared_move_guides_upwards(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        for where in strategy_class.guidance.moves:
            search = self.guided(strategy_class, space, settings, where)
            pull, changed = self.pull(search)
            assert changed, f"a declared move does something: {where} asks for the same whatever the scores"
            assert pull > 0, (
                f"a move guides the search to higher scores: {where}, upside down, gains {-pull:.3f}"
            )
            assert self.avoids(search) > 0, f"a move takes NaN for worse than every score: {where} prefers it"
