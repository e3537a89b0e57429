"""The cell space of NAS-Bench-201, the topology space of NATS-Bench (Dong and Yang, 2020)."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Block, Builder, Layer, Network, Shapes, layer
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.types import Arch, Task

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV1, CONV3, POOL = range(5)
KERNELS = {CONV1: 1, CONV3: 3}
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(from node, to node), in the order in which an architecture string names them."""
NASLIB_OPS = (SKIP, NONE, CONV3, CONV1, POOL)
"""Operations in the order of NASLib, `naslib/search_spaces/nasbench201/conversions.py`."""
MOVES = len(EDGES) * (len(OPS) - 1)
PLACES = len(OPS) ** np.arange(len(EDGES))[::-1]
"""What one step of each operation counts in the place of an architecture in the product of the operations."""


class NASBench201(SearchSpace):
    """A cell of four nodes and six edges with one of five operations on each: 15,625 architectures.

    An architecture is six indices into `OPS`, one per edge of `EDGES`.

    >>> space = NASBench201()
    >>> space.format((3, 1, 3, 1, 0, 3))
    '|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|'
    >>> len(space.neighbours((3, 1, 3, 1, 0, 3)))
    24
    """

    name: ClassVar[str] = "nasbench201"
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = {"epsilon": {"weights": (1e-7, 1.0)}}

    @property
    def size(self) -> int:
        return int(len(OPS) ** len(EDGES))

    @property
    def options(self) -> tuple[int, ...]:
        return (len(OPS),) * len(EDGES)

    @cached_property
    def _product(self) -> list[Arch]:
        return list(itertools.product(range(len(OPS)), repeat=len(EDGES)))

    @cached_property
    def _official(self) -> list[Arch]:
        # The authors' order: the product of the operations, then Python's own shuffle seeded with 88.
        archs = self._product.copy()
        random.Random(88).shuffle(archs)
        return archs

    def all(self) -> Iterator[Arch]:
        return iter(self._official)

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        draws = rng.integers(len(OPS), size=(n, len(EDGES)))
        # The tuples of `all()` themselves: nothing is built, and a dictionary finds the same object at once.
        return list(map(self._product.__getitem__, (draws @ PLACES).tolist()))

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        return _neighbours(arch)[rng.integers(MOVES)]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        return _neighbours(arch)

    def is_valid(self, arch: Arch) -> bool:
        return (
            isinstance(arch, tuple)
            and len(arch) == len(EDGES)
            and all(isinstance(op, int) and 0 <= op < len(OPS) for op in arch)
        )

    def rule(self) -> str:
        return f"six operations, each from 0 to {len(OPS) - 1}"

    def key(self, arch: Arch) -> str:
        """Return the sum that reaches the output, as a sorted text of its terms: 4,930 keys.

        A skip hands on every term of its source, `none` and what it feeds add nothing, so that cells with one key add
        the same terms. Two terms that read alike may be one convolution that two paths share or two convolutions with
        equal weights: the cells agree where equal terms have equal weights, and 326 of the keys hold both kinds. That
        average pooling of a sum is the sum of the poolings is not seen.
        """
        return _key(arch)

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
        ops = np.array([len(OPS), *arch, len(OPS) + 1])
        return CellGraph(adjacency, ops, (*OPS, "input", "output"))

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the skeleton of the paper's figure 1 with this cell: stem, three stages, classifier.

        Dead edges stay in: they hold parameters, as they do in the published counts.
        """
        self.check(arch)
        chain = []
        for block, repeats, shape in _skeleton(task):
            chain.append((_cell(arch, shape) if block is None else block, repeats))
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


def _relu_conv_bn(build: Builder, x: int, channels: int, kernel: int, stride: int = 1) -> int:
    return build.batch_norm(build.conv(build.relu(x), channels, kernel, stride))


@cache
def _cell(arch: Arch, shape: tuple[int, ...]) -> Block:
    # All layers of a cell have one shape, so a cell is written down once and its shape filled in.
    return _shapes(shape).fill(_cell_layers(arch))


@lru_cache(maxsize=64)
def _shapes(shape: tuple[int, ...]) -> Shapes:
    return Shapes(shape[:1], shape[1:])


@lru_cache(maxsize=1024)
def _cell_layers(arch: Arch) -> Block:
    layers: list[Layer] = []

    def write(op: str, inputs: tuple[int, ...], kernel: int = 1) -> int:
        layers.append(layer(op, inputs, 0, (), kernel, 1, kernel // 2))
        return len(layers) - 1

    nodes = [write("input", ())]
    for target in (1, 2, 3):
        parts = []
        for op, (source, end) in zip(arch, EDGES, strict=True):
            if end != target or op == NONE:
                continue
            y = nodes[source]
            if op in KERNELS:
                y = write("batch_norm", (write("conv", (write("relu", (y,)),), KERNELS[op]),))
            elif op == POOL:
                y = write("avg_pool", (y,), 3)
            parts.append(y)
        nodes.append(parts[0] if len(parts) == 1 else write("add" if parts else "zeros", tuple(parts)))
    if nodes[-1] != len(layers) - 1:
        write("add", (nodes[-1],))
    return tuple(layers)


def _residual(build: Builder, channels: int) -> None:
    shortcut = build.conv(build.avg_pool(0, 2, stride=2), channels, kernel=1)
    x = _relu_conv_bn(build, 0, channels, 3, stride=2)
    build.add([shortcut, _relu_conv_bn(build, x, channels, 3)])


def _pool(build: Builder, channels: int) -> None:
    build.batch_norm(build.conv(build.avg_pool(0, 2, stride=2), channels, kernel=1))


REDUCTIONS = {"residual": _residual, "pool": _pool}


@cache
def _neighbours(arch: Arch) -> tuple[Arch, ...]:
    return tuple(
        (*arch[:edge], op, *arch[edge + 1 :])
        for edge in range(len(EDGES))
        for op in range(len(OPS))
        if op != arch[edge]
    )


@cache
def _key(arch: Arch) -> str:
    nodes: list[tuple[str, ...]] = [("x",)]
    for target in (1, 2, 3):
        terms: list[str] = []
        for op, (source, end) in zip(arch, EDGES, strict=True):
            if end != target or op == NONE or not nodes[source]:
                continue
            terms += nodes[source] if op == SKIP else [f"({'+'.join(nodes[source])}){op}"]
        nodes.append(tuple(sorted(terms)))
    return "+".join(nodes[-1]) or "0"


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
