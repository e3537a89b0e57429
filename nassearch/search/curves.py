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
from nassearch.statistics.medians import incumbents, models_to, quantiles, ratio_of, resampled
from nassearch.types import Arch, Floats

METRICS = ("test", "valid")
NO_CHOICE = "by a cost alone the best model is an empty one; search for both (--objectives), or set a limit (--max-...)"

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
        values: `[R, T]` for R rounds and T models; higher is better, so that a latency is negated. NaN where the
            incumbent's value is unknown.
        seconds: what training took, summed over the models so far, `[R, T]`.
        show: the metric the values are of: test, valid, or the name of a further one. Of a further one the median and
            the quartiles are of the rounds where it is known: a device may not run every network.
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
        check_choose(self.choose)
        if not isinstance(self.show, str) or not self.show:
            raise InvalidSetting(
                f"show is {' or '.join(METRICS)}, or the name of a metric, not {self.show!r}"
            )

    @classmethod
    def from_rounds(
        cls,
        rounds: Sequence[Round],
        show: str = "test",
        choose: str = "valid",
        x: str = "models",
        further: Sequence[Floats] | None = None,
    ) -> Curve:
        """Follow the incumbent through each round.

        `show="test", choose="valid"` is what a search would hand over: the test accuracy of its best
        architecture by validation. `show="test", choose="test"` is the running maximum of test accuracy that
        most papers plot. With `x="distinct"` the k-th value is the last before the round trains its k+1-th different
        architecture, as far as every round has so many.

        Where there are shorter trainings, each counts as its share of a whole one: the k-th value is that after all
        that k whole trainings cost, and its test value is that of the training by which it was chosen, which may be
        a shorter one.

        `further` is a further metric, called `show`, of every model: `[T]` for each round, higher is better. The curve
        is what the incumbent by `choose` has of it, so it may go up and down.

        Raises:
            BadData: no rounds, or rounds of different lengths.
            InvalidSetting: show is neither test nor valid and no further metric is given, choose is neither, or x is
                neither models nor distinct.
        """
        rounds = list(rounds)
        if further is None and show not in METRICS:
            raise InvalidSetting(
                f"show is {' or '.join(METRICS)}, not {show!r}: Outcome.curve finds further metrics by their names"
            )
        if any(each.shares is not None for each in rounds):
            return cls._of_shares(rounds, show, choose, x, further)
        lengths = {len(each.archs) for each in rounds}
        if len(lengths) != 1:
            found = f"rounds of {sorted(lengths)} models" if lengths else "no complete round"
            raise BadData(f"a curve takes rounds of one length, at least one of them, not {found}")
        metrics = {metric: np.stack([getattr(each, metric) for each in rounds]) for metric in METRICS}
        seconds = np.cumsum(np.stack([each.seconds for each in rounds]), axis=1)
        check_choose(choose)
        if further is not None:
            metrics[show] = np.stack(list(further))
        if x not in AXES:
            raise InvalidSetting(f"x is {' or '.join(AXES)}, not {x!r}")
        values = np.take_along_axis(metrics[show], incumbents(metrics[choose]), axis=1)
        if x == "distinct":
            visits = [_ends_of_visits(each.archs) for each in rounds]
            kept = np.stack([places[: min(map(len, visits))] for places in visits])
            values, seconds = (np.take_along_axis(each, kept, axis=1) for each in (values, seconds))
        return cls(values, seconds, show, choose, x)

    @classmethod
    def _of_shares(
        cls, rounds: Sequence[Round], show: str, choose: str, x: str, further: Sequence[Floats] | None
    ) -> Curve:
        values, seconds = [], []
        for place, each in enumerate(rounds):
            given = None if further is None else [further[place]]
            parts = cls.from_rounds([replace(each, shares=None)], show, choose, further=given)
            shares = np.ones(len(each.archs)) if each.shares is None else each.shares.copy()
            if x == "distinct":
                trained = list(zip(each.archs, shares.tolist(), strict=True))
                shares[[at for at, one in enumerate(trained) if one in trained[:at]]] = 0.0
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
        low, median, high = quantiles(self.values, [0.25, 0.5, 0.75], self.is_further)
        return low, median, high

    @property
    def is_further(self) -> bool:
        """Return whether it shows neither test nor validation values, but a further metric."""
        return self.show not in METRICS

    @property
    def known(self) -> NDArray[np.intp]:
        """Return of how many rounds the value of the incumbent is known, `[T]`."""
        return np.asarray((~np.isnan(self.values)).sum(axis=0))

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
        return models_to(self.values, target)

    def speedup_over(
        self, other: Curve, target: float, rng: np.random.Generator, level: float = 0.95, draws: int = 500
    ) -> Speedup:
        """Return how many times fewer models this search needs than other for its median to reach target.

        The ratio is `other.models_to(target)` over `self.models_to(target)`; the interval is a percentile bootstrap
        over the rounds of both. A median that never gets there needs infinitely many models, so the ratio is inf
        where only other's fails, 0 where only this one's does, and NaN where both do. Resamples that give NaN are left
        out of the interval; an end of it may be 0 or inf, since the budget bounds what is known.
        """
        ratio = ratio_of(models_to(other.median(), target), models_to(self.median(), target))
        return Speedup(float(ratio), *ends(ratio_of(*self._resampled(other, target, rng, draws)), level))

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
        needed = np.array([[models_to(curve.median(), target)] for curve in (other, self)])
        drawn = np.stack(self._resampled(other, target, rng, draws))
        point, restricted = (ratio_of(*np.minimum(models, budgets)) for models in (needed, drawn))
        restricted[np.isinf(drawn).all(axis=0)] = np.nan
        values = [float(point[0]), *ends(restricted, level)]
        whole = [float(ratio_of(*needed)[0]), *ends(ratio_of(*drawn), level)]
        return KnownSpeedup(*(Known(value, _bound(at)) for value, at in zip(values, whole, strict=True)))

    def _resampled(
        self, other: Curve, target: float, rng: np.random.Generator, draws: int
    ) -> tuple[Floats, Floats]:
        """Return the models that other and this search need to reach target in resamples of their rounds, `[draws]`."""
        theirs, ours = (rng.integers(curve.rounds, size=(draws, curve.rounds)) for curve in (other, self))
        pairs = (other, theirs), (self, ours)
        found = [resampled(curve.values, drawn, target, curve.is_further) for curve, drawn in pairs]
        return found[0], found[1]

    def regret(self, best: float) -> Floats:
        """Return how far the median is below best, the highest value of the benchmark, `[T]`."""
        return best - self.median()


def milestones(curves: Sequence[Curve]) -> list[int]:
    """Return the numbers of models at which to state values: the usual ones, and the longest budget."""
    longest = max(curve.budget for curve in curves)
    return sorted({m for m in MILESTONES if m < longest} | {longest})


def check_choose(choose: str) -> None:
    """Raise `InvalidSetting` where this is neither of the two metrics by which a model can be the best."""
    if choose not in METRICS:
        raise InvalidSetting(f"choose is {' or '.join(METRICS)}, not {choose!r}: {NO_CHOICE}")


def _ends_of_visits(archs: Sequence[Arch]) -> NDArray[np.intp]:
    """Return the position before each but the first that holds an architecture for the first time, and the last."""
    first = sorted(dict(zip(reversed(archs), range(len(archs) - 1, -1, -1), strict=True)).values())
    return np.array([*first[1:], len(archs)]) - 1


def _bound(ratio: float) -> str:
    """Return what a ratio of numbers of models, of which one may be inf, says of one of budgets."""
    if math.isnan(ratio):
        return "unknown"
    return "more than" if math.isinf(ratio) else "exactly" if ratio else "less than"
