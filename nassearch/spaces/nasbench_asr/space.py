"""The cell space of NAS-Bench-ASR (Mehrotra et al., 2021)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache, cached_property
from typing import ClassVar

import numpy as np

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Network
from nassearch.spaces.base import CellGraph
from nassearch.spaces.choices import Choices
from nassearch.spaces.nasbench101.hash import module_hash
from nassearch.spaces.nasbench_asr.network import MAIN, ZERO, network_asr
from nassearch.types import Arch, Task

OPS = ("linear", "conv5", "conv5d2", "conv7", "conv7d2", "zero")
SKIP = ("0", "1")
END = len(MAIN) + 1
"""The vertex of the output; the input is 0, and the main operations lie between."""


class NASBenchASR(Choices):
    """A cell of three nodes in a row, each with one of six operations and skips from what came before: 13,824 vectors.

    An architecture is the published nested vector written flat: for node k = 1, 2, 3 its main operation, then k bits,
    one for each earlier output (the cell's input first), 1 where that is added to the node's own.

    >>> space = NASBenchASR()
    >>> space.format((0, 1, 1, 1, 0, 4, 1, 0, 1))
    "[['linear', 1], ['conv5', 1, 0], ['conv7d2', 1, 0, 1]]"
    >>> len(space.neighbours((0, 1, 1, 1, 0, 4, 1, 0, 1)))
    21

    The key is the published hash. Where a cell has a `zero` it is coarser than what the cell computes: the hash takes
    the zero's node away together with the skips that end or begin there. 8,000 of the 8,242 keys are of one vector
    each, and 242 share the other 5,824 vectors, which compute 1,135 different functions. One of each was trained,
    and the benchmark answers with it for all: so `network` builds that one too, see `representative`.
    """

    name: ClassVar[str] = "nasbench-asr"
    keys_differ: ClassVar[bool] = False
    choices: ClassVar[tuple[tuple[str, ...], ...]] = (OPS, SKIP, OPS, SKIP, SKIP, OPS, SKIP, SKIP, SKIP)

    @cached_property
    def _all(self) -> list[Arch]:
        # The published enumeration: the first decision turns fastest.
        return [arch[::-1] for arch in itertools.product(*map(range, reversed(self.options)))]

    def all(self) -> Iterator[Arch]:
        return iter(self._all)

    def key(self, arch: Arch) -> str:
        """Return the published hash, an MD5 in hexadecimal."""
        return _hash(self.check(arch))

    def representative(self, arch: Arch) -> Arch:
        """Return the vector that stands for all with this one's key: of those, the last in the enumeration.

        That is how the public code lists what is to be trained among cells with a `zero`. The released files name the
        vector of each training, which could not be compared with this.
        """
        return arch if ZERO not in _ops(self.check(arch)) else self._representatives[_hash(arch)]

    @cached_property
    def _representatives(self) -> dict[str, Arch]:
        return {_hash(arch): arch for arch in self._all if ZERO in _ops(arch)}

    def parse(self, text: str) -> Arch:
        """Read the published forms: nested, with names or numbers, or flat, or the place in the enumeration.

        `[['conv5', 0], ['conv5', 0, 0], ['conv5', 0, 0, 0]]`, `1_0_1_0_0_1_0_0_0` and `301` are one architecture.
        """
        tokens = re.split(r"[\s\[\](),_'\"]+", text.strip("[]()'\" \t\n"))
        if len(tokens) == 1 and re.fullmatch(r"\d{1,18}", tokens[0]):
            if int(tokens[0]) >= self.size:
                raise InvalidArch(f"a place of {self.name} is from 0 to {self.size - 1}, not {tokens[0]}")
            return self._all[int(tokens[0])]
        example = self.format((1, 0, 1, 0, 0, 1, 0, 0, 0))
        if len(tokens) != len(self.choices):
            raise InvalidArch(
                f"{excerpt(text)} names {len(tokens)} options, not {len(self.choices)}; an example: {example}"
            )
        arch = []
        for place, (token, known) in enumerate(zip(tokens, self.choices, strict=True)):
            if token in known:
                arch.append(known.index(token))
            elif re.fullmatch(r"\d{1,18}", token) and int(token) < len(known):
                arch.append(int(token))
            else:
                rule = f"an operation ({', '.join(OPS)})" if place in MAIN else "a skip bit, 0 or 1"
                raise InvalidArch(
                    f"option {place + 1} of {excerpt(text)} is {excerpt(token)}, not {rule}; an example: {example}"
                )
        return tuple(arch)

    def format(self, arch: Arch) -> str:
        a = self.check(arch)
        return str([[OPS[a[place]], *a[place + 1 : place + 2 + node]] for node, place in enumerate(MAIN)])

    def graph(self, arch: Arch) -> CellGraph:
        """Return the graph behind the published hash: input, the three operations, output `[5]`.

        What the hash takes away is labelled `zero` and has no neighbours.
        """
        kept, edges = _minimised(self.check(arch))
        adjacency = np.zeros((END + 1, END + 1), dtype=bool)
        for source, target in edges:
            adjacency[source, target] = True
        inner = [op if vertex in kept else ZERO for vertex, op in enumerate(_ops(arch), start=1)]
        return CellGraph(adjacency, np.array([len(OPS), *inner, len(OPS) + 1]), (*OPS, "input", "output"))

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the convolutional network of the paper with its LSTM, for the vector that was trained.

        Before each stage a convolution over 8 frames with layer norm; in the stages 3, 4, 5 and 6 cells (`task.cells`
        and one more in each later stage), each with layer norm at its end; then an LSTM and a linear layer per frame,
        whose outputs are averaged over the frames, since proxies ask for `[B, classes]` where training has a loss over
        sequences. Every ReLU is capped at 20. Dropout and the normalisation of the input are left out. Parameters are
        those of the released counts for the two architectures whose counts are published as text.

        The public TensorFlow code, which the trainings were made with, passes no dilation to its convolutions and reads
        skip bits the other way round (0 for a skip); this is the network of the paper, of the public PyTorch code and
        of the hash, which agree with each other.

        Raises:
            InvalidSetting: the task is not of signals, or has a width that is no multiple of 100.
        """
        return network_asr(self.representative(arch), task)


def _ops(arch: Arch) -> tuple[int, ...]:
    return tuple(arch[place] for place in MAIN)


def _minimised(arch: Arch) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the vertices and edges that are left of a cell.

    Each operation reads the one before it and, by the skip bits of that one, those still earlier. Zeros go, and then
    whatever is not on a way from the input to the output.
    """
    ops = (-1, *_ops(arch), -2)
    edges = {(vertex, vertex + 1) for vertex in range(END)}
    for node, place in enumerate(MAIN):
        edges |= {(i, node + 2) for i in range(node + 1) if arch[place + 1 + i]}
    edges = {(source, target) for source, target in edges if ZERO not in (ops[source], ops[target])}
    reached, reaching = {0}, {END}
    for source, target in sorted(edges):
        if source in reached:
            reached.add(target)
    for source, target in sorted(edges, reverse=True):
        if target in reaching:
            reaching.add(source)
    kept = reached & reaching
    return sorted(kept), sorted((s, t) for s, t in edges if s in kept and t in kept)


@cache
def _hash(arch: Arch) -> str:
    kept, edges = _minimised(arch)
    matrix = tuple(tuple(int((source, target) in edges) for target in kept) for source in kept)
    return module_hash(matrix, [op for vertex, op in enumerate(_ops(arch), start=1) if vertex in kept], float)
