"""The course of a search: what its steps, in their order, have made of its strategy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from nassearch.errors import BadData
from nassearch.provenance.blame import blamed
from nassearch.search.asking.book import PENDING, Book, Key, Values
from nassearch.search.asking.oracle import AskedBenchmark
from nassearch.search.asking.steps import REMEDY, Step
from nassearch.search.pareto.asking import asked as ask_strategy
from nassearch.search.pareto.asking import tell
from nassearch.search.pareto.objectives import Objective
from nassearch.search.runner import ROUNDING, share_of
from nassearch.strategies.base import Strategy
from nassearch.types import Arch

IN_VAIN = 200
"""Asks in a row for what is known or pending: then the strategy has nothing new."""


class Course(Book):
    """The course of a search. A strategy is deterministic, so the same steps lead to the same asks.

    Args:
        strategy: warmed up.
        oracle: which is told further metrics.
        objectives: none where what is trained for is all.
        budget, whole: see `Book`.
    """

    def __init__(
        self,
        strategy: Strategy,
        oracle: AskedBenchmark,
        objectives: Sequence[Objective],
        budget: int | None,
        whole: int | None,
    ) -> None:
        super().__init__(budget, whole, max(1, len(objectives)))
        self.strategy, self.oracle, self.objectives = strategy, oracle, objectives
        self._proposed: Key | None = None

    def why_none(self) -> str | None:
        """Say why no more can be asked for now; None where it can."""
        if self._has_used_up():
            return self._used_up()
        if self.vain >= IN_VAIN:
            return f"{IN_VAIN} architectures in a row were asked for before: there is nothing new"
        self._show_pending()
        with blamed(self.strategy):
            if self.strategy.pending and self.strategy.waits:
                return f"{self.strategy.name} waits until what is pending is told"
        return None

    def is_over(self, again: bool) -> bool:
        """Say, of a course that has no ask to give, whether more will come: of what is pending, where `again`."""
        return not self.pending or (self._has_used_up() and not again)

    def propose(self, number: int, worker: str | None, time: int) -> Step | str:
        """Return the next ask of the strategy as a step that is not taken yet, or why the budget is too small for it.

        The strategy has gone on by then: a step that is not taken next leaves the course of no use.
        """
        refused: list[Arch] = []

        def admits(arch: Arch) -> bool:
            admitted = self.strategy.space.admits(arch)
            if not admitted:
                refused.append(arch)
            return admitted

        self._proposed = self._ask(admits)
        share = share_of(self.strategy, self.oracle)
        if self.budget is not None and self.spent + share > self.budget + ROUNDING:
            return self._used_up()
        return Step("ask", number, *self._proposed, refused=tuple(refused), worker=worker, time=time)

    def take_ask(self, step: Step) -> None:
        """Take an ask.

        Raises:
            BadData: the strategy asks for something else than the step says.
        """
        proposed, self._proposed = self._proposed, None
        if proposed is None:
            left = list(step.refused)

            def admits(arch: Arch) -> bool:
                refused = bool(left) and arch == left[0]
                if refused:
                    del left[0]
                return not refused

            proposed = self._ask(admits)
            share_of(self.strategy, self.oracle)
        if proposed != (step.arch, step.epochs):
            raise BadData(
                f"ask {step.number} of the folder is not what this search asks for: the file was changed, or another "
                f"version of a part led to it; go on with that, or {REMEDY}"
            )
        super().take_ask(step)

    def learns(self, key: Key) -> bool:
        """Say whether the strategy learns from what it did not ask for: only whole trainings, of its space."""
        return self.strategy.learns_unasked and key[1] is None and self.strategy.space.is_valid(key[0])

    def learn(self, key: Key, values: Values, asked: bool = True) -> None:
        """Tell the strategy: of several objectives NaN for all where one is not known."""
        if not asked and not self.learns(key):
            return
        signs = [each.sign for each in self.objectives] or [self.oracle.dataset.sign]
        told = [math.nan if v is None else sign * v for sign, v in zip(signs, values, strict=True)]
        if any(map(math.isnan, told)):
            told = [math.nan] * len(told)
        with blamed(self.strategy):
            tell(self.strategy, key[0], told)

    def _has_used_up(self) -> bool:
        least = min([1.0, *map(self.share, self.strategy.shorter_epochs)])
        return self.budget is not None and self.spent + least > self.budget + ROUNDING

    def _used_up(self) -> str:
        return f"the budget of {self.budget} is used up"

    def _ask(self, admits: Callable[[Arch], bool]) -> Key:
        self._show_pending()
        with blamed(self.strategy, self.strategy.space):
            return ask_strategy(self.strategy, len(self.objectives), admits), self.strategy.asked_epochs

    def _show_pending(self) -> None:
        self.strategy.pending = tuple(each.key[0] for each in self.asks if each.state == PENDING)


def published(
    objectives: Sequence[Objective],
    oracle: AskedBenchmark,
    arch: Arch,
    value: float,
    metrics: Mapping[str, float],
) -> Values:
    """Return the values of all objectives of an architecture, as published: the told ones, and what it costs.

    A cost that is told takes the place of the one that would be computed, and one that is not known is None.
    """
    if not objectives:
        return (value,)
    found = (
        value if each.cost is None else metrics[each.name] if each.name in metrics else float(each.cost(arch))
        for each in objectives
    )
    return tuple(None if math.isnan(each) else each for each in found)
