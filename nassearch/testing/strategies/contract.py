"""What every strategy has to keep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import Strategy
from nassearch.testing.strategies.guidance import GuidanceContract, StrategyClass, needs_warm_up
from nassearch.testing.surroundings import elsewhere, left_as_found, plain_json
from nassearch.types import Arch, Floats


class StrategyContract(GuidanceContract):
    """Subclass it with a fixture `strategy_class`; override `space` and `settings` where they do not fit."""

    def test_is_named_and_explained(self, strategy_class: StrategyClass) -> None:
        assert strategy_class.name, "a strategy has a name"
        assert strategy_class.__doc__, "a strategy has a docstring that says what it does"

    def test_settings_have_defaults_that_are_taken(
        self, strategy_class: StrategyClass, space: SearchSpace
    ) -> None:
        settings = strategy_class.settings()
        strategy = strategy_class(space, np.random.default_rng(0), **settings)
        declared = strategy_class.guidance
        assert {*declared.settings, *declared.lists} <= settings.keys(), (
            "guidance.settings and guidance.lists are among the settings"
        )
        assert strategy.least_budget >= 1, "least_budget is a number of models of at least 1"

    def test_same_stream_same_search(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        first, again, other = (
            self.trace(strategy_class(space, np.random.default_rng(seed), **settings)) for seed in (1, 1, 2)
        )
        assert first == again, "the same stream gives the same search"
        assert first != other, "another stream gives another search"

    def test_asks_for_architectures_of_the_space(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        strategy = strategy_class(space, np.random.default_rng(3), **settings)
        if strategy_class.takes_warm_up():
            strategy.warm_up(self.score, 50, np.random.default_rng(4))
        assert all(space.is_valid(arch) for arch in self.trace(strategy)), "what is asked for is of the space"

    def test_warm_up_leaves_the_strategys_stream_alone_and_returns_what_it_scored(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        needs_warm_up(strategy_class)
        rng = np.random.default_rng(5)
        scored: list[Arch] = []

        def spy(archs: Sequence[Arch]) -> Floats:
            scored.extend(archs)
            return self.score(archs)

        strategy = strategy_class(space, rng, **settings)
        before = rng.bit_generator.state
        returned = strategy.warm_up(spy, 40, np.random.default_rng(6))
        assert rng.bit_generator.state == before, (
            "a warm-up draws from its own stream, not from the strategy's"
        )
        assert len(returned) == 40, "a warm-up of n returns n architectures"
        assert sorted(returned) == sorted(scored), "a warm-up returns what it scored"
        if strategy_class.guidance.uniform_warm_up:
            assert scored == space.sample_many(40, np.random.default_rng(6)), (
                "guidance.uniform_warm_up says that sample_many(n, rng) is scored, and nothing else"
            )

    def test_warm_up_is_that_of_its_stream(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        needs_warm_up(strategy_class)
        traces = []
        for seed in (6, 6, 7):
            strategy = strategy_class(space, np.random.default_rng(5), **settings)
            traces.append(
                (strategy.warm_up(self.score, 40, np.random.default_rng(seed)), self.trace(strategy))
            )
        assert traces[0] == traces[1], "the same stream gives the same warm-up"
        assert traces[0] != traces[2], "another stream gives another warm-up"

    def test_a_ranked_warm_up_is_best_first_with_nan_last_and_comes_first(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        needs_warm_up(strategy_class)
        if not strategy_class.guidance.ranked_warm_up:
            return
        strategy = strategy_class(space, np.random.default_rng(7), **settings)
        ranking = strategy.warm_up(self.score, 60, np.random.default_rng(8))
        scores = self.score(ranking)
        scored = int((~np.isnan(scores)).sum())
        assert 0 < scored < 60, (
            "the made-up scores of this space are some numbers and some NaN: override score()"
        )
        assert not np.isnan(scores[:scored]).any(), "NaN comes last in a ranking"
        assert (np.diff(scores[:scored]) <= 0).all(), "a ranking is best first, and higher is better"
        assert [strategy.ask() for _ in range(20)] == ranking[:20], (
            "guidance.ranked_warm_up says that the search begins with the ranking of the warm-up"
        )

    def test_warm_up_out_of_range_is_refused(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        needs_warm_up(strategy_class)
        strategy = strategy_class(space, np.random.default_rng(9), **settings)
        with pytest.raises(InvalidSetting, match=r"at least 1|from 1 to"):
            strategy.warm_up(self.score, 0, np.random.default_rng(10))
        if strategy_class.guidance.uniform_warm_up:
            with pytest.raises(InvalidSetting, match=str(space.size)):
                strategy.warm_up(self.score, space.size + 1, np.random.default_rng(10))
        else:
            strategy_class.check_warm_up(space.size + 1, space)

    def test_every_declared_move_runs_and_others_are_refused(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        for where in strategy_class.guidance.moves:
            rng = np.random.default_rng(11)
            strategy = strategy_class(space, rng, move=self.score, move_at=where, **settings)
            assert all(space.is_valid(arch) for arch in self.trace(strategy)), (
                "what is asked for is of the space"
            )
        with pytest.raises(InvalidSetting, match="no meaning"):
            rng = np.random.default_rng(12)
            strategy_class(space, rng, move=self.score, move_at="nowhere", **settings)

    def test_settings_that_take_scorers_take_them(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        def other(archs: Sequence[Arch]) -> Floats:
            return -self.score(archs)

        declared = strategy_class.guidance
        given: list[tuple[str, Any]] = [(name, self.score) for name in declared.settings]
        given += [(name, {}) for name in declared.lists]
        given += [(name, {"one": self.score, "other": other}) for name in declared.lists]
        for name, scorers in given:
            rng = np.random.default_rng(12)
            strategy = strategy_class(space, rng, **{**settings, name: scorers})
            asked = self.trace(strategy)
            assert all(space.is_valid(arch) for arch in asked), "what is asked for is of the space"
            self.check_report(strategy.report())

    def test_a_move_ratio_counts_scores_or_is_refused(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        scored: list[Arch] = []

        def spy(archs: Sequence[Arch]) -> Floats:
            scored.extend(archs)
            return self.score(archs)

        if strategy_class.guidance.ratio is None:
            with pytest.raises(InvalidSetting, match="move ratio of 3 has no meaning"):
                strategy_class(space, np.random.default_rng(13), move_ratio=3, **settings)
            return
        strategy = strategy_class(space, np.random.default_rng(13), move=spy, move_ratio=3, **settings)
        self.trace(strategy, 7)
        assert len(scored) == 21, "a move ratio of 3 scores 3 architectures for each one trained"
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
        assert all(space.is_valid(arch) for arch in asked), "what is asked for is of the space"
        assert len(set(asked)) > 1, "accuracies that are NaN do not stop the search"
        self.check_report(strategy.report())

    def test_several_are_asked_for_before_they_are_told(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        strategy = strategy_class(space, np.random.default_rng(15), **settings)
        pending: list[Arch] = []
        for told in range(40):
            while len(pending) < 3:
                strategy.pending = tuple(pending)
                if strategy.waits:
                    break
                pending.append(space.check(strategy.ask()))
            assert pending, "a strategy waits for what is pending only where something is"
            arch = pending.pop(0 if told % 3 else -1)  # trainings take longer or shorter
            strategy.tell(arch, self.worth(arch))
        strategy.report()

    def test_a_report_is_plain_and_changes_nothing(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        asked_for, left_alone = (
            strategy_class(space, np.random.default_rng(15), **settings) for _ in range(2)
        )
        self.check_report(asked_for.report())
        for strategy in (asked_for, left_alone) if strategy_class.takes_warm_up() else ():
            strategy.warm_up(self.score, 40, np.random.default_rng(16))
        middle = self.trace(asked_for, self.budget // 2)
        self.check_report(asked_for.report())
        assert middle + self.trace(asked_for, self.budget // 2) == self.trace(
            left_alone, self.budget // 2 * 2
        ), "report() changes nothing of the search"
        self.check_report(left_alone.report())

    def check_report(self, report: dict[str, Any]) -> None:
        """Check that a report is of numbers, texts and tables; see `Strategy.report`."""
        assert plain_json(report), "a report is plain JSON without NaN"
        for value in report.values():
            assert value is None or isinstance(value, int | float | str | dict), (
                "a report is of numbers, texts and tables"
            )
            if isinstance(value, dict):
                assert len({len(column) for column in value.values()}) == 1, (
                    "a table has columns of one length"
                )

    def test_searches_share_nothing(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        steps = self.budget // 2
        alone = self.trace(strategy_class(space, np.random.default_rng(17), **settings), steps)
        one, other = (strategy_class(space, np.random.default_rng(seed), **settings) for seed in (17, 18))
        asked = []
        for _ in range(steps):
            asked += self.trace(one, 1)
            self.trace(other, 1)
        assert asked == alone, (
            "two searches at a time share nothing: what is remembered belongs to the strategy, not to its class"
        )

    def test_global_generators_are_left_alone(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        with left_as_found("a search"):
            strategy = strategy_class(space, np.random.default_rng(19), **settings)
            if strategy_class.takes_warm_up():
                strategy.warm_up(self.score, 20, np.random.default_rng(20))
            self.trace(strategy, self.budget // 4)

    def test_several_objectives_are_taken_as_one_is(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        if strategy_class.tell_all is Strategy.tell_all:
            return
        steps = self.budget // 2
        alone = self.trace(strategy_class(space, np.random.default_rng(21), **settings), steps)
        one = strategy_class(space, np.random.default_rng(21), **settings)
        again, other = (strategy_class(space, np.random.default_rng(22), **settings) for _ in range(2))
        for arch in alone:
            assert one.ask() == arch, "tell_all() of one value is tell()"
            one.tell_all(arch, np.nan_to_num(self.score([arch])))
        for step in range(steps):
            arch = again.ask()
            assert space.is_valid(arch), "what is asked for is of the space"
            assert other.ask() == arch, "the same stream gives the same search for several objectives"
            values = np.array([self.score([arch])[0], -float(sum(arch)) if step % 5 else math.nan])
            for strategy in (again, other):
                strategy.tell_all(arch, values)  # some of them NaN

    def test_another_process_searches_alike(
        self, strategy_class: StrategyClass, space: SearchSpace, settings: dict[str, Any]
    ) -> None:
        steps = self.budget // 2
        (there,) = elsewhere(_searched, [(type(self), strategy_class, space, settings, steps)])
        assert there == _searched((type(self), strategy_class, space, settings, steps)), (
            "the same stream gives the same search in every process: no order of sets of texts, no global generator"
        )


def _searched(
    given: tuple[type[StrategyContract], StrategyClass, SearchSpace, dict[str, Any], int],
) -> list[Arch]:
    contract, strategy_class, space, settings, steps = given
    return contract().trace(strategy_class(space, np.random.default_rng(21), **settings), steps)
