"""RoBoT: He, Shu, Dai and Low, 2024, "Robustifying and boosting training-free neural architecture search"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import check_choice, number, whole
from nassearch.spaces.base import SearchSpace
from nassearch.statistics.ranks import dense, midranks
from nassearch.strategies.base import Guidance, Strategy
from nassearch.strategies.robot.surrogate import Surrogate
from nassearch.types import Arch, Floats, Scorer

SCALES = ("range", "rank")


class RoBoT(Strategy):
    """Learn by Bayesian optimisation how to weigh several proxies, then train what the best weights rank first.

        strategy = RoBoT(space, rng, proxies={"synflow": synflow, "params": params})
        arch = strategy.ask()
        strategy.tell(arch, valid)

    Algorithms 1 and 2 of arXiv 2403.07591. The scores of each proxy are scaled to [0, 1] over the architectures that
    are ranked, all of the space where that is small, and summed with weights from [-1, 1]. Each step takes the weights
    with the highest upper confidence bound of a Gaussian process on those that were tried, the first at random, and
    the value of the architecture that they rank first. One that was trained before has its value, so a step may cost
    nothing. After `steps` steps the weights with the best value rank the rest, which is trained best first.

    A score that is missing counts as the lowest, and what no proxy scores comes last, whatever the weights. Of equal
    sums one is first by chance, the same throughout a search. Without proxies all are equal.

    The paper combines grad_norm, snip, grasp, fisher, synflow and jacob_cov; the default here is of proxies that need
    no passes of a network. It has as many steps as the budget has models: 20 on NAS-Bench-201, which is the default,
    and 100 on TransNAS-Bench-101, which is `steps=100`.

    Args:
        proxies: scorers by name.
        steps: of the Bayesian optimisation.
        kappa: deviations that the upper confidence bound lies above the mean.
        scale: `range` maps the lowest score to 0 and the highest to 1, as the paper does; `rank` the ranks.
        candidates: a space of at most so many architectures is ranked whole, of a larger one so many draws.
        tried: random weights that the bound is looked at for, in each step.

    Raises:
        InvalidSetting: a setting out of range, a move or a warm-up.
        UnknownName: no such scale.
    """

    name: ClassVar[str] = "robot"
    learns_unasked = True
    guidance = Guidance(lists=("proxies",), guides=("synflow", "epsilon", "params"))

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        proxies: Mapping[str, Scorer] | None = None,
        steps: int = 20,
        kappa: float = 2.576,
        scale: str = "range",
        candidates: int = 20_000,
        tried: int = 2000,
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        check_choice({"scale": scale}, "scale", SCALES)
        self.proxies: Mapping[str, Scorer] = proxies or {}
        self.steps, self.scale = whole("steps", steps), scale
        self.kappa = number("kappa", kappa)
        self.candidates, self.tried = whole("candidates", candidates), whole("tried", tried)
        self._values: dict[Arch, float] = {}
        self._weights: list[Floats] = []  # those that were tried
        self._firsts: list[Arch] = []  # what each of them ranks first
        self._ranking: list[Arch] | None = None  # by the best of them, once they are known
        self._trained_by_then = 0

    @property
    def scores_all(self) -> bool:
        """Return whether the whole space is scored."""
        return self.space.fits(self.candidates)

    def ask(self) -> Arch:
        while len(self._weights) < self.steps:
            weights = self._next_weights()
            first = self._archs[int(self._sums(weights).argmax())]
            self._weights.append(weights)
            self._firsts.append(first)
            if first not in self._values:
                return first
        if self._ranking is None:
            self._trained_by_then = len(self._values)
            order = np.argsort(-self._sums(self._best), kind="stable").tolist()
            self._ranking = [self._archs[place] for place in reversed(order)]
        while self._ranking:
            arch = self._ranking.pop()
            if arch not in self._values:
                return arch
        return self.space.sample(self.rng)

    @property
    def waits(self) -> bool:
        """Return whether weights are tried whose first is not told yet: what comes next follows from it."""
        return bool(self.pending) and self._ranking is None

    def tell(self, arch: Arch, valid: float) -> None:
        self._values.setdefault(arch, valid)

    def report(self) -> dict[str, Any]:
        """Return the best weights by proxy, and what the steps of the optimisation came to."""
        if not self._weights or any(arch not in self._values for arch in self._firsts):
            return {}
        found: dict[str, Any] = {
            "steps": len(self._weights),
            "models by then": self._trained_by_then or len(self._values),
            "value of the best weights": self._finite(self._values[self._firsts[self._best_step]]),
        }
        if self.proxies:
            found["weights"] = {"proxy": [*self.proxies], "weight": [*map(float, self._best)]}
        return found

    @staticmethod
    def _finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    @cached_property
    def _archs(self) -> list[Arch]:
        """What is ranked, in an order by chance, which parts equals."""
        drawn = [*self.space.all()] if self.scores_all else self.space.sample_many(self.candidates, self.rng)
        archs = [*dict.fromkeys(drawn)]
        return [archs[place] for place in self.rng.permutation(len(archs))]

    @cached_property
    def _scores(self) -> Floats:
        """Return the scores of P proxies for N architectures `[P, N]`."""
        rows = [scorer(self._archs) for scorer in self.proxies.values()]
        return np.array(rows).reshape(len(rows), len(self._archs))

    @cached_property
    def _scaled(self) -> list[Floats]:
        return [scaled(row, self.scale) for row in self._scores]

    @cached_property
    def _begin(self) -> Floats:
        """Return 0 for each architecture, and what no sum reaches where no proxy has a score."""
        return np.where(np.isnan(self._scores).all(axis=0) & bool(self.proxies), -np.inf, 0.0)

    def _sums(self, weights: Floats) -> Floats:
        sums = self._begin.copy()
        for weight, row in zip(weights.tolist(), self._scaled, strict=True):
            sums += weight * row
        return sums

    def _next_weights(self) -> Floats:
        drawn = self.rng.uniform(-1.0, 1.0, (self.tried, len(self.proxies)))
        if not self._weights:
            return np.asarray(drawn[0])
        mean, deviation = Surrogate(np.array(self._weights), self._known).predict(drawn)
        return np.asarray(drawn[int((mean + self.kappa * deviation).argmax())])

    @property
    def _known(self) -> list[float]:
        """Return the value of each weights that were tried; NaN counts as the worst of the others."""
        values = [self._values[arch] for arch in self._firsts]
        known = [value for value in values if math.isfinite(value)]
        worst = min(known, default=0.0)
        return [value if math.isfinite(value) else worst for value in values]

    @property
    def _best_step(self) -> int:
        values = [self._values[arch] for arch in self._firsts]
        return max(
            range(len(values)), key=lambda step: -math.inf if math.isnan(values[step]) else values[step]
        )

    @property
    def _best(self) -> Floats:
        return self._weights[self._best_step]


def scaled(scores: Floats, how: str) -> Floats:
    """Return scores in [0, 1] by their range or their ranks; the lowest for NaN, 0 where all are equal.

    >>> scaled(np.array([1.0, np.nan, 3.0, 2.0]), "range").tolist()
    [0.0, 0.0, 1.0, 0.5]
    """
    known = ~np.isnan(scores)
    values = scores[known]
    found = np.zeros(len(scores))
    if not len(values) or values.min() == values.max():
        return found
    if how == "rank":
        values = midranks(dense(values))
    low, high = values.min(), values.max()
    found[known] = (values - low) / (high - low)
    return found
