"""Initial weights of a network's torch module."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nassearch.errors import UnknownName
from nassearch.networks.graph import Network
from nassearch.networks.modules.network import TorchNetwork

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
"""Layers whose weights the proxies of zero-cost NAS look at; batch norm and biases are left out."""


def _kaiming(inputs: int, outputs: int) -> float:
    return math.sqrt(2 / inputs)


def _xavier(inputs: int, outputs: int) -> float:
    return math.sqrt(2 / (inputs + outputs))


INITS: dict[str, Callable[[int, int], float] | None] = {
    "default": None,
    "kaiming": _kaiming,
    "xavier": _xavier,
}
BIASES = ("default", "zero")


def initialised(network: Network, seed: int, init: str = "default", bias: str = "default") -> TorchNetwork:
    """Build a network with weights drawn from a seed, the global generator neither read nor moved.

    Document: Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), table 15. Batch norm starts at gain 1
    and bias 0 in all of them.

    Args:
        network: what to build.
        seed: of the weights.
        init: weights of convolutions and classifier. "default", PyTorch's: U(-b, b) with b = 1 / sqrt(fan_in);
            "kaiming": N(0, 2 / fan_in) (He et al. 2015); "xavier": N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio
            2010). A fan counts the kernel: channels times kernel area.
        bias: of the same layers, where they have one. "default": U(-b, b) as above; "zero".

    Raises:
        UnknownName: no such init or bias.
    """
    check_init(init, bias)
    generator = torch.Generator().manual_seed(seed)
    model = TorchNetwork(network, generator)
    deviation = INITS[init]
    for layer in model.modules():
        if isinstance(layer, WEIGHTED):
            if deviation is not None:
                _normal(layer.weight, deviation, generator)
            if bias == "zero" and layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def check_init(init: str, bias: str) -> None:
    """Raise `UnknownName` where `initialised` would."""
    for kind, name, known in (("init", init, INITS), ("bias", bias, BIASES)):
        if name not in known:
            raise UnknownName(kind, str(name), known)


@torch.no_grad()
def _normal(weight: Tensor, deviation: Callable[[int, int], float], generator: torch.Generator) -> None:
    area = math.prod(weight.shape[2:])
    weight.normal_(0, deviation(weight.shape[1] * area, weight.shape[0] * area), generator=generator)
