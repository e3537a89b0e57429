"""The cell-level space of TransNAS-Bench-101 (Duan et al., 2021)."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Block, Network
from nassearch.spaces.edge_cells import CONV3, EDGES, EdgeCells, cell, halving_cell
from nassearch.spaces.transnas.frame import head, stem
from nassearch.types import Arch, Task

MODULES = "41414"
"""The published skeleton: 4 is a module that halves the image and doubles the channels, 1 one that does neither."""
PREFIX = f"64-{MODULES}-"


class TransNASMicro(EdgeCells):
    """A cell of four nodes and six edges with one of four operations on each: 4,096 architectures.

    An architecture is six indices into the operations none, skip, 1x1 and 3x3 convolution, in the order of the digits
    of its published text.

    >>> space = TransNASMicro()
    >>> space.parse("64-41414-1_02_333"), space.format((3, 1, 3, 1, 0, 3))
    ((1, 0, 2, 3, 3, 3), '64-41414-3_13_103')
    >>> len(space.neighbours((3, 1, 3, 1, 0, 3)))
    18
    """

    name: ClassVar[str] = "transnas-micro"
    skeleton: ClassVar[dict[str, Any]] = {"channels": (64,), "cells": 2}
    operations: ClassVar[int] = 4
    input_skips: ClassVar[bool] = False

    def parse(self, text: str) -> Arch:
        """Read `64-41414-1_02_333`, or the cell alone, `1_02_333`."""
        cell_text, example = text.strip().removeprefix(PREFIX), self.format((CONV3,) * len(EDGES))
        if "-" in cell_text:
            raise InvalidArch(
                f"{excerpt(text)} is not of {self.name}, whose texts begin with {PREFIX}; an example: {example}"
            )
        nodes = cell_text.split("_")
        if [len(node) for node in nodes] != [1, 2, 3]:
            raise InvalidArch(
                f"{excerpt(text)} has not three nodes of 1, 2 and 3 operations between '_'; an example: {example}"
            )
        digits = "".join(nodes)
        if (wrong := re.search(rf"[^0-{self.operations - 1}]", digits)) is not None:
            raise InvalidArch(
                f"{excerpt(wrong[0])} in {excerpt(text)} is not an operation, which are 0 to {self.operations - 1}: "
                "none, skip, 1x1 and 3x3 convolution"
            )
        return tuple(map(int, digits))

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        """Return the cell of NASLib's six numbers, which are the digits of the published text."""
        return self.check(numbers)

    def format(self, arch: Arch) -> str:
        digits = "".join(map(str, self.check(arch)))
        return f"{PREFIX}{digits[0]}_{digits[1:3]}_{digits[3:]}"

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the published network for a classification: stem, five modules, mean over the image, linear layer.

        Every module is a row of `task.cells` cells (published: two), the first of which halves the image and doubles
        the channels where the skeleton says so. The base width is the first of `task.channels` (published: 64).
        Dead edges stay in: they hold parameters, as they do in the published networks.
        """
        self.check(arch)
        start = stem(task)
        chain: list[tuple[Block, int]] = [(start, 1)]
        shape = (start[-1].channels, *start[-1].size)
        for code in MODULES:
            alike = task.cells
            if code == "4":
                halving = halving_cell(arch, shape, 2 * shape[0])
                shape, alike = (halving[-1].channels, *halving[-1].size), alike - 1
                chain.append((halving, 1))
            if alike:
                chain.append((cell(arch, shape), alike))
        return Network((*chain, (head(shape, task), 1)))
