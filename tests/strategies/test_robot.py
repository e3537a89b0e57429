"""RoBoT: its process against the formulas, its steps one by one, and what it does with what is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.special import gamma, kv

import nassearch as ns
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.errors import InvalidSetting, UnknownName
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.robot.strategy import RoBoT, scaled
from nassearch.strategies.robot.surrogate import JITTER, LENGTHS, Surrogate
from nassearch.types import Arch, Floats

SPACE = NASBench201()


def conv3(archs: Sequence[Arch]) -> Floats:
    return np.array([float(arch.count(3)) for arch in archs])


def skips(archs: Sequence[Arch]) -> Floats:
    return np.array([math.nan if 0 in arch else float(arch.count(1)) for arch in archs])


def worth(arch: Arch) -> float:
    return 10.0 * arch.count(3) + arch.count(1) + arch[0] / 10


def search(
    budget: int, value: Callable[[Arch], float] = worth, **settings: object
) -> tuple[RoBoT, list[Arch]]:
    strategy = RoBoT(SPACE, np.random.default_rng(1), proxies={"conv3": conv3, "skips": skips}, **settings)  # type: ignore[arg-type]
    archs = []
    for _ in range(budget):
        archs.append(strategy.ask())
        strategy.tell(archs[-1], value(archs[-1]))
    return strategy, archs


def likelihood(covariance: Floats, targets: Floats) -> float:
    """Equation 5.8 of Rasmussen and Williams (2006) without its constant, by numpy's own algebra."""
    _, determinant = np.linalg.slogdet(covariance)
    return float(-0.5 * targets @ np.linalg.solve(covariance, targets) - 0.5 * determinant)


def matern(one: Floats, other: Floats, length: float) -> Floats:
    """The general Matern kernel of equation 4.14, by Bessel functions, at 5/2."""
    apart = np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2)) * math.sqrt(5) / length
    near = np.where(apart == 0, 1.0, apart)
    return np.where(apart == 0, 1.0, 2.0**-1.5 / gamma(2.5) * near**2.5 * kv(2.5, near))


@pytest.mark.parametrize(("count", "dimensions"), [(1, 2), (7, 1), (25, 6)])
def test_the_process_is_that_of_the_formulas(count: int, dimensions: int) -> None:
    rng = np.random.default_rng(count)
    points, places = rng.uniform(-1, 1, (count, dimensions)), rng.uniform(-1, 1, (40, dimensions))
    values = np.sin(3 * points).sum(axis=1) * 5 + 90
    made = Surrogate(points, values.tolist())
    scale = values.std() or 1.0
    targets = (values - values.mean()) / scale
    noise = JITTER * np.eye(count)
    best = max(LENGTHS, key=lambda length: likelihood(matern(points, points, length) + noise, targets))
    assert made.length == best
    inverse = np.linalg.inv(matern(points, points, best) + noise)
    across = matern(points, places, best)
    mean, deviation = made.predict(places)
    # The inverse of a matrix of condition 1e6 keeps some ten digits.
    np.testing.assert_allclose(mean, values.mean() + scale * (across.T @ inverse @ targets), rtol=1e-8)
    variance = 1 - np.einsum("ij,ik,kj->j", across, inverse, across)
    np.testing.assert_allclose(deviation, scale * np.sqrt(np.maximum(variance, 0)), atol=1e-4 * scale)


def test_points_that_stand_twice_and_values_that_are_equal_are_no_failure() -> None:
    points = np.repeat(np.array([[0.5, 0.5], [-0.5, 0.5]]), 20, axis=0)
    for values in ([3.0] * 40, [float(place % 7) for place in range(40)]):
        mean, deviation = Surrogate(points, values).predict(points)
        assert np.isfinite(mean).all() and np.isfinite(deviation).all()
    assert np.abs(Surrogate(points, [3.0] * 40).predict(points)[0] - 3.0).max() < 1e-12


def test_each_step_trains_what_its_weights_rank_first_and_the_rest_follows_the_best() -> None:
    strategy, archs = search(60, steps=8)
    report = strategy.report()
    assert report["steps"] == 8 and 1 <= report["models by then"] <= 8
    assert len(set(archs)) == 60
    weights = dict(zip(report["weights"]["proxy"], report["weights"]["weight"], strict=True))
    everything = list(SPACE.all())
    sums = weights["conv3"] * scaled(conv3(everything), "range") + weights["skips"] * scaled(
        skips(everything), "range"
    )
    of = dict(zip(everything, sums, strict=True))
    greedy = archs[report["models by then"] :]
    assert [of[arch] for arch in greedy] == sorted((of[arch] for arch in greedy), reverse=True)
    first = max(worth(arch) for arch in archs[: report["models by then"]])
    assert report["value of the best weights"] == first
    left = [of[arch] for arch in everything if arch not in archs]
    assert min(of[arch] for arch in greedy) >= max(left)


