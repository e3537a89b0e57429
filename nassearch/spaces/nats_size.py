"""The size space of NATS-Bench (Dong, Liu, Musial and Gabrys, 2021)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar

from nassearch.errors import InvalidArch, InvalidSetting
from nassearch.networks.graph import Block, Builder, Network
from nassearch.spaces.choices import Choices
from nassearch.spaces.edge_cells import halved
from nassearch.types import Arch, Task

WIDTHS = tuple(range(8, 65, 8))
STAGES = 5
"""Cell, reduction, cell, reduction, cell: the second and the fourth halve the image."""


class NATSSize(Choices):
    """The widths of five stages of one fixed network, each one of 8, 16, ... 64: 32,768 architectures.

    The cell is the best of the topology space on CIFAR-100,
    `|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|`.

    >>> space = NATSSize()
    >>> space.parse("8:16:24:32:64"), space.format((7, 7, 7, 7, 7))
    ((0, 1, 2, 3, 7), '64:64:64:64:64')
    >>> len(space.neighbours((0, 1, 2, 3, 7)))
    35

    One edit is another width of one stage. The published mutation draws that width from all eight, so that one in
    eight changes nothing; here every mutation is a change. The official index order is that of the product, the last
    stage fastest.
    """

    name: ClassVar[str] = "nats-size"
    skeleton: ClassVar[dict[str, Any]] = {"width": 1.0, "depth": 1, "stem_stride": 1}
    choices: ClassVar[tuple[tuple[str, ...], ...]] = (tuple(map(str, WIDTHS)),) * STAGES

    def rule(self) -> str:
        return f"{STAGES} indices into the widths {', '.join(map(str, WIDTHS))}, each from 0 to {len(WIDTHS) - 1}"

    def parse(self, text: str) -> Arch:
        """Read `8:16:24:32:64`, or an official index such as `1234`."""
        if not re.fullmatch(r"\s*\d{1,18}\s*", text):
            return super().parse(text)
        index = int(text.strip())
        if index >= self.size:
            raise InvalidArch(f"an index of {self.name} is from 0 to {self.size - 1}, not {index}")
        return tuple(index // len(WIDTHS) ** power % len(WIDTHS) for power in reversed(range(STAGES)))

    def features(self, arch: Arch) -> dict[str, float]:
        """Return the width of each stage."""
        return {f"width {stage}": float(WIDTHS[option]) for stage, option in enumerate(arch, start=1)}

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the published skeleton with these widths: stem, five stages of one block each, classifier.

        `task.width` multiplies the widths (published: 1), and `task.depth` is the number of cells in each stage of
        cells (published: 1). Its widths and number of cells are not looked at, since widths are what this space
        decides.

        Raises:
            InvalidSetting: the skeleton of the task has a reduction that is not the published one.
        """
        if task.reduction != "residual":
            raise InvalidSetting(f"{self.name} has residual reductions, no others")
        first, *_ = widths = [_scaled(WIDTHS[option], task) for option in self.check(arch)]
        stem = Builder(task.input_shape)
        stem.batch_norm(stem.conv(0, first, kernel=3, stride=task.stem_stride))
        chain, shape = [(stem.done(), 1)], stem.shape
        for stage, width in enumerate(widths):
            block = (_reduction if stage % 2 else _cell)(shape, width)
            chain.append((block, 1))
            shape = (block[-1].channels, *block[-1].size)
            if not stage % 2 and task.depth not in (None, 1):
                chain.append((_cell(shape, width), task.depth - 1))
        head = Builder(shape)
        head.linear(head.global_pool(head.relu(head.batch_norm(0))), task.classes)
        return Network((*chain, (head.done(), 1)))


def _scaled(width: int, task: Task) -> int:
    return width if task.width is None else max(1, round(width * task.width))


def _relu_conv_bn(build: Builder, x: int, width: int, stride: int = 1) -> int:
    return build.batch_norm(build.conv(build.relu(x), width, kernel=3, stride=stride))


@lru_cache(maxsize=1024)
def _cell(shape: tuple[int, ...], width: int) -> Block:
    build = Builder(shape)
    one = _relu_conv_bn(build, 0, width)
    two = build.add([_relu_conv_bn(build, 0, width), _relu_conv_bn(build, one, width)])
    # Where the width changes, the skip becomes a 1x1 convolution; unlike all others it has no ReLU before it.
    skip = 0 if shape[0] == width else build.batch_norm(build.conv(0, width))
    build.add([skip, _relu_conv_bn(build, one, width), _relu_conv_bn(build, two, width)])
    return build.done()


@lru_cache(maxsize=1024)
def _reduction(shape: tuple[int, ...], width: int) -> Block:
    build = Builder(shape)
    shortcut = build.conv(halved(build), width)
    inner = _relu_conv_bn(build, 0, width, stride=2)
    build.add([shortcut, _relu_conv_bn(build, inner, width)])
    return build.done()
