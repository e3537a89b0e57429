"""A curve is the best value so far by number of trained models: the median of the rounds, with quartiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import BadData, InvalidSetting
from nassearch.files.sheets.tables import frame, html
from nassearch.search.runner import ROUNDING, Round
from nassearch.statistics.correlation import ends
from nassearch.statistics.digits import SIGNIFICANT, writer
from nassearch.types import Arch, Floats

METRICS = ("test", "valid")


AXES = ("models", "distinct")
MILESTONES = (50, 100, 300)


class Speedup(NamedTuple):
    """How many times fewer models one search needs than another, with the ends of its interval."""

    ratio: float
    low: float
    high: float


class Known(NamedTuple):
    """What is known of a number: it is "exactly" the value, "more than" or "less than" it, or "unknown"."""

    value: float
    bound: str


class KnownSpeedup(NamedTuple):
    """A speed-up as far as the budgets let it be known, with the ends of its interval."""

    ratio: Known
    low: Known
    high: Known


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """The value of the incumbent, the best architecture so far, after each model.

    Attributes:
        values: `[R, T]` for R rounds and T models; higher is better. NaN where the incumbent's value is
            unknown.
        seconds: what training took, summed over the models so far, `[R, T]`.
        show: the metric the values are of.
        choose: the metric by which an architecture becomes the incumbent; of equals, the earlier stays.
        x: what T counts: `models` trained, or `distinct` ones, where training one again counts nothing.
    """

    values: Floats
    seconds: Floats
    show: str = "test"
    choose: str = "valid"
    x: str = "models"

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or 0 in self.values.shape:
            raise BadData(f"a curve takes values [rounds, models], one or more, not {self.values.shape}")
        if self.seconds.shape != self.values.shape:
            raise BadData(f"values {self.values.shape} and seconds {self.seconds.shape} of a curve differ")
        for role, metric in (("show", self.show), ("choose", self.choose)):
            if metric not in METRICS:
                raise InvalidSetting(f"{role} is {' or '.join(METRICS)}, not {metric!r}")

    @classmethod
    def from_rounds(
        cls, rounds: Sequence[Round], show: str = "test", choose: str = "valid", x: str = "models"
    ) -> Curve:
        """Follow the incumbent through each round.

        `show="test", choose="valid"` is what a search would hand over: the test accuracy of its best
        architecture by validation. `show="test", choose="test"` is the running maximum of test accuracy that
        most papers plot. With `x="distinct"` the k-th value is the last before the round trains its k+1-th different
        architecture, as far as every round has so many.

        Where there are shorter trainings, each counts as its share of a whole one: the k-th value is that after all
        that k whole trainings cost, and its test value is that of the training by which it was chosen, which may be
        a shorter one.

        Raises:
            BadData: no rounds, or rounds of different lengths.
            InvalidSetting: show or choose is neither test nor valid, or x neither models nor distinct.
        """
        rounds = list(rounds)
        if any(each.shares is not None for each in rounds):
            return cls._of_shares(rounds, show, choose, x)
        lengths = {len(each.archs) for each in rounds}
        if len(lengths) != 1:
            found = f"rounds of {sorted(lengths)} models" if lengths else "no complete round"
            raise BadData(f"a curve takes rounds of one length, at least one of them, not {found}")
        metrics = {metric: np.stack([getattr(each, metric) for each in rounds]) for metric in METRICS}
        seconds = np.cumsum(np.stack([each.seconds for each in rounds]), axis=1)
        for metric in (show, choose):
            if metric not in METRICS:
                raise InvalidSetting(f"show and choose are each {' or '.join(METRICS)}, not {metric!r}")
        if x not in AXES:
            raise InvalidSetting(f"x is {' or '.join(AXES)}, not {x!r}")
        values = np.take_along_axis(metrics[show], incumbents(metrics[choose]), axis=1)
        if x == "distinct":
            visits = [_ends_of_visits(each.archs) for each in rounds]
            kept = np.stack([places[: min(map(len, visits))] for places in visits])
            values, seconds = (np.take_along_axis(each, kept, axis=1) for each in (values, seconds))
        return cls(values, seconds, show, choose, x)

    @classmethod
    def _of_shares(cls, rounds: Sequence[Round], show: str, choose: str, x: str) -> Curve:
        values, seconds = [], []
        for each in rounds:
            parts = cls.from_rounds([replace(each, shares=None)], show, choose)
            shares = np.ones(len(each.archs)) if each.shares is None else each.shares.copy()
            if x == "distinct":
                trained = list(zip(each.archs, shares.tolist(), strict=True))
                shares[[place for place, one in enumerate(trained) if one in trained[:place]]] = 0.0
            spent = np.cumsum(shares) - ROUNDING
            ends = np.searchsorted(spent, np.arange(1, max(1, math.ceil(spent[-1])) + 1), side="right") - 1
            values.append(parts.values[0, ends])
            seconds.append(parts.seconds[0, ends])
        least = min(map(len, values))
        return cls(
            np.array([each[:least] for each in values]),
            np.array([each[:least] for each in seconds]),
            show,
            choose,
            x,
        )

    @property
    def rounds(self) -> int:
        return int(self.values.shape[0])

    @property
    def budget(self) -> int:
        return int(self.values.shape[1])

    def __repr__(self) -> str:
        low, median, high = (values[-1] for values in self.band())
        write = writer([low, median, high], SIGNIFICANT)
        return f"Curve({self._title()}: median {write(median)}, quartiles {write(low)} and {write(high)} at the end)"

    def _title(self) -> str:
        counted = "models" if self.x == "models" else "different models"
        rounds = f"{self.rounds} round{'' if self.rounds == 1 else 's'}"
        return f"{rounds} of {self.budget} {counted}, {self.show} of the best by {self.choose}"

    def _repr_html_(self) -> str:
        rows = [[m, *(values[m - 1] for values in self.band())] for m in milestones([self])]
        write = writer([value for _, *values in rows for value in values], SIGNIFICANT)
        columns = ["models", "lower quartile", "median", "upper quartile"]
        return html(self._title(), columns, [[m, *map(write, values)] for m, *values in rows])

    def frame(self) -> Any:
        """Return a row for each number of models, as a pandas.DataFrame: `models`, `q25`, `median`, `q75`, `seconds`.

        Raises:
            InvalidSetting: pandas is not installed.
        """
        low, median, high = self.band()
        models = np.arange(1, self.budget + 1)
        return frame(
            {"models": models, "q25": low, "median": median, "q75": high, "seconds": self.time_axis()}
        )

    def band(self) -> tuple[Floats, Floats, Floats]:
        """Return the lower quartile, the median and the upper quartile over the rounds, `[T]` each."""
        low, median, high = np.quantile(self.values, [0.25, 0.5, 0.75], axis=0)
        return low, median, high

    def median(self) -> Floats:
        """Return the median over the rounds, `[T]`."""
        return self.band()[1]

    def time_axis(self) -> Floats:
        """Return the median over the rounds of the seconds that training the models so far took, `[T]`."""
        return np.asarray(np.median(self.seconds, axis=0))

    def models_to(self, target: float) -> int | None:
        """Return the number of models after which the median first reaches target, or None."""
        reached = np.flatnonzero(self.median() >= target)
        return int(reached[0]) + 1 if len(reached) else None

    def models_to_each(self, target: float) -> Floats:
        """Return for each round the models after which it first reaches target, `[R]`; inf where never."""
        return _models_to(self.values, target)

    def speedup_over(
        self, other: Curve, target: float, rng: np.random.Generator, level: float = 0.95, draws: int = 500
    ) -> Speedup:
        """Return how many times fewer models this search needs than other for its median to reach target.

        The ratio is `other.models_to(target)` over `self.models_to(target)`; the interval is a percentile bootstrap
        over the rounds of both. A median that never gets there needs infinitely many models, so the ratio is inf
        where only other's fails, 0 where only this one's does, and NaN where both do. Resamples that give NaN are left
        out of the interval; an end of it may be 0 or inf, since the budget bounds what is known.
        """
        ratio = _ratio(_models_to(other.median(), target), _models_to(self.median(), target))
        return Speedup(float(ratio), *ends(_ratio(*self._resampled(other, target, rng, draws)), level))

    def known_speedup_over(
        self, other: Curve, target: float, rng: np.random.Generator, level: float = 0.95, draws: int = 500
    ) -> KnownSpeedup:
        """Return the speed-up as far as it is known, restricted to the budgets.

        As `speedup_over`, except that a search that does not get there within its budget of B models counts as B:
        where that is other, the speed-up is more than what comes out, where it is this one less, and where it is both
        unknown. An end of the interval is more than its value where other gets there in so few resamples that
        `speedup_over` has inf for it, and less where that has 0. Resamples in which neither does are left out.
        """
        budgets = np.array([other.budget, self.budget])[:, None]
        needed = np.array([[_models_to(curve.median(), target)] for curve in (other, self)])
        drawn = np.stack(self._resampled(other, target, rng, draws))
        point, restricted = (_ratio(*np.minimum(models, budgets)) for models in (needed, drawn))
        restricted[np.isinf(drawn).all(axis=0)] = np.nan
        values = [float(point[0]), *ends(restricted, level)]
        whole = [float(_ratio(*needed)[0]), *ends(_ratio(*drawn), level)]
        return KnownSpeedup(*(Known(value, _bound(at)) for value, at in zip(values, whole, strict=True)))

    def _resampled(
        self, other: Curve, target: float, rng: np.random.Generator, draws: int
    ) -> tuple[Floats, Floats]:
        """Return the models that other and this search need to reach target in resamples of their rounds, `[draws]`."""
        theirs, ours = (rng.integers(curve.rounds, size=(draws, curve.rounds)) for curve in (other, self))
        return _resampled(other.values, theirs, target), _resampled(self.values, ours, target)

    def regret(self, best: float) -> Floats:
        """Return how far the median is below best, the highest value of the benchmark, `[T]`."""
        return best - self.median()


def milestones(curves: Sequence[Curve]) -> list[int]:
    """Return the numbers of models at which to state values: the usual ones, and the longest budget."""
    longest = max(curve.budget for curve in curves)
    return sorted({m for m in MILESTONES if m < longest} | {longest})


def incumbents(values: Floats) -> np.ndarray:
    """Return the position of the best so far, `[..., T]`; ties keep the earlier, NaN is worst.

    >>> incumbents(np.array([1.0, 3.0, 2.0, 3.0, 4.0])).tolist()
    [0, 1, 1, 1, 4]
    """
    values = np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    before = np.maximum.accumulate(values, axis=-1)[..., :-1]
    improves = np.zeros(values.shape, dtype=bool)
    improves[..., 1:] = values[..., 1:] > before
    return np.maximum.accumulate(np.where(improves, np.arange(values.shape[-1]), 0), axis=-1)


def _models_to(medians: Floats, target: float) -> Floats:
    """Return the models after which medians `[..., T]` first reach target; inf where never."""
    reached = medians >= target
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1.0, np.inf)


def _resampled(values: Floats, rounds: NDArray[np.intp], target: float, chunk: int = 50) -> Floats:
    """Return `_models_to` of the median of each row of rounds `[draws, R]`, a few rows at a time to spare memory."""
    parts = np.split(rounds, range(chunk, len(rounds), chunk))
    return np.concatenate([_models_to(np.median(values[part], axis=1), target) for part in parts])


def _ends_of_visits(archs: Sequence[Arch]) -> NDArray[np.intp]:
    """Return the position before each but the first that holds an architecture for the first time, and the last."""
    first = sorted(dict(zip(reversed(archs), range(len(archs) - 1, -1, -1), strict=True)).values())
    return np.array([*first[1:], len(archs)]) - 1


def _bound(ratio: float) -> str:
    """Return what a ratio of numbers of models, of which one may be inf, says of one of budgets."""
    if math.isnan(ratio):
        return "unknown"
    return "more than" if math.isinf(ratio) else "exactly" if ratio else "less than"


def _ratio(theirs: Floats, ours: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(theirs / ours)
