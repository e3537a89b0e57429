"""The skeleton-level space of TransNAS-Bench-101 (Duan et al., 2021)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, ClassVar

import numpy as np

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Block, Builder, Network
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.spaces.edge_cells import relu_conv_bn
from nassearch.spaces.transnas.frame import head, stem
from nassearch.types import Arch, Task

LENGTHS = (4, 5, 6)
DOUBLING, HALVING = (1, 2, 3), (1, 2, 3, 4)
"""How many modules may double the channels, and how many may halve the image."""
CODES = "1234"
NAMES = ("keep", "double", "halve", "halve_and_double")
PREFIX, SUFFIX = "64-", "-basic"
RULE = (
    f"{LENGTHS[0]} to {LENGTHS[-1]} modules of 1 (keeps the shape), 2 (doubles the channels), 3 (halves the image) and "
    f"4 (does both); {DOUBLING[0]} to {DOUBLING[-1]} of them double, {HALVING[0]} to {HALVING[-1]} of them halve"
)


class TransNASMacro(SearchSpace):
    """A row of four to six modules of residual blocks: 3,256 skeletons.

    An architecture is one number per module: 0 keeps the shape, 1 doubles the channels, 2 halves the image, 3 does
    both; the published digits are these plus 1. One edit makes one module another one, appends a module, or drops the
    last. (The published mutation shuffles all modules.)

    >>> space = TransNASMacro()
    >>> space.parse("64-1234-basic"), space.format((0, 1, 2, 3, 0)), space.size
    ((0, 1, 2, 3), '64-12341-basic', 3256)
    """

    name: ClassVar[str] = "transnas-macro"
    skeleton: ClassVar[dict[str, Any]] = {"channels": (64,), "cells": 2}
    keys_differ: ClassVar[bool] = True

    @property
    def size(self) -> int:
        return len(_all())

    @property
    def options(self) -> tuple[int, ...]:
        return (len(CODES),) * LENGTHS[0] + (len(CODES) + 1,) * (LENGTHS[-1] - LENGTHS[0])

    def decide(self, decisions: tuple[int, ...]) -> Arch | None:
        """Return the skeleton of six choices, of which the last two may be 4, no module; None where it is none."""
        arch = decisions
        while arch and arch[-1] == len(CODES):
            arch = arch[:-1]
        return arch if self.is_valid(arch) else None

    def all(self) -> Iterator[Arch]:
        return iter(_all())

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        archs = _all()
        return [archs[place] for place in rng.integers(len(archs), size=n).tolist()]

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        near = self.neighbours(arch)
        return near[int(rng.integers(len(near)))]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        return _neighbours(arch)

    def is_valid(self, arch: Arch) -> bool:
        return (
            isinstance(arch, tuple)
            and all(isinstance(code, int) and 0 <= code < len(CODES) for code in arch)
            and _allowed(arch)
        )

    def rule(self) -> str:
        return f"{RULE}; written as numbers from 0"

    def key(self, arch: Arch) -> str:
        """Return the text: skeletons that differ compute functions that differ."""
        return self.format(arch)

    def parse(self, text: str) -> Arch:
        """Read `64-1234-basic`, or the skeleton alone, `1234`."""
        codes = text.strip()
        if codes.startswith(PREFIX) and codes.endswith(SUFFIX):
            codes = codes.removeprefix(PREFIX).removesuffix(SUFFIX)
        example = f"an example: {PREFIX}1234{SUFFIX}"
        if not codes or not set(codes) <= set(CODES):
            raise InvalidArch(f"{excerpt(text)} is not {PREFIX}MODULES{SUFFIX}, with {RULE}; {example}")
        arch = tuple(map(CODES.index, codes))
        if not _allowed(arch):
            raise InvalidArch(f"{excerpt(text)} is not a skeleton of {self.name}: {RULE}; {example}")
        return arch

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        """Return the skeleton of NASLib's numbers: the digits of the published text, zeros up to six at its end."""
        codes = numbers[: len(numbers) - next((i for i, n in enumerate(reversed(numbers)) if n), 0)]
        if len(numbers) > LENGTHS[-1] or not self.is_valid(arch := tuple(code - 1 for code in codes)):
            raise InvalidArch(
                f"NASLib writes a skeleton of {self.name} as the digits of its text with zeros at the end, not "
                f"{numbers}; {RULE}"
            )
        return arch

    def format(self, arch: Arch) -> str:
        return f"{PREFIX}{''.join(CODES[code] for code in self.check(arch))}{SUFFIX}"

    def graph(self, arch: Arch) -> CellGraph:
        """Return the modules as a chain of vertices between input and output, `[modules + 2]`."""
        ops = np.array([len(NAMES), *self.check(arch), len(NAMES) + 1])
        return CellGraph(np.eye(len(ops), k=1, dtype=bool), ops, (*NAMES, "input", "output"))

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the published network for a classification: stem, modules, mean over the image, linear layer.

        Every module is a row of `task.cells` residual blocks (published: two), the first of which changes the shape.
        The base width is the first of `task.channels` (published: 64).
        """
        start = stem(task)
        chain: list[tuple[Block, int]] = [(start, 1)]
        shape = (start[-1].channels, *start[-1].size)
        for code in self.check(arch):
            width, stride = shape[0] * (2 if code in (1, 3) else 1), 2 if code >= 2 else 1
            first = _residual(shape, width, stride)
            shape = (first[-1].channels, *first[-1].size)
            alike = _residual(shape, width, 1)
            if first == alike:
                chain.append((first, task.cells))
                continue
            chain.append((first, 1))
            if task.cells > 1:
                chain.append((alike, task.cells - 1))
        return Network((*chain, (head(shape, task), 1)))


@lru_cache(maxsize=1024)
def _residual(shape: tuple[int, ...], width: int, stride: int) -> Block:
    """Return two convolutions beside the input, which a 1x1 convolution and batch norm bring to the new shape."""
    build = Builder(shape)
    inner = relu_conv_bn(build, relu_conv_bn(build, 0, width, 3, stride), width, 3)
    changed = width != shape[0] or stride > 1
    beside = build.batch_norm(build.conv(0, width, stride=stride)) if changed else 0
    build.add([beside, inner])
    return build.done()


def _allowed(arch: Arch) -> bool:
    doubling, halving = sum(code in (1, 3) for code in arch), sum(code >= 2 for code in arch)
    return len(arch) in LENGTHS and doubling in DOUBLING and halving in HALVING


@cache
def _all() -> tuple[Arch, ...]:
    rows = (itertools.product(range(len(CODES)), repeat=length) for length in LENGTHS)
    return tuple(filter(_allowed, itertools.chain.from_iterable(rows)))


@cache
def _neighbours(arch: Arch) -> tuple[Arch, ...]:
    changed = [
        (*arch[:place], code, *arch[place + 1 :])
        for place in range(len(arch))
        for code in range(len(CODES))
        if code != arch[place]
    ]
    return tuple(filter(_allowed, [*changed, *((*arch, code) for code in range(len(CODES))), arch[:-1]]))
