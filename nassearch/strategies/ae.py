"""Aging evolution (AE), also known as regularised evolution (REA): Real et al., 2019."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import whole
from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import Guidance, Strategy
from nassearch.types import Arch, Scorer


class AgingEvolution(Strategy):
    """Mutate the winner of a small tournament, add the child to the population, drop the oldest.

        strategy = AgingEvolution(space, rng)
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional: the best `pool` begin, in rank order
        arch = strategy.ask()
        strategy.tell(arch, valid)

    The first `pool` architectures come from the warm-up, then from uniform draws. From there on every ask
    holds a tournament among those held and mutates its winner. Ties: of equally fit entrants the one longest
    in the population wins; of equally scored children the first in the order of `neighbours()`. NaN is worse
    than every number.

    Moves:
        child: score all architectures one edit away from the winner and take the best; with probability
            `explore`, or where none of them can be scored, a random one (Abdelfattah et al., 2021; the random
            share is in their released code alone). A child that was trained before is not avoided.
        parent: the highest score of the move wins the tournament, not accuracy; the mutation stays random
            (arXiv 2302.04406).

    Args:
        pool: architectures trained before evolution begins.
        tournament: entrants, drawn without replacement.
        population: architectures held, the newest ones; None for as many as `pool`.
        fitness: scorer that decides tournaments in place of validation accuracy. With `population=1000`,
            `pool=64` and `tournament=20` this is regularised evolution guided by a proxy alone.

    Raises:
        InvalidSetting: a size out of range, or both a `fitness` and a move at the parent.
    """

    name: ClassVar[str] = "ae"
    learns_unasked = True
    guidance = Guidance(moves=("child", "parent"), settings=("fitness",), alone=("fitness", "parent"))

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        pool: int = 64,
        tournament: int = 10,
        population: int | None = None,
        fitness: Scorer | None = None,
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        self.pool = whole("pool", pool)
        self.tournament = whole("tournament", tournament, most=self.pool)
        self.population = whole(
            "population", self.pool if population is None else population, least=self.pool
        )
        self.fitness = fitness
        if self.move is not None and self.move_at == "parent":
            if fitness is not None:
                raise InvalidSetting("a move at parent and a fitness both decide the tournament: give one")
            self.fitness = self.move
        self._guides_children = self.move is not None and self.move_at == "child"
        self._queue: deque[Arch] = deque()
        self._begun = 0
        self._archs: list[Arch] = []  # all that was told; the population is the end of it
        self._values: list[float] = []

    @property
    def least_budget(self) -> int:
        return self.pool

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self._queue = deque(ranking[: self.pool])

    def ask(self) -> Arch:
        if self._begun < self.pool or not self._archs:
            self._begun += 1
            return self._queue.popleft() if self._queue else self.space.sample(self.rng)
        parent = self._winner()
        # explore = 1 spends no random number here, so that it is the search without a move, step by step.
        if self._guides_children and self.explore < 1 and self.rng.random() >= self.explore:
            return self._best_child(parent)
        return self.space.mutate(parent, self.rng)

    def tell(self, arch: Arch, valid: float) -> None:
        value = valid if self.fitness is None else float(self.fitness([arch])[0])
        self._archs.append(arch)
        self._values.append(value if value == value else -math.inf)

    def _winner(self) -> Arch:
        told = len(self._archs)
        held = min(told, self.population)
        entrants = subset(told - held, told, min(self.tournament, held), self.rng)
        return self._archs[max(sorted(entrants), key=self._values.__getitem__)]

    def _best_child(self, parent: Arch) -> Arch:
        assert self.move is not None
        children = self.space.neighbours(parent)
        scores = self.move(children)
        best = int(np.where(np.isnan(scores), -np.inf, scores).argmax())
        return self.space.mutate(parent, self.rng) if np.isnan(scores[best]) else children[best]


def subset(start: int, stop: int, k: int, rng: np.random.Generator) -> set[int]:
    """Draw k of range(start, stop), every subset equally likely, in time that does not depend on its length.

    Robert Floyd's algorithm (Bentley and Floyd, 1987): several times faster here than `Generator.choice`.
    """
    chosen: set[int] = set()
    first = stop - k - start + 1
    for width, share in enumerate(rng.random(k).tolist(), first):
        draw = start + int(share * width)
        if draw in chosen:
            draw = start + width - 1
        chosen.add(draw)
    return chosen
