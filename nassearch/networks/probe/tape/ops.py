"""The layers of a tape: each forward, backward, and along a direction of the weights both ways.

In the formulas ' is the derivative along g, the gradient of the loss as a constant; dy is dL/dy. A tangent of None is
zero. Memory is channels last; every op may overwrite neither what it reads nor what it is given.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nassearch.networks.graph import Layer
from nassearch.networks.modules.channels_last import column, combined, inner, last, sums

aten: Any = torch.ops.aten
Tangent = Tensor | None


class Op:
    """A layer that passes through what it gets: the input and the sum of one thing."""

    def __init__(self, reads: tuple[int, ...]) -> None:
        self.reads = reads
        self.curvature = 0.0
        self.first = False

    def forward(self, *xs: Tensor) -> Tensor:
        raise NotImplementedError

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        """Return dL/dx for each x; with `weights`, keep what weights' gradients and tangents need."""
        raise NotImplementedError

    def tangent(self, *xs: Tangent) -> Tangent:
        raise NotImplementedError

    def backward_tangent(self, dy: Tensor) -> list[Tensor]:
        """Return (dL/dx)' from (dL/dy)'; leave in `curvature` the sum of W * (Hg) over the weights."""
        return self.backward(dy, False)


class Input(Op):
    """The inputs, which pass nothing back."""

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        return []


class Zeros(Input):
    """Zeros, whatever the input."""

    def __init__(self, channels: int, size: tuple[int, ...], like: Tensor) -> None:
        super().__init__(())
        self.y = last(like.new_zeros(len(like), channels, *size))

    def forward(self, *xs: Tensor) -> Tensor:
        return self.y

    def tangent(self, *xs: Tangent) -> Tangent:
        return None


class Add(Op):
    """A sum."""

    def forward(self, *xs: Tensor) -> Tensor:
        y = xs[0] + xs[1]
        for x in xs[2:]:
            y += x
        return y

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        return [dy] * len(self.reads)

    def tangent(self, *xs: Tangent) -> Tangent:
        there = [x for x in xs if x is not None]
        return self.forward(*there) if len(there) > 1 else next(iter(there), None)


class Relu(Op):
    """ReLU."""

    def forward(self, *xs: Tensor) -> Tensor:
        self.y: Tensor = torch.relu(xs[0])
        return self.y

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        return [aten.threshold_backward(dy, self.y, 0)]

    def tangent(self, *xs: Tangent) -> Tangent:
        return None if xs[0] is None else self.backward(xs[0], False)[0]


class GlobalPool(Op):
    """The mean over all positions."""

    def forward(self, *xs: Tensor) -> Tensor:
        self.shape = xs[0].shape
        return xs[0].flatten(2).mean(2)

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        area = self.shape[2:].numel()
        return [last((dy / area).view(*dy.shape, *[1] * (len(self.shape) - 2)).expand(self.shape))]

    def tangent(self, *xs: Tangent) -> Tangent:
        return None if xs[0] is None else self.forward(xs[0])


class AvgPool(Op):
    """Average pooling that does not count its padding: a depthwise convolution by ones, over how many it counts."""

    def __init__(self, reads: tuple[int, ...], layer: Layer, size: tuple[int, ...], like: Tensor) -> None:
        super().__init__(reads)
        axes, channels = len(size), layer.channels
        self.weight = last(like.new_ones(channels, 1, *[layer.kernel] * axes))
        window = ([layer.stride] * axes, [layer.padding] * axes, [1] * axes, False, [0] * axes)
        self.settings = (*window, channels)
        self.share = 1 / aten.convolution(like.new_ones(1, 1, *size), self.weight[:1], None, *window, 1)

    def forward(self, *xs: Tensor) -> Tensor:
        self.x = xs[0]
        return self._pool(xs[0])

    def _pool(self, x: Tensor) -> Tensor:
        y: Tensor = aten.convolution(x, self.weight, None, *self.settings)
        y.mul_(self.share)
        return y

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        mask = [True, False, False]
        return [
            aten.convolution_backward(dy * self.share, self.x, self.weight, None, *self.settings, mask)[0]
        ]

    def tangent(self, *xs: Tangent) -> Tangent:
        return None if xs[0] is None else self._pool(xs[0])


