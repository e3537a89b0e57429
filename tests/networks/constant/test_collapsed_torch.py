"""Constant weights in torch on a device, against their reference in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nassearch.errors import InvalidSetting
from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.constant.collapsed_torch import torch_outputs
from nassearch.networks.graph import Network
from nassearch.proxies.epsilon import epsilon
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

TASK = Task((3, 12, 12), 10)
WEIGHTS = (1e-7, 1.0)
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


def inputs(batch: int = 16) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, *TASK.input_shape)).astype(np.float32)


def networks(count: int) -> list[Network]:
    space = NASBench201()
    return [space.network(arch, TASK) for arch in space.sample_many(count, np.random.default_rng(1))]


@pytest.mark.parametrize("device", DEVICES)
def test_epsilon_is_that_of_the_reference_and_so_is_where_it_is_nan(device: str) -> None:
    batch, many = Batch(inputs()), networks(60)
    found = epsilon(many, batch, weights=WEIGHTS, path="torch", device=device)
    expected = epsilon(many, batch, weights=WEIGHTS)
    assert 10 < np.isnan(expected).sum() < 50
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)  # as for the compiled kernel


@pytest.mark.parametrize("device", DEVICES)
def test_concatenation_and_max_pooling(device: str) -> None:
    space, x = NASBench101(), inputs()
    task = Task(TASK.input_shape, 10, (8, 16))
    many = [space.network(arch, task) for arch in space.sample_many(8, np.random.default_rng(2))]
    found, expected = torch_outputs(many, x, (1e-3, 1.0), device), collapsed_outputs(many, x, (1e-3, 1.0))
    scale = np.abs(expected).max(axis=2, keepdims=True)
    # Sums are taken in another order, each known to some 1e-6, through up to 40 layers.
    assert (np.abs(found - expected) <= 1e-4 * scale).all()


def test_what_cannot_be_is_said() -> None:
    batch, many = Batch(inputs()), networks(1)
    with pytest.raises(InvalidSetting, match=r"no device 'abacus' here .*: take device=cpu"):
        epsilon(many, batch, weights=WEIGHTS, path="torch", device="abacus")
    with pytest.raises(InvalidSetting, match="device of epsilon goes with path=torch, and path is compiled"):
        epsilon(many, batch, weights=WEIGHTS, path="compiled", device="cuda")
    signals = Batch(np.zeros((4, 1, 40), np.float32))
    task = Task((1, 40), 10, (8, 16), 1, "pool", 2)
    with pytest.raises(InvalidSetting, match="takes images, not inputs of 2 axes"):
        epsilon([NASBench201().network((3,) * 6, task)], signals, weights=WEIGHTS, path="torch")
