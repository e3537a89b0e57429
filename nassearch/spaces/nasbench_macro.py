"""The space of NAS-Bench-Macro: rows of inverted residuals (Su et al., 2021)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Block, Builder, Network
from nassearch.spaces.choices import Choices
from nassearch.spaces.mobile import inverted_residual
from nassearch.types import Arch, Task

IDENTITY = 0
BLOCKS = {1: (3, 3), 2: (5, 6)}
"""Kernel and expansion of the inverted residuals."""
LAYERS = (0, 0, 1, 1, 1, 2, 2, 2)
"""The stage of each layer; the first layer of a stage halves the image."""
HEAD = 5
"""How many times as many channels as the last stage the convolution before the classifier has: 1,280 published ones."""


class NASBenchMacro(Choices):
    """A row of eight layers, each an identity or one of two inverted residuals: 6,561 architectures.

    An architecture is eight indices, its text the same as digits: 0 is the identity, 1 an inverted residual with a
    kernel of 3 and three times as many channels inside, 2 one with a kernel of 5 and six times as many. At the first
    layer of a stage, where channels and size change, the identity is a 1x1 convolution.

    >>> space = NASBenchMacro()
    >>> space.parse("02012100"), space.size
    ((0, 2, 0, 1, 2, 1, 0, 0), 6561)
    >>> space.key((0, 2, 0, 0, 1, 1, 2, 0)) == space.key((0, 2, 0, 1, 0, 1, 2, 0))
    True

    Keys see that an identity inside of a stage is nothing wherever it stands: there are 3,969 keys.
    """

    name: ClassVar[str] = "nasbench-macro"
    choices: ClassVar[tuple[tuple[str, ...], ...]] = (("0", "1", "2"),) * len(LAYERS)
    keys_differ: ClassVar[bool] = False
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {"epsilon": {"weights": (1e-4, 10.0)}}
    """What the automatic choice finds on 256 images of CIFAR-10."""
    skeleton: ClassVar[dict[str, Any]] = {"channels": (64, 128, 256), "stem_stride": 1}

    def rule(self) -> str:
        return f"{len(LAYERS)} numbers from 0 to 2: identity, 3x3 and 5x5 inverted residual"

    def parse(self, text: str) -> Arch:
        digits = text.strip()
        if not re.fullmatch(f"[012]{{{len(LAYERS)}}}", digits):
            raise InvalidArch(
                f"{excerpt(text)} is not {len(LAYERS)} digits of 0 (identity), 1 (3x3) and 2 (5x5), as in 02012100"
            )
        return tuple(map(int, digits))

    def format(self, arch: Arch) -> str:
        return "".join(map(str, self.check(arch)))

    def key(self, arch: Arch) -> str:
        """Return the layers of each stage, the first and then what is no identity."""
        stages: list[str] = []
        for place, option in enumerate(self.check(arch)):
            if starts(place):
                stages.append(f"{option}:")
            elif option != IDENTITY:
                stages[-1] += str(option)
        return "/".join(stages)

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the published network: stem, eight layers without the identities, 1x1 convolution, classifier.

        `task.channels` are those of the three stages (published: 64, 128, 256), of which the stem has half the first.
        """
        widths = [*task.channels, *task.channels[-1:] * len(LAYERS)]
        build = Builder(task.input_shape)
        build.activation("relu", build.batch_norm(build.conv(0, max(1, widths[0] // 2), 3, task.stem_stride)))
        chain, shape = [(build.done(), 1)], build.shape
        for place, option in enumerate(self.check(arch)):
            width, stride = widths[LAYERS[place]], 2 if starts(place) else 1
            if option != IDENTITY:
                block = inverted_residual(shape, width, stride, *BLOCKS[option], False, "relu")
            elif starts(place):
                block = _shortened(shape, width)
            else:
                continue
            chain.append((block, 1))
            shape = (block[-1].channels, *block[-1].size)
        head = Builder(shape)
        x = head.activation("relu", head.batch_norm(head.conv(0, HEAD * shape[0])))
        head.linear(head.global_pool(x), task.classes)
        return Network((*chain, (head.done(), 1)))


def starts(place: int) -> bool:
    """Say whether a layer is the first of its stage."""
    return place == 0 or LAYERS[place] != LAYERS[place - 1]


@lru_cache(maxsize=64)
def _shortened(shape: tuple[int, ...], width: int) -> Block:
    """Return what the identity is where channels and size change."""
    build = Builder(shape)
    build.batch_norm(build.conv(0, width, stride=2))
    return build.done()
