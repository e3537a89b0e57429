"""Interpreter: constant weights, where every layer is one channel.

If all weights of a layer equal w, all its output channels are equal. So one channel x stands for all c that a layer
reads, and the layers become::

    convolution     y = w * c * box(x)                  box is the sum over the window
    linear layer    y = w * c * x
    batch norm      y = w * (x - mean(x)) / sqrt(var(x) + 1e-5)

The mean and the variance are those of the one channel. Pooling, activations, addition and products stay what they are;
a depthwise convolution reads 1 channel. The first
convolution reads the sum of the input's channels. What a concatenation puts side by side stays apart, one channel for
each part, until a convolution sums their copies (see `parts`). Nothing is approximated; only the order of additions
differs.

An example: 2 inputs, a layer of 3 units, one logit, all weights 0.5. With the inputs (1, 2) every unit is
0.5 * (1 + 2) = 1.5, and the logit is 0.5 * 3 * 1.5 = 2.25:

>>> from nassearch.networks.graph import Builder
>>> build = Builder((2,))
>>> _ = build.linear(build.linear(0, 3), 1)
>>> collapsed_outputs([Network(((build.done(), 1),))], np.array([[1, 2]], np.float32), [0.5]).item()
2.25

Everything is float32 on purpose: which signals die by underflow is part of what epsilon measures. So nothing here may
upcast an activation, or flush small numbers to zero. Sums of many numbers (the statistics of batch norm) are put
together in float64 from short float32 rows, which no thread count changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.networks.constant.activations import activate
from nassearch.networks.constant.parts import ChannelStep, Part, Parted, parted
from nassearch.networks.graph import ACTIVATIONS, Block, Layer, Network, check_constant, live

Signal = NDArray[np.float32]
"""Activations `[W, *size, B]`: one channel, for W weights and B samples. Samples lie side by side in memory."""

BATCH_NORM_EPS = np.float32(1e-5)
AT_ONCE = 65536
"""Numbers in one activation up to which all weights are run together; beyond, each alone stays in the cache."""


class Plan(NamedTuple):
    """A block ready to run, and which values nobody reads after a step."""

    block: Parted
    dropped: tuple[tuple[int, ...], ...]


def collapsed_outputs(
    networks: Sequence[Network], inputs: NDArray[np.float32], weights: Sequence[float]
) -> Signal:
    """Return one logit of each network with all its weights set to each of the constants, `[N, W, B]`.

    Args:
        networks: N networks; those whose stem is the same share its result within a call.
        inputs: float32 `[B, channels, *size]`.
        weights: W constants. Biases and shifts are 0; batch norm takes the statistics of the batch (eps 1e-5).

    Raises:
        InvalidSetting: a network does something nonlinear to its input before the first convolution, has layer norm,
            or a layer that is not known here.
    """
    outputs = np.empty((len(networks), len(weights), len(inputs)), np.float32)
    summed = np.ascontiguousarray(np.moveaxis(inputs.sum(axis=1, dtype=np.float32), 0, -1))
    together = summed.size <= AT_ONCE
    constants = np.asarray(weights, np.float32)
    with np.errstate(all="ignore"):
        for group in [slice(None)] if together else [slice(k, k + 1) for k in range(len(constants))]:
            stems: dict[Block, list[Signal]] = {}
            for row, network in enumerate(networks):
                outputs[row, group] = _logit(network, summed, constants[group], stems)
    return outputs


def _logit(network: Network, summed: Signal, weights: Signal, stems: dict[Block, list[Signal]]) -> Signal:
    entry = np.broadcast_to(summed, (len(weights), *summed.shape))
    return through(network, entry, stems, lambda plan, x: _run(plan, x, weights)).reshape(len(weights), -1)


T = TypeVar("T")


def through(
    network: Network, entry: T, stems: dict[Block, list[T]], run: Callable[[Plan, Sequence[T]], list[T]]
) -> T:
    """Take the sum of the input's channels through the blocks of a network, each by `run`; stems are computed once.

    Raises:
        InvalidSetting: it has layer norm, or its first block is repeated.
    """
    check_constant(network)
    (stem, repeats), *rest = network.chain
    if repeats != 1:
        raise InvalidSetting(f"the first block of a network stands once in its chain, not {repeats} times")
    plan = plan_block(stem, None)
    if stem not in stems:
        stems[stem] = run(plan, [entry])
    x = stems[stem]
    for block, repeats in rest:
        for _ in range(repeats):
            plan = plan_block(block, plan.block.widths)
            x = run(plan, x)
    return x[0]


@lru_cache(maxsize=4096)
def plan_block(block: Block, widths: tuple[int, ...] | None) -> Plan:
    """Plan a block that is entered with parts of these widths; with None, by the sum of the input's channels."""
    steps, output = parted(live(block), widths or (block[0].channels,), merge=True)
    if widths is None:
        steps = _from_sum(steps, output)
    last_use = {i: position for position, step in enumerate(steps) for i in step.layer.inputs}
    last_use |= {part.step: len(steps) for part in output}
    dropped = [tuple(i for i, last in last_use.items() if last == position) for position in range(len(steps))]
    return Plan(Parted(steps, output), tuple(dropped))


