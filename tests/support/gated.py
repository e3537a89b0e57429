"""Networks for phones: random descriptions, and the same networks as modules that know nothing of descriptions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from nassearch.networks.graph import Builder, Network
from nassearch.networks.modules.network import TorchNetwork

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
}
GATES: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "hard_sigmoid": nn.Hardsigmoid}


class Stage(NamedTuple):
    """An inverted residual."""

    width: int
    kernel: int
    stride: int
    expansion: int
    activation: str
    gate: str | None
    groups: int
    """Of the last convolution."""


def random_stages(rng: np.random.Generator, activations: tuple[str, ...] = (*ACTIVATIONS,)) -> list[Stage]:
    return [
        Stage(
            int(rng.choice([4, 8])),
            int(rng.choice([3, 5])),
            int(rng.choice([1, 2])),
            int(rng.choice([1, 2, 3])),
            str(rng.choice(activations)),
            [None, "sigmoid", "hard_sigmoid"][int(rng.integers(3))],
            int(rng.choice([1, 2])),
        )
        for _ in range(3)
    ]


def described(stages: list[Stage], shape: tuple[int, ...], classes: int, biased: bool = False) -> Network:
    stem = Builder(shape)
    stem.activation("hard_swish", stem.batch_norm(stem.conv(0, 8, 3, 2, bias=biased)))
    chain, shape = [(stem.done(), 1)], stem.shape
    for stage in stages:
        build = Builder(shape)
        inner = stage.expansion * shape[0]
        x = build.activation(stage.activation, build.batch_norm(build.conv(0, inner)))
        x = build.batch_norm(build.conv(x, inner, stage.kernel, stage.stride, biased, groups=inner))
        x = build.activation(stage.activation, x)
        if stage.gate:
            gate = build.activation("relu", build.linear(build.global_pool(x), 4))
            x = build.multiply(x, build.activation(stage.gate, build.linear(gate, inner)))
        x = build.batch_norm(build.conv(x, stage.width, groups=stage.groups))
        if stage.stride == 1 and stage.width == shape[0]:
            build.add([0, x])
        chain.append((build.done(), 1))
        shape = build.shape
    head = Builder(shape)
    head.linear(head.global_pool(head.activation("swish", head.batch_norm(head.conv(0, 16)))), classes)
    return Network((*chain, (head.done(), 1)))


class Gate(nn.Module):
    def __init__(self, width: int, kind: str) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(width, 4, 1), nn.Conv2d(4, width, 1)
        self.relu, self.gate = nn.ReLU(), GATES[kind]()

    def forward(self, x: Tensor) -> Tensor:
        y = x.mean((2, 3), keepdim=True)
        gated: Tensor = x * self.gate(self.excite(self.relu(self.squeeze(y))))
        return gated


class Residual(nn.Module):
    def __init__(self, stage: Stage, width: int, biased: bool) -> None:
        super().__init__()
        inner = stage.expansion * width
        padding = stage.kernel // 2
        layers: list[nn.Module] = [
            nn.Conv2d(width, inner, 1, bias=False),
            nn.BatchNorm2d(inner),
            ACTIVATIONS[stage.activation](),
            nn.Conv2d(inner, inner, stage.kernel, stage.stride, padding, groups=inner, bias=biased),
            nn.BatchNorm2d(inner),
            ACTIVATIONS[stage.activation](),
        ]
        layers += [Gate(inner, stage.gate)] if stage.gate else []
        layers += [
            nn.Conv2d(inner, stage.width, 1, groups=stage.groups, bias=False),
            nn.BatchNorm2d(stage.width),
        ]
        self.layers = nn.Sequential(*layers)
        self.adds = stage.stride == 1 and stage.width == width

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.adds else y


def module_of(
    stages: list[Stage], channels: int, classes: int, network: Network, seed: int, biased: bool = False
) -> nn.Module:
    """Return the module of these stages, with the weights that a description has under a seed."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 8, 3, 2, 1, bias=biased),
        nn.BatchNorm2d(8),
        nn.Hardswish(),
    ]
    width = 8
    for stage in stages:
        layers.append(Residual(stage, width, biased))
        width = stage.width
    layers += [nn.Conv2d(width, 16, 1, bias=False), nn.BatchNorm2d(16), nn.SiLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, classes)]
    model = nn.Sequential(*layers)
    drawn = TorchNetwork(network, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for own, given in zip(model.parameters(), drawn.parameters(), strict=True):
            own.copy_(given.view_as(own))
    return model
