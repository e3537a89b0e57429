"""A network as plain data: a chain of blocks, each a small graph of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from nassearch.errors import InvalidSetting, UnknownName


class Layer(NamedTuple):
    """One layer and the shape of what it gives out.

    Attributes:
        op: one of `OPS`, `GATED_OPS`, `PAIR_OPS` or `FRAME_OPS`.
        inputs: positions, within the block, of the layers it reads; all smaller than its own.
        channels: channels of the output; `truncate` gives the first so many of what it reads, `tail` the last.
        size: spatial size of the output; `()` after global pooling.
        kernel, stride: of `conv`, `avg_pool` and `max_pool`, the same along every spatial axis.
        padding: zeros on each side; average pooling does not count them, and no maximum is taken of them.
        bias: whether `conv` or `linear` has one.
        groups: of `conv` and `frame_conv`; as many as channels in a depthwise one.
        dilation: of `conv` and `frame_conv`.
    """

    op: str
    inputs: tuple[int, ...]
    channels: int
    size: tuple[int, ...]
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    bias: bool = False
    groups: int = 1
    dilation: int = 1


OPS = (
    *("input", "conv", "linear", "batch_norm", "relu", "avg_pool", "max_pool", "global_pool"),
    *("add", "concat", "truncate", "zeros"),
)
WEIGHTED = ("conv", "linear", "batch_norm")
ACTIVATIONS = ("relu6", "swish", "hard_swish", "sigmoid", "hard_sigmoid")
GATED_OPS = (*ACTIVATIONS, "multiply")
"""Layers of networks for phones. Interpreters that do not know them refuse them.

`relu6` is min(max(x, 0), 6), `swish` x * sigmoid(x), `hard_swish` x * hard_sigmoid(x), and `hard_sigmoid`
min(max(x + 3, 0), 6) / 6. `multiply` is the product of two layers with the same channels; the second may be one number
for each channel, after global pooling, as in squeeze-and-excitation.
"""
PAIR_OPS = ("tail", "shift")
"""Layers of cells that read the two cells before them. Interpreters that do not know them refuse them.

A block of a chain hands on one signal; two signals of one size are one, the channels of the one behind those of the
other, and `truncate` and `tail` take them apart. `shift` gives what stands one place further along every axis, and 0 at
the end: a convolution of stride 2 behind it reads the odd places.
"""
FRAME_OPS = ("frame_conv", "cap", "layer_norm", "lstm")
"""Layers of speech networks, for signals `[channels, frames]`. Interpreters that do not know them refuse them.

