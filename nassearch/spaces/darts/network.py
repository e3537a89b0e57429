"""The CIFAR network of DARTS (Liu et al., 2019): cells in a chain, each of which reads the two before it.

A block of a description reads one signal. So the block of a cell is entered with two signals side by side: what the
cell reads of the one before the last, already brought to its channels and size, and the output of the last one. It
gives its own output, and in front of it what the next cell reads of the last one.
"""

from __future__ import annotations

from functools import lru_cache

from nassearch.networks.graph import Block, Builder, Network
from nassearch.spaces.darts.cells import OPS, Edges
from nassearch.types import Task

LAYERS, CHANNELS, STEM = 20, 36, 3
"""Cells and first channels of the published network, and how many times as many channels its stem has."""
Shape = tuple[int, ...]


def darts_network(normal: Edges, reduce: Edges, task: Task) -> Network:
    """Return stem, cells, pooling and classifier; no auxiliary head, and paths are not dropped.

    The cells at a third and at two thirds of the way are reduction cells, which halve the image and double the
    channels. `task.channels` begins with those of the first cell.

    Raises:
        InvalidSetting: the inputs are no images, signals or volumes.
    """
    count, width = task.layers or LAYERS, task.channels[0]
    halves = {count // 3, 2 * count // 3}
    widths = [width * 2 ** sum(half <= place for half in halves) for place in range(count)]
    first = _stem(task.input_shape, STEM * width, widths[0])
    chain: list[tuple[Block, int]] = [(first, 1)]
    for place, own in enumerate(widths):
        last = chain[-1][0][-1]
        after = widths[place + 1] if place + 1 < count else 0
        cell = reduce if place in halves else normal
        block = _cell(cell, (last.channels, *last.size), own, after, place in halves)
        if block is chain[-1][0] or block == chain[-1][0]:
            chain[-1] = (block, chain[-1][1] + 1)
        else:
            chain.append((block, 1))
    end = chain[-1][0][-1]
    chain.append((_head((end.channels, *end.size), task.classes), 1))
    return Network(tuple(chain))


def relu_conv_bn(build: Builder, x: int, channels: int) -> int:
    """Write ReLU, a 1x1 convolution and batch norm."""
    return build.batch_norm(build.conv(build.relu(x), channels))


def factorized_reduce(build: Builder, x: int, channels: int) -> int:
    """Write ReLU and two 1x1 convolutions of stride 2 side by side, of the even and of the odd pixels, and batch norm.

    Where a length is odd the last odd pixel is 0. (The published code takes even lengths and channels alone.)
    """
    x, odd = build.relu(x), channels // 2
    halves = [build.conv(x, channels - odd, stride=2)]
    if odd:
        halves.append(build.conv(build.shift(x), odd, stride=2))
    return build.batch_norm(build.concat(halves))


@lru_cache(maxsize=64)
def _stem(shape: Shape, stem: int, width: int) -> Block:
    build = Builder(shape)
    x = build.batch_norm(build.conv(0, stem, kernel=3))
    build.concat([relu_conv_bn(build, x, width), x])
    return build.done()


@lru_cache(maxsize=64)
def _head(shape: Shape, classes: int) -> Block:
    build = Builder(shape)
    build.linear(build.global_pool(0), classes)
    return build.done()


@lru_cache(maxsize=4096)
def _cell(edges: Edges, shape: Shape, width: int, after: int, halves: bool) -> Block:
    """Return the block of a cell.

    Args:
        edges: of the cell.
        shape: of what enters: `width` channels for its input 0, and behind them the last output.
        width: channels of each node.
        after: those that the next cell reads the last output with, 0 where there is none.
        halves: for a reduction cell, whose operations on inputs have stride 2.
    """
    build = Builder(shape)
    last = build.tail(0, shape[0] - width)
    nodes = [build.truncate(0, width), relu_conv_bn(build, last, width)]
    for node in edges:
        parts = [_operation(build, OPS[op], nodes[x], width, 2 if halves and x < 2 else 1) for x, op in node]
        nodes.append(build.add(parts))
    own = nodes[2:]
    if after:
        bring = factorized_reduce if halves else relu_conv_bn
        own = [bring(build, last, after), *own]
    build.concat(own)
    return build.done()


def _operation(build: Builder, op: str, x: int, width: int, stride: int) -> int:
    """Write an operation as the network for evaluation has it: poolings there have no batch norm."""
    if op == "skip_connect":
        return factorized_reduce(build, x, width) if stride > 1 else x
    kind, kernel = op.rsplit("_", 1)
    size = int(kernel[0])
    if kind == "max_pool":
        return build.max_pool(x, size, stride, size // 2)
    if kind == "avg_pool":
        return build.avg_pool(x, size, stride, size // 2)
    if kind == "dil_conv":
        return _separable(build, x, width, size, stride, dilation=2)
    return _separable(build, _separable(build, x, width, size, stride), width, size)


def _separable(build: Builder, x: int, width: int, kernel: int, stride: int = 1, dilation: int = 1) -> int:
    """Write ReLU, a depthwise and a 1x1 convolution and batch norm."""
    depthwise = build.conv(build.relu(x), width, kernel, stride, groups=width, dilation=dilation)
    return build.batch_norm(build.conv(depthwise, width))
