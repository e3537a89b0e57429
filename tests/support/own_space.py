"""A small space of torch modules of a user's own, and others that are wrong in one way each."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

CHOICES: dict[str, Any] = {
    "depth": [1, 2, 3],
    "width": [4, 8],
    "block": {
        "plain": {},
        "inner": {"expansion": [1, 2], "gate": {False: {}, True: {"act": [nn.ReLU, nn.Tanh]}}},
    },
    "norm": [None, nn.BatchNorm2d],
}
"""Of 3 * 2 * (1 + 2 * (1 + 2)) * 2 = 84 architectures."""


class Inner(nn.Module):
    """A bottleneck, perhaps with a gate."""

    def __init__(self, width: int, inner: int, gate: nn.Module | None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, inner, 3, padding=1), nn.ReLU(), nn.Conv2d(inner, width, 1)
        )
        self.gate = gate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.body(x)
        return x + (y if self.gate is None else y * self.gate(x))


def build(
    depth: int,
    width: int,
    block: str,
    norm: type[nn.Module] | None,
    expansion: int = 1,
    gate: bool = False,
    act: type[nn.Module] | None = None,
    *,
    classes: int,
    input_shape: tuple[int, ...],
) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(input_shape[0], width, 3, padding=1), nn.ReLU()]
    for _ in range(depth):
        if block == "plain":
            layers.append(nn.Conv2d(width, width, 3, padding=1))
        else:
            layers.append(Inner(width, width // expansion, act() if gate and act else None))
        layers += [norm(width)] if norm else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


space = (CHOICES, build)
twice = (CHOICES, partial(build, classes=10))
