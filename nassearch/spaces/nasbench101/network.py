"""The networks of NAS-Bench-101 (Ying et al., 2019): a cell as a matrix and a list of operations, in their skeleton."""

from __future__ import annotations

from functools import lru_cache

from nassearch.networks.graph import Block, Builder, Network, layer
from nassearch.networks.shapes import Shapes
from nassearch.types import Task

CONV3, CONV1, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
KERNELS = {CONV3: 3, CONV1: 1}

Matrix = tuple[tuple[int, ...], ...]
"""Adjacency `[V, V]` of vertices in topological order: row feeds column, the input first and the output last."""


def network101(matrix: Matrix, ops: tuple[str, ...], task: Task) -> Network:
    """Return the skeleton of the paper's figure 1 with this cell: stem, stacks of cells, classifier.

    A 3x3 convolution with batch norm and ReLU is followed by one stack for each of `task.channels`, of `task.cells`
    cells each. Between stacks the signal is halved by 2x2 max pooling, and the next cell widens it.

    Args:
        matrix: of a pruned cell: every vertex lies on a way from the input to the output.
        ops: of each vertex, "input" first, "output" last.
        task: its `reduction` and `stem_stride` play no part.
    """
    return Network(
        tuple(
            (_cell(matrix, ops, shape, out) if block is None else block, repeats)
            for block, repeats, shape, out in _skeleton(task)
        )
    )


def vertex_channels(matrix: Matrix, entry: int, out: int) -> tuple[int, ...]:
    """Return the channels of each vertex, input and output included.

    What is concatenated at the output shares its channels equally, the first vertices taking one more each where
    they do not divide; any other vertex is as wide as the widest vertex that it feeds.

    >>> vertex_channels(((0, 1, 1, 0), (0, 0, 0, 1), (0, 0, 0, 1), (0, 0, 0, 0)), 128, 129)
    (128, 65, 64, 129)
    """
    last = len(matrix) - 1
    channels = [entry] + [0] * (last - 1) + [out]
    joined = [vertex for vertex in range(1, last) if matrix[vertex][last]]
    for place, vertex in enumerate(joined):
        channels[vertex] = out // len(joined) + (place < out % len(joined))
    for vertex in range(last - 2, 0, -1):
        if not matrix[vertex][last]:
            channels[vertex] = max(channels[k] for k in range(vertex + 1, last) if matrix[vertex][k])
    return tuple(channels)


def _cell(matrix: Matrix, ops: tuple[str, ...], shape: tuple[int, ...], out: int) -> Block:
    joined = max(1, sum(row[-1] for row in matrix[1:]))
    share = out // joined
    return _shapes((shape[0], share, share + 1, out), shape[1:]).fill(_cell_layers(matrix, ops, out % joined))


_shapes = lru_cache(maxsize=256)(Shapes)
ENTRY, SHARE, LARGER_SHARE, EXIT = range(4)
"""What stands in the place of channels where a cell is written down once for all widths."""


@lru_cache(maxsize=1024)
def _cell_layers(matrix: Matrix, ops: tuple[str, ...], larger: int) -> Block:
    """Return a cell of which so many vertices have the larger share of the output's channels."""
    last = len(matrix) - 1
    joined = [vertex for vertex in range(1, last) if matrix[vertex][last]]
    widths = vertex_channels(matrix, ENTRY, SHARE * len(joined) + larger)
    layers = [layer("input", (), ENTRY, ())]

    def write(op: str, inputs: list[int], width: int, kernel: int = 1) -> int:
        layers.append(layer(op, tuple(inputs), width, (), kernel, 1, kernel // 2))
        return len(layers) - 1

    def conv_bn_relu(x: int, width: int, kernel: int) -> int:
        return write("relu", [write("batch_norm", [write("conv", [x], width, kernel)], width)], width)

    values = [0]
    for vertex, width in enumerate(widths[1:last], start=1):
        read = []
        for source in range(1, vertex):
            if matrix[source][vertex]:
                whole = widths[source] == width
                read.append(values[source] if whole else write("truncate", [values[source]], width))
        if matrix[0][vertex]:
            read.append(conv_bn_relu(0, width, 1))
        x = write("add", read, width) if len(read) > 1 else read[0]
        pool = ops[vertex] == POOL
        values.append(
            write("max_pool", [x], width, 3) if pool else conv_bn_relu(x, width, KERNELS[ops[vertex]])
        )
    out = [values[vertex] for vertex in joined]
    if len(out) > 1:
        out = [write("concat", out, EXIT)]
    if matrix[0][last]:
        out.append(conv_bn_relu(0, EXIT, 1))
    if len(out) > 1 or out[0] != len(layers) - 1:
        write("add", out, EXIT)
    return tuple(layers)


@lru_cache(maxsize=64)
def _skeleton(task: Task) -> tuple[tuple[Block | None, int, tuple[int, ...], int], ...]:
    """Return the chain as (block, repeats, shape of its input, channels of its output), with None for a cell."""
    stem = Builder(task.input_shape)
    stem.relu(stem.batch_norm(stem.conv(0, task.channels[0], kernel=3)))
    chain: list[tuple[Block | None, int, tuple[int, ...], int]] = []
    chain.append((stem.done(), 1, task.input_shape, task.channels[0]))
    shape = stem.shape
    for stack, channels in enumerate(task.channels):
        if stack:
            pool = Builder(shape)
            pool.max_pool(0, 2, stride=2)
            chain.append((pool.done(), 1, shape, shape[0]))
            shape = pool.shape
        wider = (channels, *shape[1:])
        # The first cell of a stack widens the signal, so that it is another block than those after it.
        first, others = (1, task.cells - 1) if channels != shape[0] else (0, task.cells)
        chain += [
            (None, count, start, channels) for count, start in ((first, shape), (others, wider)) if count
        ]
        shape = wider
    head = Builder(shape)
    head.linear(head.global_pool(0), task.classes)
    return (*chain, (head.done(), 1, shape, task.classes))
