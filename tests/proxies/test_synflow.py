"""Variants of synflow: the closed form against full width, by hand, and with batch norm."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Builder, Network
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.positive.module import module_synflow, scaled_network_synflow
from nassearch.proxies.synflow import logsynflow, synflow, synflow_bn
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.statistics.correlation import spearman
from nassearch.types import Task

SPACE = NASBench201()
TASK = Task((3, 12, 12), 10, (4, 8, 8), 2)
ARCHS = SPACE.sample_many(40, np.random.default_rng(4))
NETWORKS = [SPACE.network(arch, TASK) for arch in ARCHS]


def one_path(kernel: int = 3) -> Network:
    """A convolution from 2 to 3 channels on 2 x 2 pixels, batch norm, pooling, and a classifier of 2 with bias."""
    stem = Builder((2, 2, 2))
    stem.conv(0, 3, kernel=kernel)
    head = Builder(stem.shape)
    head.linear(head.global_pool(head.relu(head.batch_norm(0))), 2)
    return Network(((stem.done(), 1), (head.done(), 1)))


def with_mean_weights(network: Network) -> TorchNetwork:
    """Build a network whose weights and biases all equal E|theta| under PyTorch's default initialisation."""
    model = TorchNetwork(network, None)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
                for parameter in layer.parameters():
                    parameter.fill_(1 / (2 * math.sqrt(layer.weight[0].numel())))
    return model


def test_logsynflow_by_hand() -> None:
    conv, linear = 1 / (2 * math.sqrt(18)), 1 / (2 * math.sqrt(3))
    # Two classes read each of 3 channels by one weight, and pooling gives each of 4 pixels a quarter.
    upstream = 2 * linear / 4
    # Of the windows of 2 x 2 pixels of ones, the middle of the kernel meets 4 pixels, an edge 2, a corner 1.
    kernel = sum(count * math.log(1 + pixels * upstream) for count, pixels in ((1, 4), (4, 2), (4, 1)))
    pooled = 2 * conv * 4  # each window holds all 4 pixels, of 2 channels
    expected = 3 * 2 * conv * kernel + 2 * 3 * linear * math.log(1 + pooled)
    assert logsynflow([one_path()]) == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize("shift", [1.0, 1e-6])
@pytest.mark.parametrize("task", [TASK, Task((1, 20), 4, (3, 4), 2, "pool", 2)], ids=["images", "signals"])
def test_the_closed_form_is_the_full_width_of_mean_weights(task: Task, shift: float) -> None:
    networks = [SPACE.network(arch, task) for arch in ARCHS[:15]]
    full = [module_synflow(with_mean_weights(n), n.input_shape, shift=shift) for n in networks]
    # Sums of float64 in another order; float32 held E|theta| before it was widened.
    np.testing.assert_allclose(logsynflow(networks, shift=shift), full, rtol=1e-6)
    assert min(full) < max(full)


def test_the_closed_form_ranks_as_samples_do() -> None:
    expected = logsynflow(NETWORKS)
    samples = [logsynflow(NETWORKS, estimator="sampled", seed=seed) for seed in (0, 1)]
    # Narrow networks: two samples agree to .99 themselves.
    assert spearman(samples[0], samples[1]).value > 0.95
    assert spearman(expected, samples[0]).value > 0.95
    assert (samples[0] != samples[1])[expected > 0].all()


def test_dead_layers_count_only_with_a_shift() -> None:
    dead = SPACE.network((3, 0, 0, 0, 0, 0), TASK)
    empty = SPACE.network((0,) * 6, TASK)
    assert logsynflow([dead, empty]).tolist() == [0.0, 0.0]
    # 9 * C * C weights of each of 2 cells per stage, of size 1 / (2 * sqrt(9 * C)), at |log 1e-6|; the convolutions
    # of the first stage's first cell are read by nothing, but read the stem: no gradient comes back to them either.
    extra = sum(2 * 9 * c * c / (2 * math.sqrt(9 * c)) for c in TASK.channels) * -math.log(1e-6)
    found = logsynflow([dead, empty], shift=1e-6)
    assert found[0] - found[1] == pytest.approx(extra, rel=1e-9)


def test_a_convolution_used_twice_is_not_two() -> None:
    twice = SPACE.network((3, 1, 0, 1, 1, 0), TASK)
    beside = SPACE.network((3, 3, 0, 0, 1, 1), TASK)
    once = SPACE.network((3, 1, 0, 0, 1, 0), TASK)
    shared, parallel, _ = logsynflow([twice, beside, once])
    assert shared != parallel
    assert not logsynflow.is_per_key({})
    assert synflow.is_per_key({})
    assert not synflow.is_per_key({"estimator": "sampled"})


def test_chunks_are_seconds_of_work_whatever_the_estimator() -> None:
    assert synflow.chunk_size({}) == synflow.chunk_size({"estimator": "expected"})
    assert synflow.chunk_size({}) > 10 * synflow.chunk_size({"estimator": "sampled"})


def test_synflow_with_batch_norm_by_hand() -> None:
    # A 1x1 convolution makes all pixels equal: batch norm leaves 0 of them and lets no gradient back, and what comes
    # through is the bias of the classifier, which is not scored. A 3x3 one meets its borders.
    # Equal pixels may differ in their last bit, which batch norm multiplies by 1 / sqrt(1e-5).
    assert synflow_bn([one_path(1)])[0] == pytest.approx(0, abs=1e-10)
    assert synflow_bn([one_path(3)])[0] > 1
    assert synflow([one_path(1)])[0] > 0


def test_synflow_with_batch_norm_against_plain_torch() -> None:
    for network in NETWORKS[:4]:
        model = TorchNetwork(network, torch.Generator().manual_seed(7)).double().train()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(parameter.abs())
        model(torch.ones(1, *network.input_shape, dtype=torch.float64)).sum().backward()
        layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        total = sum(
            float((m.weight.detach() * m.weight.grad).abs().sum())
            for m in layers
            if m.weight.grad is not None
        )
        assert synflow_bn([network], seed=7)[0] == pytest.approx(total, rel=1e-9)
        assert scaled_network_synflow(network, 7).value == pytest.approx(
            synflow([network], estimator="sampled", seed=7)[0], rel=1e-9
        )


@pytest.mark.parametrize("shift", [0, -1, math.inf, "small"])
def test_shift_is_a_positive_number(shift: object) -> None:
    with pytest.raises(InvalidSetting, match=r"is a (positive )?number"):
        logsynflow(NETWORKS[:1], shift=shift)


def test_unknown_estimators_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="expected or sampled, not 'exact'"):
        logsynflow(NETWORKS[:1], estimator="exact")
