"""The contract of strategies finds each of these faults, and says which rule is broken."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from mutants import complaint, complaints

from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.ae import AgingEvolution
from nassearch.strategies.base import Guidance, Strategy, best_first
from nassearch.strategies.rand import RandomSearch
from nassearch.strategies.rl.strategy import Reinforce
from nassearch.testing import StrategyContract
from nassearch.types import Arch, Scorer


class Minimises(AgingEvolution):
    def tell(self, arch: Arch, valid: float) -> None:
        super().tell(arch, -valid)


class TakesNanForTheBest(AgingEvolution):
    def tell(self, arch: Arch, valid: float) -> None:
        super().tell(arch, math.inf if math.isnan(valid) else valid)


class TakesNanForZero(AgingEvolution):
    """Zero is better than every loss, which is negated."""

    def tell(self, arch: Arch, valid: float) -> None:
        super().tell(arch, 1.0 if math.isnan(valid) else valid)


class IgnoresTheWarmUp(AgingEvolution):
    def start_from(self, ranking: Sequence[Arch]) -> None:
        pass


class BeginsWithTheWorst(AgingEvolution):
    def start_from(self, ranking: Sequence[Arch]) -> None:
        super().start_from(ranking[::-1])


class RanksNanFirst(AgingEvolution):
    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        return super().warm_up(lambda archs: np.nan_to_num(scorer(archs), nan=1e9), n, rng)


class LearnsNothingFromTheWarmUp(Reinforce):
    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        archs = self.space.sample_many(n, rng)
        scorer(archs)
        return archs


class LearnsTheWarmUpUpsideDown(Reinforce):
    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        return super().warm_up(lambda archs: -scorer(archs), n, rng)


class WarmsUpFromItsOwnStream(AgingEvolution):
    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        return super().warm_up(scorer, n, self.rng)


class ScoresOthers(AgingEvolution):
    """Declares uniform draws and scores what it likes."""

    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        rng.random()
        return super().warm_up(scorer, n, rng)


class IgnoresItsMove(AgingEvolution):
    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._guides_children, self.fitness = False, None


class IgnoresOneMove(AgingEvolution):
    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        if self.move_at == "parent":
            self.fitness = None


class MovesDownwards(AgingEvolution):
    def __init__(self, *args: Any, move: Scorer | None = None, **settings: Any) -> None:
        down = None if move is None else (lambda archs: -move(archs))
        super().__init__(*args, move=down, **settings)


class MovesToNan(RandomSearch):
    """Takes NumPy's argmax, which is the first NaN."""

    def ask(self) -> Arch:
        if self._queue or self.move is None:
            return super().ask()
        draws = self.space.sample_many(10, self.rng)
        return draws[int(np.argmax(self.move(draws)))]


class IgnoresTheRatio(RandomSearch):
    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.move_ratio = 10 if self.move_ratio else None


class SharesItsPopulation(AgingEvolution):
    everybodys: ClassVar[list[Arch]] = []

    def ask(self) -> Arch:
        return self.space.mutate(self.everybodys[-1], self.rng) if self.everybodys else super().ask()

    def tell(self, arch: Arch, valid: float) -> None:
        self.everybodys.append(arch)
        super().tell(arch, valid)


class DrawsFromTheGlobalGenerator(RandomSearch):
    def ask(self) -> Arch:
        return self.space.sample(np.random.default_rng(random.randrange(10**9)))


class SeedsTheGlobalGenerator(RandomSearch):
    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        random.seed(0)


class HasItsOwnSeed(RandomSearch):
    def __init__(self, space: Any, rng: np.random.Generator, **settings: Any) -> None:
        super().__init__(space, np.random.default_rng(0), **settings)


class OrdersByHash(RandomSearch):
    def ask(self) -> Arch:
        return min(self.space.sample_many(5, self.rng), key=lambda arch: hash(str(arch)))


class LeavesTheSpace(RandomSearch):
    def ask(self) -> Arch:
        return (*super().ask()[:-1], 7)


class ReportsAndDraws(AgingEvolution):
    def report(self) -> dict[str, Any]:
        return {"luck": float(self.rng.random())}


class ReportsNan(AgingEvolution):
    def report(self) -> dict[str, Any]:
        return {"best": math.nan}


class ReportsAList(AgingEvolution):
    def report(self) -> dict[str, Any]:
        return {"course": [1, 2, 3]}


