"""Spaces that are a list: of far more architectures, those that were trained."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidArch, InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

NEAREST = 10
"""Neighbours of an architecture, and more where several are as far as the tenth."""


class Listed(SearchSpace):
    """A list of architectures out of a space that nobody has trained whole.

    **Neighbours are not one edit away.** A list is too sparse for that. So neighbours are the nearest of the list, ten
    and all that are as near as the tenth; the distance is the number of `marks` that one architecture has and the other
    has not. One may be near another whose own neighbours are nearer still, so the relation has a direction.

    Args:
        archs: the list; what is there twice counts once.
    """

    def __init__(self, archs: Iterable[Arch] = ()) -> None:
        self._archs = list(dict.fromkeys(archs))
        self._near: dict[Arch, tuple[Arch, ...]] = {}

    @abstractmethod
    def marks(self, arch: Arch) -> Counter[Hashable]:
        """Return what architectures are compared by, each with how often it is there."""

    @property
    def size(self) -> int:
        return len(self._archs)

    def all(self) -> Iterator[Arch]:
        return iter(self._archs)

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if not self._archs:
            raise InvalidSetting(
                f"{self.name} is a list of trained cells, and this one is empty: import a table first"
            )
        return [self._archs[i] for i in rng.integers(self.size, size=n).tolist()]

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """Return a uniform draw from `neighbours`.

        Raises:
            InvalidSetting: the list has one architecture only.
        """
        near = self.neighbours(arch)
        if not near:
            raise InvalidSetting(f"{self.name} with one architecture has no other to change it into")
        return near[int(rng.integers(len(near)))]

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        """Return the nearest architectures of the list, in its order: 10, and all that are as near as the tenth."""
        if arch not in self._near:
            counts = self._counts
            here = self.index(arch)
            distances = np.abs(counts - counts[here]).sum(axis=1)
            distances[here] = np.iinfo(distances.dtype).max
            reach = np.sort(distances)[: min(NEAREST, self.size - 1)]
            near = np.flatnonzero(distances <= reach.max(initial=-1)).tolist()
            self._near[arch] = tuple(self._archs[i] for i in near)
        return self._near[arch]

    @cached_property
    def _counts(self) -> NDArray[np.int16]:
        """How often each architecture has each mark, `[N, F]`."""
        held = [self.marks(arch) for arch in self._archs]
        column = {mark: i for i, mark in enumerate(sorted(set().union(*held)))}  # type: ignore[type-var]
        counts = np.zeros((len(held), len(column)), np.int16)
        for row, marks in zip(counts, held, strict=True):
            row[[column[mark] for mark in marks]] = list(marks.values())
        return counts

    def is_valid(self, arch: Arch) -> bool:
        return isinstance(arch, tuple) and arch in self._places

    def at(self, place: int) -> Arch:
        """Return the architecture at a place in the list.

        Raises:
            InvalidArch: there is none.
        """
        if place >= self.size:
            raise InvalidArch(f"a place in the list of {self.name} is from 0 to {self.size - 1}, not {place}")
        return self._archs[place]
