"""Figures that judge a proxy, each with an interval that says how far it may be off."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.statistics import best_first, ranks
from nassearch.statistics.correlation import ends, pairs, ranked, slope, tau_b
from nassearch.statistics.ranks import Ranks
from nassearch.types import Floats

NAN = float("nan")
EXACT = 1000
"""Up to so many pairs tau is resampled; the work grows with the square."""
FEWEST, WORK = 200, 20_000_000
"""Resampling ranks costs time in proportion to their number: beyond WORK of them in all, down to FEWEST draws."""
WEIGHING, ROUGHLY = 500_000, 25
"""The same for weighted tau, which costs ten times as much, down to so few draws that their spread is off by 14 %."""
TOP, TOP_MODELS, TOP_SCORES = 0.1, 0.05, 64
"""Shares and number of the papers: top 10 %, top 5 %, top 64."""


class Estimate(NamedTuple):
    """A figure and the ends of its interval; NaN where it has no meaning."""

    value: float
    low: float = NAN
    high: float = NAN


class Resampling(NamedTuple):
    """How intervals are made: equal seeds give equal draws, so that proxies are compared on the same resamples.

    Attributes:
        draws: how many resamples.
        level: share of them inside the interval.
        seed: of the draws.
    """

    draws: int = 1000
    level: float = 0.95
    seed: int = 0

    def rng(self) -> np.random.Generator:
        """Return a fresh generator."""
        return np.random.default_rng(self.seed)


def mean(values: Floats, how: Resampling) -> Estimate:
    """Return the mean of what is not NaN, with a percentile bootstrap interval.

    >>> mean(np.array([1.0, 2.0, 6.0, np.nan]), Resampling(draws=200))
    Estimate(value=3.0, low=1.0, high=6.0)
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return Estimate(NAN)
    if np.ptp(values) == 0:
        return Estimate(*[float(values[0])] * 3)
    chunks = [how.draws // 20] * 20 + [how.draws % 20]  # [draws, N] at once would be large for a whole space
    rng = how.rng()
    means = np.concatenate(
        [values[rng.integers(len(values), size=(n, len(values)))].mean(axis=1) for n in chunks]
    )
    return Estimate(float(values.mean()), *ends(means, how.level))


def judge(scores: Floats, accuracies: Floats, how: Resampling) -> dict[str, Estimate]:
    """Return every figure of one proxy that needs scores and accuracies only; pairs with a NaN are left out.

    rho, overlap, count and nDCG: percentile bootstrap over pairs (Efron, 1979). tau and monotonicity: see `tau`,
    weighted tau: see `weighted_tau`. `_top` is within the top 10 % by accuracy; a resample of all has a top 10 % of its
    own. `_above` is among the scores above their median, and is resampled within them, as if the median were known.
    """
    scores, accuracies, _ = pairs(scores, accuracies)
    x, y, _ = ranked(scores, accuracies)
    upper = scores > np.median(scores) if len(scores) else np.zeros(0, dtype=bool)
    above = ranked(scores[upper], accuracies[upper])[:2]
    count = partial(ranks.hits, k=TOP_SCORES, share=TOP_MODELS)
    ndcg = partial(best_first.ndcg, worth=best_first.gains(np.unique(accuracies)))
    return {
        "rho": rho(x, y, how),
        "rho_top": _resampled(partial(_within_top, ranks.rho), x, y, how),
        "tau": tau(x, y, how),
        "tau_top": _resampled(partial(_within_top, tau_b), x, y, how),
        "top_overlap": _resampled(partial(ranks.overlap, share=TOP), x, y, how),
        "top_count": _resampled(count, x, y, how),
        "ndcg": _resampled(ndcg, x, y, how),
        "weighted_tau": weighted_tau(x, y, how),
        "monotonicity": monotonicity(x, y, how),
        "monotonicity_above": monotonicity(*above, how),
        "slope": _resampled(slope, scores, accuracies, how),
        "slope_above": _resampled(slope, scores[upper], accuracies[upper], how),
    }


def _within_top(statistic: Callable[[Ranks, Ranks], float], x: Ranks, y: Ranks) -> float:
    top = ranks.above(y, TOP)
    return statistic(x[top], y[top]) if top.sum() > 1 else NAN


def rho(x: Ranks, y: Ranks, how: Resampling) -> Estimate:
    """Return Spearman's rho of two rankings with a percentile bootstrap over pairs (Efron, 1979).

    >>> rho(np.array([0, 1, 2, 3]), np.array([0, 2, 1, 3]), Resampling(draws=200)).value
    0.8
    """
    return _resampled(ranks.rho, x, y, how)


def tau(x: Ranks, y: Ranks, how: Resampling) -> Estimate:
    """Return Kendall's tau-b with its interval.

    Up to 1,000 pairs a percentile bootstrap; beyond, where resampling would take minutes, the infinitesimal jackknife
    (Jaeckel, 1972), which is what the bootstrap's variance tends to: the spread of the influence of each pair, from
    the number of others it is concordant with, on Fisher's scale, which keeps the ends within -1 and 1:
    tanh(artanh(tau) -+ z sd / (sqrt(N) (1 - tau^2))), with z the normal quantile and sd that of the influences.

    >>> value, low, high = tau(np.array([0, 1, 2, 3]), np.array([0, 2, 1, 3]), Resampling(draws=200))
    >>> round(value, 3), low < value < high
    (0.667, True)
    """
    value = tau_b(x, y)
    if np.isnan(value):
        return Estimate(NAN)
    if len(x) <= EXACT:
        return Estimate(value, *ends(_tau_draws(x, y, how, ties=True), how.level))
    balance, one, other = ranks.concordance(x, y), ranks.untied(x), ranks.untied(y)
    scale = float(np.sqrt(one.mean() * other.mean()))
    tied = (one - one.mean()) / one.mean() + (other - other.mean()) / other.mean()
    return _normal(value, 2 * ((balance - balance.mean()) / scale - value / 2 * tied), how)


def monotonicity(x: Ranks, y: Ranks, how: Resampling) -> Estimate:
    """Return |tau-a| (section 3.3 of "Improving Zero-Shot NAS with Parameters Scoring", 2020) with its interval.

    Made as for `tau`. Absolute values of an interval around 0 begin at 0.
    """
    if len(x) < 2:
        return Estimate(NAN)
    balance = ranks.concordance(x, y)
    if len(x) <= EXACT:
        signed = Estimate(float(balance.mean()), *ends(_tau_draws(x, y, how, ties=False), how.level))
    else:
        signed = _normal(float(balance.mean()), 2 * (balance - balance.mean()), how)
    near, far = sorted(map(abs, signed[1:]))
    return Estimate(abs(signed.value), 0.0 if signed.low < 0 < signed.high else near, far)


def weighted_tau(x: Ranks, y: Ranks, how: Resampling) -> Estimate:
    """Return `best_first.weighted_tau` with its interval.

    A percentile bootstrap where all draws take a second, which are 1,000 of up to 500 pairs. Beyond, normal on
    Fisher's scale with the spread of fewer draws: tanh(artanh(value) -+ z sd), sd that of artanh of the draws.
    """
    value = best_first.weighted_tau(x, y)
    if np.isnan(value):
        return Estimate(NAN)
    draws = min(how.draws, max(ROUGHLY, WEIGHING // len(x)))
    found = _draws(best_first.weighted_tau, x, y, how, draws)
    if draws == how.draws or abs(value) >= 1:
        return Estimate(value, *ends(found, how.level))
    within = [math.atanh(one) for one in found[np.abs(found) < 1].tolist()]
    reach = NormalDist().inv_cdf((1 + how.level) / 2) * float(np.std(within))
    return Estimate(value, *(math.tanh(math.atanh(value) + side * reach) for side in (-1, 1)))


def _resampled(
    statistic: Callable[[Any, Any], float], x: NDArray[Any], y: NDArray[Any], how: Resampling
) -> Estimate:
    value = float(statistic(x, y)) if len(x) > 1 else NAN
    if np.isnan(value):
        return Estimate(NAN)
    draws = min(how.draws, max(FEWEST, WORK // len(x)))
    return Estimate(value, *ends(_draws(statistic, x, y, how, draws), how.level))


def _draws(
    statistic: Callable[[Any, Any], float], x: NDArray[Any], y: NDArray[Any], how: Resampling, draws: int
) -> Floats:
    """Return a statistic of so many resamples of pairs."""
    rng = how.rng()
    picks = (rng.integers(len(x), size=len(x)) for _ in range(draws))
    return np.array([statistic(x[pick], y[pick]) for pick in picks])


def _tau_draws(x: Ranks, y: Ranks, how: Resampling, ties: bool) -> Floats:
    """Return tau of resamples, as quadratic forms in how often each pair is drawn: tau-b where ties, else tau-a."""
    n, rng = len(x), how.rng()
    drawn = rng.integers(n, size=(how.draws, n)) + n * np.arange(how.draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n * how.draws).reshape(how.draws, n).astype(np.float32)
    one, other = (np.sign(np.subtract.outer(a, a)).astype(np.float32) for a in (x, y))

    def form(signs: NDArray[np.float32]) -> Floats:
        # Sums of at most n * n whole numbers, exact in float32 for one product and then in float64.
        return np.asarray(np.einsum("dn,dn->d", counts @ signs, counts, dtype=np.float64))

    with np.errstate(invalid="ignore"):
        scale = np.sqrt(form(np.abs(one)) * form(np.abs(other))) if ties else n * (n - 1)
        return np.asarray(form(one * other) / scale)


def _normal(value: float, influence: Floats, how: Resampling) -> Estimate:
    if abs(value) >= 1:
        return Estimate(value, value, value)
    width = NormalDist().inv_cdf((1 + how.level) / 2) * float(influence.std()) / math.sqrt(len(influence))
    middle, reach = math.atanh(value), width / (1 - value**2)
    return Estimate(value, math.tanh(middle - reach), math.tanh(middle + reach))