class BatchNorm(Op):
    """Batch norm on the statistics of the batch, with gain 1 and bias 0.

    Its derivative is a symmetric matrix per channel, P v = s (v - mean(v) - y mean(v y)), so the tangent forward is
    the ordinary backward pass applied to z', and the tangent of dz = P dy is
    P dy' - s (a dz + c y' + e y), a = mean(z' y), c = mean(dy y), e = mean(dz z') = mean(dy y').
    """

    def __init__(self, reads: tuple[int, ...], eps: float) -> None:
        super().__init__(reads)
        self.eps, self.after_weights = eps, False

    def forward(self, *xs: Tensor) -> Tensor:
        z = xs[0]
        self.rows = z.numel() // z.shape[1]
        total, square = sums(z, z)
        mean = total / self.rows
        variance = (square / self.rows - mean.square()).clamp(min=0)
        self.s = (variance + self.eps).rsqrt()
        self.y = combined(-self.s * mean, (z, self.s))
        return self.y

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        s = self.s
        total, along = sums(dy, self.y)
        c = along / self.rows
        dz = combined(-s * total / self.rows, (dy, s), (self.y, -s * c))
        if weights:
            self.dz, self.c = dz, c
        return [dz]

    def tangent(self, *xs: Tangent) -> Tangent:
        self.a = None
        z, s = xs[0], self.s
        if z is None:
            return None
        total, along, e = sums(z, self.y, self.dz)
        self.a, self.e = along / self.rows, e / self.rows
        self.y_tangent = combined(-s * total / self.rows, (z, s), (self.y, -s * self.a))
        return self.y_tangent

    def backward_tangent(self, dy: Tensor) -> list[Tensor]:
        if self.a is None:
            return self.backward(dy, False)
        s = self.s
        total, along = sums(dy, self.y)
        c = along / self.rows + self.e
        terms = (dy, s), (self.y, -s * c), (self.dz, -s * self.a), (self.y_tangent, -s * self.c)
        dz = combined(-s * total / self.rows, *terms)
        if self.after_weights:
            curvature = self.rows * self.eps * s.square() * (c - 2 * self.c * s * self.a)
            self.curvature = float(curvature.sum())
        return [dz]


class Weighted(Op):
    """A convolution or linear layer y = W x + b."""

    def __init__(self, reads: tuple[int, ...], module: Any) -> None:
        super().__init__(reads)
        self.module, self.normed = module, False
        self.weight, self.bias = last(module.weight.detach()), module.bias
        self.gradient = torch.zeros_like(self.weight)

    def forward(self, *xs: Tensor) -> Tensor:
        self.x = xs[0]
        self.z = self.times(self.x, self.weight)
        if self.bias is None:
            return self.z
        return self.z + column(self.bias.detach(), self.z)

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        dx, gradient = self.back(dy, self.weight, not self.first, weights)
        if weights:
            self.dz, self.gradient = dy, gradient
        return [dx]

    def tangent(self, *xs: Tangent) -> Tangent:
        z = self.times(self.x, self.gradient)
        if xs[0] is not None:
            z += self.times(xs[0], self.weight)
        self.z_tangent = None if self.normed else z
        return z

    def backward_tangent(self, dy: Tensor) -> list[Tensor]:
        self.curvature = -inner(self.gradient, self.gradient)
        if self.z_tangent is not None:
            self.curvature += inner(self.z_tangent, self.dz) + inner(self.z, dy)
        if self.first:
            return []
        dx, _ = self.back(dy, self.weight, True, False)
        dx += self.back(self.dz, self.gradient, True, False)[0]
        return [dx]

    def times(self, x: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError

    def back(self, dy: Tensor, weight: Tensor, dx: bool, dw: bool) -> tuple[Any, Any]:
        raise NotImplementedError


class Conv(Weighted):
    """A convolution with one group."""

    @property
    def settings(self) -> tuple[Any, ...]:
        axes = self.weight.dim() - 2
        return (self.module.stride, self.module.padding, self.module.dilation, False, [0] * axes, 1)

    def times(self, x: Tensor, weight: Tensor) -> Tensor:
        z: Tensor = aten.convolution(x, weight, None, *self.settings)
        return z

    def back(self, dy: Tensor, weight: Tensor, dx: bool, dw: bool) -> tuple[Any, Any]:
        found = aten.convolution_backward(dy, self.x, weight, None, *self.settings, [dx, dw, False])
        return found[0], found[1]


class Linear(Weighted):
    """A linear layer on `[B, C]`."""

    def times(self, x: Tensor, weight: Tensor) -> Tensor:
        return x @ weight.T

    def back(self, dy: Tensor, weight: Tensor, dx: bool, dw: bool) -> tuple[Any, Any]:
        return dy @ weight if dx else None, dy.T @ self.x if dw else None
