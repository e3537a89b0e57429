"""Where epsilon is 0 in theory, and only rounding is computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nassearch
from nassearch.networks.constant.degrees import is_proportional
from nassearch.networks.graph import Builder, Network
from nassearch.proxies.epsilon import distance
from nassearch.registry import load
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

INPUTS = np.random.default_rng(0).normal(size=(32, 3, 12, 12)).astype(np.float32)
TASK = Task((3, 12, 12), 5, (4, 8), 1)


def vgg(width: int = 8, *, norm: bool = False, act: type[nn.Module] = nn.ReLU, layers: int = 2) -> nn.Module:
    parts: list[nn.Module] = []
    channels = 3
    for _ in range(layers):
        parts += [nn.Conv2d(channels, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else []), act()]
        channels = width
    parts += [nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5)]
    return nn.Sequential(*parts)


class Residual(nn.Module):
    """Paths with one and with two weights, so that the constants matter without any normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.end = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = x + torch.relu(self.second(x))
        return self.end(x.mean((2, 3)))


@pytest.mark.parametrize("weights", ["(1e-3, 1)", "(1, 1e-3)", "(0.01, 10)", "(0.3, 0.7)"])
@pytest.mark.parametrize("model", [vgg(4), vgg(32), vgg(8, act=nn.LeakyReLU), vgg(8, layers=6)])
def test_a_module_in_which_nothing_normalises_has_no_epsilon(model: nn.Module, weights: str) -> None:
    for layout in (torch.contiguous_format, torch.channels_last):
        spec = f"epsilon(weights={weights})"
        with pytest.warns(RuntimeWarning, match="epsilon is 0 up to rounding: score it by another proxy"):
            assert np.isnan(nassearch.score(model.to(memory_format=layout), INPUTS, [spec])[spec])


@pytest.mark.parametrize("model", [Residual(), vgg(act=nn.SiLU), vgg(act=nn.Sigmoid), vgg(act=nn.Hardtanh)])
def test_what_tells_constants_apart_has_one(model: nn.Module) -> None:
    assert nassearch.score(model, INPUTS, ["epsilon"])["epsilon"] > 1e-4


def test_a_chain_of_normalised_layers_ties_at_zero() -> None:
    # Each batch norm makes the same of signals in proportion, but for its 1e-5: what is left is rounding.
    scores = [
        nassearch.score(vgg(width, norm=True), 1e3 * INPUTS, ["epsilon"])["epsilon"] for width in (4, 8, 16)
    ]
    assert scores == [0, 0, 0]


def network(kind: str) -> Network:
    b = Builder((3, 12, 12))
    x = b.conv(0, 4, kernel=3)
    if kind == "norm":
        x = b.batch_norm(x)
    x = b.relu(x)
    if kind == "residual":
        x = b.add([x, b.conv(x, 4, kernel=3)])
    if kind == "equal paths":
        x = b.add([b.conv(x, 4, kernel=3), b.conv(b.avg_pool(x, 3, 1, 1), 4, kernel=1), b.zeros(x)])
    if kind == "dead norm":
        y = b.batch_norm(x)
        b.conv(y, 4, kernel=1)
        x = b.relu(x)
    if kind == "concatenated":
        x = b.concat([x, b.max_pool(x, 3, 1, 1)])
    b.linear(b.global_pool(x), 5)
    return Network(((b.done(), 1),))


PROPORTIONAL = {
    "plain": True, "equal paths": True, "dead norm": True, "concatenated": True, "norm": False, "residual": False,
}  # fmt: skip


@pytest.mark.parametrize("kind", PROPORTIONAL)
@pytest.mark.parametrize("path", ["collapsed", "full"])
def test_a_network_whose_outputs_are_proportional_has_none(kind: str, path: str) -> None:
    net = network(kind)
    assert is_proportional(net) == PROPORTIONAL[kind]
    scores, reasons = load("proxies", "epsilon").scored([net], Batch(INPUTS), weights=(1e-3, 1.0), path=path)
    if PROPORTIONAL[kind]:
        assert np.isnan(scores[0])
        assert "another proxy" in reasons[0]
    else:
        assert not reasons


def test_the_rule_is_that_of_the_numbers() -> None:
    # Powers of two pass through float32 without rounding, so that equal rows are equal bit by bit.
    for kind, expected in PROPORTIONAL.items():
        from nassearch.proxies.epsilon import outputs

        low, high = outputs([network(kind)], INPUTS, (2.0**-10, 1.0), "collapsed")[0]
        ratio = low / high
        assert bool((ratio == ratio[0]).all()) == expected, kind


def test_no_architecture_of_nasbench201_is_proportional() -> None:
    space = NASBench201()
    archs = space.sample_many(300, np.random.default_rng(0))
    assert not any(is_proportional(space.network(arch, TASK)) for arch in archs)


def test_rounding_ties_and_what_is_more_does_not() -> None:
    row = np.linspace(1, 2, 50, dtype=np.float32)
    eps = np.finfo(np.float32).eps
    for gap, ties in ((4 * eps, True), (1000 * eps, False)):
        other = row.copy()
        other[1:-1] += np.float32(gap)
        value = distance(np.stack([row, other]), roundings=32)
        assert (value == 0) == ties
        assert distance(np.stack([row, other])) > 0
