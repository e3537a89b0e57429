"""A network cut down to its cell and its end, of one channel: small enough that samples share linear regions.

>>> build = Builder((3, 8, 8))
>>> cell = Builder((16, 8, 8))
>>> _ = cell.relu(cell.conv(0, 16, kernel=3))
>>> head = Builder((16, 8, 8))
>>> _ = head.linear(head.global_pool(0), 10)
>>> _ = build.conv(0, 16, kernel=3)
>>> whole = Network(((build.done(), 1), (cell.done(), 5), (head.done(), 1)))
>>> [[(layer.op, layer.channels, layer.size) for layer in block] for block in thinned(whole, 3).blocks()]
... # doctest: +NORMALIZE_WHITESPACE
[[('input', 1, (3, 3)), ('conv', 1, (3, 3)), ('relu', 1, (3, 3))],
 [('input', 1, (3, 3)), ('global_pool', 1, ()), ('linear', 10, ())]]
"""

from __future__ import annotations

from collections import Counter

from nassearch.errors import InvalidModel
from nassearch.networks.graph import GATED_OPS, OPS, PAIR_OPS, Block, Builder, Layer, Network  # noqa: F401 - Builder is of the example


def thinned(network: Network, size: int) -> Network:
    """Return the cell of a network, once, and its last block, on inputs of one channel and `size` along every axis.

    The cell is the block that stands there most often, whatever its channels and sizes. Every convolution gives one
    channel.

    Raises:
        InvalidModel: it has layers of speech, whose sizes follow from rules of their own, or such that are not linear
            piece by piece.
    """
    blocks = list(network.blocks())
    if (curved := next((y.op for block in blocks for y in block if y.op in GATED_OPS), None)) is not None:
        raise InvalidModel(
            f"it counts the regions on which a network of ReLUs is linear, and this one has a layer {curved}: "
            "score it by another proxy"
        )
    if any(layer.op not in (*OPS, *PAIR_OPS) for block in blocks for layer in block):
        raise InvalidModel(
            "it counts regions of networks of images cut down to one cell, and this one is for speech: "
            "score it by another proxy"
        )
    counts = Counter(map(_form, blocks[:-1]))
    cell = next(block for block in blocks if counts[_form(block)] == max(counts.values()))
    axes = len(cell[0].size)
    first = _thin(cell, 1, (size,) * axes)
    return Network(((first, 1), (_thin(blocks[-1], first[-1].channels, first[-1].size), 1)))


def _form(block: Block) -> tuple[Layer, ...]:
    return tuple(layer._replace(channels=0, size=()) for layer in block)


def _thin(block: Block, channels: int, size: tuple[int, ...]) -> Block:
    """Return a block on another input, its convolutions of one channel and its classifier as it is."""
    thin: list[Layer] = []
    for layer in block:
        read = [thin[place] for place in layer.inputs]
        here = read[0].size if read else size
        if layer.op == "input":
            made = layer._replace(channels=channels, size=size)
        elif layer.op in ("conv", "avg_pool", "max_pool"):
            kept = 1 if layer.op == "conv" else read[0].channels
            made = layer._replace(
                groups=1, channels=kept, size=tuple(_steps(layer, length) for length in here)
            )
        elif layer.op == "linear":
            made = layer
        elif layer.op == "concat":
            made = layer._replace(channels=sum(each.channels for each in read), size=here)
        elif layer.op in ("truncate", "tail", "zeros"):
            made = layer._replace(channels=1, size=here)
        elif layer.op == "global_pool":
            made = layer._replace(channels=read[0].channels)
        else:
            # A sum of one channel and of several adds the one to each.
            made = layer._replace(channels=max(each.channels for each in read), size=here)
        thin.append(made)
    return tuple(thin)


def _steps(layer: Layer, length: int) -> int:
    return (length + 2 * layer.padding - (layer.kernel - 1) * layer.dilation - 1) // layer.stride + 1