`frame_conv` is a convolution with `padding` zeros in front of the first frame, and after the last as many as its size
asks for. `cap` lets through at most `CAP`. `layer_norm` is over the channels of each frame, with gain and shift.
`lstm` gives its state at each frame; it has one bias per gate.
"""
CAP = 20.0
LEFT_OUT = ("relu", "relu6", "batch_norm", "cap", "layer_norm", "lstm")
"""What synflow takes to pass a positive signal on as it is. ReLU does so; normalisation is left out by definition, and
so is the upper end of clipped ReLUs. An LSTM gives the mean of its channels on each of its own. Signals as large as
those of synflow only saturate these two, and no gradient is left."""

layer = lru_cache(maxsize=1 << 16)(Layer)
"""A layer as `Layer` makes it. Blocks of many networks have most of their layers in common, and share them so."""

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
        """Return the size behind a window that reaches over so many positions."""
        before = self.layers[x].size
        size = tuple((s + 2 * padding - kernel) // stride + 1 for s in before)
        if not size:
            raise InvalidSetting(
                f"a window of {kernel} on a vector gives nothing: this network is not for vectors; take a space whose "
                "networks are, such as one of your own in PyTorch"
            )
        if min(size) < 1:
            raise InvalidSetting(
                f"a window of {kernel} with stride {stride} on {before} gives nothing: this network is not for inputs "
                f"of {self.layers[0].size}; take larger ones, or a space whose networks halve them less often"
            )
        return size

    def conv(
        self,
        x: int,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        bias: bool = False,
        groups: int = 1,
        dilation: int = 1,
    ) -> int:
        """Convolve, padded so that stride 1 keeps the size.

        Raises:
            InvalidSetting: what it reads is no signal or image, or too small, or the groups do not divide channels.
        """
        padding, width = kernel // 2 * dilation, self.layers[x].channels
        if width % groups or channels % groups:
            raise InvalidSetting(
                f"the groups of a convolution divide the channels before and after it, and {groups} does not divide "
                f"{width} and {channels}"
            )
        size = self._size(x, (kernel - 1) * dilation + 1, stride, padding)
        layer = Layer("conv", (x,), channels, size, kernel, stride, padding, bias, groups, dilation)
        return self._append(layer)

    def frame_conv(
        self,
        x: int,
        channels: int,
        kernel: int,
        before: int,
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
    ) -> int:
        """Convolve a signal with a bias, `before` zeros in front; every stride-th frame is the place of an output."""
        size = tuple(-(-frames // stride) for frames in self.layers[x].size)
        layer = Layer("frame_conv", (x,), channels, size, kernel, stride, before, True, groups, dilation)
        return self._append(layer)

    def cap(self, x: int) -> int:
        return self._like("cap", (x,), x)

    def layer_norm(self, x: int) -> int:
        return self._like("layer_norm", (x,), x)

    def lstm(self, x: int, channels: int) -> int:
        return self._append(Layer("lstm", (x,), channels, self.layers[x].size))

    def avg_pool(self, x: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
        return self._pool("avg_pool", x, kernel, stride, padding)

    def max_pool(self, x: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
        return self._pool("max_pool", x, kernel, stride, padding)

    def _pool(self, op: str, x: int, kernel: int, stride: int, padding: int) -> int:
        size = self._size(x, kernel, stride, padding)
        return self._append(Layer(op, (x,), self.layers[x].channels, size, kernel, stride, padding))

    def batch_norm(self, x: int) -> int:
        return self._like("batch_norm", (x,), x)

    def relu(self, x: int) -> int:
        return self._like("relu", (x,), x)

    def activation(self, op: str, x: int) -> int:
        """Return a layer that is `relu` or one of `ACTIVATIONS`."""
        if op not in ("relu", *ACTIVATIONS):
            raise UnknownName("activation", op, ("relu", *ACTIVATIONS))
        return self._like(op, (x,), x)

    def multiply(self, x: int, gate: int) -> int:
        """Multiply a layer by one of the same channels, which has the same size or is one number for each channel."""
        there, by = self.layers[x], self.layers[gate]
        if by.channels != there.channels or by.size not in ((), there.size):
            raise InvalidSetting(
                f"a gate has the channels of what it multiplies, {there.channels}, and its size or none, not "
                f"{by.channels} channels of size {by.size}"
            )
        return self._like("multiply", (x, gate), x)

    def zeros(self, like: int) -> int:
        return self._like("zeros", (), like)

    def add(self, xs: Sequence[int]) -> int:
        """Sum layers of one shape from left to right; the sum of one layer is the layer."""
        return xs[0] if len(xs) == 1 else self._like("add", tuple(xs), xs[0])

    def concat(self, xs: Sequence[int]) -> int:
        """Put the channels of layers of one size one after the other; of one layer that is the layer."""
        channels = sum(self.layers[x].channels for x in xs)
        return (
            xs[0]
            if len(xs) == 1
            else self._append(Layer("concat", tuple(xs), channels, self.layers[xs[0]].size))
        )

    def truncate(self, x: int, channels: int) -> int:
        """Keep the first channels; where these are all, that is the layer."""
        if channels == self.layers[x].channels:
            return x
        return self._append(Layer("truncate", (x,), channels, self.layers[x].size))

    def tail(self, x: int, channels: int) -> int:
        """Keep the last channels; where these are all, that is the layer."""
        if channels == self.layers[x].channels:
            return x
        return self._append(Layer("tail", (x,), channels, self.layers[x].size))

    def shift(self, x: int) -> int:
        """Move everything by one place to the beginning of every axis, with zeros at the end."""
        return self._like("shift", (x,), x)

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


def check_constant(network: Network) -> None:
    """Raise `InvalidSetting` where constant weights leave nothing to compare: layer norm over equal channels is 0."""
    if any(layer.op == "layer_norm" for block, _ in network.chain for layer in block):
        raise InvalidSetting(
            "under one constant weight all channels are equal, and layer norm makes 0 of them: networks with layer "
            "norm have no epsilon; score them by another proxy, such as synflow or jacob_cov"
        )


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


def _keep(block: Block, positions: Sequence[int]) -> Block:
    place = {old: new for new, old in enumerate(positions)}
    return tuple(block[p]._replace(inputs=tuple(place[i] for i in block[p].inputs)) for p in positions)
