"""A network as plain data: a chain of blocks, each a small graph of layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Layer(NamedTuple):
    """One layer and the shape of what it gives out.

    Attributes:
        op: one of `OPS`.
        inputs: positions, within the block, of the layers it reads; all smaller than its own.
        channels: channels of the output.
        size: spatial size of the output; `()` after global pooling.
        kernel, stride: of `conv` and `avg_pool`, the same along every spatial axis.
        padding: zeros on each side; average pooling does not count them.
        bias: whether `conv` or `linear` has one.
    """

    op: str
    inputs: tuple[int, ...]
    channels: int
    size: tuple[int, ...]
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    bias: bool = False


OPS = ("input", "conv", "linear", "batch_norm", "relu", "avg_pool", "global_pool", "add", "zeros")
WEIGHTED = ("conv", "linear", "batch_norm")

Block = tuple[Layer, ...]
"""Layers in an order in which each can be computed. The first is the input; the last is what the block gives."""


class Network(NamedTuple):
    """Blocks in a chain, each with the number of times it stands there in a row.

    Repeated blocks share their shape, not their weights. Networks of one space and task have chains of one length,
    with equal shapes between the blocks; that is what lets many of them run as one program.
    """

    chain: tuple[tuple[Block, int], ...]

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks with the repeats written out."""
        for block, repeats in self.chain:
            for _ in range(repeats):
                yield block

    @property
    def input_shape(self) -> tuple[int, ...]:
        entry = self.chain[0][0][0]
        return (entry.channels, *entry.size)


class Builder:
    """Write a block layer by layer; every method returns the position of the new layer.

    >>> build = Builder((3, 32, 32))
    >>> x = build.relu(build.batch_norm(build.conv(0, 16, kernel=3)))
    >>> block = build.done()
    >>> block[-1].op, block[-1].channels, block[-1].size
    ('relu', 16, (32, 32))
    """

    def __init__(self, input_shape: Sequence[int]) -> None:
        self.layers = [Layer("input", (), input_shape[0], tuple(input_shape[1:]))]

    def _append(self, layer: Layer) -> int:
        self.layers.append(layer)
        return len(self.layers) - 1

    def _like(self, op: str, inputs: tuple[int, ...], x: int) -> int:
        return self._append(Layer(op, inputs, self.layers[x].channels, self.layers[x].size))

    def _size(self, x: int, kernel: int, stride: int, padding: int) -> tuple[int, ...]:
        return tuple((s + 2 * padding - kernel) // stride + 1 for s in self.layers[x].size)

    def conv(self, x: int, channels: int, kernel: int = 1, stride: int = 1, bias: bool = False) -> int:
        """Convolve, padded so that stride 1 keeps the size."""
        padding = kernel // 2
        size = self._size(x, kernel, stride, padding)
        return self._append(Layer("conv", (x,), channels, size, kernel, stride, padding, bias))

    def avg_pool(self, x: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
        size = self._size(x, kernel, stride, padding)
        return self._append(Layer("avg_pool", (x,), self.layers[x].channels, size, kernel, stride, padding))

    def batch_norm(self, x: int) -> int:
        return self._like("batch_norm", (x,), x)

    def relu(self, x: int) -> int:
        return self._like("relu", (x,), x)

    def zeros(self, like: int) -> int:
        return self._like("zeros", (), like)

    def add(self, xs: Sequence[int]) -> int:
        """Sum layers of one shape from left to right; the sum of one layer is the layer."""
        return xs[0] if len(xs) == 1 else self._like("add", tuple(xs), xs[0])

    def global_pool(self, x: int) -> int:
        return self._append(Layer("global_pool", (x,), self.layers[x].channels, ()))

    def linear(self, x: int, channels: int, bias: bool = True) -> int:
        return self._append(Layer("linear", (x,), channels, (), bias=bias))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the last layer, which the next block of a chain starts from."""
        return (self.layers[-1].channels, *self.layers[-1].size)

    def done(self, output: int | None = None) -> Block:
        """Return the block, with `output` (default: the last layer written) as its last layer."""
        if output is not None and output != len(self.layers) - 1:
            self._like("add", (output,), output)
        return tuple(self.layers)


def live_positions(block: Block) -> list[int]:
    """Return the positions, in order, of the input and of the layers that the block's output depends on."""
    needed = {0, len(block) - 1}
    for position in range(len(block) - 1, -1, -1):
        if position in needed:
            needed.update(block[position].inputs)
    return sorted(needed)


def live(block: Block) -> Block:
    """Return the same function without the layers that the block's output does not depend on."""
    return _keep(block, live_positions(block))


def merge_equal(block: Block, ops: Iterable[str]) -> Block:
    """Return the same function with each repeated layer of the given ops computed once.

    With all ops this is only right where equal layers have equal weights, as under constant weights.
    """
    ops = set(ops)
    place: dict[int, int] = {}
    seen: dict[Layer, int] = {}
    layers: list[Layer] = []
    for position, layer in enumerate(block):
        layer = layer._replace(inputs=tuple(place[i] for i in layer.inputs))
        last = position == len(block) - 1
        if layer.op in ops and layer in seen and not last:
            place[position] = seen[layer]
            continue
        place[position] = seen[layer] = len(layers)
        layers.append(layer)
    return tuple(layers)


def _keep(block: Block, positions: Sequence[int]) -> Block:
    place = {old: new for new, old in enumerate(positions)}
    return tuple(block[p]._replace(inputs=tuple(place[i] for i in block[p].inputs)) for p in positions)
