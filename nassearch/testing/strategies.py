"""What every strategy has to keep."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.base import Strategy
from nassearch.types import Arch, Floats

StrategyClass = type[Strategy]


class StrategyContract:
    """Subclass it with a fixture `strategy_class`; override `space` and `settings` where they do not fit."""

    budget = 120

    @pytest.fixture
    def strategy_class(self) -> StrategyClass:
        raise NotImplementedError("give the contract a fixture strategy_class that returns your class")

    @pytest.fixture
    def space(self) -> SearchSpace:
        return NASBench201()

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {}

    def score(self, archs: Sequence[Arch]) -> Floats:
        """Score architectures in a fixed way, one in seven as not scorable."""
        codes = [sum((place + 1) * option for place, option in enumerate(arch)) for arch in archs]
        return np.array([np.nan if code % 7 == 0 else code % 23 for code in codes], dtype=np.float64)

    def trace(self, strategy: Strategy, budget: int | None = None) -> list[Arch]:
        """Let a strategy run on a made-up accuracy and return what it asked for."""
        asked = []
        for _ in range(budget or self.budget):
            asked.append(strategy.ask())
            strategy.tell(asked[-1], float(np.nan_to_num(self.score(asked[-1:])[0])))
        return asked

    def test_is_named(self, strategy_class: StrategyClass) -> None:
        assert strategy_class.name
        assert strategy_class.__doc__

    def test_settings_have_defaults_that_are_taken(
        self, strategy_class: StrategyClass, space: SearchSpace
    ) -> None:
        settings = strategy_class.settings()
        strategy = strategy_class(space, np.random.default_rng(0), **settings)
        assert set(strategy_class.scorer_settings) <= settings.keys()
        assert strategy.least_budget >= 1

    def test_same_stream_same_search(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        first, again, other = (
            self.trace(strategy_class(space, np.random.default_rng(seed), **settings)) for seed in (1, 1, 2)
        )
        assert first == again
        assert first != other

    def test_asks_for_architectures_of_the_space(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        strategy = strategy_class(space, np.random.default_rng(3), **settings)
        strategy.warm_up(self.score, 50, np.random.default_rng(4))
        assert all(space.is_valid(arch) for arch in self.trace(strategy))

    def test_warm_up_leaves_the_strategys_stream_alone_and_returns_what_it_scored(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        rng = np.random.default_rng(5)
        scored: list[Arch] = []

        def spy(archs: Sequence[Arch]) -> Floats:
            scored.extend(archs)
            return self.score(archs)

        strategy = strategy_class(space, rng, **settings)
        before = rng.bit_generator.state
        returned = strategy.warm_up(spy, 40, np.random.default_rng(6))
        assert rng.bit_generator.state == before
        assert len(returned) == 40
        assert sorted(returned) == sorted(scored)
        if strategy_class.uniform_warm_up:
            assert scored == space.sample_many(40, np.random.default_rng(6))

    def test_warm_up_is_that_of_its_stream(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        traces = []
        for seed in (6, 6, 7):
            strategy = strategy_class(space, np.random.default_rng(5), **settings)
            traces.append(
                (strategy.warm_up(self.score, 40, np.random.default_rng(seed)), self.trace(strategy))
            )
        assert traces[0] == traces[1]
        assert traces[0] != traces[2]

    def test_a_ranked_warm_up_is_best_first_with_nan_last_and_comes_first(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        if not strategy_class.ranked_warm_up:
            return
        strategy = strategy_class(space, np.random.default_rng(7), **settings)
        ranking = strategy.warm_up(self.score, 60, np.random.default_rng(8))
        scores = self.score(ranking)
        scored = int((~np.isnan(scores)).sum())
        assert 0 < scored < 60
        assert not np.isnan(scores[:scored]).any()
        assert (np.diff(scores[:scored]) <= 0).all()
        assert [strategy.ask() for _ in range(20)] == ranking[:20]

    def test_warm_up_out_of_range_is_refused(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        strategy = strategy_class(space, np.random.default_rng(9), **settings)
        with pytest.raises(InvalidSetting, match=r"at least 1|from 1 to"):
            strategy.warm_up(self.score, 0, np.random.default_rng(10))
        if strategy_class.uniform_warm_up:
            with pytest.raises(InvalidSetting, match=str(space.size)):
                strategy.warm_up(self.score, space.size + 1, np.random.default_rng(10))
        else:
            strategy_class.check_warm_up(space.size + 1, space)

    def test_every_declared_move_runs_and_others_are_refused(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        for where in strategy_class.moves:
            rng = np.random.default_rng(11)
            strategy = strategy_class(space, rng, move=self.score, move_at=where, **settings)
            assert all(space.is_valid(arch) for arch in self.trace(strategy))
        with pytest.raises(InvalidSetting, match="no meaning"):
            rng = np.random.default_rng(12)
            strategy_class(space, rng, move=self.score, move_at="nowhere", **settings)

    def test_a_move_ratio_counts_scores_or_is_refused(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        scored: list[Arch] = []

        def spy(archs: Sequence[Arch]) -> Floats:
            scored.extend(archs)
            return self.score(archs)

        if strategy_class.ratio is None:
            with pytest.raises(InvalidSetting, match="move ratio of 3 has no meaning"):
                strategy_class(space, np.random.default_rng(13), move_ratio=3, **settings)
            return
        strategy = strategy_class(space, np.random.default_rng(13), move=spy, move_ratio=3, **settings)
        self.trace(strategy, 7)
        assert len(scored) == 21
        with pytest.raises(InvalidSetting, match="move ratio is a whole number of at least 1, not 0"):
            strategy_class(space, np.random.default_rng(13), move=spy, move_ratio=0, **settings)

    def test_accuracies_that_are_nan_do_no_harm(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        strategy = strategy_class(space, np.random.default_rng(14), **settings)
        asked = []
        for step in range(self.budget):
            asked.append(strategy.ask())
            strategy.tell(asked[-1], math.nan if step % 3 == 0 else float(step))
        assert all(space.is_valid(arch) for arch in asked)
        assert len(set(asked)) > 1
        self.check_report(strategy.report())

    def test_a_report_is_plain_and_changes_nothing(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        asked_for, left_alone = (
            strategy_class(space, np.random.default_rng(15), **settings) for _ in range(2)
        )
        self.check_report(asked_for.report())
        for strategy in (asked_for, left_alone):
            strategy.warm_up(self.score, 40, np.random.default_rng(16))
        middle = self.trace(asked_for, self.budget // 2)
        self.check_report(asked_for.report())
        assert middle + self.trace(asked_for, self.budget // 2) == self.trace(
            left_alone, self.budget // 2 * 2
        )
        self.check_report(left_alone.report())

    def check_report(self, report: dict[str, Any]) -> None:
        """Check that a report is of numbers, texts and tables; see `Strategy.report`."""
        assert json.loads(json.dumps(report, allow_nan=False)) == report
        for value in report.values():
            assert value is None or isinstance(value, int | float | str | dict)
            if isinstance(value, dict):
                assert value
                assert len({len(column) for column in value.values()}) == 1
