"""A space of networks that are deployed on phones: stages of inverted residuals.

The layers are those of MobileNetV2 and V3 (Sandler et al., 2018; Howard et al., 2019), the choices those of
Once-for-All (Cai et al., 2020) and FBNetV3 (Dai et al., 2021).
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import floor, log2
from typing import Any, ClassVar

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Block, Builder, Network
from nassearch.spaces.choices import Choices
from nassearch.types import Arch, Task

DEPTHS, SHARES, KERNELS, EXPANSIONS = (
    ("1", "2", "3", "4"),
    ("0.75", "1", "1.25"),
    ("3", "5", "7"),
    ("3", "4", "6"),
)
GATES, ACTIVATIONS = ("plain", "se"), ("relu", "hard_swish", "swish")
STAGE = (DEPTHS, SHARES, KERNELS, EXPANSIONS, GATES, ACTIVATIONS)
"""What is decided for a stage: blocks, share of its usual width, kernel and expansion of its blocks, whether they have
squeeze-and-excitation, and their activation."""
SIGNS = "dwke"
"""What stands in front of the first four."""
STEM, WIDTHS, HEAD = 16, (24, 40, 80, 112, 160), 960
HALVES = (True, True, True, True, False, True)
"""Which of the stem and the five stages halve a large image: those of MobileNetV3."""
LEAST = 4
"""Positions along the shorter side that are left for the last stage: it halves an image no further."""
REDUCTION = 4
"""How many times fewer channels squeeze-and-excitation squeezes a block into."""
EXAMPLE = "d2_w1_k3_e4_plain_relu"


class Mobile(Choices):
    """Five stages of inverted residuals, each of a chosen depth, width, kernel, expansion, gate and activation.

    There are 648 stages and so 1.1e14 architectures. An architecture is six indices for each stage; its text is that of
    its stages between colons, `d2_w1.25_k5_e6_se_hard_swish`: two blocks, 1.25 of the stage's width, kernels of 5, six
    times as many channels inside, squeeze-and-excitation, hard swish. One edit is another option of one decision.

    Stem and strides follow the input. As long as the shorter side stays at 4 positions or more it is halved, up to
    five times (224x224 ends as 7x7, 32x32 as 4x4), by the last of the strides of MobileNetV3 rather than the first.

    >>> space = Mobile()
    >>> arch = space.parse(":".join(["d2_w1.25_k5_e6_se_hard_swish"] * 5))
    >>> arch[:6], len(space.neighbours(arch)), f"{space.size:.1e}"
    ((1, 2, 1, 2, 1, 1), 60, '1.1e+14')
    """

    name: ClassVar[str] = "mobile"
    choices: ClassVar[tuple[tuple[str, ...], ...]] = STAGE * len(WIDTHS)
    skeleton: ClassVar[dict[str, Any]] = {"width": 1.0}
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {"epsilon": {"weights": (1e-3, 1.0)}}
    """Below the first all outputs are equal, on images of 32x32 and 64x64, in 40 of 40; those of any module."""

    def rule(self) -> str:
        known = ", ".join(map(str, map(len, STAGE)))
        return f"{len(STAGE)} indices for each of {len(WIDTHS)} stages, each below its number of options: {known}"

    def parse(self, text: str) -> Arch:
        stages, names = text.strip().split(":"), list[str]()
        example = f"a stage is written like {EXAMPLE}"
        if len(stages) != len(WIDTHS):
            raise InvalidArch(
                f"{excerpt(text)} has {len(stages)} stages between colons, {self.name} has {len(WIDTHS)}; {example}"
            )
        for stage in stages:
            parts = stage.split("_", len(STAGE) - 1)
            if len(parts) != len(STAGE):
                raise InvalidArch(f"{excerpt(stage)} has not {len(STAGE)} parts between '_'; {example}")
            for part, sign in zip(parts, SIGNS, strict=False):
                if part[:1] != sign:
                    raise InvalidArch(
                        f"{excerpt(part)} in {excerpt(stage)} does not begin with {sign}; {example}"
                    )
            names += [*(part[1:] for part in parts[: len(SIGNS)]), *parts[len(SIGNS) :]]
        return super().parse(":".join(names))

    def format(self, arch: Arch) -> str:
        names = re.split(":", super().format(arch))
        stages = (names[start : start + len(STAGE)] for start in range(0, len(names), len(STAGE)))
        return ":".join("_".join(map("".join, zip((*SIGNS, "", ""), stage, strict=True))) for stage in stages)

    def features(self, arch: Arch) -> dict[str, float]:
        """Return depth, share of width, kernel and expansion of each stage, and what they come to together."""
        found: dict[str, float] = {}
        for number, stage in enumerate(self._stages(arch), start=1):
            depth, share, kernel, expansion = (float(name) for name in stage[:4])
            found |= {f"depth {number}": depth, f"width {number}": share, f"kernel {number}": kernel}
            found |= {f"expansion {number}": expansion, f"size {number}": depth * expansion * share**2}
        return found | {"depth": sum(found[f"depth {number}"] for number in range(1, len(WIDTHS) + 1))}

    def _stages(self, arch: Arch) -> list[list[str]]:
        names = [known[option] for option, known in zip(self.check(arch), self.choices, strict=True)]
        return [names[start : start + len(STAGE)] for start in range(0, len(names), len(STAGE))]

    def network(self, arch: Arch, task: Task) -> Network:
        """Return stem, a separable block, five stages, a 1x1 convolution, pooling and classifier.

        `task.width` is a factor of all widths (MobileNetV3: 1). The first block of a stage changes width and size; in
        the others, input and output are added. Channels, cells, stem and reduction of the task are not looked at.
        """
        strides, factor = _strides(task.input_shape[1:]), task.width or 1.0
        chain: list[tuple[Block, int]] = [(_stem(task.input_shape, rounded(STEM * factor), strides[0]), 1)]
        for stage, usual, stride in zip(self._stages(arch), WIDTHS, strides[1:], strict=True):
            depth, width = int(stage[0]), rounded(usual * factor * float(stage[1]))
            inner = int(stage[2]), int(stage[3]), stage[4] == "se", stage[5]
            for repeats, step in ((1, stride), (depth - 1, 1)):
                if repeats:
                    last = chain[-1][0][-1]
                    block = inverted_residual((last.channels, *last.size), width, step, *inner)
                    chain.append((block, repeats))
        last = chain[-1][0][-1]
        chain.append((_head((last.channels, *last.size), rounded(HEAD * factor), task.classes), 1))
        return Network(tuple(chain))


def rounded(width: float) -> int:
    """Return a width with four binary digits, at least 1: a multiple of 2 from 16 on, of 4 from 32, of 8 from 64.

    >>> [rounded(width) for width in (0.4, 4.5, 18, 33, 100)]
    [1, 4, 18, 32, 96]
    """
    unit: int = 2 ** max(0, floor(log2(max(1.0, width))) - 3)
    return max(1, round(width / unit) * unit)


def _strides(size: tuple[int, ...]) -> list[int]:
    """Return the strides of the stem and of each stage: as many of the last as the shorter side stands."""
    left = max(0, floor(log2(max(1, min(size, default=1)) / LEAST)))
    strides = []
    for halves in reversed(HALVES):
        strides.append(2 if halves and left > 0 else 1)
        left -= halves
    return strides[::-1]


@lru_cache(maxsize=64)
def _stem(shape: tuple[int, ...], width: int, stride: int) -> Block:
    build = Builder(shape)
    x = build.activation("hard_swish", build.batch_norm(build.conv(0, width, kernel=3, stride=stride)))
    y = build.relu(build.batch_norm(build.conv(x, width, kernel=3, groups=width)))
    build.add([x, build.batch_norm(build.conv(y, width))])
    return build.done()


@lru_cache(maxsize=65536)
def inverted_residual(
    shape: tuple[int, ...], width: int, stride: int, kernel: int, expansion: int, gated: bool, activation: str
) -> Block:
    """Return a block: 1x1 convolution to more channels, depthwise convolution, gate, 1x1 convolution to `width`.

    Where neither width nor size changes the input is added.

    Args:
        shape: of its input.
        width: channels of its output.
        stride, kernel: of the depthwise convolution.
        expansion: how many times as many channels there are inside; with 1 the first convolution is left out.
        gated: with squeeze-and-excitation, by ReLU and hard sigmoid as in MobileNetV3.
        activation: behind the first two convolutions.
    """
    build, inner = Builder(shape), shape[0] * expansion
    x = 0
    if expansion > 1:
        x = build.activation(activation, build.batch_norm(build.conv(x, inner)))
    x = build.batch_norm(build.conv(x, inner, kernel, stride, groups=inner))
    x = build.activation(activation, x)
    if gated:
        squeezed = build.relu(build.linear(build.global_pool(x), rounded(inner / REDUCTION)))
        x = build.multiply(x, build.activation("hard_sigmoid", build.linear(squeezed, inner)))
    x = build.batch_norm(build.conv(x, width))
    if stride == 1 and width == shape[0]:
        build.add([0, x])
    return build.done()


@lru_cache(maxsize=256)
def _head(shape: tuple[int, ...], width: int, classes: int) -> Block:
    build = Builder(shape)
    x = build.activation("hard_swish", build.batch_norm(build.conv(0, width)))
    build.linear(build.global_pool(x), classes)
    return build.done()
