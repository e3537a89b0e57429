"""Interpreter: value and gradient on one channel, kernel position by kernel position, which gives logsynflow.

In the network whose weights all equal E|theta| (see `dual`) the channels of a layer are equal, and so are all weights
that stand at one position of the kernel: their gradient is one number, the sum over positions of what the output's
gradient meets in the input. One forward and one backward pass over single channels give them all.

Gradients span sixty orders of magnitude, and float64 holds that; `log1p` keeps the small ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Block, Layer, Network, live
from nassearch.types import Floats

Spans = tuple[tuple[slice, slice], ...]
"""For each position of a kernel along one axis: the outputs it reaches, and the inputs it reads there."""


def expected_logsynflow(networks: Sequence[Network], shift: float = 1.0) -> Floats:
    """Return logsynflow of the networks whose weights all equal E|theta|, float64 `[N]`.

    Batch norm is left out, the input is ones and the logits are summed. What is summed over the weights is
    E|W| * |log(shift + dR/dW)|.

    Raises:
        InvalidSetting: a network has a layer that treats positive signals in another way than these.
    """
    return np.array([_score(network, shift) for network in networks], np.float64)


def _score(network: Network, shift: float) -> float:
    # No gradient reaches a dead layer, and the logarithm of 1 is 0.
    blocks = [live(block) if shift == 1 else block for block in network.blocks()]
    x = np.ones(network.input_shape[1:])
    tape = []
    for block in blocks:
        values = _forward(block, x)
        tape.append(values)
        x = values[-1]
    gradient, score = np.ones_like(x), 0.0
    for block, values in zip(reversed(blocks), reversed(tape), strict=True):
        gradient, part = _backward(block, values, gradient, shift)
        score += part
    return score


def _forward(block: Block, x: Floats) -> list[Floats]:
    values: list[Floats] = []
    for layer in block:
        read = [values[i] for i in layer.inputs]
        if layer.op == "input":
            y = x
        elif layer.op == "zeros":
            y = np.zeros(layer.size)
        elif layer.op in ("relu", "batch_norm"):
            y = read[0]
        elif layer.op == "add":
            y = np.sum(read, axis=0)
        elif layer.op == "global_pool":
            y = read[0].mean()
        elif layer.op == "avg_pool":
            y = _gather(read[0], layer) * _shares(layer._replace(inputs=()), read[0].shape)
        elif layer.op in ("conv", "linear"):
            width = block[layer.inputs[0]].channels
            y = _gather(read[0], layer) * (width * _mean(layer, width))
            if layer.bias:
                y += _mean(layer, width)
        else:
            raise InvalidSetting(f"expected logsynflow knows no layer {layer.op!r}")
        values.append(np.asarray(y))
    return values


def _backward(block: Block, values: Sequence[Floats], gradient: Floats, shift: float) -> tuple[Floats, float]:
    """Return dR/d(one channel of the input), and the sum over the weights of the block."""
    gradients: list[Floats | None] = [None] * len(block)
    gradients[-1] = gradient
    score = 0.0

    def pass_on(to: int, part: Floats) -> None:
        so_far = gradients[to]
        gradients[to] = part if so_far is None else so_far + part

    for position in range(len(block) - 1, 0, -1):
        layer = block[position]
        if not layer.inputs:
            continue
        given = gradients[position]
        g = np.zeros_like(values[position]) if given is None else given
        source = layer.inputs[0]
        x = values[source]
        if layer.op in ("relu", "batch_norm", "add"):
            for source in layer.inputs:
                pass_on(source, g)
        elif layer.op == "global_pool":
            pass_on(source, np.broadcast_to(g / x.size, x.shape))
        elif layer.op == "avg_pool":
            pass_on(source, _scatter(g * _shares(layer._replace(inputs=()), x.shape), layer, x.shape))
        else:
            width = block[source].channels
            mean = _mean(layer, width)
            met = (float((g[into] * x[read]).sum()) for into, read in _positions(layer, x.shape))
            logs = sum(math.log1p(m) if shift == 1 else abs(math.log(shift + m)) for m in met)
            score += layer.channels * width * mean * logs
            pass_on(source, _scatter(g, layer, x.shape) * (layer.channels * mean))
    entry = gradients[0]
    return np.zeros_like(values[0]) if entry is None else entry, score


def _mean(layer: Layer, width: int) -> float:
    """Return E|theta| under PyTorch's default initialisation, the same for weight and bias."""
    return 1 / (2 * math.sqrt(width * layer.kernel ** len(layer.size)))


def _gather(x: Floats, layer: Layer) -> Floats:
    """Sum over the windows of a layer, one axis after the other."""
    for axis, (size, out) in enumerate(zip(x.shape, layer.size, strict=True)):
        shape = (*x.shape[:axis], out, *x.shape[axis + 1 :])
        y = np.zeros(shape)
        for into, read in _spans(size, out, layer.kernel, layer.stride, layer.padding):
            y[_at(axis, into)] += x[_at(axis, read)]
        x = y
    return x


def _scatter(g: Floats, layer: Layer, shape: tuple[int, ...]) -> Floats:
    """Give every input what the windows that read it hold: the transpose of `_gather`."""
    for axis, (size, out) in enumerate(zip(shape, layer.size, strict=True)):
        x = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]))
        for into, read in _spans(size, out, layer.kernel, layer.stride, layer.padding):
            x[_at(axis, read)] += g[_at(axis, into)]
        g = x
    return g


def _at(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)


def _positions(layer: Layer, shape: tuple[int, ...]) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Yield for each position of the kernel the outputs that it reaches and the inputs that it reads."""
    axes = [
        _spans(size, out, layer.kernel, layer.stride, layer.padding)
        for size, out in zip(shape, layer.size, strict=True)
    ]
    for spans in product(*axes):
        yield tuple(into for into, _ in spans), tuple(read for _, read in spans)


@lru_cache(maxsize=1024)
def _spans(size: int, out: int, kernel: int, stride: int, padding: int) -> Spans:
    spans = []
    for offset in range(-padding, kernel - padding):
        low = max(0, -(offset // stride))
        high = max(low - 1, min(out - 1, (size - 1 - offset) // stride))
        spans.append((slice(low, high + 1), slice(low * stride + offset, high * stride + offset + 1, stride)))
    return tuple(spans)


@lru_cache(maxsize=1024)
def _shares(layer: Layer, size: tuple[int, ...]) -> Floats:
    return np.asarray(1 / _gather(np.ones(size), layer))
