"""A space of free choices: every decision takes one of a few options, whatever the others are."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.graph import Network
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.types import Arch, Task


class Choices(SearchSpace):
    """Independent decisions, each between options that have names: a base for spaces such as widths of layers.

    A subclass gives `name`, `choices` and `network`. An architecture is one index into each of `choices`; its text is
    the names between colons, and so is its key. One edit is another option of one decision. A subclass whose own key
    merges some sets `keys_differ` to False.

    >>> class Widths(Choices):
    ...     name = "widths"
    ...     choices = (("8", "16"), ("8", "16", "32"))
    ...     def network(self, arch, task): ...
    >>> Widths().format((1, 2)), Widths().parse("16:32"), len(Widths().neighbours((1, 2)))
    ('16:32', (1, 2), 3)
    """

    choices: ClassVar[tuple[tuple[str, ...], ...]]
    keys_differ: ClassVar[bool] = True

    @property
    def size(self) -> int:
        return math.prod(self.options)

    @property
    def options(self) -> tuple[int, ...]:
        return tuple(map(len, self.choices))

    def all(self) -> Iterator[Arch]:
        return itertools.product(*map(range, self.options))

    def index(self, arch: Arch) -> int:
        if type(self).all is not Choices.all:  # in an order of its own
            return super().index(arch)
        place = 0
        for option, count in zip(self.check(arch), self.options, strict=True):
            place = place * count + option
        return place

    def of_key(self, key: str) -> Arch | None:
        if type(self).key is not Choices.key or type(self).all is not Choices.all:
            return super().of_key(key)
        try:
            arch = self.parse(key)
        except InvalidArch:
            return None
        return arch if self.key(arch) == key else None

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return list(map(tuple, rng.integers(self.options, size=(n, len(self.choices))).tolist()))

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        near = self.neighbours(arch)
        return near[int(rng.integers(len(near)))]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        return tuple(
            (*arch[:place], option, *arch[place + 1 :])
            for place, count in enumerate(self.options)
            for option in range(count)
            if option != arch[place]
        )

    def is_valid(self, arch: Arch) -> bool:
        return (
            isinstance(arch, tuple)
            and len(arch) == len(self.choices)
            and all(
                isinstance(option, int) and 0 <= option < count
                for option, count in zip(arch, self.options, strict=True)
            )
        )

    def rule(self) -> str:
        return f"{len(self.choices)} indices, each below its number of options: {', '.join(map(str, self.options))}"

    def key(self, arch: Arch) -> str:
        """Return the text of the architecture: decisions that differ count as functions that differ."""
        return self.format(arch)

    def parse(self, text: str) -> Arch:
        names = text.strip().split(":")
        if len(names) != len(self.choices):
            raise InvalidArch(
                f"{excerpt(text)} has {len(names)} names between colons, {self.name} has "
                f"{len(self.choices)} decisions; an example: {self.format((0,) * len(self.choices))}"
            )
        for name, known in zip(names, self.choices, strict=True):
            if name not in known:
                raise InvalidArch(f"{excerpt(name)} in {excerpt(text)} is none of {', '.join(known)}")
        return tuple(known.index(name) for name, known in zip(names, self.choices, strict=True))

    def format(self, arch: Arch) -> str:
        return ":".join(known[option] for option, known in zip(self.check(arch), self.choices, strict=True))

    def graph(self, arch: Arch) -> CellGraph:
        """Return the decisions as a chain of vertices between input and output, `[D + 2]`."""
        adjacency = np.eye(len(self.choices) + 2, k=1, dtype=bool)
        names = tuple(dict.fromkeys(name for known in self.choices for name in known))
        labels = [
            names.index(known[option]) for option, known in zip(self.check(arch), self.choices, strict=True)
        ]
        ops = np.array([len(names), *labels, len(names) + 1])
        return CellGraph(adjacency, ops, (*names, "input", "output"))

    @abstractmethod
    def network(self, arch: Arch, task: Task) -> Network: ...