def test_it_learns_which_of_two_proxies_misleads() -> None:
    # Weights with conv3 above 0 rank an architecture of six of them first; one start in two has it already.
    strategy, archs = search(30, steps=20)
    assert max(map(worth, archs)) == 60.3
    found = dict(zip(*strategy.report()["weights"].values(), strict=True))
    assert found["conv3"] > 0


def test_a_value_that_is_missing_is_the_worst() -> None:
    strategy, archs = search(40, lambda arch: math.nan if arch.count(3) == 6 else worth(arch), steps=20)
    found = dict(zip(*strategy.report()["weights"].values(), strict=True))
    assert found["conv3"] < 0 or found["skips"] > 0
    strategy, archs = search(10, lambda arch: math.nan, steps=20)
    assert len(set(archs)) == 10 and strategy.report().get("value of the best weights") is None


def test_what_no_proxy_scores_comes_last_whatever_the_weights() -> None:
    def half(archs: Sequence[Arch]) -> Floats:
        return np.array([math.nan if arch[0] < 3 else float(arch.count(3)) for arch in archs])

    strategy = RoBoT(SPACE, np.random.default_rng(0), proxies={"one": half, "two": half}, steps=20)
    for _ in range(300):
        arch = strategy.ask()
        assert arch[0] >= 3
        strategy.tell(arch, -worth(arch))


def test_scales() -> None:
    scores = np.array([1.0, np.nan, 1e30, 3.0, 3.0])
    assert scaled(scores, "rank").tolist() == [0.0, 0.0, 1.0, 0.5, 0.5]
    assert scaled(scores, "range")[[0, 1, 2]].tolist() == [0.0, 0.0, 1.0]
    assert scaled(np.array([2.0, 2.0]), "range").tolist() == [0.0, 0.0]
    assert scaled(np.full(3, np.nan), "rank").tolist() == [0.0, 0.0, 0.0]


def test_without_proxies_it_is_random_search_without_repeats() -> None:
    rng = np.random.default_rng(2)
    strategy = RoBoT(SPACE, rng)
    archs = []
    for _ in range(50):
        archs.append(strategy.ask())
        strategy.tell(archs[-1], worth(archs[-1]))
    assert len(set(archs)) == 50
    other = RoBoT(SPACE, np.random.default_rng(3))
    assert other.ask() != archs[0]


def test_a_large_space_is_drawn_from_and_a_small_one_is_used_up() -> None:
    space = NASBench101()
    asked: list[int] = []

    def edges(archs: Sequence[Arch]) -> Floats:
        asked.append(len(archs))
        return np.array([float(sum(arch[:21])) for arch in archs])

    strategy = RoBoT(space, np.random.default_rng(0), proxies={"edges": edges}, candidates=30, steps=3)
    assert not strategy.scores_all
    archs = []
    for _ in range(32):
        archs.append(strategy.ask())
        strategy.tell(archs[-1], 1.0)
    assert asked == [30] and len(set(archs[:30])) == 30 and all(map(space.is_valid, archs))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is a whole number of at least 1"),
        ({"kappa": -1}, "kappa is a number of at least 0"),
        ({"scale": "log"}, "no value of scale is called 'log'"),
        ({"tried": 0}, "tried is a whole number"),
        ({"candidates": 1.5}, "candidates is a whole number"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises((InvalidSetting, UnknownName), match=message):
        RoBoT(SPACE, np.random.default_rng(0), **settings)  # type: ignore[arg-type]


@pytest.mark.slow
def test_it_reaches_what_the_paper_prints_for_cifar10(real_data: Path) -> None:
    # Table 2 of the paper: 94.36 on average of ten, after 20 models. Ours are proxies that need no passes.
    import_file(NASBench201Benchmark, real_data / "nasbench201" / "nasbench201.csv.gz", only=["cifar10"])
    found = ns.Experiment(
        "robot", dataset="cifar10", budget=20, rounds=10, settings={"proxies": "params,flops,synflow"}
    )
    assert found.run().curve().values[:, -1].mean() > 94.2
