"""Blocks that are written down once and filled in for each shape."""

from __future__ import annotations

from nassearch.networks.graph import Block, Layer


class Shapes(dict[Layer, Layer]):
    """The layers of blocks that are written down once for all shapes, with one of these filled in.

    Args:
        widths: channels by what stands in their place in a layer, a number from 0.
        size: of every layer.
    """

    def __init__(self, widths: tuple[int, ...], size: tuple[int, ...]) -> None:
        self._widths, self._size = widths, size

    def __missing__(self, layer: Layer) -> Layer:
        self[layer] = layer._replace(channels=self._widths[layer.channels], size=self._size)
        return self[layer]

    def fill(self, block: Block) -> Block:
        """Return a block in this shape."""
        return tuple(map(self.__getitem__, block))
