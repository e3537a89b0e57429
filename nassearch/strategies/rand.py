"""Random search (RAND)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import whole
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.base import Guidance, Strategy, best_first
from nassearch.types import Arch, Floats


class RandomSearch(Strategy):
    """Draw uniformly, with replacement; after a warm-up, train its ranking in order until that is exhausted.

        strategy = RandomSearch(space, rng)
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional
        arch = strategy.ask()

    An architecture that the ranking holds twice is trained twice, as one drawn twice is.

    Moves:
        draw: draw `move_ratio` architectures and take the one with the highest score; of equals the first drawn,
            NaN is below every number. Ours: the published move proposals do not cover random search. It acts on
            the draws alone, not on the ranking of a warm-up.

    Args:
        first: how many of the ranking to train before the random draws begin; None for all of it, as in the
            released code of arXiv 2302.04406. Its text describes 64.
    """

    name: ClassVar[str] = "rand"
    learns_unasked = True
    guidance = Guidance(moves=("draw",), ratio=10)

    def __init__(
        self, space: SearchSpace, rng: np.random.Generator, *, first: int | None = None, **guidance: Any
    ) -> None:
        super().__init__(space, rng, **guidance)
        self.first = None if first is None else whole("first", first)
        self._queue: deque[Arch] = deque()

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self._queue = deque(ranking[: self.first])

    def ask(self) -> Arch:
        if self._queue:
            return self._queue.popleft()
        if self.move is None:
            return self.space.sample(self.rng)
        assert self.move_ratio is not None
        draws = self.space.sample_many(self.move_ratio, self.rng)
        return draws[best_first(self.move(draws))[0]]

    def tell(self, arch: Arch, valid: float) -> None:
        """Learn nothing: the draws do not depend on what was trained."""

    def tell_all(self, arch: Arch, values: Floats) -> None:
        """Learn nothing."""
