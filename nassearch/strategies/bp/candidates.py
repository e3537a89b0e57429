"""The architectures that a predictor ranks: the whole space, or a part where it is too large to list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nassearch.spaces.base import SearchSpace
from nassearch.strategies.bp.predictor import Cells, Predictor, encode
from nassearch.types import Arch


class Candidates:
    """Of the architectures that share a key, the first; all of a space of at most so many, else uniform draws.

    Args:
        space: where they come from.
        most: largest space that is ranked whole; of a larger one so many are drawn.
        rng: draws them.
    """

    def __init__(self, space: SearchSpace, most: int, rng: np.random.Generator) -> None:
        self.space, self.is_whole = space, space.fits(most)
        self._pool = _whole(space) if self.is_whole else _pool(space, space.sample_many(most, rng))

    @property
    def kinds(self) -> int:
        """Return how many operations the predictor tells apart."""
        return self._pool.cells.counts.shape[2]

    def ranked(
        self, predictor: Predictor, without: Collection[str], incumbents: Sequence[Arch]
    ) -> list[tuple[Arch, float]]:
        """Return the candidates and what they are worth, best first; equals in the order of the space or the draw.

        Args:
            predictor: says what an architecture is worth.
            without: keys to leave out.
            incumbents: where the space is not ranked whole, their neighbours are candidates too.
        """
        near = (
            [] if self.is_whole else [child for arch in incumbents for child in self.space.neighbours(arch)]
        )
        found: dict[str, tuple[Arch, float]] = {}
        for archs, keys, cells in [self._pool, _pool(self.space, near)] if near else [self._pool]:
            for arch, key, worth in zip(archs, keys, predictor.worth(cells).tolist(), strict=True):
                if key not in without:
                    found.setdefault(key, (arch, worth))
        return sorted(found.values(), key=lambda pair: -pair[1])


class _Pool(NamedTuple):
    archs: list[Arch]
    keys: list[str]
    cells: Cells


def _pool(space: SearchSpace, archs: Iterable[Arch]) -> _Pool:
    first: dict[str, Arch] = {}
    for arch in archs:
        first.setdefault(space.key(arch), arch)
    return _Pool([*first.values()], [*first], encode([*map(space.graph, first.values())]))


@lru_cache(maxsize=2)  # read again by every round
def _whole(space: SearchSpace) -> _Pool:
    return _pool(space, space.all())
