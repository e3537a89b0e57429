"""What comes nearest to limits: found by edits that cost less and less, for a start or for a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from nassearch.constraints.meter import Meter
from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

DRAWS, DEAR_DRAWS = 200, 8
"""Uniform draws to begin with; where each has to be built and run, or measured, the smaller number."""
LOOKS, DEAR_LOOKS = 5_000, 30
"""Architectures looked at on the way down, likewise."""


def nearest(space: SearchSpace, meter: Meter) -> Arch:
    """Return an architecture that meets the limits, or the nearest to that which a descent finds.

    The descent begins with the smallest and the largest options of all decisions, where a space has such, then with
    the nearest of some uniform draws, always the same ones, and takes each edit that comes nearer.
    """
    draws, looks = (DRAWS, LOOKS) if meter.is_quick and not meter.is_dear else (DEAR_DRAWS, DEAR_LOOKS)
    best = _first(meter, [*_corners(space), *space.sample_many(draws, np.random.default_rng(0))])
    while meter.excess(best, exactly=True) > 1 and looks > 0:
        before = best
        for step in _edits(space, best):
            looks -= 1
            if meter.excess(step, exactly=True) < meter.excess(best, exactly=True):
                best = step
                break
            if looks <= 0:
                break
        if best == before:
            break
    return best


def _corners(space: SearchSpace) -> Iterator[Arch]:
    if space.options is not None:
        for corner in ((0,) * len(space.options), tuple(count - 1 for count in space.options)):
            if (arch := space.decide(corner)) is not None and space.is_valid(arch):
                yield arch


def _first(meter: Meter, archs: Iterable[Arch]) -> Arch:
    """Return the first that meets the limits, or else the nearest."""
    found: list[Arch] = []
    for arch in archs:
        found.append(arch)
        if meter.admits(arch):
            return arch
    return min(found, key=lambda arch: meter.excess(arch, exactly=True))


def _edits(space: SearchSpace, arch: Arch) -> Iterator[Arch]:
    near = space.neighbours(arch)
    for place in np.random.default_rng(0).permutation(len(near)).tolist():
        yield near[place]


def refuse(space: SearchSpace, meter: Meter, arch: Arch, certain: bool) -> None:
    """Raise `InvalidSetting`: nothing meets the limits, and this comes nearest.

    Args:
        certain: whether all architectures were looked at.
    """
    limits = f"({meter.constraints}) in {space.name}"
    if meter.excess(arch, exactly=True) == np.inf:
        why = f", such as {meter.fault}" if meter.fault else ""
        raise InvalidSetting(
            f"no architecture with a cost was found for limits {limits}{why}: mend what builds them"
        )
    met = "no architecture meets the limits" if certain else "no architecture was found that meets the limits"
    raise InvalidSetting(
        f"{met} {limits}: the nearest is {space.format(arch)}, with {meter.costs(arch)}; raise the limit to that, or "
        "give a space with smaller networks"
    )
