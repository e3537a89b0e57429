"""The tests of a search space share the space and what it declares of itself."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Task

DRAWS = 200
"""Random architectures looked at where looking at all would take too long."""
AROUND = 3
"""Architectures around which every mutation is waited for."""
WHOLE = 40_000
"""Architectures up to which every single one is looked at."""


class SpaceSetting:
    """The fixtures and declarations of `SpaceContract`."""

    symmetric: ClassVar[bool] = True
    """Whether an architecture is a neighbour of all its neighbours, as it is where one edit undoes another."""
    uniform: ClassVar[bool] = True
    """Whether every architecture is drawn equally often."""
    free: ClassVar[bool] = True
    """Whether every other option of a single decision is one edit, where that means an architecture."""
    partial: ClassVar[bool] = False
    """Whether some architectures may have no network, see `SearchSpace.network`."""
    unseen: ClassVar[tuple[int, ...]] = ()
    """Places of decisions that network and graph do not show, such as one on how to train."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        """Return the space; a subclass overrides this."""
        raise NotImplementedError("override the fixture space: it returns the search space")

    @pytest.fixture
    def task(self) -> Task:
        """Return a small task that the space's networks are built for."""
        return Task((3, 8, 8), 10, (4, 8, 8), 1)

    def some(self, space: SearchSpace, n: int = DRAWS) -> list[Arch]:
        """Return random architectures, the same ones every time."""
        return space.sample_many(n, np.random.default_rng(0))

    def lonely(self, space: SearchSpace) -> list[Arch]:
        """Return those of a few random architectures that have the fewest neighbours, quickest to go round."""
        return sorted(self.some(space, 5 * AROUND), key=lambda arch: len(space.neighbours(arch)))[:AROUND]
