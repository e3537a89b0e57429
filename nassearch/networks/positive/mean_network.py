"""Interpreter: the network whose weights all equal their mean E|W|, by values and gradients of one channel.

The input is ones, batch norm is left out and R is the sum of the logits. The channels of a layer are equal. All weights
at one position of a kernel then have the same gradient: the sum over positions of the output's gradient times the input
that the kernel reads there. So one forward and one backward pass over single channels give the gradients of all
weights. Behind a concatenation channels differ; there one channel of each group is followed (see `channel_groups`).

An example: 2 inputs, a layer of 3 units with swish, one logit, no biases. E|W| is 0.354, and 0.289 behind it. Each unit
sees x = 2 * 0.354 = 0.707 and gives x * sigmoid(x) = 0.474, so R = 3 * 0.289 * 0.474 = 0.410. The logit's weights give
synflow R again; those of the first layer R times x * f'(x) / f(x) = 1.233:

>>> from nassearch.networks.graph import Builder
>>> build = Builder((2,))
>>> x = build.activation("swish", build.linear(0, 3, bias=False))
>>> _ = build.linear(x, 1, bias=False)
>>> round(mean_synflow(Network(((build.done(), 1),))).value, 3)
0.916
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.constant.activations import slopes
from nassearch.networks.graph import LEFT_OUT, PAIR_OPS, Block, Layer, Network, live
from nassearch.networks.positive.channel_groups import channel_groups, is_depthwise
from nassearch.networks.positive.classes import unmirrored
from nassearch.networks.positive.scaled import Scaled, largest, surplus, total
from nassearch.networks.positive.windows import earlier, gather, later, maxima_of, positions, scatter, shares
from nassearch.networks.positive.words import CURVED
from nassearch.types import Floats

Widths = Sequence[Sequence[int]]
"""For each layer of a block, the channels of each of its groups."""
LEAST = 1e-290
"""Below it a score is computed again, scaled: signals on their way may have left float64."""
OPEN = ("sigmoid", "hard_sigmoid")


class Gradient(NamedTuple):
    """Those of some weights of a layer.

    Attributes:
        weights: how many of them there are at each position of the kernel, times E|W|.
        met: dR/dW at each position of the kernel, to be multiplied by 2 ** power.
        power: 0 unless float64 is too small for them.
    """

    weights: float
    met: list[float]
    power: int


def is_curved(network: Network) -> bool:
    """Say whether a network has layers that are no sum over paths, so that its positions have no classes."""
    known = CURVED.union(PAIR_OPS)
    return any(layer.op in known for block, _ in network.chain for layer in block)


def mean_synflow(network: Network) -> Scaled:
    """Return the sum over weights of E|W| * dR/dW.

    Raises:
        InvalidSetting: see `gradients`.
    """
    score = _synflow(network, scaled=False)
    return score if LEAST < score.value < math.inf else _synflow(network, scaled=True)


def _synflow(network: Network, scaled: bool) -> Scaled:
    terms = [
        Scaled(weights * sum(met), power)
        for block in gradients(network, scaled)
        for weights, met, power in block
    ]
    if not all(math.isfinite(term.mantissa) for term in terms):
        return Scaled(math.inf)
    unit = largest([terms]) if scaled else 0
    return Scaled(total(terms, unit), unit)


def gradients(network: Network, scaled: bool, dead: bool = False) -> Iterator[list[Gradient]]:
    """Yield the gradients of the weights block by block, the last first.

    Args:
        network: whose weights are their means.
        scaled: keep signals in the range of float64; those that are not finite ask for it.
        dead: with layers that nothing reads, whose gradients are 0.

    Raises:
        InvalidSetting: it has a layer that treats positive signals in another way than these.
    """
    blocks = [block if dead else live(block) for block in network.blocks()]
    mirrored = None is unmirrored(
        ("max" if y.op == "max_pool" else y.op, block[y.inputs[0]].size, y.kernel, y.stride, y.padding)
        for block in set(blocks)
        for y in block
        if y.inputs and y.size
    )
    groups = channel_groups(blocks)
    with np.errstate(over="ignore", invalid="ignore"):
        x = _Signal(np.ones((len(groups[0][0]), *network.input_shape[1:])))
        tape = []
        for block, widths in zip(blocks, groups, strict=True):
            values = _forward(block, widths, x, scaled, mirrored)
            tape.append(values)
            x = values[-1]
        gradient = _Signal(np.ones_like(x.x))
        for block, widths, values in zip(reversed(blocks), reversed(groups), reversed(tape), strict=True):
            gradient, found = _backward(block, widths, values, gradient, scaled, mirrored)
            yield found


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


def _forward(block: Block, widths: Widths, entry: _Signal, scaled: bool, mirrored: bool) -> list[_Signal]:
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
        elif layer.op in OPEN:
            y, power = slopes(layer.op, np.ldexp(read[0], power))[0], 0
        elif layer.op == "multiply":
            (a, one), (b, other) = (values[i] for i in layer.inputs)
            y, power = a * _wide(b, a), one + other
        elif layer.op in CURVED:
            y = read[0] * slopes(layer.op, np.ldexp(read[0], power))[0]
        elif layer.op == "add":
            y = np.sum(read, axis=0)
        elif layer.op == "concat":
            y = np.concatenate(read)
        elif layer.op == "truncate":
            y = read[0][: len(own)]
        elif layer.op == "tail":
            y = read[0][-len(own) :]
        elif layer.op == "shift":
            y = np.zeros_like(read[0])
            y[earlier(y)] = read[0][later(y)]
        elif layer.op == "global_pool":
            y = read[0].reshape(len(own), -1).mean(axis=1)
        elif layer.op == "avg_pool":
            y = gather(read[0], layer) * shares(layer._replace(inputs=()), read[0].shape[1:])
        elif layer.op == "max_pool":
            y = read[0][maxima_of(layer, read[0], mirrored)]
        elif layer.op in ("conv", "linear", "frame_conv"):
            mean = _mean(layer, _fan(block, layer, max(len(read[0]), len(own))))
            parts = gather(read[0], layer)
            if len(parts) > 1 and layer.groups > 1:  # depthwise: each group of channels reads itself
                values.append(_Signal.of(parts * mean + _bias(layer, mean, power), power, scaled))
                continue
            scales = [share // layer.groups * mean for share in widths[layer.inputs[0]]]
            y = sum(
                (part * scale for part, scale in zip(parts[1:], scales[1:], strict=True)),
                parts[0] * scales[0],
            )
            y += _bias(layer, mean, power)
            y = np.broadcast_to(y, (len(own), *layer.size))
        else:
            raise InvalidSetting(f"expected synflow and logsynflow know no layer {layer.op!r}")
        values.append(_Signal.of(np.asarray(y), power, scaled))
    return values


def _wide(gate: Floats, x: Floats) -> Floats:
    """Return a gate `[groups, *size]` or `[groups]` as what multiplies `[groups, *size]`."""
    return gate.reshape(*gate.shape, *[1] * (x.ndim - gate.ndim))


def _bias(layer: Layer, mean: float, power: int) -> float:
    return math.ldexp(mean, -power) if layer.bias else 0.0


def _backward(
    block: Block, widths: Widths, values: Sequence[_Signal], gradient: _Signal, scaled: bool, mirrored: bool
) -> tuple[_Signal, list[Gradient]]:
    """Return dR/d(one channel of each group) of the input, and the gradients of the weights of the block."""
    gradients: list[_Signal | None] = [None] * len(block)
    gradients[-1] = gradient
    found: list[Gradient] = []

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
        elif layer.op == "multiply":
            gate = layer.inputs[1]
            by, of_gate = values[gate], g * x
            pass_on(source, g * _wide(by.x, x), power + by.power)
            summed = of_gate.reshape(len(x), -1).sum(axis=1) if by.x.ndim < x.ndim else of_gate
            pass_on(gate, summed, power + values[source].power)
        elif layer.op in CURVED:
            pass_on(source, g * slopes(layer.op, values[source].at(0))[1], power)
        elif layer.op == "concat":
            ends = np.cumsum([len(values[source].x) for source in layer.inputs])[:-1]
            for source, part in zip(layer.inputs, np.split(g, ends), strict=True):
                pass_on(source, part, power)
        elif layer.op == "truncate":
            pass_on(source, np.concatenate([g, np.zeros_like(x[len(g) :])]), power)
        elif layer.op == "tail":
            pass_on(source, np.concatenate([np.zeros_like(x[: -len(g)]), g]), power)
        elif layer.op == "shift":
            back = np.zeros_like(x)
            back[later(x)] = g[earlier(x)]
            pass_on(source, back, power)
        elif layer.op == "global_pool":
            area = x[0].size
            pass_on(source, np.broadcast_to((g / area).reshape(-1, *[1] * (x.ndim - 1)), x.shape), power)
        elif layer.op == "avg_pool":
            part = g * shares(layer._replace(inputs=()), x.shape[1:])
            pass_on(source, scatter(part, layer, x.shape), power)
        elif layer.op == "max_pool":
            back = np.zeros_like(x)
            np.add.at(back, maxima_of(layer, x, mirrored), g)
            pass_on(source, back, power)
        else:
            mean = _mean(layer, _fan(block, layer, max(len(x), len(g))))
            own, read = zip(g, widths[position], strict=True), zip(x, widths[source], strict=True)
            depthwise = len(x) > 1 and layer.groups > 1
            for (gradient_of_one, channels), (value, width) in (zip if depthwise else product)(own, read):
                met = [
                    float((gradient_of_one[into] * value[at]).sum())
                    for into, at in positions(layer, value.shape)
                ]
                each = 1 if depthwise else width // layer.groups
                found.append(Gradient(channels * each * mean, met, power + values[source].power))
            if depthwise:
                pass_on(source, scatter(g, layer, x.shape) * mean, power)
                continue
            one = scatter(g, layer, (len(g), *x.shape[1:]))
            scales = [channels // layer.groups * mean for channels in widths[position]]
            back = sum(
                (part * scale for part, scale in zip(one[1:], scales[1:], strict=True)), one[0] * scales[0]
            )
            pass_on(source, np.broadcast_to(back, x.shape), power)
    entry = gradients[0]
    return _Signal(np.zeros_like(values[0].x)) if entry is None else entry, found


def _fan(block: Block, layer: Layer, differing: int) -> int:
    """Return how many channels each weighted channel reads, of a layer before or behind which so many differ."""
    if layer.groups > 1 and differing > 1 and not is_depthwise(layer, block):
        raise InvalidSetting(
            "expected synflow and logsynflow know no convolution in groups of several channels over channels that "
            "differ: use estimator=sampled"
        )
    return block[layer.inputs[0]].channels // layer.groups


def _mean(layer: Layer, width: int) -> float:
    """Return E|theta| under PyTorch's default initialisation, the same for weight and bias."""
    return 1 / (2 * math.sqrt(width * layer.kernel ** len(layer.size)))
