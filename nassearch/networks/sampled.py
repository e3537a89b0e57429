"""Interpreter: dual numbers through a full-width network with sampled weights."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.networks.graph import Layer, Network
from nassearch.networks.torch_module import TorchBlock, TorchNetwork, one_thread


def sampled_synflow(network: Network, seed: int) -> float:
    """Return synflow of one initialisation, the weights drawn from `seed`: float64, no batch norm, no logarithm."""
    model = TorchNetwork(network, torch.Generator().manual_seed(seed)).double()
    return dual_synflow(model, network.input_shape)


def dual_synflow(model: TorchNetwork, input_shape: tuple[int, ...]) -> float:
    """Return the sum over weights of |theta * dR/dtheta| at |theta|, by value and tangent in a batch of two."""
    value = torch.ones(1, *input_shape, dtype=torch.float64)
    x = torch.cat([value, torch.zeros_like(value)])
    with one_thread(), torch.inference_mode():
        for block in model.blocks:
            assert isinstance(block, TorchBlock)
            x = _run(block, x)
    return float(x[1].sum())


def _run(block: TorchBlock, x: Tensor) -> Tensor:
    values: list[Tensor] = []
    for layer, module in zip(block.block, block.layers, strict=True):
        read = [values[i] for i in layer.inputs]
        if layer.op == "input":
            y = x
        elif layer.op == "zeros":
            y = x.new_zeros(2, layer.channels, *layer.size)
        elif layer.op == "add":
            y = torch.stack(read).sum(0)
        elif layer.op in ("relu", "batch_norm"):
            y = read[0]
        elif layer.op == "global_pool":
            y = read[0].flatten(2).mean(2)
        elif layer.op in ("conv", "linear"):
            y = _weighted(layer, module, read[0])
        else:
            y = module(read[0])
        values.append(y)
    return values[-1]


def _weighted(layer: Layer, module: torch.nn.Module, x: Tensor) -> Tensor:
    weight = module.weight.abs()  # type: ignore[operator]
    both = torch.stack([x[0], x[0] + x[1]])
    if layer.op == "linear":
        y = F.linear(both, weight)
    else:
        conv = (F.conv1d, F.conv2d, F.conv3d)[len(layer.size) - 1]
        y = conv(both, weight, stride=layer.stride, padding=layer.padding)
    if layer.bias:
        y[0] += module.bias.abs().view(-1, *[1] * len(layer.size))  # type: ignore[operator]
    return y
