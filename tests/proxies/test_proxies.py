"""Proxies on hand-computed cases, their options and their errors."""

from __future__ import annotations

import numpy as np
import pytest

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.networks.graph import Builder, Network
from nassearch.proxies import epsilon as epsilon_module
from nassearch.proxies.counts import flops, params
from nassearch.proxies.epsilon import choose_weights, distance, epsilon
from nassearch.proxies.synflow import synflow
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

SPACE = NASBench201()
TASK = Task((3, 12, 12), 10, (4, 8, 8), 2)
ARCHS = SPACE.sample_many(8, np.random.default_rng(4))
NETWORKS = [SPACE.network(arch, TASK) for arch in ARCHS]
BATCH = Batch(
    np.random.default_rng(0).normal(size=(24, 3, 12, 12)).astype(np.float32),
    np.random.default_rng(1).integers(10, size=24),
)


def two_layers() -> Network:
    """A 1x1 convolution from 2 to 3 channels, ReLU, global pooling, and a classifier of 2."""
    stem = Builder((2, 2, 2))
    stem.conv(0, 3, kernel=1)
    head = Builder(stem.shape)
    head.linear(head.global_pool(head.relu(0)), 2)
    return Network(((stem.done(), 1), (head.done(), 1)))


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


def test_epsilon_by_hand() -> None:
    # Normalised: 0, 0.5, 1 and 0, 0.25, 1. The released code leaves out the zeros: gaps 0.25 and 0 have the mean
    # 0.125; the valid entries 0.5, 1, 0.25, 1 have the mean 0.6875.
    assert distance(rows([2, 4, 6], [1, 2, 5])) == pytest.approx(0.125 / 0.6875, rel=1e-6)
    # To the letter: gaps 0, 0.25, 0; entries with the zeros have the mean 2.75 / 6.
    assert distance(rows([2, 4, 6], [1, 2, 5]), literal=True) == pytest.approx(
        (0.25 / 3) / (2.75 / 6), rel=1e-6
    )


def test_epsilon_leaves_out_samples_that_are_lowest_in_either_row() -> None:
    # Normalised: 0, 0.5, 1 and 0.5, 0, 1: only the last sample is valid in both, and there the gap is 0.
    assert distance(rows([0, 1, 2], [1, 0, 2])) == 0.0


@pytest.mark.parametrize("literal", [False, True])
def test_constant_or_infinite_outputs_have_no_epsilon(literal: bool) -> None:
    assert np.isnan(distance(rows([3, 3, 3], [1, 2, 3]), literal))
    assert np.isnan(distance(rows([1, 2, 3], [0, 0, 0]), literal))
    assert np.isnan(distance(rows([1, 2, np.inf], [1, 2, 3]), literal))


def test_both_paths_of_epsilon_agree() -> None:
    for weights in ((1e-7, 1.0), (1e-3, 1.0)):
        fast = epsilon(NETWORKS, BATCH, weights=weights)
        full = epsilon(NETWORKS, BATCH, weights=weights, path="full")
        np.testing.assert_array_equal(np.isnan(fast), np.isnan(full))
        # float32 sums in another order; an epsilon near 0 is a difference of numbers near 1, known to 1e-6 or so.
        np.testing.assert_allclose(fast, full, rtol=1e-3, atol=1e-5)
        assert np.nanmax(fast) > 1e-2
    assert np.isnan(epsilon(NETWORKS, BATCH, weights=(1e-7, 1.0))).any()


def test_epsilon_does_not_depend_on_company_or_order_of_weights() -> None:
    together = epsilon(NETWORKS, BATCH, weights=(1e-3, 1.0))
    alone = np.concatenate([epsilon([network], BATCH, weights=(1e-3, 1.0)) for network in NETWORKS])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, epsilon(NETWORKS, BATCH, weights=(1.0, 1e-3)))


@pytest.mark.parametrize(
    "weights", [None, "auto", (1.0,), (1.0, 1.0), (0.0, 1.0), (-1.0, 1.0), ("a", "b"), 3]
)
def test_epsilon_says_what_weights_it_takes(weights: object) -> None:
    with pytest.raises(InvalidSetting, match=r"two (different positive )?numbers"):
        epsilon(NETWORKS[:1], BATCH, weights=weights)


def test_unknown_choices_name_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="collapsed, compiled, torch or full, not 'fast'"):
        epsilon(NETWORKS[:1], BATCH, weights=(1e-3, 1.0), path="fast")
    with pytest.raises(InvalidSetting, match="expected or sampled, not 'exact'"):
        synflow(NETWORKS[:1], estimator="exact")
    with pytest.raises(UnknownName, match="did you mean weights"):
        epsilon(NETWORKS[:1], BATCH, weight=(1e-3, 1.0))
    with pytest.raises(InvalidSetting, match="needs a batch with inputs"):
        epsilon(NETWORKS[:1], weights=(1e-3, 1.0))


def test_automatic_weights_are_the_widest_pair_that_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task((1, 12), 4, (3, 4), 1, "pool")
    batch = Batch(np.random.default_rng(0).normal(size=(16, 1, 12)).astype(np.float32))
    pair = choose_weights(SPACE, task, batch)
    assert pair == choose_weights(SPACE, task, batch)

    networks = [SPACE.network(a, task) for a in SPACE.sample_many(100, np.random.default_rng(0))]

    def failures(low: int, high: int) -> int:
        return int(np.isnan(epsilon(networks, batch, weights=(10.0**low, 10.0**high))).sum())

    low, high = (round(float(np.log10(weight))) for weight in pair)
    assert failures(low, high) < 10
    wider = [(a, a + width) for width in range(8, high - low, -1) for a in range(-7, 2 - width)]
    same = [(a, a + high - low) for a in range(-7, low)]
    assert all(failures(*window) >= 10 for window in wider + same)
    assert len(wider + same) > 0 or (low, high) == (-7, 1)

    monkeypatch.setattr(epsilon_module, "FAILED", 0)
    with pytest.raises(InvalidSetting, match="give them: epsilon"):
        choose_weights(SPACE, task, batch)


def test_counts_by_hand() -> None:
    assert params([two_layers()]).tolist() == [2 * 3 + 3 * 2 + 2]
    assert flops([two_layers()]).tolist() == [2 * 3 * 4 + 3 * 2]


def test_sampled_synflow_follows_its_seed() -> None:
    first, again, other = (synflow(NETWORKS, estimator="sampled", seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other)[synflow(NETWORKS) > 0].all()
