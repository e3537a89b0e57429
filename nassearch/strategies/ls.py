"""Local search (LS), or hill climbing: White, Nolen and Savani, 2021, "Exploring the loss landscape in NAS"."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import check_choice, whole
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import Guidance, Strategy, best_first
from nassearch.strategies.untrained import next_untrained
from nassearch.types import Arch

MOVES = ("best", "first")
SHOWN = 10
"""Climbs in a report."""


class LocalSearch(Strategy):
    """Climb: train the neighbours of an architecture, go on from the best of them, and begin anew on top of a hill.

        strategy = LocalSearch(space, rng)
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional: its ranking are the starts, best first
        arch = strategy.ask()
        strategy.tell(arch, valid)

    Algorithm 1 of arXiv 2005.02960: a climb begins with a uniform draw and ends where no neighbour is better; then the
    next begins. Neighbours are tried in random order, ties go to the one tried first, equal is not better, and NaN is
    worse than every number. An architecture that shares its key with one that was trained takes its accuracy and is not
    trained again.

    Moves:
        neighbour: neighbours are tried by their score, best first and NaN last. Where the step is `best`, which trains
            all it tries, those that score lower than where the climb stands are left out. A share `explore` of the
            neighbourhoods, and those without any score, are tried whole and at random. Ours: the paper has no guidance.

    Args:
        step: `best` trains all neighbours and goes to the best of them, as algorithm 1 does; `first` goes to the first
            that is better (`query_until_lower` in the paper's appendix, and the default of its released code).
        starts: architectures trained before each climb, which begins with the best of them: 1 in algorithm 1, 10 in
            the released code.

    Raises:
        InvalidSetting: a number out of range, or another guidance.
        UnknownName: no such step.
    """

    name: ClassVar[str] = "ls"
    learns_unasked = True
    guidance = Guidance(moves=("neighbour",), explores=("neighbour",), ranked_warm_up=False)

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        step: str = "best",
        starts: int = 1,
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        check_choice({"step": step}, "step", MOVES)
        self.step, self.starts = step, whole("starts", starts)
        self._ranking: deque[Arch] = deque()
        self._values: dict[str, float] = {}  # by key, of all that was told
        self._begun: list[Arch] = []  # the starts of the climb to come
        self._place: Arch | None = None  # where the climb stands
        self._near: list[Arch] = []  # its neighbours, in the order in which they are tried
        self._next = 0  # the first of them that was not looked at
        self._tops: list[tuple[int, int, float]] = []  # per climb that ended: models by then, steps, value
        self._steps = 0

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self._ranking = deque(ranking)

    def ask(self) -> Arch:
        while True:
            if self._place is None:
                if len(self._begun) < self.starts:
                    self._begun.append(self._start())
                    return self._begun[-1]
                self._stand_on(max(self._begun, key=self._value))
            while self._next < len(self._near) and not self._has_found():
                self._next += 1
                if self.space.key(self._near[self._next - 1]) not in self._values:
                    return self._near[self._next - 1]
            self._climb()

    @property
    def waits(self) -> bool:
        """Return whether nothing is left to try where it stands: where it climbs to is known once all are told."""
        if not self.pending:
            return False
        if self._place is None:
            return len(self._begun) >= self.starts
        return all(self.space.key(arch) in self._values for arch in self._near[self._next :])

    def tell(self, arch: Arch, valid: float) -> None:
        self._values[self.space.key(arch)] = valid if valid == valid else -math.inf

    def report(self) -> dict[str, Any]:
        """Return how many climbs ended, and of the first ten where: models by then, steps up, the value on top."""
        shown = self._tops[:SHOWN]
        models, steps, values = map(list, zip(*shown, strict=True)) if shown else ([], [], [])
        tops = [value if math.isfinite(value) else None for value in values]
        climbs = [*range(1, len(shown) + 1)]
        table = {"climb": climbs, "models by its end": models, "steps": steps, "value on top": tops}
        return {"climbs ended": len(self._tops), "climbs": table}

    def _value(self, arch: Arch) -> float:
        return self._values.get(self.space.key(arch), -math.inf)

    def _has_found(self) -> bool:
        """Say whether the climb goes on before it has tried all neighbours."""
        if self.step != "first" or self._place is None:
            return False
        here = self._value(self._place)
        return any(self._value(arch) > here for arch in self._near[: self._next])

    def _start(self) -> Arch:
        return next_untrained(
            self._ranking, self.space, self.rng, lambda arch: self.space.key(arch) in self._values
        )

    def _climb(self) -> None:
        assert self._place is not None
        best = max(self._near[: self._next], key=self._value, default=self._place)
        if self._value(best) > self._value(self._place):
            self._steps += 1
            self._stand_on(best)
        else:
            self._tops.append((len(self._values), self._steps, self._value(self._place)))
            self._place, self._begun, self._steps = None, [], 0

    def _stand_on(self, arch: Arch) -> None:
        self._place, self._near, self._next = arch, self._order(arch), 0

    def _order(self, arch: Arch) -> list[Arch]:
        """Return the neighbours that are tried, in the order in which they are."""
        near = self.space.neighbours(arch)
        if self.move is not None and self.explore < 1 and self.rng.random() >= self.explore:
            here, *scores = self.move([arch, *near]).tolist()
            if not np.isnan(scores).all():
                order = best_first(np.array(scores))
                lowest = -math.inf if math.isnan(here) else here
                return [near[i] for i in order if self.step == "first" or scores[i] >= lowest]
        return [near[i] for i in self.rng.permutation(len(near))]
