"""Guided Bayesian optimisation: a Gaussian process over what graphs say and what scorers say."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import whole as whole_number
from nassearch.spaces.base import SearchSpace
from nassearch.statistics import ranks
from nassearch.statistics.hypervolume import by_fronts
from nassearch.strategies.base import Guidance, Strategy, best_first, scored
from nassearch.strategies.gp.acquisition import log_improvement
from nassearch.strategies.gp.candidates import Candidates
from nassearch.strategies.gp.front import log_growth
from nassearch.strategies.gp.scalarised import scalarised
from nassearch.strategies.gp.surrogate import Posterior, Prior, distances, fit
from nassearch.strategies.gp.worth import Worth
from nassearch.types import Arch, Floats, Scorer

REFIT = 25
"""Hyperparameters are fitted anew after each model up to twice as many, then after two, three, ..."""
DIGITS = 6
"""Expected values are compared after rounding to so many: last bits differ from processor to processor."""
PRIORS = {"graph": (0.5, 0.7), "edges": (2.0, 1.0), "decisions": (2.0, 1.0)}
GUIDE = (2.0, 1.0)
NOISE = (math.log(0.02), 1.0)
"""Mean and deviation of the priors of logarithms: length scales of groups of inputs, of guides, share of the noise."""


class GuidedGaussianProcess(Strategy):
    """Fit a Gaussian process to what was trained; train next what is expected to improve most on the best.

        strategy = GuidedGaussianProcess(space, rng, features={"synflow": scorer})
        strategy.warm_up(scorer, 1000, rng_for_warm_up)   # optional: how many the scorers score
        arch = strategy.ask()
        strategy.tell(arch, valid)

    The process (Rasmussen and Williams, 2006) sees the graph of an architecture, see `SearchSpace.graph`, what the
    space adds to it, and its rank by each of any number of scorers, in groups. Each group has its own length scale,
    so that a scorer which tells nothing comes to count for nothing. Length scales and noise are those of the highest
    posterior density, fitted again as models are trained. Next is trained what has the largest expected improvement
    (Jones et al., 1998) of all candidates. Nothing is trained twice while there is something left. The first
    `start` are drawn from that half which the scorers prefer. What is asked for and not told yet counts as a model of
    mean value: the constant liar of Ginsbourger et al. (2010).

    Without a warm-up a small space is looked at whole, and the scorers score all of it. Otherwise the candidates are
    the warm-up, or as many draws as `draws`, and at each step that many fresh draws, the neighbours of the best so far
    and those of the candidates that lead. The scorers score the warm-up, and of the others those that lead. The
    warm-up sets the ranks. Where a scorer has no number, the rank is what a linear regression on the graphs expects.

    Of two objectives, of which one is known without training for the whole space, the process foresees the other, and
    what is expected to let the hypervolume grow most is trained (Emmerich, 2005). Of others one is made at each step,
    by weights that are drawn (ParEGO: Knowles, 2006), so that the steps lead to all parts of the front.

    Without scorers in `features`, that of the warm-up is taken. An experiment gives parameters, unless it is given
    scorers: they cost next to nothing in every space. Priors and defaults were chosen on the tables that the results
    are on.

    Args:
        features: scorers by name, whose ranks the process sees.
        start: models trained before it decides.
        candidates: a space of at most so many architectures is looked at whole.
        draws: fresh architectures at each step in a larger space.
        looks: of these and of the neighbours, those that lead and that the scorers are asked about, at each step.

    Raises:
        InvalidSetting: a setting out of range, or a move.
    """

    name: ClassVar[str] = "gp"
    revision: ClassVar[int] = 2
    costs: Any = None
    """The objectives that need no training by architecture, see `nassearch.search.pareto.objectives.CostsOf`."""
    learns_unasked = True
    guidance = Guidance(lists=("features",), guides=("params",), ranked_warm_up=False)

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        features: Mapping[str, Scorer] | None = None,
        start: int = 4,
        candidates: int = 20_000,
        draws: int = 2_000,
        looks: int = 16,
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        self.features = dict(features or {})
        self.start = whole_number("start", start)
        self.candidates = whole_number("candidates", candidates)
        self.draws = whole_number("draws", draws)
        self.looks = whole_number("looks", looks, least=0)
        self._warm_up: list[Arch] | None = None
        self._queue: deque[Arch] = deque()
        self._begun = False
        self._told: list[Arch] = []
        self._values: list[float] = []
        self._points: list[list[float]] = []  # where there are several objectives
        self._forecast: dict[Arch, tuple[float, float]] = {}  # of what was asked for and is not told yet
        self._foreseen: list[tuple[float, float, float]] = []  # expected value, value, error in deviations
        self._costs: Floats | None = None  # of all candidates
        self._theta: Floats | None = None
        self._fitted = 0

    @property
    def scores_all(self) -> bool:
        return self.space.fits(self.candidates)

    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        """Draw n architectures uniformly; they are the first candidates, and the ranks are those among them.

        Returns them best first by the scorer. Ties keep the order of the draw, NaN comes last.

        Raises:
            InvalidSetting: n out of range, see `check_warm_up`, or no draw has a score.
        """
        self.check_warm_up(n, self.space)
        draws = self.space.sample_many(n, rng)
        ranking = [draws[i] for i in best_first(scored(scorer(draws)))]
        self._warm_up = ranking
        if not self.features:
            self.features = {"warm-up": scorer}
        return ranking

    def ask(self) -> Arch:
        if not self._begun:
            self._begun = True
            self._queue.extend(self._pool.first(self.start))
        return self._queue.popleft() if self._queue else self._next()

    @property
    def waits(self) -> bool:
        """Return whether nothing is told that it could learn from, and the first were all asked for."""
        return bool(self.pending) and not self._told and not self._queue

    def tell(self, arch: Arch, valid: float) -> None:
        if arch in self._forecast:
            mean, deviation = self._forecast.pop(arch)
            if not math.isnan(valid):
                error = (self._worth.of(valid) - mean) / deviation
                self._foreseen.append((self._worth.value(mean), valid, error))
        self._told.append(arch)
        self._values.append(valid)

    def tell_all(self, arch: Arch, values: Floats) -> None:
        if len(values) == 1:
            return self.tell(arch, float(values[0]))
        self._points.append(values.tolist())
        if self._grows:
            return self.tell(arch, self._points[-1][self.costs.trained])
        self._forecast.clear()  # of a value that no other step looks at
        self._told.append(arch)

    @property
    def _grows(self) -> bool:
        """Return whether the other one of two objectives is known, so that the front's growth can be expected."""
        return (
            bool(self._points)
            and len(self._points[0]) == 2
            and getattr(self.costs, "reference", None) is not None
        )

    def _front(self) -> Floats | None:
        """Return what was trained, the values as the process sees them, and costs; None where these do not count."""
        if not self._grows:
            return None
        costs = np.array(self._points)[:, 1 - self.costs.trained]
        return np.column_stack([self._worth.standard, costs])

    def _known(self, archs: Sequence[Arch]) -> Floats:
        """Return the costs of candidates, `[M]`; those of a space that is looked at whole are kept."""
        if not self._pool.is_whole:
            return np.asarray(self.costs(archs)[:, 0])
        if self._costs is None:
            self._costs = np.asarray(self.costs(archs)[:, 0])
        return self._costs

    @cached_property
    def _pool(self) -> Candidates:
        sizes = self.candidates, self.draws, self.looks
        return Candidates(self.space, self.features, self._warm_up, *sizes, self.rng)

    def _next(self) -> Arch:
        if self._points and not self._grows:
            self._values = scalarised(np.array(self._points), self.rng).tolist()
        self._worth = Worth(self._values)
        known = [*self._told, *self.pending]
        y = np.concatenate([self._worth.standard, np.zeros(len(self.pending))])  # 0 is the mean
        if not y.any():  # all alike: nothing to learn from but the scorers
            return [*self._pool.first(1, known), self.space.sample(self.rng)][0]
        points = self._pool.points(known)
        squared = distances(points, points)
        theta = self._fit(squared, y)
        best = float(y.max())
        front = self._front()

        def judge(posterior: Posterior, archs: Sequence[Arch]) -> tuple[Floats, Floats, Floats]:
            mean, deviation = posterior.predict(points, squared, y, theta)
            if front is None:
                worth = log_improvement(mean, deviation, best)
            else:
                worth = log_growth(mean, deviation, self._known(archs), front, self.costs.reference)
            return worth, mean, np.sqrt(deviation**2 + posterior.noise)

        order = best_first(self._worth.standard) if front is None else by_fronts(front)
        incumbents = [self._told[place] for place in order]
        found = self._pool.best(judge, known, incumbents)
        if found is None:
            return self.space.sample(self.rng)
        arch, mean, deviation = found
        self._forecast[arch] = (mean, deviation)
        return arch

    def _fit(self, squared: Floats, y: Floats) -> Floats:
        own = [PRIORS.get(name, GUIDE) for name in self._pool.names]
        prior = Prior(tuple(mean for mean, _ in own), tuple(spread for _, spread in own), *NOISE)
        if self._theta is None:
            self._theta = prior.start
        if len(y) - self._fitted >= max(1, len(y) // REFIT):
            self._theta, self._fitted = fit(self._theta, squared, y, prior), len(y)
        return self._theta

    def report(self) -> dict[str, Any]:
        """Return what the process learnt of each group of inputs, and how well it foresaw what was trained.

        Weights are the shares of the groups in the squared distance of two architectures, each divided by its length
        scale squared. The rank correlation, Spearman's, is of expected and reached values of what it chose itself,
        which are hard to tell apart; within one deviation should be 68 in 100 of them, within two 95.
        """
        if self._theta is None:
            return {}
        foreseen = np.array(self._foreseen).reshape(-1, 3)
        missed = np.abs(foreseen[:, 2])
        rho = (
            ranks.rho(*map(ranks.dense, np.round(foreseen[:, :2].T, DIGITS)))
            if len(foreseen) > 1
            else math.nan
        )
        lengths = [math.exp(each) for each in self._theta[:-1].tolist()]
        weights = [length**-2 for length in lengths]
        total = sum(weights)
        return {
            "inputs": {
                "of": self._pool.names,
                "length scale": lengths,
                "weight": [weight / total for weight in weights],
            },
            "noise, share of variance": math.exp(self._theta[-1]),
            "foreseen, rank correlation": None if math.isnan(rho) else rho,
            **{
                f"foreseen within {words}": float((missed <= n).mean()) if len(missed) else None
                for n, words in ((1, "one deviation"), (2, "two deviations"))
            },
        }
