"""Successive halving (SH): Jamieson and Talwalkar, 2016, "Non-stochastic best arm identification"."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import whole
from nassearch.errors import InvalidSetting, quoted
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import Guidance, Strategy, best_first
from nassearch.strategies.untrained import next_untrained
from nassearch.types import Arch, is_number, plain


class SuccessiveHalving(Strategy):
    """Train many architectures for few epochs, the best part of them for longer, and begin anew at the end.

        strategy = SuccessiveHalving(space, rng)
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional: its ranking is taken first, best first
        arch = strategy.ask()
        strategy.tell(arch, valid)   # after strategy.asked_epochs epochs, None for a whole training

    A bracket begins with `first` architectures on the lowest rung. Of n on a rung the best n / `eta` come to the next,
    the last of which is a whole training. The paper halves; `eta=3` is that of Hyperband (Li et al., 2018). When a
    bracket has ended the next begins, so that the search has no budget of its own. Each training is one from the
    start: that of the rung before is not gone on with, as tables train with a learning rate that falls to its end.

    Only benchmarks with shorter trainings of these epochs can answer. Each counts as its share of a whole one: on
    NAS-Bench-201 a training of 12 epochs is 0.06 models. Of equals the one that was trained first comes on, and NaN is
    worse than every number.

    Args:
        rungs: epochs of the shorter trainings, fewest first.
        first: architectures on the lowest rung.
        eta: how many there are on a rung for one on the next.

    Raises:
        InvalidSetting: a setting out of range, or a move.
    """

    name: ClassVar[str] = "sh"
    guidance = Guidance()

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        rungs: Sequence[int] = (12,),
        first: int = 81,
        eta: float = 3,
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        given = plain(rungs)
        self.rungs = tuple(given) if isinstance(given, list | tuple) else (given,)
        for below, epochs in zip((0, *self.rungs), self.rungs, strict=False):
            if whole("rungs", epochs) <= below:
                raise InvalidSetting(f"rungs are numbers of epochs, fewest first, not {quoted(rungs)}")
        self.first = whole("first", first)
        self.eta = plain(eta)
        if not is_number(self.eta) or self.eta <= 1:
            raise InvalidSetting(f"eta is a number above 1, not {quoted(eta)}")
        self._ranking: deque[Arch] = deque()
        self._begun: set[Arch] = set()
        self._rung = len(self.rungs)
        self._queue: deque[Arch] = deque()
        self._told: list[Arch] = []  # on this rung
        self._values: list[float] = []
        self._counts = [0] * (len(self.rungs) + 1)

    @property
    def shorter_epochs(self) -> tuple[int, ...]:
        return self.rungs

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self._ranking = deque(ranking)

    def ask(self) -> Arch:
        if not self._queue:
            self._climb()
        self.asked_epochs = self.rungs[self._rung] if self._rung < len(self.rungs) else None
        return self._queue.popleft()

    @property
    def waits(self) -> bool:
        """Return whether all of a rung were asked for: who goes to the next one is known once all are told."""
        return bool(self.pending) and not self._queue

    def tell(self, arch: Arch, valid: float) -> None:
        self._told.append(arch)
        self._values.append(valid if math.isfinite(valid) else math.nan)
        self._counts[self._rung] += 1

    def report(self) -> dict[str, Any]:
        """Return how many were trained on each rung."""
        rungs = [*map(str, self.rungs), "whole"]
        return {"trainings": {"epochs": rungs, "models": list(self._counts)}}

    def _climb(self) -> None:
        """Take the best to the next rung, or begin a bracket."""
        if self._told and self._rung < len(self.rungs):
            kept = max(1, int(len(self._told) / self.eta))
            self._queue.extend(self._told[place] for place in best_first(np.array(self._values))[:kept])
            self._rung += 1
        else:
            self._queue.extend(self._next() for _ in range(self.first))
            self._rung = 0
        self._told, self._values = [], []

    def _next(self) -> Arch:
        arch = next_untrained(self._ranking, self.space, self.rng, self._begun.__contains__)
        self._begun.add(arch)
        return arch
