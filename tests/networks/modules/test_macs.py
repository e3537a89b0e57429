"""Multiply-accumulates of a module against counts by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import nassearch
from nassearch.networks.tracing.macs import module_macs


class Flat(nn.Module):
    """A layer whose output is taken for logits."""

    def __init__(self, layer: nn.Module, call: Callable[[Any, Tensor], Any] | None = None) -> None:
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x) if self.call is None else self.call(self.layer, x)
        return (y[0] if isinstance(y, tuple) else y).flatten(1)


class Weight(nn.Module):
    """A parameter."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(shape))


def unseen(layer: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        return layer(x)  # type: ignore[no-any-return]


ATTENTION = 5 * 8 * 24 + 2 * (2 * 5 * 5 * 4) + 5 * 8 * 8
HANDS: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    "linear": (nn.Linear(8, 6), (8,), 48),
    "linear without bias": (nn.Linear(8, 6, bias=False), (8,), 48),
    "linear at each of 3 positions": (Flat(nn.Linear(8, 6)), (3, 8), 3 * 48),
    "convolution": (Flat(nn.Conv2d(3, 4, 3, padding=1)), (3, 8, 8), 64 * 4 * 27),
    "convolution with stride": (Flat(nn.Conv2d(3, 4, 3, 2, 1)), (3, 8, 8), 16 * 4 * 27),
    "convolution with holes": (Flat(nn.Conv2d(3, 4, 3, dilation=2)), (3, 8, 8), 16 * 4 * 27),
    "convolution in groups": (Flat(nn.Conv2d(4, 6, 3, padding=1, groups=2)), (4, 8, 8), 64 * 6 * 18),
    "depthwise convolution": (Flat(nn.Conv2d(8, 8, 3, padding=1, groups=8)), (8, 8, 8), 64 * 8 * 9),
    "pointwise convolution": (Flat(nn.Conv2d(8, 5, 1)), (8, 4, 4), 16 * 40),
    "convolution of a signal": (Flat(nn.Conv1d(3, 4, 5)), (3, 12), 8 * 4 * 15),
    "convolution of a volume": (Flat(nn.Conv3d(2, 3, 2)), (2, 4, 4, 4), 27 * 3 * 16),
    "transposed convolution": (Flat(nn.ConvTranspose2d(3, 4, 2, 2)), (3, 4, 4), 16 * 3 * 4 * 4),
    "transposed convolution of a signal": (Flat(nn.ConvTranspose1d(3, 4, 3)), (3, 6), 6 * 3 * 4 * 3),
    "transposed convolution in groups": (
        Flat(nn.ConvTranspose2d(4, 6, 3, groups=2)), (4, 4, 4), 16 * 4 * 3 * 9),
    "LSTM": (Flat(nn.LSTM(8, 16, batch_first=True)), (20, 8), 20 * 4 * 16 * (8 + 16)),
    "LSTM of two layers": (
        Flat(nn.LSTM(8, 16, 2, batch_first=True)), (20, 8), 20 * 4 * 16 * (8 + 16 + 16 + 16)),
    "LSTM both ways": (
        Flat(nn.LSTM(8, 16, batch_first=True, bidirectional=True)), (20, 8), 2 * 20 * 4 * 16 * 24),
    "LSTM with projection": (
        Flat(nn.LSTM(8, 16, batch_first=True, proj_size=4)), (20, 8), 20 * (4 * 16 * (8 + 4) + 16 * 4)),
    "LSTM without derivatives": (Flat(nn.LSTM(8, 16, batch_first=True), unseen), (20, 8), 20 * 4 * 16 * 24),
    "GRU": (Flat(nn.GRU(8, 16, batch_first=True)), (20, 8), 20 * 3 * 16 * 24),
    "RNN": (Flat(nn.RNN(8, 16, batch_first=True)), (20, 8), 20 * 16 * 24),
    "cell of an LSTM": (Flat(nn.LSTMCell(8, 16)), (8,), 4 * 16 * 24),
    "cell of a GRU": (Flat(nn.GRUCell(8, 16)), (8,), 3 * 16 * 24),
    "bilinear": (Flat(nn.Bilinear(8, 8, 6), lambda layer, x: layer(x, x)), (8,), 8 * 8 * 6),
    "bilinear at 3 positions": (Flat(nn.Bilinear(8, 8, 6), lambda layer, x: layer(x, x)), (3, 8), 3 * 8 * 8 * 6),
    "attention": (
        Flat(nn.MultiheadAttention(8, 2, batch_first=True), lambda layer, x: layer(x, x, x)), (5, 8), ATTENTION),
    "transformer": (
        Flat(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)), (5, 8), ATTENTION + 2 * 5 * 8 * 16),
    "transformer without derivatives": (
        Flat(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), unseen), (5, 8), ATTENTION + 2 * 5 * 8 * 16),
    "attention as a function": (
        Flat(nn.Linear(8, 8), lambda layer, x: F.scaled_dot_product_attention(layer(x), x, x)),
        (5, 8), 5 * 64 + 2 * 5 * 5 * 8),
    "matrix times vector": (Flat(Weight(6, 8), lambda layer, x: (layer.w @ x[0])[None]), (8,), 48),
    "linear of one vector": (Flat(nn.Linear(8, 6), lambda layer, x: layer(x.squeeze())[None]), (8,), 48),
    "batch times vector": (Flat(Weight(8), lambda layer, x: x @ layer.w), (3, 8), 24),
    "vector times vector": (Flat(Weight(8), lambda layer, x: (layer.w @ x[0]).reshape(1, 1)), (8,), 8),
    "into what is there": (
        Flat(Weight(8, 6), lambda layer, x: x.new_zeros(1, 6).addmm_(x, layer.w)), (8,), 48),
    "sum of products": (
        Flat(Weight(8, 6), lambda layer, x: torch.addbmm(x.new_zeros(1, 6), x.movedim(1, 0), layer.w.expand(3, 8, 6))),
        (3, 8), 3 * 48),
    "einsum": (
        Flat(Weight(8, 6), lambda layer, x: torch.einsum("btc,cd->bd", x, layer.w)), (3, 8), 48),
    "windows side by side": (
        Flat(Weight(4, 27), lambda layer, x: layer.w @ F.unfold(x, 3, padding=1)), (3, 8, 8), 64 * 4 * 27),
    "nothing to multiply": (
        Flat(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2))), (3, 8, 8), 0),
    "two layers": (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)),
        (3, 8, 8), 36 * 4 * 27 + 40),
}  # fmt: skip


@pytest.mark.parametrize("case", HANDS)
def test_counts_by_hand(case: str) -> None:
    model, shape, expected = HANDS[case]
    assert module_macs(model, shape) == expected


def test_the_kernels_of_torch_are_as_they_were() -> None:
    before = torch.backends.mkldnn.enabled, torch.backends.mha.get_fastpath_enabled()
    module_macs(nn.Linear(2, 3), (2,))
    assert (torch.backends.mkldnn.enabled, torch.backends.mha.get_fastpath_enabled()) == before


def test_an_einsum_in_another_order_and_a_tripled_batch_count_the_same() -> None:
    """One function in three forms: a linear layer, a product of matrices, and one written for batches of 6."""
    linear = nn.Linear(8, 6)
    product = Flat(Weight(8, 6), lambda layer, x: torch.matmul(x, layer.w))
    fixed = Flat(nn.Linear(8, 6), lambda layer, x: layer(x.view(6, 8)))
    batch = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    found = [nassearch.score(model, batch, ["flops"])["flops"] for model in (linear, product, fixed)]
    assert found == [48, 48, 48]
