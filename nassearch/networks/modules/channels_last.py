"""Sums and products by channel of tensors whose memory is channels last; sums are exact to float32's rounding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

aten: Any = torch.ops.aten
CACHED = 2**18
"""Numbers that a core's cache holds, 1 MiB of float32: products of so many are summed before they have left it."""


def last(x: Tensor) -> Tensor:
    """Return a tensor with channels last in memory where the layout exists, for images."""
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x.contiguous()


def samples(x: Tensor) -> Tensor:
    """Return `[B, C, *size]` as `[B, positions, C]`."""
    return x.movedim(1, -1).reshape(len(x), -1, x.shape[1])


def dots(x: Tensor, y: Tensor) -> Tensor:
    """Return the inner products of two tensors per channel, float64 `[C]`.

    Within a sample in float32, over samples in float64: torch's own sums per channel, with channels last, add value by
    value in float32 and lose two more digits.
    """
    together = max(1, CACHED // x[0].numel())
    products = [samples(a * b).sum(1) for a, b in zip(x.split(together), y.split(together), strict=True)]
    return torch.cat(products).sum(0, dtype=torch.float64)


def totals(x: Tensor) -> Tensor:
    """Return the sums per channel, float64 `[C]`, as exactly as `dots`."""
    parts = samples(x)
    return torch.bmm(x.new_ones(len(x), 1, parts.shape[1]), parts).sum((0, 1), dtype=torch.float64)


def scaled(x: Tensor, by: Tensor, plus: Tensor) -> Tensor:
    """Return by * x + plus, per channel, in one pass over memory."""
    zero, one = x.new_zeros(len(by)), x.new_ones(len(by))
    y: Tensor = aten.native_batch_norm(x, by.to(x.dtype), plus.to(x.dtype), zero, one, False, 0.0, 0.0)[0]
    return y


def column(values: Tensor, like: Tensor) -> Tensor:
    """Return `[C]` in the type of a tensor, to be spread over its samples and positions."""
    return values.to(like.dtype).view(-1, *[1] * (like.dim() - 2))


def sums(x: Tensor, *others: Tensor) -> list[Tensor]:
    """Return the sum of x, and its inner product with each other, per channel, float64 `[C]`."""
    return [totals(x), *(dots(x, other) for other in others)]


def combined(plus: Tensor, *terms: tuple[Tensor, Tensor]) -> Tensor:
    """Return a new tensor: the sum of the terms (tensor, factor per channel), and `plus` per channel."""
    (x, by), *more = terms
    y = scaled(x, by, plus)
    for tensor, factor in more:
        y.addcmul_(tensor, column(factor, y))
    return y


def inner(x: Tensor, y: Tensor) -> float:
    """Return the inner product of two tensors."""
    return float((x * y).sum(dtype=torch.float64))
