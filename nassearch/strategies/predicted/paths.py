"""Architectures as sets of features for a predictor: paths through the cell, or its decisions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.types import Arch

Feature = tuple[int, ...]
LOOKED_AT = 100
"""Architectures in which an encoding has to tell some apart."""


class Encoding:
    """Read architectures as truth values, one for each feature that one of them has.

    `path` is the truncated path encoding (White, Neiswanger and Savani, 2021, section 4): a feature is a sequence of
    operations, which an architecture has where it lies on a way from an input to an output. Sequences are numbered by
    length and then in order of the operations, and the first so many count; with three operations the first 40 are
    those of at most three. `choices` has a feature for each option of each decision (the paper's one-hot encoding). A
    space without cells is read by its choices.

    Args:
        space: where the architectures come from.
        kind: `path` or `choices`.
        paths: how many sequences count; None for all.

    Raises:
        InvalidSetting: the encoding tells no two of the first draws of the space apart.
    """

    def __init__(self, space: SearchSpace, kind: str, paths: int | None) -> None:
        self.space, self.paths = space, paths
        self.kind = "choices" if kind == "path" and not space.has_cells else kind
        self._known: dict[Arch, frozenset[Feature]] = {}
        draws = space.sample_many(LOOKED_AT, np.random.default_rng(0))
        if kind == "choices" and space.options is None:
            raise InvalidSetting(
                f"the architectures of {space.name} are not made of options, so encoding=choices has no meaning: "
                "leave it out"
            )
        if len(set(map(self.features, draws))) < min(2, len(set(draws))):
            remedy = "give more paths, as in paths=1000" if space.options is None else "give encoding=choices"
            raise InvalidSetting(
                f"the shortest {paths} kinds of path tell no architectures of {space.name} apart: {remedy}"
            )

    def features(self, arch: Arch) -> frozenset[Feature]:
        """Return what an architecture has."""
        if arch not in self._known:
            if self.kind == "choices":
                self._known[arch] = frozenset(self.space.decided(arch))
            else:
                self._known[arch] = paths_of(self.space.graph(arch), self.paths)
        return self._known[arch]

    def matrix(self, archs: Sequence[Arch]) -> NDArray[np.float32]:
        """Return 1 where the architecture of a row has the feature of a column, `[N, F]`; F depends on the N."""
        held = [self.features(arch) for arch in archs]
        columns = {feature: i for i, feature in enumerate(sorted(set().union(*held), key=_order))}
        found = np.zeros((len(archs), max(1, len(columns))), dtype=np.float32)
        for row, features in zip(found, held, strict=True):
            row[[columns[feature] for feature in features]] = 1
        return found


def _order(feature: Feature) -> tuple[int, Feature]:
    return len(feature), feature


def paths_of(graph: CellGraph, first: int | None = None) -> frozenset[Feature]:
    """Return the sequences of labels on all ways from an input to an output, both ends included.

    Vertex 0 is an input, and names list operations before inputs and outputs, as all spaces here do.

    Args:
        graph: of V vertices.
        first: leave out sequences of operations whose number, by length and then in order of the names, is not below.
    """
    operations = int(graph.ops[0])
    longest = len(graph.ops) if first is None else _longest(operations, first)
    ways: list[set[Feature]] = []
    found: set[Feature] = set()
    for vertex, label in enumerate(graph.ops.tolist()):
        feeding = np.flatnonzero(graph.adjacency[:, vertex]).tolist()
        if label < operations:
            here = {(*way, label) for source in feeding for way in ways[source] if len(way) <= longest}
        elif feeding:
            ends = {way for source in feeding for way in ways[source]}
            found |= {(*way, label) for way in ends if first is None or _number(way[1:], operations) < first}
            here = set()
        else:
            here = {(label,)}
        ways.append(here)
    return frozenset(found)


def _number(sequence: Feature, operations: int) -> int:
    """Return the number of a sequence of operations: 0 for the empty one, then those of one operation, and so on."""
    number = 0
    for op in sequence:  # each sequence of length L has as many behind it as there are operations
        number = number * operations + op + 1
    return number


def _longest(operations: int, first: int) -> int:
    """Return the length of the last sequence that counts."""
    length, number = 0, 1
    while number < first:
        length += 1
        number += operations**length
    return length
