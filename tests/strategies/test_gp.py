"""Guided Bayesian optimisation: its inputs, its process, its guides, and last bits that decide nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.integrate import quad

import nassearch as ns
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nats_size import NATSSize
from nassearch.strategies.gp.acquisition import first_best, log_improvement
from nassearch.strategies.gp.graphs import graph_features
from nassearch.strategies.gp.inputs import Guides, Scale, described
from nassearch.strategies.gp.strategy import GuidedGaussianProcess
from nassearch.strategies.gp.surrogate import Posterior, Prior, distances, fit, kernel, minus_log_posterior
from nassearch.strategies.gp.worth import Worth
from nassearch.types import Arch, Floats

PRIOR = Prior((0.5, 1.0), (0.7, 1.0), math.log(0.02), 1.0)


def told(n: int, columns: int = 3) -> tuple[list[Floats], Floats]:
    """Return two groups of inputs, the second of which has nothing to do with the values."""
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(n, columns)), rng.normal(size=(n, 1))]
    y = groups[0] @ np.arange(1, columns + 1)
    return groups, (y - y.mean()) / y.std()


def test_features_of_a_cell_are_those_counted_by_hand() -> None:
    space = NASBench101()
    three, chain = graph_features(
        space.graphs([space.parse("111-01-1:conv3x3,maxpool3x3"), space.parse("100-10-1:conv3x3,conv1x1")])
    ).tolist()
    assert three[:8] == [
        1,
        0,
        1,
        1,
        1,
        5,
        4,
        math.log(4),
    ]  # conv3x3, conv1x1, pool, ends; edges, vertices, 3 ways
    assert three[8:16] == [1, 0, 1, 1, 0, 0, 0, 0]  # most and fewest on a way
    assert three[16:28] == [
        1,
        0,
        1,
        0,
        1,
        1,
        0,
        1,
        1,
        0,
        3,
        3,
    ]  # fed by the input, feeding the output, edges there
    assert three[28:] == [0] * 6
    assert chain[5:8] == [3, 4, math.log(2)]
    assert chain[8:16] == [1, 1, 0, 2, 1, 1, 0, 2]
    assert chain[28:] == [8, 8, 8, 2, 8, 8]  # by conv3x3 and conv1x1 alone, of the three pairs the first


def test_what_lies_on_no_way_counts_for_nothing() -> None:
    space = NASBench201()
    dead_end, skip, nothing = graph_features(
        space.graphs([(3, 0, 0, 1, 0, 0), (0, 0, 0, 1, 0, 0), (3, 3, 3, 0, 0, 0)])
    )
    assert dead_end.tolist() == skip.tolist()
    assert dead_end[1] == 1 and dead_end[3] == 0
    assert not nothing[:9].any() and (nothing[-30:] == 8).all()


def test_a_space_adds_what_it_knows_and_free_decisions_are_inputs() -> None:
    space = NATSSize()
    graph, edges, decisions = described(space, [(0, 1, 2, 3, 7)])
    assert graph[0, -5:].tolist() == [8, 16, 24, 32, 64]
    assert decisions.shape == (1, 40) and np.flatnonzero(decisions[0]).tolist() == [0, 9, 18, 27, 39]
    assert len(described(NASBench101(), NASBench101().sample_many(2, np.random.default_rng(0)))) == 2
    assert edges.sum() == 6 and edges.max() == 1  # a chain of five widths, which differ


def test_the_process_is_that_of_the_textbook_and_grows_to_the_same() -> None:
    groups, y = told(20)
    others = [group[12:] for group in groups]
    points, y = [group[:12] for group in groups], y[:12]
    theta = np.array([0.3, 0.9, math.log(0.05)])
    squared = distances(points, points)
    plain = np.array([[((a - b) ** 2).sum() for b in points[0]] for a in points[0]])
    assert np.allclose(squared[0], plain, atol=1e-12)  # a difference of squares loses some of 16 digits
    inverse = np.linalg.inv(kernel(squared, theta) + 0.05 * np.eye(12))
    cross = kernel(distances(points, others), theta)
    variance = (y @ inverse @ y / 2 + 1) / (12 / 2 + 1)
    expected = (
        cross.T @ inverse @ y,
        (variance * (1 - np.einsum("ij,ik,kj->j", cross, inverse, cross))) ** 0.5,
    )
    once, growing = Posterior(others), Posterior(others)
    for n in (3, 4, 9):
        growing.predict([group[:n] for group in points], squared[:, :n, :n], y[:n], theta)
    for posterior in (once, growing):
        found = posterior.predict(points, squared, y, theta)
        assert np.allclose(found, expected, rtol=1e-8)  # the matrix has a condition of some 1e3


def test_a_group_that_tells_nothing_comes_to_count_for_little() -> None:
    groups, y = told(30)
    theta = fit(PRIOR.start, distances(groups, groups), y, PRIOR)
    assert math.exp(theta[1]) > 3 * math.exp(theta[0])
    assert minus_log_posterior(theta, distances(groups, groups), y, PRIOR) < minus_log_posterior(
        PRIOR.start, distances(groups, groups), y, PRIOR
    )


def test_last_bits_decide_nothing() -> None:
    groups, y = told(30)
    squared = distances(groups, groups)
    rng = np.random.default_rng(1)
    expected = fit(PRIOR.start, squared, y, PRIOR)
    for _ in range(3):
        moved = squared * (1 + 1e-13 * rng.normal(size=squared.shape))
        assert (
            fit(PRIOR.start, (moved + moved.transpose(0, 2, 1)) / 2, y, PRIOR).tolist() == expected.tolist()
        )
        values = np.array([1.0, 3.0, 2.0, 3.0, 3.0]) * (1 + 1e-13 * rng.normal(size=5))
        assert first_best(values) == 1


@pytest.mark.parametrize("z", [-8.0, -1.5, -0.5, 2.0])
def test_the_improvement_is_that_of_the_integral(z: float) -> None:
    def gain(f: float) -> float:
        return (f - 1) * math.exp(-(((f - 1 - 0.5 * z) / 0.5) ** 2) / 2) / (0.5 * math.sqrt(2 * math.pi))

    expected = quad(gain, 1, 8, epsabs=0, epsrel=1e-9, points=[1 + 0.5 * max(z, 0)])[0]
    found = log_improvement(np.array([1 + 0.5 * z]), np.array([0.5]), 1.0)
    assert found[0] == pytest.approx(math.log(expected), rel=1e-7)  # of the integral


def test_the_improvement_keeps_its_order_far_below() -> None:
    found = log_improvement(np.array([-2e4, -1e3, -40.0, -39.0]), np.ones(4), 0.0)
    assert np.isfinite(found).all() and (np.diff(found) > 0).all()


def test_ranks_are_among_those_scored_first_and_what_has_none_is_like_its_likes() -> None:
    inputs = Scale(np.arange(40.0)[:, None])(np.arange(40.0)[:, None])
    archs = [(n,) for n in range(40)]

    def scorer(archs: Sequence[Arch]) -> Floats:
        return np.array([math.nan if n % 4 == 3 else float(n) for (n,) in archs])

    guides = Guides({"one": scorer}, archs, inputs)
    (ranks,) = guides.ranks(archs, inputs)
    assert ranks[0] == pytest.approx(0.5 / 30) and ranks[38] == pytest.approx(29.5 / 30)
    lacking = ranks[3::4]
    assert (
        np.abs(lacking - np.arange(3, 40, 4) / 40) < 0.05
    ).all()  # a regression's penalty bends it a little
    new = [(3000,), (50,)]
    guides.ask(new)
    assert guides.ranks(new, inputs[:2])[0].tolist() == pytest.approx([30.5 / 30 - 0.5 / 30] * 2)


def test_values_are_drawn_apart_near_the_best_and_lead_back() -> None:
    worth = Worth([70.0, 90.0, math.nan, 92.0, 93.0])
    assert worth.standard.mean() == pytest.approx(0) and worth.standard.std() == pytest.approx(1)
    assert worth.standard[2] < worth.standard[0] < worth.standard[1]
    assert worth.value(worth.of(91.0)) == pytest.approx(91.0)
    assert worth.of(93) - worth.of(92) > worth.of(91) - worth.of(90)
    assert Worth([5.0, 5.0]).standard.tolist() == [0.0, 0.0] and Worth([5.0, 5.0]).value(2.0) == 5.0
    assert Worth([math.nan]).standard.tolist() == [0.0]
    assert Worth([math.nan, 3.0]).standard.tolist() == pytest.approx([-1.0, 1.0])


def test_it_finds_better_cells_of_the_embedded_benchmark_than_draws_do() -> None:
    bench = ns.load_benchmark("nasbench201")
    best = []
    for seed in range(2):
        search, rng = (
            GuidedGaussianProcess(bench.space, np.random.default_rng(seed)),
            np.random.default_rng(0),
        )
        values = []
        for _ in range(20):
            arch = search.ask()
            values.append(bench.query(arch, rng).valid)
            search.tell(arch, values[-1])
        best.append(max(values))
    assert np.mean(best) > 93.5


def test_a_warm_up_says_how_many_are_scored_and_scorers_are_asked_of_the_space_otherwise() -> None:
    asked: set[Arch] = set()

    def scorer(archs: Sequence[Arch]) -> Floats:
        asked.update(archs)
        return np.array([float(sum(arch)) for arch in archs])

    search = GuidedGaussianProcess(
        NASBench201(), np.random.default_rng(0), features={"sum": scorer}, draws=50, looks=4
    )
    search.warm_up(scorer, 30, np.random.default_rng(1))
    for step in range(8):
        search.tell(search.ask(), float(step))
    assert 30 <= len(asked) <= 30 + 4 * 4
    report = search.report()
    assert report["inputs"]["of"] == ["graph", "edges", "decisions", "sum"]
    assert sum(report["inputs"]["weight"]) == pytest.approx(1)
    asked.clear()
    GuidedGaussianProcess(NASBench201(), np.random.default_rng(0), features={"sum": scorer}).ask()
    assert len(asked) == 15_625
