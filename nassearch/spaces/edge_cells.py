"""Cells of four nodes with an operation on each of six edges, as NAS-Bench-201 and TransNAS-Bench-101 have them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from typing import ClassVar

import numpy as np

from nassearch.networks.graph import Block, Builder, Layer, layer
from nassearch.networks.shapes import Shapes
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.types import Arch

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""All operations of such cells; a space has the first so many of them."""
NONE, SKIP, CONV1, CONV3, POOL = range(5)
KERNELS = {CONV1: 1, CONV3: 3}
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(from node, to node), in the order in which an architecture string names them."""


class EdgeCells(SearchSpace):
    """A cell of four nodes and six edges with one operation on each.

    An architecture is six indices into `OPS`, one per edge of `EDGES`. A subclass gives `name`, `operations`, the
    network and the texts.

    Attributes:
        operations: how many of `OPS` there are.
        input_skips: whether a skip from the input hands on what it reads. Where cells halve the image it is a layer.
    """

    operations: ClassVar[int] = len(OPS)
    input_skips: ClassVar[bool] = True

    @property
    def size(self) -> int:
        return int(self.operations ** len(EDGES))

    @property
    def options(self) -> tuple[int, ...]:
        return (self.operations,) * len(EDGES)

    @cached_property
    def _product(self) -> list[Arch]:
        return list(itertools.product(range(self.operations), repeat=len(EDGES)))

    @cached_property
    def _steps(self) -> np.ndarray:
        # What one step of each operation counts in the place of an architecture in the product of the operations.
        return np.array(self.operations ** np.arange(len(EDGES))[::-1])

    def all(self) -> Iterator[Arch]:
        return iter(self._product)

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        draws = rng.integers(self.operations, size=(n, len(EDGES)))
        # The tuples of `all()` themselves: nothing is built, and a dictionary finds the same object at once.
        return list(map(self._product.__getitem__, (draws @ self._steps).tolist()))

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        return _neighbours(arch, self.operations)[rng.integers(len(EDGES) * (self.operations - 1))]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        return _neighbours(arch, self.operations)

    def is_valid(self, arch: Arch) -> bool:
        return (
            isinstance(arch, tuple)
            and len(arch) == len(EDGES)
            and all(isinstance(op, int) and 0 <= op < self.operations for op in arch)
        )

    def rule(self) -> str:
        return f"six operations, each from 0 to {self.operations - 1}"

    def key(self, arch: Arch) -> str:
        """Return the sum that reaches the output, as a sorted text of its terms.

        A skip hands on every term of its source, `none` and what it feeds add nothing, so that cells with one key add
        the same terms. Two terms that read alike may be one convolution that two paths share or two convolutions with
        equal weights: the cells agree where equal terms have equal weights.
        """
        return _key(arch, self.input_skips)

    def graph(self, arch: Arch) -> CellGraph:
        """Return the cell with its operations as vertices: input, the six edges, output `[8]`.

        An edge labelled `none` carries nothing, so it is a vertex without neighbours.
        """
        adjacency = np.zeros((len(EDGES) + 2, len(EDGES) + 2), dtype=bool)
        carries = [op != NONE for op in self.check(arch)]
        for i, (source, target) in enumerate(EDGES):
            if carries[i]:
                adjacency[0, i + 1] = source == 0
                adjacency[i + 1, -1] = target == 3
                for j, (later, _) in enumerate(EDGES):
                    if later == target and carries[j]:
                        adjacency[i + 1, j + 1] = True
        names = OPS[: self.operations]
        return CellGraph(
            adjacency, np.array([len(names), *arch, len(names) + 1]), (*names, "input", "output")
        )


def relu_conv_bn(build: Builder, x: int, channels: int, kernel: int, stride: int = 1) -> int:
    """Write the three layers that such spaces call a convolution."""
    return build.batch_norm(build.conv(build.relu(x), channels, kernel, stride))


def halved(build: Builder) -> int:
    """Average a block's input over windows of 2, and where a length is odd of 3, so that as much is left as by strides.

    The published networks have even lengths alone.
    """
    even = all(length % 2 == 0 for length in build.layers[0].size)
    return build.avg_pool(0, 2, stride=2) if even else build.avg_pool(0, 3, stride=2, padding=1)


@cache
def cell(arch: Arch, shape: tuple[int, ...]) -> Block:
    """Return a cell that keeps the shape of its input."""
    # All layers of a cell have one shape, so a cell is written down once and its shape filled in.
    return _shapes(shape).fill(_cell_layers(arch))


@cache
def halving_cell(arch: Arch, shape: tuple[int, ...], channels: int) -> Block:
    """Return a cell whose edges from the input halve the image and give so many channels, a skip by a convolution.

    The published skip there is a 1x1 convolution whose first half of the channels reads the pixels of even places and
    whose second half those of odd places. Here both read those of even places.
    """
    outer = _shapes((channels, *((length + 1) // 2 for length in shape[1:])))
    inner = _shapes(shape)
    # What reads the input before it is halved has the shape of the input.
    return tuple(
        (inner if layer.op == "input" or (layer.op == "relu" and layer.inputs == (0,)) else outer)[layer]
        for layer in _cell_layers(arch, halves=True)
    )


@lru_cache(maxsize=64)
def _shapes(shape: tuple[int, ...]) -> Shapes:
    return Shapes(shape[:1], shape[1:])


@lru_cache(maxsize=1024)
def _cell_layers(arch: Arch, halves: bool = False) -> Block:
    layers: list[Layer] = []

    def write(op: str, inputs: tuple[int, ...], kernel: int = 1, stride: int = 1) -> int:
        layers.append(layer(op, inputs, 0, (), kernel, stride, kernel // 2))
        return len(layers) - 1

    nodes = [write("input", ())]
    for target in (1, 2, 3):
        parts = []
        for op, (source, end) in zip(arch, EDGES, strict=True):
            if end != target or op == NONE:
                continue
            y, stride = nodes[source], 2 if halves and not source else 1
            if op in KERNELS or (op == SKIP and stride > 1):
                y = write("batch_norm", (write("conv", (write("relu", (y,)),), KERNELS.get(op, 1), stride),))
            elif op == POOL:
                y = write("avg_pool", (y,), 3)
            parts.append(y)
        nodes.append(parts[0] if len(parts) == 1 else write("add" if parts else "zeros", tuple(parts)))
    if nodes[-1] != len(layers) - 1:
        write("add", (nodes[-1],))
    return tuple(layers)


@cache
def _neighbours(arch: Arch, operations: int) -> tuple[Arch, ...]:
    return tuple(
        (*arch[:edge], op, *arch[edge + 1 :])
        for edge in range(len(EDGES))
        for op in range(operations)
        if op != arch[edge]
    )


@cache
def _key(arch: Arch, input_skips: bool) -> str:
    nodes: list[tuple[str, ...]] = [("x",)]
    for target in (1, 2, 3):
        terms: list[str] = []
        for op, (source, end) in zip(arch, EDGES, strict=True):
            if end != target or op == NONE or not nodes[source]:
                continue
            handed_on = op == SKIP and (source > 0 or input_skips)
            terms += nodes[source] if handed_on else [f"({'+'.join(nodes[source])}){op}"]
        nodes.append(tuple(sorted(terms)))
    return "+".join(nodes[-1]) or "0"
