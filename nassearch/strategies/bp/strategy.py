"""Search with a binary predictor (BP): Dudziak et al., 2020 (BRP-NAS), warmed up as by Abdelfattah et al., 2021."""

from __future__ import annotations

import math
from collections import deque
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nassearch.checks import positive, whole
from nassearch.errors import UnknownName
from nassearch.spaces.base import SearchSpace
from nassearch.statistics import ranks
from nassearch.strategies.base import Guidance, Strategy, best_first, scored
from nassearch.types import Arch, Floats, Scorer

if TYPE_CHECKING:
    from nassearch.strategies.bp.candidates import Candidates
    from nassearch.strategies.bp.predictor import Predictor

PRESETS: dict[str, dict[str, Any]] = {
    "small": {
        **{"width": 64, "depth": 3, "dtype": "float32", "dropout": 0.0},
        **{"epochs": 100, "warm_up_epochs": 40, "batch": 64, "rate": 0.003, "decay": 1e-3, "patience": None},
        "target": "rank",
    },
    "paper": {
        **{"width": 600, "depth": 4, "dtype": "float64", "dropout": 0.2},
        **{"epochs": 250, "warm_up_epochs": 250, "batch": 60, "rate": 3.5e-4, "decay": 5e-4, "patience": 35},
        "target": "accuracy",
    },
}
"""`small` is ours, chosen on validation accuracy of CIFAR-10; `paper` is that of the released code."""

INCUMBENTS = 10
"""Best architectures so far whose neighbours are candidates in a space too large to rank whole."""


