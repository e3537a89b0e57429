"""Interpreter: logsynflow of the network of mean weights, by values and gradients of one channel.

The score is the sum over all weights of::

    E|W| * |log(shift + dR/dW)|,    E|W| = 1 / (2 sqrt(fan_in)),

where R is the sum of the logits, every weight equals E|W|, the input is ones and batch norm is left out. In this
network the channels of a layer are equal. All weights at one position of a kernel then have the same gradient: the
sum over positions of the output's gradient times the input that the kernel reads there. So one forward and one
backward pass over single channels give the gradients of all weights. Behind a concatenation channels differ; there
one channel of each group is followed (see `channel_groups`).

An example: a classifier of 2 inputs and 3 outputs has E|W| = 1 / (2 sqrt(2)) = 0.354. R is the sum of its outputs, and
its inputs are 1, so dR/dW = 1 for each of the 6 weights. The score is 6 * 0.354 * log(1 + 1) = 1.470:

>>> from nassearch.networks.graph import Builder, Network
>>> build = Builder((2,))
>>> _ = build.linear(0, 3, bias=False)
>>> expected_logsynflow([Network(((build.done(), 1),))]).round(3)
array([1.47])

Gradients span sixty orders of magnitude, and float64 holds that. `log1p` keeps the small ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import LEFT_OUT, Block, Layer, Network, live
from nassearch.networks.positive.channel_groups import channel_groups
from nassearch.networks.positive.classes import check_maxima, innermost
from nassearch.networks.positive.scaled import LN2, surplus
from nassearch.types import Floats

Widths = Sequence[Sequence[int]]
"""For each layer of a block, the channels of each of its groups."""
Spans = tuple[tuple[slice, slice], ...]
"""For each position of a kernel along one axis: the outputs it reaches, and the inputs it reads there."""


def expected_logsynflow(networks: Sequence[Network], shift: float = 1.0) -> Floats:
    """Return logsynflow of the networks whose weights all equal E|theta|, float64 `[N]`.

    Batch norm is left out, the input is ones and the logits are summed. What is summed over the weights is
    E|W| * |log(shift + dR/dW)|.

    Raises:
        InvalidSetting: a network has a layer that treats positive signals in another way than these, or max pooling
            besides windows without a mirror image (see `classes`).
    """
    return np.array([_score(network, shift) for network in networks], np.float64)


class _Signal(NamedTuple):
    """Values `[groups, *size]`, to be multiplied by 2 ** power, which is 0 unless float64 is too small for them."""

    x: Floats
    power: int = 0

    @classmethod
    def of(cls, x: Floats, power: int, scaled: bool) -> _Signal:
        """Return a signal, with values in range where it is to be `scaled`."""
        more = surplus(float(x.max(initial=0.0))) if scaled else 0
        return cls(np.ldexp(x, -more), power + more) if more else cls(x, power)

    def at(self, power: int) -> Floats:
        """Return the values in units of 2 ** power."""
        return self.x if power == self.power else np.ldexp(self.x, self.power - power)


def _score(network: Network, shift: float) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        score = _pass(network, shift, scaled=False)
    # Signals that are too large for float64 make it infinite or NaN; those too small count as little as 0.
    return score if math.isfinite(score) else _pass(network, shift, scaled=True)


def _pass(network: Network, shift: float, scaled: bool) -> float:
    # No gradient reaches a dead layer, and the logarithm of 1 is 0.
    blocks = [live(block) if shift == 1 else block for block in network.blocks()]
    check_maxima(
        ("max" if y.op == "max_pool" else y.op, block[y.inputs[0]].size, y.kernel, y.stride, y.padding)
        for block in set(blocks)
        for y in block
        if y.inputs and y.size
    )
    groups = channel_groups(blocks)
    x = _Signal(np.ones((len(groups[0][0]), *network.input_shape[1:])))
    tape = []
    for block, widths in zip(blocks, groups, strict=True):
        values = _forward(block, widths, x, scaled)
        tape.append(values)
        x = values[-1]
    gradient, score = _Signal(np.ones_like(x.x)), 0.0
    for block, widths, values in zip(reversed(blocks), reversed(groups), reversed(tape), strict=True):
        gradient, part = _backward(block, widths, values, gradient, shift, scaled)
        score += part
    return score


def _forward(block: Block, widths: Widths, entry: _Signal, scaled: bool) -> list[_Signal]:
    """Return the value of each layer."""
    values: list[_Signal] = []
    for layer, own in zip(block, widths, strict=True):
        power = max((values[i].power for i in layer.inputs), default=entry.power)
        if layer.bias:
            power = max(power, 0)  # the unit of the bias
        read = [values[i].at(power) for i in layer.inputs]
        if layer.op == "input":
            y = entry.x
        elif layer.op == "zeros":
            y = np.zeros((len(own), *layer.size))
        elif layer.op in LEFT_OUT:
            y = read[0]
        elif layer.op == "add":
            y = np.sum(read, axis=0)
        elif layer.op == "concat":
            y = np.concatenate(read)
        elif layer.op == "truncate":
            y = read[0][: len(own)]
        elif layer.op == "global_pool":
            y = read[0].reshape(len(own), -1).mean(axis=1)
        elif layer.op == "avg_pool":
            y = _gather(read[0], layer) * _shares(layer._replace(inputs=()), read[0].shape[1:])
        elif layer.op == "max_pool":
            y = read[0][_innermost(layer, read[0].shape)]
        elif layer.op in ("conv", "linear", "frame_conv"):
            mean = _mean(layer, _fan(block, layer, read[0]))
            parts = _gather(read[0], layer)
            scales = [share // layer.groups * mean for share in widths[layer.inputs[0]]]
            y = sum(
                (part * scale for part, scale in zip(parts[1:], scales[1:], strict=True)),
                parts[0] * scales[0],
            )
            if layer.bias:
                y += math.ldexp(mean, -power)
            y = np.broadcast_to(y, (len(own), *layer.size))
        else:
            raise InvalidSetting(f"expected logsynflow knows no layer {layer.op!r}")
        values.append(_Signal.of(np.asarray(y), power, scaled))
    return values


def _backward(
    block: Block, widths: Widths, values: Sequence[_Signal], gradient: _Signal, shift: float, scaled: bool
) -> tuple[_Signal, float]:
    """Return dR/d(one channel of each group) of the input, and the sum over the weights of the block."""
    gradients: list[_Signal | None] = [None] * len(block)
    gradients[-1] = gradient
    score = 0.0

    def pass_on(to: int, part: Floats, power: int) -> None:
        so_far = gradients[to]
        if so_far is None:
            gradients[to] = _Signal.of(part, power, scaled)
        else:
            power, part = max(power, so_far.power), np.ldexp(part, min(0, power - so_far.power))
            gradients[to] = _Signal.of(so_far.at(power) + part, power, scaled)

    for position in range(len(block) - 1, 0, -1):
        layer = block[position]
        if not layer.inputs:
            continue
        given = gradients[position]
        g, power = (np.zeros_like(values[position].x), 0) if given is None else given
        source = layer.inputs[0]
        x = values[source].x
        if layer.op in (*LEFT_OUT, "add") and layer.op != "lstm":
            for source in layer.inputs:
                pass_on(source, g, power)
        elif layer.op == "lstm":
            pass_on(source, g * (layer.channels / block[source].channels), power)
        elif layer.op == "concat":
            ends = np.cumsum([len(values[source].x) for source in layer.inputs])[:-1]
            for source, part in zip(layer.inputs, np.split(g, ends), strict=True):
                pass_on(source, part, power)
        elif layer.op == "truncate":
            pass_on(source, np.concatenate([g, np.zeros_like(x[len(g) :])]), power)
        elif layer.op == "global_pool":
            area = x[0].size
            pass_on(source, np.broadcast_to((g / area).reshape(-1, *[1] * (x.ndim - 1)), x.shape), power)
        elif layer.op == "avg_pool":
            shares = _shares(layer._replace(inputs=()), x.shape[1:])
            pass_on(source, _scatter(g * shares, layer, x.shape), power)
        elif layer.op == "max_pool":
            back = np.zeros_like(x)
            np.add.at(back, _innermost(layer, x.shape), g)
            pass_on(source, back, power)
        else:
            mean = _mean(layer, _fan(block, layer, x))
            log = _logarithm(shift, power + values[source].power)
            for (gradient_of_one, channels), (value, width) in product(
                zip(g, widths[position], strict=True), zip(x, widths[source], strict=True)
            ):
                met = (
                    float((gradient_of_one[into] * value[read]).sum())
                    for into, read in _positions(layer, value.shape)
                )
                score += channels * (width // layer.groups) * mean * sum(map(log, met))
            one = _scatter(g, layer, (len(g), *x.shape[1:]))
            scales = [channels // layer.groups * mean for channels in widths[position]]
            back = sum(
                (part * scale for part, scale in zip(one[1:], scales[1:], strict=True)), one[0] * scales[0]
            )
            pass_on(source, np.broadcast_to(back, x.shape), power)
    entry = gradients[0]
    return _Signal(np.zeros_like(values[0].x)) if entry is None else entry, score


def _logarithm(shift: float, power: int) -> Callable[[float], float]:
    """Return the function |log(shift + m * 2 ** power)|."""
    if power:
        offset, start = power * LN2, math.log(shift)
        return lambda m: abs(float(np.logaddexp(start, math.log(m) + offset))) if m else abs(start)
    return math.log1p if shift == 1 else lambda m: abs(math.log(shift + m))


def _innermost(layer: Layer, size: Sequence[int]) -> tuple[NDArray[np.intp], ...]:
    """Return where, in `[groups, *size]`, the largest value under each window is: see `classes`."""
    axes = zip(size[1:], layer.size, strict=True)
    return np.ix_(
        np.arange(size[0]), *(innermost(s, out, layer.kernel, layer.stride, layer.padding) for s, out in axes)
    )


def _fan(block: Block, layer: Layer, x: Floats) -> int:
    """Return how many channels each weighted channel reads."""
    if layer.groups > 1 and len(x) > 1:
        raise InvalidSetting(
            "expected logsynflow knows no convolution in groups over channels that differ: use estimator=sampled"
        )
    return block[layer.inputs[0]].channels // layer.groups


def _mean(layer: Layer, width: int) -> float:
    """Return E|theta| under PyTorch's default initialisation, the same for weight and bias."""
    return 1 / (2 * math.sqrt(width * layer.kernel ** len(layer.size)))


