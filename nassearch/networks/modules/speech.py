"""Layers of speech networks as torch modules, for signals `[B, channels, frames]`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.networks.graph import CAP, Layer

NORM_EPS = 1e-3
"""Of layer norm, in the published networks."""


class FrameConv(nn.Conv1d):
    """A convolution with other numbers of zeros before and after the frames."""

    def __init__(self, layer: Layer, origin: Layer) -> None:
        # On the meta device the constructor draws nothing from the global generator.
        super().__init__(
            origin.channels,
            layer.channels,
            layer.kernel,
            layer.stride,
            dilation=layer.dilation,
            groups=layer.groups,
            bias=layer.bias,
            device="meta",
        )
        (frames,), (outputs,) = origin.size, layer.size
        reach = (outputs - 1) * layer.stride + (layer.kernel - 1) * layer.dilation + 1
        self.zeros = (layer.padding, reach - frames - layer.padding)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return what this layer does to `[B, C, frames]` with other weights."""
        return F.conv1d(F.pad(x, self.zeros), weight, bias, self.stride, 0, self.dilation, self.groups)


class Cap(nn.Module):
    """min(x, 20), the upper end of a clipped ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(max=CAP)


class FrameNorm(nn.LayerNorm):
    """Layer norm over the channels of each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class FrameLSTM(nn.LSTM):
    """An LSTM with one bias per gate, as Keras has it: the weights of one more input, which is always 1."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__(width + 1, channels, bias=False, batch_first=True, device="meta")

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        rows: Tensor = super().forward(F.pad(x.transpose(1, 2), (0, 1), value=1.0))[0]
        return rows.transpose(1, 2)

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean of the input channels on every channel, which stands for the LSTM where flow is linear."""
        return x.mean(1, keepdim=True).expand(-1, self.hidden_size, -1)


def frame_module(layer: Layer, origin: Layer, generator: torch.Generator | None) -> nn.Module:
    """Return the module of a layer of `FRAME_OPS` that reads `origin`, with PyTorch's default initial weights."""
    if layer.op == "cap":
        return Cap()
    if layer.op == "layer_norm":
        return FrameNorm(layer.channels)
    if layer.op == "lstm":
        module: nn.Module = FrameLSTM(origin.channels, layer.channels)
        bound = 1 / math.sqrt(layer.channels)
    else:
        module = FrameConv(layer, origin)
        bound = 1 / math.sqrt(origin.channels // layer.groups * layer.kernel)
    module = module.to_empty(device="cpu")
    with torch.no_grad():
        for parameter in module.parameters():
            if generator is None:
                parameter.zero_()
            else:
                parameter.uniform_(-bound, bound, generator=generator)
    return module