class BinaryPredictor(Strategy):
    """Train a graph network to say which of two architectures is better; train next what it ranks first.

        strategy = BinaryPredictor(space, rng)
        strategy.warm_up(scorer, 256, rng_for_warm_up)   # optional: the predictor learns the order of a proxy first
        arch = strategy.ask()
        strategy.tell(arch, valid)

    Search begins with `points / iterations` random architectures, or, after a warm-up, with the first of the
    predictor's ranking. Then the predictor goes on training on the pairs of all that was trained, and ranks the space;
    as many are trained next: one half the first of the ranking, the other drawn from its first `1 / 2^i` at iteration
    i. That is repeated until `points` are trained; from there on, the last ranking is followed in order.

    Of the architectures that share a key only one, the first in the order of the space, is ranked, and nothing is
    trained twice while there is something left. Where nothing orders the architectures of a warm-up, a constant scorer
    say, it changes nothing.

    Pairs learn from ranks in [0, 1], by score in a warm-up and by accuracy in the search, which do not depend on the
    unit; NaN is worse than every number. The preset `paper` takes accuracy itself, from percent, in the search.

    Args:
        points: architectures to train the predictor on in all.
        iterations: equal steps in which they are added; iteration i of I trains for i/I of the epochs with i/I of the
            batch, as the released code does.
        preset: `small`, or `paper` for the size and training of the released code, some sixty times slower.
        width, depth: of the network; None for the preset's, as below.
        epochs, warm_up_epochs: passes over the architectures, in the last iteration and in the warm-up.
        batch: architectures in a training step, all pairs of which it compares.
        rate: learning rate.
        candidates: a space of at most so many architectures is ranked whole; of a larger one so many draws, and the
            neighbours of the best so far.

    Raises:
        InvalidSetting: a setting out of range, or a move.
        UnknownName: no such preset.
    """

    name: ClassVar[str] = "bp"
    learns_unasked = True
    guidance = Guidance(ranked_warm_up=False)

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        points: int = 100,
        iterations: int = 5,
        preset: str = "small",
        width: int | None = None,
        depth: int | None = None,
        epochs: int | None = None,
        warm_up_epochs: int | None = None,
        batch: int | None = None,
        rate: float | None = None,
        candidates: int = 20_000,
        **guidance: Any,
    ) -> None:
        super().__init__(space, rng, **guidance)
        if preset not in PRESETS:
            raise UnknownName("preset of bp", preset, PRESETS)
        self.points = whole("points", points)
        self.iterations = whole("iterations", iterations, most=self.points)
        self.candidates = whole("candidates", candidates)
        sizes = {"width": width, "depth": depth, "epochs": epochs, "warm_up_epochs": warm_up_epochs}
        given = {name: whole(name, size) for name, size in sizes.items() if size is not None}
        if batch is not None:
            given["batch"] = whole("batch", batch, least=2)
        self.recipe = {
            **PRESETS[preset],
            **given,
            **({} if rate is None else {"rate": positive("rate", rate)}),
        }
        self._iteration = 0
        self._queue: deque[Arch] = deque()
        self._seen: set[str] = set()  # keys of what was queued or trained
        self._told: list[Arch] = []
        self._values: list[float] = []
        self._warm_up: tuple[list[Arch], Floats] | None = None
        self._worth: dict[Arch, float] = {}  # what the predictor thinks of what it queued last
        self._forecasts: list[float] = []
        self._course: list[tuple[int, int]] = []  # per ranking: told by then, pairs learnt from

    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        """Draw n architectures uniformly and score them; the predictor learns the order of their pairs.

        Returns them best first. Ties keep the order of the draw, NaN comes last.

        Raises:
            InvalidSetting: n out of range, see `check_warm_up`, or no draw has a score.
        """
        self.check_warm_up(n, self.space)
        draws = self.space.sample_many(n, rng)
        scores = np.nan_to_num(scored(scorer(draws)), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        if (scores != scores[0]).any():
            self._warm_up = draws, scores
        return [draws[i] for i in best_first(scores)]

    def ask(self) -> Arch:
        if not self._queue:
            self._refill()
        return self._queue.popleft() if self._queue else self.space.sample(self.rng)

    @property
    def waits(self) -> bool:
        """Return whether all of an iteration were asked for: the next predictor learns from them."""
        return bool(self.pending) and not self._queue

    def tell(self, arch: Arch, valid: float) -> None:
        self._told.append(arch)
        self._seen.add(self.space.key(arch))
        self._values.append(-math.inf if math.isnan(valid) else valid)
        self._forecasts.append(self._worth.get(arch, math.nan))

    def report(self) -> dict[str, Any]:
        """Return how well each ranking foresaw what was trained next, which it had not learnt from.

        Kendall's tau between the predictor's worth and accuracy, 1 for the same order; None below two models. Half of
        them are the best of a ranking and hard to tell apart, so it is lower than over the whole space.
        """
        columns: dict[str, list[Any]] = {"models": [], "pairs": [], "held out": [], "kendall tau": []}
        for (told, pairs), (end, _) in pairwise([*self._course, (len(self._told), 0)]):
            tau = _agreement(self._forecasts[told:end], self._values[told:end])
            for column, value in zip(columns.values(), (told, pairs, end - told, tau), strict=True):
                column.append(value)
        return {"predictor": columns}

    def _refill(self) -> None:
        i, self._iteration = self._iteration, self._iteration + 1
        count = self.points * (i + 1) // self.iterations - self.points * i // self.iterations
        if i == 0 and self._warm_up is None:
            return self._queue_draws(count)
        pairs = self._learn(min(i, self.iterations) / self.iterations)
        predictor, candidates = self._tools
        best = [self._told[place] for place in best_first(np.array(self._values))[:INCUMBENTS]]
        self._worth = dict(candidates.ranked(predictor, self._seen, best))
        archs = [*self._worth]
        self._course.append((len(self._told), pairs))
        if i == 0:
            archs = archs[:count]
        elif i < self.iterations:
            top = (count + 1) // 2
            others = archs[top : max(count, len(archs) >> i)]
            draws = self.rng.permutation(len(others))[: count - top]
            archs = archs[:top] + [others[draw] for draw in draws]
        self._queue.extend(archs)
        self._seen.update(map(self.space.key, archs))

    @cached_property
    def _tools(self) -> tuple[Predictor, Candidates]:
        from nassearch.strategies.bp.candidates import Candidates
        from nassearch.strategies.bp.predictor import Predictor

        candidates = Candidates(self.space, self.candidates, self.rng)
        shape = {name: self.recipe[name] for name in ("width", "depth", "dropout", "dtype")}
        return Predictor(candidates.kinds, **shape, seed=int(self.rng.integers(2**63))), candidates

    def _queue_draws(self, count: int) -> None:
        for _ in range(10 * count):  # a space with fewer keys than that gives fewer
            arch = self.space.sample(self.rng)
            if self.space.key(arch) not in self._seen:
                self._seen.add(self.space.key(arch))
                self._queue.append(arch)
            if len(self._queue) == count:
                break

    def _learn(self, share: float) -> int:
        """Go on training and return on how many pairs; share is that of the epochs and the batch."""
        from nassearch.strategies.bp.predictor import encode

        predictor, _ = self._tools
        how = {name: self.recipe[name] for name in ("rate", "decay", "patience")}
        pairs = 0
        if self._warm_up is not None and not self._course:
            archs, scores = self._warm_up
            how |= {"epochs": self.recipe["warm_up_epochs"], "batch": self.recipe["batch"]}
            pairs += predictor.fit(encode([*map(self.space.graph, archs)]), unit_ranks(scores), **how)
        if self._told:
            told = np.array(self._values)
            values = (
                unit_ranks(told) if self.recipe["target"] == "rank" else np.nan_to_num(told / 100, neginf=0.0)
            )
            how["epochs"] = math.ceil(share * self.recipe["epochs"])
            how["batch"] = max(2, int(share * self.recipe["batch"]))
            pairs += predictor.fit(encode([*map(self.space.graph, self._told)]), values, **how)
        return pairs


def unit_ranks(values: Floats) -> Floats:
    """Return mid-ranks from 0 for the lowest to 1 for the highest; equal values share their mean.

    >>> unit_ranks(np.array([5.0, -np.inf, 5.0, 1e30])).tolist()
    [0.5, 0.0, 0.5, 1.0]
    """
    return (ranks.midranks(ranks.dense(values)) - 1) / max(1, len(values) - 1)


def _agreement(one: list[float], other: list[float]) -> float | None:
    """Return Kendall's tau (a: a tie counts as no order) of what both have; None below two values."""
    both = np.array([pair for pair in zip(one, other, strict=True) if not math.isnan(pair[0])])
    if len(both) < 2:
        return None
    return ranks.tau_a(*map(ranks.dense, both.T))
