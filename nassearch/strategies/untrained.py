"""Draws of what was not trained yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

PATIENCE = 100
"""Uniform draws in which one that was not trained is looked for."""
Known = Callable[[Arch], bool]


def untrained_draws(space: SearchSpace, rng: np.random.Generator, known: Known) -> Iterator[Arch]:
    """Yield uniform draws that are not known, of `PATIENCE` draws in all."""
    draws = (space.sample(rng) for _ in range(PATIENCE))
    yield from (arch for arch in draws if not known(arch))


def next_untrained(ranking: deque[Arch], space: SearchSpace, rng: np.random.Generator, known: Known) -> Arch:
    """Take the first of a ranking that is not known, or draw one; a known one where none is found for a while."""
    while ranking:
        arch = ranking.popleft()
        if not known(arch):
            return arch
    return next(untrained_draws(space, rng, known), None) or space.sample(rng)
