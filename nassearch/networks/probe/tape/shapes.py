"""The layers of a tape that choose and arrange: maxima, channels side by side, the first channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.networks.graph import Layer
from nassearch.networks.modules.channels_last import last
from nassearch.networks.probe.tape.ops import Op, Tangent, aten

MAX_POOL: tuple[Any, ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)


class MaxPool(Op):
    """The largest under each window, of equal ones the first; padding never is."""

    def __init__(self, reads: tuple[int, ...], layer: Layer) -> None:
        super().__init__(reads)
        self.layer = layer

    def forward(self, *xs: Tensor) -> Tensor:
        layer, self.x = self.layer, xs[0]
        pool = MAX_POOL[len(layer.size) - 1]
        y, self.places = pool(xs[0], layer.kernel, layer.stride, layer.padding, return_indices=True)
        return last(y)

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        layer, shape = self.layer, self.x.shape
        if len(layer.size) == 2:  # in place, where scattering copies images to channels first and back
            window = [layer.kernel], [layer.stride], [layer.padding], [1], False
            return [aten.max_pool2d_with_indices_backward(dy, self.x, *window, self.places)]
        dx = dy.new_zeros(*shape[:2], shape[2:].numel())
        return [last(dx.scatter_add_(2, self.places.flatten(2), dy.flatten(2)).view(shape))]

    def tangent(self, *xs: Tangent) -> Tangent:
        if xs[0] is None:
            return None
        y = xs[0].flatten(2).gather(2, self.places.flatten(2))
        return last(y.view(*y.shape[:2], *self.layer.size))


class Concat(Op):
    """Channels one after the other."""

    def forward(self, *xs: Tensor) -> Tensor:
        self.shapes = [x.shape for x in xs]
        return last(torch.cat(xs, 1))

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        return [last(part) for part in dy.split([shape[1] for shape in self.shapes], 1)]

    def tangent(self, *xs: Tangent) -> Tangent:
        like = next((x for x in xs if x is not None), None)
        if like is None:
            return None
        there = [like.new_zeros(s) if x is None else x for x, s in zip(xs, self.shapes, strict=True)]
        return self.forward(*there)


class Truncate(Op):
    """The first channels."""

    def __init__(self, reads: tuple[int, ...], channels: int) -> None:
        super().__init__(reads)
        self.channels = channels

    def forward(self, *xs: Tensor) -> Tensor:
        self.shape = xs[0].shape
        return last(xs[0][:, : self.channels])

    def backward(self, dy: Tensor, weights: bool) -> list[Tensor]:
        dx = last(dy.new_zeros(self.shape))
        dx[:, : self.channels] = dy
        return [dx]

    def tangent(self, *xs: Tangent) -> Tangent:
        return None if xs[0] is None else self.forward(xs[0])
