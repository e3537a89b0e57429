"""Groups of channels that are equal in a network whose weights are all equal within each layer.

Inside a group neither values nor gradients differ. A convolution mixes all channels alike, so all its channels are one
group. A layer that works channel by channel, such as ReLU or a depthwise convolution, has the groups of what it reads,
and the other way round. Concatenation puts groups side by side; truncation and `tail` cut them.

An example: layers of 2 and 4 channels side by side are two groups of 6 channels, before and after a ReLU:

>>> from nassearch.networks.graph import Builder
>>> build = Builder((3,))
>>> _ = build.relu(build.concat([build.linear(0, 2), build.linear(0, 4)]))
>>> channel_groups([build.done()])
[[(3,), (2,), (4,), (2, 4), (2, 4)]]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from nassearch.networks.graph import Block, Layer

MIXING = ("input", "conv", "linear", "frame_conv", "lstm", "zeros")
Place = tuple[int, int]
"""A layer: the number of its block, and its position there."""


def channel_groups(blocks: Sequence[Block]) -> list[list[tuple[int, ...]]]:
    """Return for each layer of each block of a chain how many channels each of its groups has, in their order."""
    if not any(layer.op in ("concat", "truncate", "tail") for block in set(blocks) for layer in block):
        return [[(layer.channels,) for layer in block] for block in blocks]
    cuts = [[{0, layer.channels} for layer in block] for block in blocks]
    links = [*_links(blocks)]
    while True:
        before = sum(len(places) for of_block in cuts for places in of_block)
        for (a, i), (b, k), offset, length in [*reversed(links), *links]:
            one, other = cuts[a][i], cuts[b][k]
            other |= {cut + offset for cut in one if cut <= length}
            one |= {cut - offset for cut in other if offset <= cut <= offset + length}
        if before == sum(len(places) for of_block in cuts for places in of_block):
            break
    return [[tuple(b - a for a, b in pairwise(sorted(places))) for places in of_block] for of_block in cuts]


def is_depthwise(layer: Layer, block: Block) -> bool:
    """Say whether a layer is a convolution of as many groups as it reads and gives channels."""
    return 1 < layer.groups == layer.channels == block[layer.inputs[0]].channels


def _links(blocks: Sequence[Block]) -> Iterator[tuple[Place, Place, int, int]]:
    """Yield (one, other, offset, length): the first channels of one go to those of the other from the offset on."""
    for number, block in enumerate(blocks):
        if number:
            before = blocks[number - 1]
            yield (number - 1, len(before) - 1), (number, 0), 0, before[-1].channels
        for position, layer in enumerate(block):
            if layer.op in MIXING and not is_depthwise(layer, block):
                continue
            if layer.op == "tail":
                there = block[layer.inputs[0]].channels - layer.channels
                yield (number, position), (number, layer.inputs[0]), there, layer.channels
                continue
            widths = [min(block[i].channels, layer.channels) for i in layer.inputs]
            ends = accumulate(widths, initial=0) if layer.op == "concat" else [0] * len(widths)
            for i, offset, width in zip(layer.inputs, ends, widths, strict=False):
                yield (number, i), (number, position), offset, width