def _from_sum(steps: Sequence[ChannelStep], output: Sequence[Part]) -> tuple[ChannelStep, ...]:
    """Let the first convolutions read the sum of the input's channels, where others read one of many equal ones."""
    raw, changed, width = {0}, [], steps[0].layer.channels
    for position, step in enumerate(steps):
        (layer, copies), read = step, raw.intersection(step.layer.inputs)
        if read and layer.op in ("conv", "linear") and copies == (width,):
            step = ChannelStep(layer, (1,))
        elif read and layer.op in ("avg_pool", "global_pool"):
            raw.add(position)
        elif read:
            raise InvalidSetting(
                f"{layer.op} {'in groups ' * (layer.op == 'conv')}on the raw input, before the first convolution, does "
                "not collapse: use path=full"
            )
        changed.append(step)
    if raw.intersection(part.step for part in output):
        raise InvalidSetting(
            "a first block without convolution, whose channels stay those of the input, does not collapse"
        )
    return tuple(changed)


def _run(plan: Plan, x: Sequence[Signal], weights: Signal) -> list[Signal]:
    values: list[Signal | None] = [*x]
    for (layer, copies), dropped in zip(plan.block.steps[len(x) :], plan.dropped[len(x) :], strict=True):
        if layer.op == "zeros":
            y = np.zeros((len(weights), *layer.size, x[0].shape[-1]), np.float32)
        else:
            read = [values[i] for i in layer.inputs]
            # Batch norm may write over what nobody else reads, unless that is the block's input.
            own = layer.inputs[0] >= len(x) and layer.inputs[0] in dropped
            y = _apply(layer, read, weights, copies, own)  # type: ignore[arg-type]
        values.append(y)
        for i in dropped:
            values[i] = None
    return [values[part.step] for part in plan.block.output]  # type: ignore[misc]


def _apply(layer: Layer, read: Sequence[Signal], weights: Signal, copies: Sequence[int], own: bool) -> Signal:
    x = read[0]
    if layer.op == "relu":
        return np.maximum(x, np.float32(0), out=x if own else None)
    if layer.op == "add":
        y = np.add(x, read[1])
        for other in read[2:]:
            y += other
        return y
    if layer.op == "batch_norm":
        return _batch_norm(x, weights, own)
    if layer.op in ACTIVATIONS:
        return activate(layer.op, x)
    if layer.op == "multiply":
        gate = read[1]
        return x * gate.reshape(len(gate), *[1] * (x.ndim - gate.ndim), *gate.shape[1:])
    if layer.op == "avg_pool":
        y = box(x, layer)
        y *= shares(layer, x.shape[1:-1]).astype(np.float32)
        return y
    if layer.op == "max_pool":
        return box(x, layer, np.maximum)
    if layer.op == "shift":
        y = np.zeros_like(x, order="C")
        axes = x.ndim - 2
        y[:, *[slice(-1)] * axes] = x[:, *[slice(1, None)] * axes]
        return y
    if layer.op == "global_pool":
        y = x.reshape(len(x), -1, x.shape[-1])
        return np.asarray(y.mean(axis=1, dtype=np.float32))
    if layer.op in ("conv", "linear"):
        scale = weights
        if len(read) == 1:
            scale = weights * np.float32(copies[0])
        else:
            x = x * np.float32(copies[0])
            for other, times in zip(read[1:], copies[1:], strict=True):
                x += other * np.float32(times)
        if layer.op == "linear" or (layer.kernel, layer.stride) == (1, 1):
            return x * _column(scale, x.ndim)
        y = box(x, layer)
        y *= _column(scale, x.ndim)
        return y
    raise InvalidSetting(f"the collapsed network knows no layer {layer.op!r}: use path=full")


