"""The search that BANANAS and NPENAS share: fit a predictor, mutate the best, train what it thinks best of these."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np

from nassearch.checks import whole
from nassearch.spaces.base import SearchSpace
from nassearch.statistics import ranks
from nassearch.strategies.base import Guidance, Strategy, best_first
from nassearch.strategies.untrained import next_untrained, untrained_draws
from nassearch.types import Arch, Floats


class PredictedMutants(Strategy):
    """Train `initial` architectures; then, again and again, the `step` best of `candidates` mutants by a predictor.

    The mutants are of the best so far, one edit each, none of them trained before; where these are too few, uniform
    draws join them. Of the architectures that share a key only one is trained. NaN is worse than every number.

    A warm-up gives the first `initial` architectures in place of uniform draws.

    Args:
        initial: architectures trained before the predictor is asked.
        step: architectures that are trained between two fits.
        candidates: mutants that the predictor looks at in each step.
        parents: architectures that are mutated, the best so far.
        children: mutations of each; the best has them first, and it ends with `candidates` mutants.

    Raises:
        InvalidSetting: a number out of range, or a move.
    """

    learns_unasked = True
    guidance = Guidance(ranked_warm_up=False)

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        initial: int = 10,
        step: int = 10,
        candidates: int = 100,
        parents: int = 10,
        children: int = 10,
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        self.initial, self.step = whole("initial", initial), whole("step", step)
        self.candidates = whole("candidates", candidates, least=self.step)
        self.parents, self.children = whole("parents", parents), whole("children", children)
        self._ranking: deque[Arch] = deque()
        self._queue: deque[tuple[Arch, float]] = deque()  # with what the predictor thinks of each
        self._seen: set[str] = set()  # keys of what was queued or trained
        self._told: list[Arch] = []
        self._values: list[float] = []
        self._forecasts: list[float] = []
        self._fits: list[int] = []  # told by then
        self._forecast: dict[Arch, float] = {}  # of what was asked for and is not told yet

    def start_from(self, ranking: Sequence[Arch]) -> None:
        self._ranking = deque(ranking)

    def ask(self) -> Arch:
        if not self._queue:
            if self._begun < self.initial:
                first = next_untrained(self._ranking, self.space, self.rng, self._is_known)
                self._queue.append((first, math.nan))
            else:
                self._refill()
        arch, self._forecast[arch] = self._queue.popleft()
        self._seen.add(self.space.key(arch))
        return arch

    @property
    def waits(self) -> bool:
        """Return whether all of a step were asked for: the next fit learns from them."""
        return bool(self.pending) and not self._queue and self._begun >= self.initial

    @property
    def _begun(self) -> int:
        return len(self._told) + len(self.pending)

    def tell(self, arch: Arch, valid: float) -> None:
        self._told.append(arch)
        self._seen.add(self.space.key(arch))
        self._values.append(valid if valid == valid else -math.inf)
        self._forecasts.append(self._forecast.pop(arch, math.nan))

    def report(self) -> dict[str, Any]:
        """Return how well each fit foresaw what was trained next, which it had not learnt from.

        Kendall's tau between prediction and accuracy, 1 for the same order; None below two models. What is trained next
        is what was predicted best, and hard to tell apart, so tau is lower than over the whole space.
        """
        columns: dict[str, list[Any]] = {"models": [], "held out": [], "kendall tau": []}
        for start, end in pairwise([*self._fits, len(self._told)]):
            told = ranks.dense(np.array(self._values[start:end]))
            foreseen = ranks.dense(np.array(self._forecasts[start:end]))
            tau = ranks.tau_a(foreseen, told) if end - start > 1 else None
            for column, value in zip(columns.values(), (start, end - start, tau), strict=True):
                column.append(value)
        return {"predictor": columns}

    @abstractmethod
    def predict(self, told: Sequence[Arch], values: Floats, candidates: Sequence[Arch]) -> Floats:
        """Learn from what was told; return what the candidates are worth, higher is better.

        Args:
            told: N architectures.
            values: their accuracies, float64 `[N]`, finite, with mean 0 and deviation 1.
            candidates: M architectures.
        """

    def _is_known(self, arch: Arch) -> bool:
        return self.space.key(arch) in self._seen

    def _refill(self) -> None:
        candidates = self._mutants()
        if not candidates:
            self._queue.append((self.space.sample(self.rng), math.nan))
            return
        self._fits.append(len(self._told))
        worth = self.predict(self._told, standardised(np.array(self._values)), candidates)
        chosen = best_first(worth)[: self.step]
        self._queue.extend((candidates[i], float(worth[i])) for i in chosen)

    def _mutants(self) -> list[Arch]:
        found: dict[str, Arch] = {}
        best = best_first(np.array(self._values))[: self.parents]
        mutants = (self.space.mutate(self._told[i], self.rng) for i in best for _ in range(self.children))
        for arch in mutants:
            key = self.space.key(arch)
            if key not in self._seen:
                found.setdefault(key, arch)
            if len(found) == self.candidates:
                break
        for arch in islice(
            untrained_draws(self.space, self.rng, self._is_known), max(0, self.step - len(found))
        ):
            found.setdefault(self.space.key(arch), arch)
        return [*found.values()]


def standardised(values: Floats) -> Floats:
    """Return values with mean 0 and deviation 1: what is not finite takes the nearest finite; zeros where all agree.

    >>> standardised(np.array([1.0, -np.inf, 3.0])).round(3).tolist()
    [-0.707, -0.707, 1.414]
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros(len(values))
    values = np.clip(values, finite.min(), finite.max())
    values = values / max(1.0, float(np.abs(values).max()))  # squares of the largest floats overflow
    spread = float(values.std())
    return (values - values.mean()) / spread if spread else np.zeros(len(values))
