"""Costs are counted from descriptions, and found by running what has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nassearch.constraints import cost_of, measure_latency
from nassearch.constraints.costs import module_of
from nassearch.errors import InvalidModel, InvalidSetting
from nassearch.networks.counting import activations
from nassearch.networks.graph import Builder, Network
from nassearch.networks.recurrent import RecurrentNetwork
from nassearch.networks.tracing.held import module_activations
from nassearch.networks.tracing.macs import module_macs
from nassearch.spaces.built import built
from nassearch.spaces.choices import Choices
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Arch, Task

TASK = Task((3, 8, 8), 10, (4, 8, 8), 1)


class Widths(Choices):
    """Modules of two layers."""

    name = "widths"
    choices = (("4", "8"), ("relu", "tanh"))

    def network(self, arch: Arch, task: Task) -> Any:
        width = (4, 8)[arch[0]]
        head = nn.Linear(width * 64, task.classes)
        return nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), (nn.ReLU, nn.Tanh)[arch[1]](), nn.Flatten(), head
        )


def test_a_description_is_counted() -> None:
    space = NASBench201()
    arch = space.parse("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|")
    found, module = cost_of(space, arch, TASK), module_of(built(space, arch, TASK))
    assert found.params == sum(parameter.numel() for parameter in module.parameters())
    assert found.flops == module_macs(module, TASK.input_shape) and found.latency is None
    # The module keeps what its blocks give until they end.
    assert 0 < (found.memory or 0) - 4 * found.params <= module_activations(module, TASK.input_shape)
    assert found == cost_of(space, arch, TASK) and cost_of(space, arch, TASK, ["flops"]).params is None


def test_activations_are_held_until_they_are_read_for_the_last_time() -> None:
    build = Builder((2, 4, 4))  # 32 numbers
    first = build.conv(0, 3, kernel=3)  # 48, beside the input
    second = build.relu(first)  # 48, beside the first; the input was read for the last time
    build.conv(0, 50, kernel=3)  # read by nobody, so not computed
    assert activations(Network(((build.done(second), 1),))) == 48 + 48
    build.add([build.conv(0, 3), second])  # what is added, and the sum
    assert activations(Network(((build.done(), 1),))) == 48 + 48 + 48


def test_a_module_is_run_and_looked_at() -> None:
    found = cost_of(Widths(), (0, 1), TASK)
    params = 4 * 3 * 9 + 4 + 4 * 64 * 10 + 10
    # input, output of the convolution and of tanh, in float32; then the logits take the place of the convolution
    assert found.params == params and found.memory == 4 * (params + 3 * 64 + 2 * 4 * 64)
    assert found.flops == 4 * 64 * 3 * 9 + 4 * 64 * 10
    inplace = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
    assert module_activations(inplace, (3, 8, 8)) == 4 * 64 * (3 + 4)


def test_what_has_no_cost_is_refused() -> None:
    class Strange(Widths):
        """Networks of no kind."""

        def network(self, arch: Arch, task: Task) -> Any:
            return "a network"

    with pytest.raises(InvalidSetting, match="what a str costs is not known"):
        cost_of(Strange(), (0, 0), TASK)


def test_every_space_has_networks_with_a_cost() -> None:
    from nassearch import registry

    tasks = {"nasbench-asr": Task((80, 12), 48, channels=(100, 100, 100), cells=1)}
    for name in ("nasbench-asr", "nasbench101", "nats-size", "transnas-macro", "transnas-micro"):
        space = registry.load("benchmarks", name).make_space()
        task = tasks.get(name, Task((3, 64, 64), 10, channels=(2,), cells=2))
        if name in ("nasbench101", "nats-size"):
            task = TASK
        found = cost_of(space, space.sample(np.random.default_rng(0)), task)
        assert min(found.params or 0, found.flops or 0, (found.memory or 0) - 4 * (found.params or 0)) > 0, (
            name
        )


def test_a_recurrent_network_is_a_module_too() -> None:
    from nassearch.networks.recurrent import Cell, CellNode

    cell = Cell((2,), (CellNode("linear", (0, 1)),))
    network = RecurrentNetwork(cell, (4, 4), 6)
    assert module_of(network)(torch.zeros(1, 5, dtype=torch.int64)).shape == (1, 5, 6)


def test_latency_leaves_all_as_it_was() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 8)).train()
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    found = measure_latency(model, (8,), threads=2)
    assert 0 < found < 1000 and model.training and torch.get_num_threads() == threads
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(InvalidModel, match=r"torch\.nn\.Module"):
        measure_latency("model", (8,))


def test_more_work_takes_longer() -> None:
    small, large = (nn.Sequential(*[nn.Linear(512, 512) for _ in range(n)]) for n in (1, 40))
    # 40 times the work; other processes would have to take nineteen parts of twenty of one and nothing of the other
    assert measure_latency(large, (512,)) > 2 * measure_latency(small, (512,))