def _batch_norm(x: Signal, weights: Signal, own: bool) -> Signal:
    # Not np.vecdot: BLAS adds in the order that suits the make of processor, einsum in one order on all of them.
    count = x[0].size
    mean = np.einsum("...b->...", x).reshape(len(x), -1).sum(axis=1, dtype=np.float64) / count
    y = np.subtract(x, _column(mean.astype(np.float32), x.ndim), out=x if own else None)
    variance = np.einsum("...b,...b->...", y, y).reshape(len(x), -1).sum(axis=1, dtype=np.float64) / count
    y *= _column(weights / np.sqrt(variance.astype(np.float32) + BATCH_NORM_EPS), x.ndim)
    return y


def _column(values: Signal, dimensions: int) -> Signal:
    return values.reshape(-1, *[1] * (dimensions - 1))


F = TypeVar("F", np.float32, np.float64)


def box(x: NDArray[F], layer: Layer, join: np.ufunc = np.add) -> NDArray[F]:
    """Sum `[K, *size, B]` over the windows of a convolution or pooling, one axis after the other, into a new array.

    `np.maximum` in the place of `np.add` gives the largest under each window, padding left out.
    """
    for axis, (size, out) in enumerate(zip(x.shape[1:-1], layer.size, strict=True), start=1):
        x = _box_along(x, axis, _windows(size, out, *layer[4:7], layer.dilation), join)
    return x


def _box_along(x: NDArray[F], axis: int, windows: Windows, join: np.ufunc) -> NDArray[F]:
    def at(part: slice) -> tuple[slice, ...]:
        return (*(slice(None),) * axis, part)

    whole, first, rest, others = windows
    base = x[at(whole)]
    if first is None:
        return base.copy()
    y = np.empty_like(base, order="C")
    into, read = first
    join(base[at(into)], x[at(read)], out=y[at(into)])
    for part in rest:
        y[at(part)] = base[at(part)]
    for into, read in others:
        join(y[at(into)], x[at(read)], out=y[at(into)])
    return y


Windows = tuple[slice, tuple[slice, slice] | None, tuple[slice, ...], tuple[tuple[slice, slice], ...]]
"""Along one axis: the window position that reaches every output, the next one, the outputs which that one misses, and
the remaining positions; each as (outputs reached, inputs read)."""


@lru_cache(maxsize=1024)
def _windows(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> Windows:
    spans = []
    for offset in range(-padding, kernel * dilation - padding, dilation):
        low = max(0, -(offset // stride))
        high = min(out - 1, (size - 1 - offset) // stride)
        if high < low:
            continue  # on a short signal this position of the window meets no input
        spans.append((low, high, slice(low * stride + offset, high * stride + offset + 1, stride)))
    whole = next((span for span in spans if span[:2] == (0, out - 1)), None)
    if whole is None:
        raise InvalidSetting(
            f"a window of {kernel} with padding {padding} misses outputs everywhere on size {size}"
        )
    reached = [(slice(low, high + 1), read) for low, high, read in spans if read is not whole[2]]
    if not reached:
        return whole[2], None, (), ()
    first = reached[0][0]
    rest = tuple(part for part in (slice(0, first.start), slice(first.stop, out)) if part.start < part.stop)
    return whole[2], reached[0], rest, tuple(reached[1:])


@lru_cache(maxsize=1024)
def _shares(layer: Layer, size: tuple[int, ...]) -> NDArray[np.float64]:
    return 1 / box(np.ones((1, *size, 1)), layer)


def shares(layer: Layer, size: tuple[int, ...]) -> NDArray[np.float64]:
    """Return one over the number of inputs under each window of a pooling, padding left out, `[1, *size, 1]`."""
    return _shares(layer._replace(inputs=()), size)
