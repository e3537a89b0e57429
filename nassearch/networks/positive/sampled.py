"""Interpreter: synflow of a network with sampled weights, by value and tangent at full width."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.networks.constant.activations import slopes
from nassearch.networks.graph import LEFT_OUT, Layer, Network
from nassearch.networks.modules.network import TorchBlock, TorchNetwork, one_thread, shifted
from nassearch.networks.positive.mean_network import OPEN
from nassearch.networks.positive.scaled import Scaled, surplus
from nassearch.networks.positive.words import CURVED
from nassearch.types import Floats


def scaled_sample(network: Network, seed: int) -> Scaled:
    """Return synflow of one initialisation, the weights drawn from `seed`: no batch norm, no logarithm."""
    model = TorchNetwork(network, torch.Generator().manual_seed(seed)).double()
    return scaled_dual(model, network.input_shape)


def scaled_dual(model: TorchNetwork, input_shape: tuple[int, ...]) -> Scaled:
    """Return the sum over weights of |theta * dR/dtheta| at |theta|, by value and tangent in a batch of two."""
    value = torch.ones(1, *input_shape, dtype=torch.float64)
    x, power = torch.cat([value, torch.zeros_like(value)]), 0
    with one_thread(), torch.inference_mode():
        for block in model.blocks:
            assert isinstance(block, TorchBlock)
            x, power = _run(block, x, power)
    return Scaled(float(x[1].sum()), power)


def _run(block: TorchBlock, entry: Tensor, start: int) -> tuple[Tensor, int]:
    """Take a signal through a block.

    Each signal is to be multiplied by a power of two, which is 0 unless float64 is too small for it.
    """
    values: list[Tensor] = []
    powers: list[int] = []
    for layer, module in zip(block.block, block.layers, strict=True):
        power = max((powers[i] for i in layer.inputs), default=start)
        if layer.bias:
            power = max(power, 0)  # the unit of the bias
        read = [_times(values[i], powers[i] - power) for i in layer.inputs]
        if layer.op == "input":
            y = entry
        elif layer.op == "zeros":
            y = entry.new_zeros(2, layer.channels, *layer.size)
        elif layer.op == "multiply":
            y, power = _product(*(values[i] for i in layer.inputs)), sum(powers[i] for i in layer.inputs)
        elif layer.op in CURVED:
            y = _curved(layer.op, read[0], power)
            power = 0 if layer.op in OPEN else power
        elif layer.op == "add":
            y = torch.stack(read).sum(0)
        elif layer.op == "lstm":
            y = module.mean(read[0])  # type: ignore[operator]
        elif layer.op in LEFT_OUT:
            y = read[0]
        elif layer.op == "concat":
            y = torch.cat(read, 1)
        elif layer.op == "truncate":
            y = read[0][:, : layer.channels]
        elif layer.op == "tail":
            y = read[0][:, -layer.channels :]
        elif layer.op == "shift":
            y = shifted(read[0])
        elif layer.op == "max_pool":
            y = _max_pool(layer, read[0])
        elif layer.op == "global_pool":
            y = read[0].flatten(2).mean(2)
        elif layer.op in ("conv", "linear", "frame_conv"):
            y = _weighted(layer, module, read[0], power)
        else:
            y = module(read[0])
        more = surplus(float(y.max()))
        values.append(_times(y, -more))
        powers.append(power + more)
    return values[-1], powers[-1]


def _product(x: Tensor, gate: Tensor) -> Tensor:
    gate = gate.view(*gate.shape, *[1] * (x.dim() - gate.dim()))
    return torch.stack([x[0] * gate[0], x[1] * gate[0] + x[0] * gate[1]])


def _curved(op: str, x: Tensor, power: int) -> Tensor:
    """Return value and tangent of an activation, those of sigmoids not to be multiplied by 2 ** power."""
    shares, slope = map(torch.from_numpy, slopes(op, _as_numbers(x[0].numpy(), power)))
    if op in OPEN:
        return torch.stack([shares, _times(x[1] * slope, power)])
    return torch.stack([x[0] * shares, x[1] * slope])


def _as_numbers(x: Floats, power: int) -> Floats:
    with np.errstate(over="ignore"):  # what is beyond float64 is treated as its largest is
        return np.ldexp(x, power)


def _times(x: Tensor, exponent: int) -> Tensor:
    return torch.ldexp(x, torch.tensor(exponent)) if exponent else x


def _weighted(layer: Layer, module: torch.nn.Module, x: Tensor, power: int) -> Tensor:
    weight = module.weight.abs()  # type: ignore[operator]
    both = torch.stack([x[0], x[0] + x[1]])
    if layer.op == "linear":
        y = F.linear(both, weight)
    elif layer.op == "frame_conv":
        y = module.convolve(both, weight)  # type: ignore[operator]
    else:
        conv = (F.conv1d, F.conv2d, F.conv3d)[len(layer.size) - 1]
        window = layer.stride, layer.padding, layer.dilation
        y = conv(both, weight, None, *window, layer.groups)
    if layer.bias:
        y[0] += _times(module.bias.abs(), -power).view(-1, *[1] * len(layer.size))  # type: ignore[operator]
    return y


def _max_pool(layer: Layer, x: Tensor) -> Tensor:
    """Let tangents follow the largest values, of equal ones the first."""
    axes = len(layer.size)
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[axes - 1]
    value, place = pool(x[:1], layer.kernel, layer.stride, layer.padding, return_indices=True)
    tangent = x[1:].flatten(2).gather(2, place.flatten(2)).view_as(value)
    return torch.cat([value, tangent])