def _gather(x: Floats, layer: Layer) -> Floats:
    """Sum `[groups, *size]` over the windows of a layer, one axis after the other."""
    for axis, (size, out) in enumerate(zip(x.shape[1:], layer.size, strict=True), start=1):
        shape = (*x.shape[:axis], out, *x.shape[axis + 1 :])
        y = np.zeros(shape)
        for into, read in _spans(size, out, layer.kernel, layer.stride, layer.padding, layer.dilation):
            y[_at(axis, into)] += x[_at(axis, read)]
        x = y
    return x


def _scatter(g: Floats, layer: Layer, shape: tuple[int, ...]) -> Floats:
    """Give every input what the windows that read it hold: the transpose of `_gather`."""
    for axis, (size, out) in enumerate(zip(shape[1:], layer.size, strict=True), start=1):
        x = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]))
        for into, read in _spans(size, out, layer.kernel, layer.stride, layer.padding, layer.dilation):
            x[_at(axis, read)] += g[_at(axis, into)]
        g = x
    return g


def _at(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)


def _positions(layer: Layer, shape: tuple[int, ...]) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Yield for each position of the kernel the outputs that it reaches and the inputs that it reads."""
    axes = [
        _spans(size, out, layer.kernel, layer.stride, layer.padding, layer.dilation)
        for size, out in zip(shape, layer.size, strict=True)
    ]
    for spans in product(*axes):
        yield tuple(into for into, _ in spans), tuple(read for _, read in spans)


@lru_cache(maxsize=1024)
def _spans(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> Spans:
    spans = []
    for offset in range(-padding, kernel * dilation - padding, dilation):
        low = max(0, -(offset // stride))
        high = min(out - 1, (size - 1 - offset) // stride)
        if high < low:  # this position of the window meets no input
            spans.append((slice(0, 0), slice(0, 0)))
            continue
        spans.append((slice(low, high + 1), slice(low * stride + offset, high * stride + offset + 1, stride)))
    return tuple(spans)


@lru_cache(maxsize=1024)
def _shares(layer: Layer, size: tuple[int, ...]) -> Floats:
    return np.asarray(1 / _gather(np.ones((1, *size)), layer))
