"""Ageing evolution by non-dominated sorting: several objectives, such as accuracy and latency."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import whole
from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.statistics.hypervolume import by_fronts
from nassearch.strategies.base import Guidance, Strategy, scored
from nassearch.types import Arch, Floats, Scorer

PATIENCE = 100
"""Steps in which one that was not trained is looked for."""
SURVIVAL = ("best", "newest")


class NonDominatedEvolution(Strategy):
    """Mutate the winner of a small tournament, which is decided by fronts and then by crowding distance.

        strategy = NonDominatedEvolution(space, rng)
        strategy.costs = latencies_negated   # optional: a warm-up then ranks by both
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional: the best `pool` begin, in rank order
        arch = strategy.ask()
        strategy.tell_all(arch, np.array([accuracy, -latency]))

    It is regularised evolution (Real et al., 2019) with the order of NSGA-II (Deb et al., 2002, sections III-A and
    III-B): of two architectures the one on the earlier front of the population wins, on one front the one with the
    larger crowding distance. The first `pool` come from the warm-up, then from
    uniform draws. What was trained is not
    trained again while steps lead to anything else, since a point of the front counts once. With one objective the
    fronts are its values in order.

    Moves:
        child: score all architectures one edit away from the winner and take the best that was not trained; with
            probability `explore`, or where none of them can be scored, a random one.

    Args:
        pool: architectures trained before evolution begins.
        tournament: entrants, drawn without replacement.
        population: architectures held; None for as many as `pool`.
        survival: which are held: the `best` by the same order of all that were trained, as NSGA-II does, or the
            `newest`, as regularised evolution does.

    Raises:
        InvalidSetting: a size out of range, or no such survival.
    """

    name: ClassVar[str] = "nsga"
    costs: Callable[[Sequence[Arch]], Floats] | None = None
    """Objectives that are known without training, `[N, M - 1]` for N architectures, higher is better; a search for
    several sets it before it begins."""
    learns_unasked = True
    guidance = Guidance(moves=("child",))

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        pool: int = 20,
        tournament: int = 5,
        population: int | None = None,
        survival: str = SURVIVAL[0],
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        self.pool = whole("pool", pool)
        self.tournament = whole("tournament", tournament)
        self.population = whole("population", pool if population is None else population)
        if survival not in SURVIVAL:
            raise InvalidSetting(f"survival is {' or '.join(SURVIVAL)}, not {survival!r}")
        self.survival = survival
        self._queue: deque[Arch] = deque()
        self._begun = 0
        self._archs: list[Arch] = []
        self._points: list[list[float]] = []
        self._held: list[int] = []
        self._known: set[Arch] = set()
        self._rank: dict[int, int] = {}

    @property
    def least_budget(self) -> int:
        return self.pool

    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        """Draw n architectures uniformly and rank them: by the scorer, or where costs are known by fronts of both.

        Returns the ranking. Ties keep the order of the draw, NaN comes last.

        Raises:
            InvalidSetting: n out of range, see `check_warm_up`, or no draw has a score.
        """
        if self.costs is None:
            return super().warm_up(scorer, n, rng)
        self.check_warm_up(n, self.space)
        draws = self.space.sample_many(n, rng)
        points = np.column_stack([scored(scorer(draws)), self.costs(draws)])
        ranking = [draws[place] for place in by_fronts(points)]
        self.start_from(ranking)
        return ranking

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self._queue = deque(ranking[: self.pool])

    def ask(self) -> Arch:
        if self._begun < self.pool or not self._archs:
            self._begun += 1
            arch = self._queue.popleft() if self._queue else self.space.sample(self.rng)
        else:
            arch = self._child()
        self._known.add(arch)
        return arch

    def _child(self) -> Arch:
        for _ in range(PATIENCE):
            parent = self._winner()
            # explore = 1 spends no random number here, so that it is the search without a move, step by step.
            guided = self.move is not None and self.explore < 1 and self.rng.random() >= self.explore
            child = (self._best_child(parent) if guided else None) or self.space.mutate(parent, self.rng)
            if child not in self._known:
                break
        return child

    def _best_child(self, parent: Arch) -> Arch | None:
        assert self.move is not None
        children = [arch for arch in self.space.neighbours(parent) if arch not in self._known]
        scores = self.move(children) if children else np.full(1, np.nan)
        best = int(np.where(np.isnan(scores), -np.inf, scores).argmax())
        return None if np.isnan(scores[best]) else children[best]

    def tell(self, arch: Arch, valid: float) -> None:
        self.tell_all(arch, np.array([valid]))

    def tell_all(self, arch: Arch, values: Floats) -> None:
        self._archs.append(arch)
        self._points.append(values.tolist())
        self._held.append(len(self._archs) - 1)
        if len(self._held) > self.population:
            order = self._held if self.survival == "newest" else self._ordered(self._held)[::-1]
            self._held = sorted(order[1:])

    def _ordered(self, places: list[int]) -> list[int]:
        """Return places best first; equals, the one longest there first."""
        return [places[each] for each in by_fronts(np.array([self._points[place] for place in places]))]

    def _winner(self) -> Arch:
        if self._rank.keys() != set(self._held):  # a step tells nothing new until the next one is told
            self._rank = {place: number for number, place in enumerate(self._ordered(self._held))}
        rank = self._rank
        count = min(self.tournament, len(self._held))
        entrants = self.rng.choice(len(self._held), count, replace=False).tolist()
        return self._archs[min((self._held[each] for each in entrants), key=rank.__getitem__)]
