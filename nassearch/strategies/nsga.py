"""Ageing evolution by non-dominated sorting: several objectives, such as accuracy and latency."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.statistics.hypervolume import crowding, fronts
from nassearch.strategies.ae import AgingEvolution, subset
from nassearch.strategies.base import Guidance
from nassearch.types import Arch, Floats

PATIENCE = 100
"""Steps in which one that was not trained is looked for."""
SURVIVAL = ("best", "newest")


class NonDominatedEvolution(AgingEvolution):
    """Mutate the winner of a small tournament, which is decided by fronts and then by crowding distance.

        strategy = NonDominatedEvolution(space, rng)
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional: the best `pool` begin, in rank order
        arch = strategy.ask()
        strategy.tell_all(arch, np.array([accuracy, -latency]))

    It is regularised evolution (Real et al., 2019) with the order of NSGA-II (Deb et al., 2002, sections III-A and
    III-B): of two architectures the one on the earlier front of the population wins, on one front the one with the
    larger crowding distance. All begins as in `ae`, and moves at the child are the same. What was trained is not
    trained again while steps lead to anything else, since a point of the front counts once. With one objective the
    fronts are its values in order.

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
        super().__init__(space, rng, pool=pool, tournament=tournament, population=population, **guidance)
        if survival not in SURVIVAL:
            raise InvalidSetting(f"survival is {' or '.join(SURVIVAL)}, not {survival!r}")
        self.survival = survival
        self._points: list[list[float]] = []
        self._held: list[int] = []
        self._known: set[Arch] = set()

    def ask(self) -> Arch:
        arch = super().ask()
        for _ in range(PATIENCE):
            if arch not in self._known:
                break
            arch = super().ask()
        self._known.add(arch)
        return arch

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
        points = np.array([self._points[place] for place in places])
        front = fronts(points)
        order = np.lexsort([np.arange(len(places)), -np.round(crowding(points, front), 9), front])
        return [places[each] for each in order]

    def _winner(self) -> Arch:
        rank = {place: number for number, place in enumerate(self._ordered(self._held))}
        entrants = subset(0, len(self._held), min(self.tournament, len(self._held)), self.rng)
        return self._archs[min((self._held[each] for each in entrants), key=rank.__getitem__)]
