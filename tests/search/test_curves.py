"""Curves and statistics against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nassearch.errors import BadData, InvalidSetting
from nassearch.search.curves import Curve
from nassearch.search.runner import Round
from nassearch.statistics.correlation import bootstrap, coverage, kendall, spearman, top_count, top_overlap
from nassearch.statistics.medians import incumbents
from nassearch.types import Floats

NAN, INF = float("nan"), float("inf")


def round_of(number: int, valid: list[float], test: list[float]) -> Round:
    archs = [(i,) for i in range(len(valid))]
    return Round(number, archs, np.array(valid), np.array(test), np.full(len(valid), 10.0 * (number + 1)), 0)


ROUNDS = [
    round_of(0, valid=[50, 60, 60, 70], test=[51, 59, 65, 62]),
    round_of(1, valid=[50, 40, 80, 70], test=[52, 45, 75, 80]),
    round_of(2, valid=[10, 20, 30, 40], test=[11, 21, 31, 41]),
]


@pytest.mark.parametrize(
    ("show", "choose", "expected"),
    [
        ("test", "test", [[51, 59, 65, 65], [52, 52, 75, 80], [11, 21, 31, 41]]),
        ("test", "valid", [[51, 59, 59, 62], [52, 52, 75, 75], [11, 21, 31, 41]]),
        ("valid", "valid", [[50, 60, 60, 70], [50, 50, 80, 80], [10, 20, 30, 40]]),
        ("valid", "test", [[50, 60, 60, 60], [50, 50, 80, 70], [10, 20, 30, 40]]),
    ],
)
def test_incumbent_values(show: str, choose: str, expected: list[list[float]]) -> None:
    curve = Curve.from_rounds(ROUNDS, show, choose)
    assert curve.values.tolist() == expected
    assert (curve.show, curve.choose, curve.rounds, curve.budget) == (show, choose, 3, 4)


def test_band_models_and_time() -> None:
    curve = Curve.from_rounds(ROUNDS, "test", "test")
    low, median, high = curve.band()
    assert median.tolist() == [51, 52, 65, 65]
    assert low.tolist() == [31, 36.5, 48, 53]
    assert high.tolist() == [51.5, 55.5, 70, 72.5]
    assert curve.median().tolist() == median.tolist()
    assert curve.time_axis().tolist() == [20, 40, 60, 80]
    assert curve.regret(80).tolist() == [29, 28, 15, 15]


def test_models_to_a_target() -> None:
    curve = Curve.from_rounds(ROUNDS, "test", "test")
    assert curve.models_to(52) == 2
    assert curve.models_to(51) == 1
    assert curve.models_to(65.001) is None
    assert curve.models_to_each(52).tolist() == [2, 1, INF]
    assert curve.models_to_each(100).tolist() == [INF, INF, INF]


def test_incumbents_keep_the_earlier_of_equals_and_see_nan_as_worst() -> None:
    assert incumbents(np.array([[NAN, 2, NAN, 2, 3], [5, 5, 1, NAN, 5]])).tolist() == [
        [0, 1, 1, 1, 4],
        [0, 0, 0, 0, 0],
    ]
    assert incumbents(np.array([NAN, NAN])).tolist() == [0, 0]


def step_curve(models: list[float], budget: int = 40) -> Curve:
    """Return a curve whose rounds reach 1 after so many models each."""
    values = (np.arange(1, budget + 1) >= np.array(models)[:, None]).astype(float)
    return Curve(values, np.ones_like(values))


def test_speedup() -> None:
    slow, fast = step_curve([20, 20, 20]), step_curve([4, 5, 10])
    speedup = fast.speedup_over(slow, 1.0, np.random.default_rng(0))
    assert speedup.ratio == 4.0
    assert (speedup.low, speedup.high) == (2.0, 5.0)
    assert fast.speedup_over(slow, 1.0, np.random.default_rng(0)) == speedup
    assert slow.speedup_over(fast, 1.0, np.random.default_rng(0)).ratio == 0.25
    assert fast.speedup_over(fast, 1.0, np.random.default_rng(0)).ratio == 1.0


def test_speedup_where_some_never_arrive() -> None:
    never, fast = step_curve([INF, INF, INF]), step_curve([4, 5, 10])
    assert fast.speedup_over(never, 1.0, np.random.default_rng(0)) == (INF, INF, INF)
    assert never.speedup_over(fast, 1.0, np.random.default_rng(0)) == (0.0, 0.0, 0.0)
    assert np.isnan(never.speedup_over(never, 1.0, np.random.default_rng(0))).all()
    sometimes = step_curve([20, 20, INF])
    ratio, low, high = fast.speedup_over(sometimes, 1.0, np.random.default_rng(0))
    assert (ratio, low, high) == (4.0, 2.0, INF)


def known(ours: Curve, other: Curve) -> list[tuple[float, str]]:
    return [tuple(end) for end in ours.known_speedup_over(other, 1.0, np.random.default_rng(0))]  # type: ignore[misc]


def test_a_speedup_that_is_known_is_the_same_restricted() -> None:
    slow, fast = step_curve([20, 20, 20]), step_curve([4, 5, 10])
    assert known(fast, slow) == [(4.0, "exactly"), (2.0, "exactly"), (5.0, "exactly")]


def test_a_speedup_over_a_median_that_does_not_arrive_is_more_than_the_budget_shows() -> None:
    # Six of twenty arrive: in a resample eleven would have to, which has probability 0.017, below a tail.
    some, ours = step_curve([30] * 6 + [INF] * 14), step_curve([20] * 20)
    assert known(ours, some) == [(2.0, "more than")] * 3
    assert known(some, ours) == [(0.5, "less than")] * 3
    # Twelve of twenty: eleven or more arrive in most resamples, and ten or less in more than a tail.
    most = step_curve([30] * 12 + [INF] * 8)
    assert known(ours, most) == [(1.5, "exactly"), (1.5, "exactly"), (2.0, "more than")]
    assert known(most, ours) == [(20 / 30, "exactly"), (0.5, "less than"), (20 / 30, "exactly")]


def test_a_speedup_counts_each_search_by_its_own_budget() -> None:
    never, ours = step_curve([INF] * 3, budget=100), step_curve([20] * 3, budget=25)
    assert known(ours, never)[0] == (5.0, "more than")
    assert known(step_curve([INF] * 3, budget=25), step_curve([50] * 3, budget=100))[0] == (2.0, "less than")


def test_a_speedup_of_two_that_never_arrive_is_unknown() -> None:
    never = step_curve([INF, INF, INF])
    found = never.known_speedup_over(never, 1.0, np.random.default_rng(0))
    assert [end.bound for end in found] == ["unknown"] * 3


def revisiting(number: int, archs: list[int], valid: list[float]) -> Round:
    seen = [(arch,) for arch in archs]
    values, seconds = np.array(valid, float), np.full(len(archs), 10.0)
    return Round(number, seen, values, values, seconds, len(archs) - len(set(archs)))


def test_revisits_do_not_count_on_the_axis_of_different_models() -> None:
    """The third round trains three different ones: so far go all. The second visit of 7 is worth more, and is kept."""
    rounds = [
        revisiting(0, [7, 7, 8, 7, 9, 5], [1, 4, 2, 1, 6, 7]),
        revisiting(1, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
        revisiting(2, [1, 1, 2, 2, 3, 3], [5, 5, 6, 6, 7, 9]),
    ]
    curve = Curve.from_rounds(rounds, "test", "test", x="distinct")
    assert curve.values.tolist() == [[4, 4, 6], [1, 2, 3], [5, 6, 9]]
    assert curve.seconds.tolist() == [[20, 40, 50], [10, 20, 30], [20, 40, 60]]
    assert (curve.budget, curve.x) == (3, "distinct")
    without = Curve.from_rounds(rounds[1:2], x="distinct")
    assert without.values.tolist() == Curve.from_rounds(rounds[1:2]).values.tolist()
    with pytest.raises(InvalidSetting, match="x is models or distinct, not 'hours'"):
        Curve.from_rounds(rounds, x="hours")


def test_shapes_are_checked() -> None:
    flat: Floats = np.ones(3)
    with pytest.raises(BadData, match=r"\[rounds, models\].*\(3,\)"):
        Curve(flat, flat)
    with pytest.raises(BadData, match=r"\(0, 3\)"):
        Curve(np.ones((0, 3)), np.ones((0, 3)))
    with pytest.raises(BadData, match=r"\(2, 3\) and seconds \(2, 4\)"):
        Curve(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(InvalidSetting, match="show is test or valid, or the name of a metric, not ''"):
        Curve(np.ones((2, 3)), np.ones((2, 3)), show="")
    with pytest.raises(InvalidSetting, match="show is test or valid, not 'train'"):
        Curve.from_rounds(ROUNDS, "train")
    with pytest.raises(InvalidSetting, match="choose is test or valid, not 'latency': by a cost alone"):
        Curve(np.ones((2, 3)), np.ones((2, 3)), choose="latency")
    with pytest.raises(InvalidSetting, match="not 'train'"):
        Curve.from_rounds(ROUNDS, choose="train")
    with pytest.raises(BadData, match="no complete round"):
        Curve.from_rounds([])
    with pytest.raises(BadData, match=r"rounds of \[2, 4\] models"):
        Curve.from_rounds([ROUNDS[0], round_of(1, [1, 2], [1, 2])])


def test_correlations_keep_their_sign_and_count_what_they_drop() -> None:
    scores = np.array([1.0, 2.0, NAN, 3.0, 4.0])
    accuracies = np.array([4.0, 3.0, 9.0, 2.0, NAN])
    assert spearman(scores, accuracies) == (-1.0, 3, 2)
    assert kendall(scores, accuracies) == (-1.0, 3, 2)
    # Ranks 1 2 3 4 against 1 3 2 4: rho = 1 - 6 * 2 / (4 * 15); five pairs of six agree: tau = 4 / 6.
    right = np.array([1.0, 3.0, 2.0, 4.0])
    assert spearman(np.arange(4.0), right).value == pytest.approx(0.8, abs=1e-12)  # rounding of float64
    assert kendall(np.arange(4.0), right).value == pytest.approx(4 / 6, abs=1e-12)  # rounding of float64
    assert coverage(scores) == 0.8


def test_correlations_without_meaning_are_nan() -> None:
    assert np.isnan(spearman(np.ones(5), np.arange(5.0)).value)
    assert np.isnan(kendall(np.full(5, NAN), np.arange(5.0)).value)
    assert spearman(np.full(5, NAN), np.arange(5.0))[1:] == (0, 5)
    with pytest.raises(InvalidSetting, match=r"\(2,\) and \(3,\)"):
        spearman(np.ones(2), np.ones(3))


def test_correlation_within_the_top() -> None:
    accuracies = np.arange(100.0)
    scores = accuracies.copy()
    scores[90:] = scores[90:][::-1]
    # The 90th percentile of 0..99 is 89.1, so the ten from 90 on are the top.
    assert spearman(scores, accuracies, top=0.1) == (pytest.approx(-1.0, abs=1e-12), 10, 0)


def test_top_overlap() -> None:
    accuracies = np.arange(100.0)
    scores = accuracies.copy()
    scores[[0, 1, 2]] = 1000
    # Above the 90th percentile of the scores: the three, and 93 to 99. Seven of the ten are top models.
    assert top_overlap(scores, accuracies) == 0.7
    assert np.isnan(top_overlap(np.ones(10), np.arange(10.0)))
    assert np.isnan(top_overlap(np.full(3, NAN), np.arange(3.0)))


def test_top_count_counts_exactly_so_many() -> None:
    accuracies = np.arange(200.0)[::-1].copy()
    # All scores tie, so the first 64 in the order given count; the top 5 % are the first ten.
    assert top_count(np.ones(200), accuracies) == 10
    assert top_count(np.ones(200), accuracies, k=4) == 4
    assert top_count(-accuracies, accuracies) == 0
    assert top_count(np.full(200, NAN), accuracies) == 0


def test_bootstrap_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)

    def mean(sample: Floats) -> Floats:
        return np.asarray(sample.mean(axis=-1))

    hits = 0
    for _ in range(300):
        low, high = bootstrap(mean, rng.normal(size=50), rng=rng, level=0.9, draws=400)
        hits += low <= 0 <= high
    # Percentile intervals of 50 cover some 0.88 where they say 0.90: 264 of 300, standard deviation 5.6. Five
    # of them on either side fail one seed in 1.7 million, and this seed is fixed.
    assert abs(hits - 264) < 28
    with pytest.raises(InvalidSetting, match="between 0 and 1, not 95"):
        bootstrap(mean, np.ones(3), rng=rng, level=95)