class Climber(Strategy):
    """Climb from the best architecture to a neighbour, and begin anew after five that are no better (a test)."""

    name = "climber"
    guidance = Guidance(moves=("step",), explores=())

    def __init__(self, space: SearchSpace, rng: np.random.Generator, **guidance: Any) -> None:
        super().__init__(space, rng, **guidance)
        self.top: tuple[float, Arch | None] = -math.inf, None
        self.failed = 0
        self.queue: list[Arch] = []

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self.queue = list(ranking[:20])

    def ask(self) -> Arch:
        if self.queue:
            return self.queue.pop(0)
        if self.top[1] is None or self.failed == 5:
            self.failed = 0
            return self.space.sample(self.rng)
        near = list(self.space.neighbours(self.top[1]))
        return self.choose(near) if self.move else near[int(self.rng.integers(len(near)))]

    def choose(self, near: list[Arch]) -> Arch:
        assert self.move is not None
        return near[best_first(self.move(near))[0]]

    def tell(self, arch: Arch, valid: float) -> None:
        value = -math.inf if math.isnan(valid) else valid
        if self.top[1] is None or value > self.top[0]:
            self.top, self.failed = (value, arch), 0
        else:
            self.failed += 1


class ClimbsToNan(Climber):
    def choose(self, near: list[Arch]) -> Arch:
        assert self.move is not None
        return near[int(np.argmax(np.nan_to_num(self.move(near), nan=np.inf)))]


MUTANTS = [
    (ClimbsToNan, "test_every_declared_move_guides_upwards", "takes NaN for worse"),
    (Minimises, "test_higher_accuracy_is_better", "is maximised"),
    (TakesNanForTheBest, "test_accuracy_that_is_nan_is_worse_than_every_number", "worse than every number"),
    (TakesNanForZero, "test_accuracy_that_is_nan_is_worse_than_every_number", "worse than every number"),
    (
        IgnoresTheWarmUp,
        "test_a_ranked_warm_up_is_best_first_with_nan_last_and_comes_first",
        "begins with the ranking",
    ),
    (IgnoresTheWarmUp, "test_a_warm_up_guides_upwards", "guides the search to higher scores"),
    (BeginsWithTheWorst, "test_a_warm_up_guides_upwards", "guides the search to higher scores"),
    (RanksNanFirst, "test_a_ranked_warm_up_is_best_first_with_nan_last_and_comes_first", "NaN comes last"),
    (RanksNanFirst, "test_a_warm_up_guides_upwards", "NaN for worse"),
    (LearnsNothingFromTheWarmUp, "test_a_warm_up_guides_upwards", "guides the search to higher scores"),
    (LearnsTheWarmUpUpsideDown, "test_a_warm_up_guides_upwards", "guides the search to higher scores"),
    (
        WarmsUpFromItsOwnStream,
        "test_warm_up_leaves_the_strategys_stream_alone_and_returns_what_it_scored",
        "from its own stream",
    ),
    (
        ScoresOthers,
        "test_warm_up_leaves_the_strategys_stream_alone_and_returns_what_it_scored",
        "and nothing else",
    ),
    (IgnoresItsMove, "test_every_declared_move_guides_upwards", "child asks for the same"),
    (IgnoresOneMove, "test_every_declared_move_guides_upwards", "parent asks for the same"),
    (MovesDownwards, "test_every_declared_move_guides_upwards", "to higher scores"),
    (MovesToNan, "test_every_declared_move_guides_upwards", "takes NaN for worse"),
    (IgnoresTheRatio, "test_a_move_ratio_counts_scores_or_is_refused", "scores 3 architectures"),
    (SharesItsPopulation, "test_searches_share_nothing", "share nothing"),
    (DrawsFromTheGlobalGenerator, "test_same_stream_same_search", "same search"),
    (DrawsFromTheGlobalGenerator, "test_global_generators_are_left_alone", "Python's generator"),
    (SeedsTheGlobalGenerator, "test_global_generators_are_left_alone", "Python's generator"),
    (HasItsOwnSeed, "test_same_stream_same_search", "another search"),
    (OrdersByHash, "test_another_process_searches_alike", "in every process"),
    (LeavesTheSpace, "test_asks_for_architectures_of_the_space", "of the space"),
    (ReportsAndDraws, "test_a_report_is_plain_and_changes_nothing", "changes nothing of the search"),
    (ReportsNan, "test_a_report_is_plain_and_changes_nothing", "without NaN|Out of range"),
    (ReportsAList, "test_a_report_is_plain_and_changes_nothing", "numbers, texts and tables"),
]


def given(kind: type[Strategy]) -> dict[str, Any]:
    return {"strategy_class": kind, "space": NASBench201(), "settings": {}}


@pytest.mark.parametrize("kind", [AgingEvolution, RandomSearch, Reinforce, Climber])
def test_a_strategy_without_a_fault_passes(kind: type[Strategy]) -> None:
    assert complaints(StrategyContract(), given(kind)) == {}


@pytest.mark.parametrize(
    ("kind", "test", "told"), MUTANTS, ids=[f"{kind.__name__}-{test}" for kind, test, _ in MUTANTS]
)
def test_the_contract_finds(kind: type[Strategy], test: str, told: str) -> None:
    found = complaint(StrategyContract(), test, given(kind))
    assert found is not None
    assert re.search(told, found), found
