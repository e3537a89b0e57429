"""The compiled kernel of constant weights against its reference in numpy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nassearch.errors import InvalidSetting
from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.graph import Builder, Network
from nassearch.proxies.epsilon import epsilon
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nats_size import NATSSize
from nassearch.types import Batch, Task

compiled = pytest.importorskip(
    "nassearch.networks.constant.compiled.interpreter", reason="needs nassearch[fast]"
)
program = pytest.importorskip("nassearch.networks.constant.compiled.program")

SPACE = NASBench201()
TASK = Task((3, 12, 12), 10)
WEIGHTS = (1e-7, 1.0)


def inputs(task: Task, batch: int = 16) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, *task.input_shape)).astype(np.float32)


def networks(count: int, task: Task = TASK) -> list[Network]:
    return [SPACE.network(arch, task) for arch in SPACE.sample_many(count, np.random.default_rng(1))]


def assert_equal(networks: Sequence[Network], x: np.ndarray, weights: Sequence[float]) -> None:
    found, expected = compiled.compiled_outputs(networks, x, weights), collapsed_outputs(networks, x, weights)
    # Denormals carry few digits: what is below the smallest normal number need only be as small.
    scale = np.abs(expected).max(axis=2, keepdims=True)
    # Only the statistics are summed in another order, each known to some 1e-6, through up to 80 layers.
    assert (np.abs(found - expected) <= 1e-4 * scale + 1e-38).all()


@pytest.mark.parametrize("weights", [(1.0,), (1e-3, 10.0), WEIGHTS])
def test_outputs_are_those_of_the_reference(weights: Sequence[float]) -> None:
    assert_equal(networks(40), inputs(TASK), weights)


def test_epsilon_is_that_of_the_reference_and_so_is_where_it_is_nan() -> None:
    batch, many = Batch(inputs(TASK)), networks(60)
    found = epsilon(many, batch, weights=WEIGHTS, path="compiled")
    expected = epsilon(many, batch, weights=WEIGHTS)
    assert 10 < np.isnan(expected).sum() < 50
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(
        found, expected, rtol=1e-3, atol=1e-5
    )  # as for the full width: test_real_scores


def test_widths_of_the_size_space() -> None:
    space, task = NATSSize(), Task((3, 16, 16), 10)
    many = [space.network(arch, task) for arch in space.sample_many(6, np.random.default_rng(2))]
    assert all(program.compiles(network) for network in many)
    assert_equal(many, inputs(task), (1e-3, 1.0))


def test_real_images(real_data: Path) -> None:
    task = Task((3, 32, 32), 10)
    with np.load(real_data / "images" / "cifar10.npz") as arrays:
        x = arrays["x_train"][:32].astype(np.float32).transpose(0, 3, 1, 2) / 128 - 1
    batch, many = Batch(np.ascontiguousarray(x)), networks(24, task)
    found, expected = (epsilon(many, batch, weights=WEIGHTS, path=p) for p in ("compiled", "collapsed"))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)  # as above


def test_a_network_does_not_depend_on_its_company() -> None:
    many, x = networks(6), inputs(TASK)
    alone = np.concatenate([compiled.compiled_outputs([network], x, WEIGHTS) for network in many])
    np.testing.assert_array_equal(compiled.compiled_outputs(many, x, WEIGHTS), alone)


def test_a_constant_network_by_hand() -> None:
    stem = Builder((2, 2, 2))
    stem.conv(0, 3, kernel=1)
    head = Builder(stem.shape)
    head.linear(head.global_pool(head.relu(0)), 2)
    x = np.array([[[[1, 2], [3, 4]], [[0, 0], [0, -20]]]], np.float32)
    # The sum over channels is 1, 2, 3, -16; times w = 2 and ReLU: 2, 4, 6, 0; the mean is 3; times w * 3: 18.
    network = Network(((stem.done(), 1), (head.done(), 1)))
    assert compiled.compiled_outputs([network], x, [2.0]).tolist() == [[[18.0]]]


def test_layers_unknown_to_the_kernel_run_on_the_reference() -> None:
    task = Task((1, 40), 10, (8, 16), 1, "pool", 2)
    signals = networks(3, task)
    assert not any(program.compiles(network) for network in signals)
    x = inputs(task)
    found = compiled.compiled_outputs(signals, x, WEIGHTS)
    np.testing.assert_array_equal(found, collapsed_outputs(signals, x, WEIGHTS))


def test_without_numba_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nassearch.networks.constant.compiled.interpreter", None)
    with pytest.raises(InvalidSetting, match=r"needs numba: pip install 'nassearch\[fast\]'"):
        epsilon(networks(1), Batch(inputs(TASK)), weights=WEIGHTS, path="compiled")
