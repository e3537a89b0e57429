"""Two signals side by side, shifts and dilated convolutions in every interpreter, on cells of DARTS."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from test_gated import at_means

from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.constant.collapsed_torch import torch_outputs
from nassearch.networks.constant.degrees import is_proportional
from nassearch.networks.counting import layers, macs, operations
from nassearch.networks.graph import Builder, Network
from nassearch.networks.modules.network import TorchNetwork, constant_outputs, shifted
from nassearch.networks.positive.expected import scaled_synflow
from nassearch.networks.positive.expected_log import expected_logsynflow
from nassearch.networks.positive.module import scaled_module_synflow
from nassearch.networks.positive.sampled import scaled_dual, scaled_sample
from nassearch.networks.positive.windows import highest_of
from nassearch.networks.thinned import thinned
from nassearch.networks.tracing.macs import module_macs
from nassearch.spaces import Darts
from nassearch.types import Task

SPACE = Darts()
SHAPES = [(3, 16, 16), (3, 13, 10)]
ARCHS = SPACE.sample_many(5, np.random.default_rng(3))
NETWORKS = [
    SPACE.network(arch, Task(shape, 5, channels=(4,), layers=5)) for arch in ARCHS for shape in SHAPES
]
RNG = np.random.default_rng(0)


def test_a_shift_leaves_zeros_at_the_end() -> None:
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert shifted(x).squeeze().tolist() == [[5, 6, 7, 0], [9, 10, 11, 0], [0, 0, 0, 0]]
    assert shifted(torch.ones(2, 3, 1)).tolist() == torch.zeros(2, 3, 1).tolist()


@pytest.mark.parametrize("network", NETWORKS)
def test_one_channel_is_all_channels_under_constant_weights(network: Network) -> None:
    inputs = RNG.normal(size=(12, *network.input_shape)).astype(np.float32)
    weights = (1e-2, 1.0)
    collapsed = collapsed_outputs([network], inputs, weights)[0]
    on_torch = torch_outputs([network], inputs, weights, "cpu")[0]
    for weight, row, other in zip(weights, collapsed, on_torch, strict=True):
        full = constant_outputs(network, torch.from_numpy(inputs), weight).numpy()
        # Float32 with additions in another order, which batch norm of signals that hardly vary makes larger.
        np.testing.assert_allclose(row, full, rtol=1e-3, atol=1e-3 * np.abs(full).max())
        np.testing.assert_allclose(other, full, rtol=1e-3, atol=1e-3 * np.abs(full).max())
    assert not is_proportional(network)


@pytest.mark.parametrize("network", NETWORKS)
def test_synflow_is_that_of_mean_weights(network: Network) -> None:
    means = at_means(network)
    found = scaled_synflow([network])[0].value
    # Of equal maxima torch passes the gradient to the first, and this to the innermost; values are the same.
    assert found == pytest.approx(scaled_dual(means, network.input_shape).value, rel=0.02)
    assert expected_logsynflow([network])[0] > 0
    sampled = scaled_sample(network, 0).value
    model = TorchNetwork(network, torch.Generator().manual_seed(0))
    assert sampled == pytest.approx(scaled_module_synflow(model, network.input_shape).value, rel=1e-9)


def test_synflow_without_maxima_is_exact() -> None:
    for arch in ARCHS:
        plain = tuple(
            1 if place % 11 in (0, 1, 3, 4, 6, 7, 9, 10) and option == 0 else option
            for place, option in enumerate(arch)
        )
        network = SPACE.network(plain, Task((3, 13, 10), 5, channels=(4,), layers=5))
        assert all(layer.op != "max_pool" for block in network.blocks() for layer in block)
        means = at_means(network)
        assert scaled_synflow([network])[0].value == pytest.approx(
            scaled_dual(means, network.input_shape).value, rel=1e-10
        )
        assert expected_logsynflow([network])[0] == pytest.approx(
            scaled_module_synflow(means, network.input_shape, shift=1.0).value, rel=1e-7
        )


@pytest.mark.parametrize("network", NETWORKS)
def test_multiply_accumulates_are_those_of_the_module(network: Network) -> None:
    model = TorchNetwork(network, torch.Generator().manual_seed(0))
    assert macs(network) == module_macs(model, network.input_shape) < operations(network)


def test_maxima_follow_values_where_windows_are_uneven() -> None:
    build = Builder((1, 8, 8))
    layer = build.layers[build.max_pool(0, 3, stride=2, padding=1)]
    x = RNG.random((2, 8, 8))
    expected = torch.nn.functional.max_pool2d(torch.from_numpy(x), 3, 2, 1).numpy()
    assert np.array_equal(x[highest_of(layer, x)], expected)
    even = np.ones((1, 8, 8))
    _, rows, columns = highest_of(layer, even)
    assert rows[0, :, 0].tolist() == [1, 3, 4, 5] and columns[0, 0].tolist() == [1, 3, 4, 5]


def test_layers_of_a_cell_without_its_copies() -> None:
    """Of one cell of skips: stem, both inputs brought, two convolutions for each reduced skip, classifier."""
    skips = SPACE.network((2, 2, 0, 2, 2, 0, 2, 2, 0, 2, 2) * 2, Task((3, 8, 8), 4, channels=(4,), layers=1))
    assert layers(skips) == 1 + 2 + 2 * 8 + 1


def test_a_thin_network_is_one_cell() -> None:
    for network in NETWORKS[:4]:
        small = thinned(network, 3)
        assert len(small.chain) == 2
        out = TorchNetwork(small, torch.Generator().manual_seed(0)).eval()(torch.randn(2, 1, 3, 3))
        assert out.shape == (2, 5) and not math.isnan(float(out.detach().sum()))
