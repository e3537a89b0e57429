"""A block of few different channels, written as one step for each channel that differs.

If all weights of a layer are equal, so are its output channels. Only a concatenation holds channels that differ. It is
a row of parts, and each part is so many copies of one channel. A convolution over parts reads the sum of their copies;
one in groups reads those of each group, and its own channels are parts again.
Which steps a block has depends on the parts of its input, which the block before it gives.

An example: layers of 2 and of 4 units, side by side, are two parts. The ReLU behind them takes a step for each, and a
last layer reads 2 copies of the one and 4 of the other:

>>> from nassearch.networks.graph import Builder
>>> build = Builder((3,))
>>> _ = build.linear(build.relu(build.concat([build.linear(0, 2), build.linear(0, 4)])), 5)
>>> [(step.layer.op, step.layer.inputs, step.copies) for step in parted(build.done(), (3,)).steps[3:]]
[('relu', (1,), ()), ('relu', (2,), ()), ('linear', (3, 4), (2, 4))]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Block, Layer


class Part(NamedTuple):
    """Some equal channels one after the other: the step that gives one of them, and how many there are."""

    step: int
    channels: int


class ChannelStep(NamedTuple):
    """A layer on one channel.

    Attributes:
        layer: its `inputs` are positions of steps.
        copies: of `conv` and `linear`, how many channels each of the inputs stands for.
    """

    layer: Layer
    copies: tuple[int, ...]


class Parted(NamedTuple):
    """A block as steps, the parts of its input first, and the parts of its output."""

    steps: tuple[ChannelStep, ...]
    output: tuple[Part, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Return the channels of each part of the output, with which the next block is entered."""
        return tuple(part.channels for part in self.output)


def parted(block: Block, widths: Sequence[int], merge: bool = False) -> Parted:
    """Write a block down by parts.

    Args:
        block: what to write down.
        widths: the channels of each part of its input.
        merge: compute steps that are equal once, which is right where equal layers have equal weights.

    Raises:
        InvalidSetting: the widths are not those of the block's input.
    """
    if sum(widths) != block[0].channels:
        raise InvalidSetting(f"parts of {list(widths)} channels do not make up {block[0].channels}")
    steps: list[ChannelStep] = []
    seen: dict[ChannelStep, int] = {}

    def step(layer: Layer, inputs: Sequence[int], copies: Sequence[int] = ()) -> int:
        new = ChannelStep(layer._replace(inputs=tuple(inputs)), tuple(copies))
        # One channel is the same whatever the number of channels.
        place = seen.setdefault(new._replace(layer=new.layer._replace(channels=1)), len(steps))
        if place == len(steps) or not merge or layer.op == "input":
            steps.append(new)
            return len(steps) - 1
        return place

    values: list[tuple[Part, ...]] = []
    for layer in block:
        read = [values[i] for i in layer.inputs]
        if layer.op == "input":
            y = tuple(Part(step(layer._replace(channels=width), ()), width) for width in widths)
        elif layer.op == "concat":
            y = tuple(part for parts in read for part in parts)
        elif layer.op == "truncate":
            y = tuple(_first(read[0], layer.channels))
        elif layer.op == "tail":
            y = tuple(_behind(read[0], sum(part.channels for part in read[0]) - layer.channels))
        elif layer.op == "add" and len(read) == 1:
            y = read[0]
        elif layer.op in ("add", "multiply"):
            y = tuple(Part(step(layer, together), width) for together, width in _aligned(read))
        elif layer.groups > 1:
            y = tuple(
                Part(step(layer._replace(groups=1), [*copies], [*copies.values()]), channels)
                for copies, channels in _grouped(read[0], layer)
            )
        elif layer.op in ("conv", "linear", "zeros"):
            copies = _copies(read[0] if read else ())
            y = (Part(step(layer, [*copies], [*copies.values()]), layer.channels),)
        else:
            once = {part.step: step(layer, [part.step]) for part in read[0]}
            y = tuple(Part(once[part.step], part.channels) for part in read[0])
        values.append(y)
    return Parted(tuple(steps), values[-1])


def _copies(parts: Iterable[Part]) -> dict[int, int]:
    """Return how many channels each step gives."""
    copies: dict[int, int] = {}
    for part in parts:
        copies[part.step] = copies.get(part.step, 0) + part.channels
    return copies


def _grouped(parts: Sequence[Part], layer: Layer) -> Iterator[tuple[dict[int, int], int]]:
    """Yield what groups of a convolution that read alike read, how many copies of each step, and their channels."""
    each = sum(part.channels for part in parts) // layer.groups
    own = layer.channels // layer.groups
    left = list(parts)
    while left:
        alike = max(1, left[0].channels // each)
        yield _copies(_first(left, each)), alike * own
        left = list(_behind(left, alike * each))


def _behind(parts: Sequence[Part], channels: int) -> Iterator[Part]:
    """Yield the parts behind the first channels."""
    for part in parts:
        if part.channels > channels:
            yield Part(part.step, part.channels - max(0, channels))
        channels -= part.channels


def _first(parts: Sequence[Part], channels: int) -> Iterator[Part]:
    """Yield the parts of the first channels."""
    for part in parts:
        if channels > 0:
            yield Part(part.step, min(channels, part.channels))
        channels -= part.channels


def _aligned(rows: Sequence[Sequence[Part]]) -> Iterator[tuple[list[int], int]]:
    """Yield runs of channels over which no row changes: the steps of each row, and the channels."""
    left = [list(row) for row in rows]
    while left[0]:
        width = min(row[0].channels for row in left)
        yield [row[0].step for row in left], width
        left = [list(_behind(row, width)) for row in left]
