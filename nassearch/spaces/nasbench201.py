"""The cell space of NAS-Bench-201, the topology space of NATS-Bench (Dong and Yang, 2020)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Block, Builder, Network
from nassearch.spaces.edge_cells import (
    CONV1,
    CONV3,
    EDGES,
    NONE,
    OPS,
    POOL,
    SKIP,
    EdgeCells,
    cell,
    halved,
    relu_conv_bn,
)
from nassearch.types import Arch, Task

NASLIB_OPS = (SKIP, NONE, CONV3, CONV1, POOL)
"""Operations in the order of NASLib, `naslib/search_spaces/nasbench201/conversions.py`."""


class NASBench201(EdgeCells):
    """A cell of four nodes and six edges with one of five operations on each: 15,625 architectures.

    An architecture is six indices into `OPS`, one per edge of `EDGES`.

    >>> space = NASBench201()
    >>> space.format((3, 1, 3, 1, 0, 3))
    '|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|'
    >>> len(space.neighbours((3, 1, 3, 1, 0, 3)))
    24

    Its keys are 4,930; 326 of them hold cells where two terms of a sum are one convolution and cells where they are
    two. That average pooling of a sum is the sum of the poolings is not seen.
    """

    name: ClassVar[str] = "nasbench201"
    skeleton: ClassVar[dict[str, Any]] = {
        "channels": (16, 32, 64),
        "cells": 5,
        "stem_stride": 1,
        "reduction": "residual",
    }
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {"epsilon": {"weights": (1e-7, 1.0)}}

    @cached_property
    def _official(self) -> list[Arch]:
        # The authors' order: the product of the operations, then Python's own shuffle seeded with 88.
        archs = self._product.copy()
        random.Random(88).shuffle(archs)
        return archs

    def all(self) -> Iterator[Arch]:
        return iter(self._official)

    def published_key(self, arch: Arch) -> str:
        """Return the text by which the authors' package finds isomorphic cells: 6,466 texts.

        `get_unique_str` of `nats_bench`, letter for letter. A sum that a skip hands on stays one term of the next sum,
        and a `none` stays a term `#`, so 623 functions have several of these keys.
        """
        return _published_key(self.check(arch))

    def parse(self, text: str) -> Arch:
        """Read `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, or an official index such as `6111`."""
        if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text):
            index = int(text.strip())
            if not 0 <= index < self.size:
                raise InvalidArch(f"an index of {self.name} is from 0 to {self.size - 1}, not {index}")
            return self._official[index]
        example = self.format((CONV3,) * len(EDGES))
        nodes = text.strip().split("+")
        if len(nodes) != 3:
            raise InvalidArch(
                f"{excerpt(text)} has {len(nodes)} nodes between '+', not 3; an example: {example}"
            )
        arch = []
        for node, part in enumerate(nodes, start=1):
            edges = re.fullmatch(r"\|(.*)\|", part)
            names = edges.group(1).split("|") if edges else []
            if len(names) != node:
                raise InvalidArch(
                    f"node {node} of {excerpt(text)} is {excerpt(part)}, not {node} operations "
                    f"between '|'; an example: {example}"
                )
            for source, edge in enumerate(names):
                op, _, origin = edge.partition("~")
                if op not in OPS:
                    raise InvalidArch(
                        f"{excerpt(op)} in {excerpt(text)} is not an operation; known: {', '.join(OPS)}"
                    )
                if origin != str(source):
                    raise InvalidArch(f"{excerpt(edge)} in {excerpt(text)} should read {op}~{source}")
                arch.append(OPS.index(op))
        return tuple(arch)

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        """Return the cell of NASLib's six numbers: indices into `NASLIB_OPS`, by edges sorted by their sources."""
        if len(numbers) != len(EDGES) or not all(0 <= number < len(OPS) for number in numbers):
            raise InvalidArch(
                f"NASLib writes a cell of {self.name} as six numbers from 0 to 4, not {numbers}"
            )
        ops = dict(zip(sorted(EDGES), numbers, strict=True))
        return tuple(NASLIB_OPS[ops[edge]] for edge in EDGES)

    def format(self, arch: Arch) -> str:
        ops = iter(self.check(arch))
        nodes = ("".join(f"{OPS[next(ops)]}~{source}|" for source in range(node)) for node in (1, 2, 3))
        return "+".join("|" + edges for edges in nodes)

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the skeleton of the paper's figure 1 with this cell: stem, three stages, classifier.

        Dead edges stay in: they hold parameters, as they do in the published counts.
        """
        self.check(arch)
        chain = []
        for block, repeats, shape in _skeleton(task):
            chain.append((cell(arch, shape) if block is None else block, repeats))
        return Network(tuple(chain))


@lru_cache(maxsize=64)
def _skeleton(task: Task) -> tuple[tuple[Block | None, int, tuple[int, ...]], ...]:
    """Return the chain as (block, repeats, shape of its input), with None in the place of a cell."""
    stem = Builder(task.input_shape)
    stem.batch_norm(stem.conv(0, task.channels[0], kernel=3, stride=task.stem_stride))
    chain: list[tuple[Block | None, int, tuple[int, ...]]] = [(stem.done(), 1, task.input_shape)]
    shape = stem.shape
    for stage, channels in enumerate(task.channels):
        if stage:
            reduction = Builder(shape)
            REDUCTIONS[task.reduction](reduction, channels)
            chain.append((reduction.done(), 1, shape))
            shape = reduction.shape
        chain.append((None, task.cells, shape))
    head = Builder(shape)
    head.linear(head.global_pool(head.relu(head.batch_norm(0))), task.classes)
    return (*chain, (head.done(), 1, shape))


def _residual(build: Builder, channels: int) -> None:
    shortcut = build.conv(halved(build), channels, kernel=1)
    x = relu_conv_bn(build, 0, channels, 3, stride=2)
    build.add([shortcut, relu_conv_bn(build, x, channels, 3)])


def _pool(build: Builder, channels: int) -> None:
    build.batch_norm(build.conv(halved(build), channels, kernel=1))


REDUCTIONS = {"residual": _residual, "pool": _pool}


def _published_key(arch: Arch) -> str:
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = []
        for op, (source, end) in zip(arch, EDGES, strict=True):
            if end != target:
                continue
            if op == NONE or nodes[source] == "#":
                terms.append("#")
            else:
                terms.append(nodes[source] if op == SKIP else f"({nodes[source]})@{OPS[op]}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]
