"""Ask a strategy for what may be trained, and tell it the values of all objectives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from nassearch.errors import BrokenPart, InvalidSetting, quoted
from nassearch.strategies.base import Strategy
from nassearch.types import Arch, plain

REFUSALS = 100
"""Architectures in a row that turn out to cost too much before a search gives up."""


def check_objectives(strategy: type[Strategy], count: int) -> None:
    """Raise `InvalidSetting` where a strategy does not take so many objectives: it has no `tell_all` of its own."""
    if count > 1 and strategy.tell_all is Strategy.tell_all:
        raise InvalidSetting(f"{strategy.name} takes one objective: use nsga, gp or rand for several")


def asked(strategy: Strategy, objectives: int = 0, admits: Callable[[Arch], bool] | None = None) -> Arch:
    """Return the next architecture to train.

    One that its space does not admit is told to the strategy as NaN, and it is asked again. `admits` says so in the
    place of the space, where that is known already.

    Raises:
        BrokenPart: the strategy asks for what is no tuple of whole numbers.
        InvalidSetting: one after the other is not admitted.
    """
    for _ in range(REFUSALS):
        arch = _asked(strategy)
        if (admits or strategy.space.admits)(arch):
            return arch
        tell(strategy, arch, [math.nan] * max(1, objectives))
    raise InvalidSetting(
        f"{REFUSALS} architectures one after the other do not meet the limits once they are measured, the last of them "
        f"{strategy.space.format(arch)}: raise the limit on latency, or use another strategy"
    )


def tell(strategy: Strategy, arch: Arch, values: Sequence[float]) -> None:
    """Tell a strategy the values of all objectives, or of the only one."""
    if len(values) > 1:
        strategy.tell_all(arch, np.array(values))
    else:
        strategy.tell(arch, values[0])


def _asked(strategy: Strategy) -> Arch:
    """Return what a strategy asks for; raise `BrokenPart` where that is no tuple of whole numbers."""
    arch = strategy.ask()
    if type(arch) is tuple and all(type(option) is int for option in arch):
        return arch
    arch = plain(arch)
    if not isinstance(arch, tuple) or not all(isinstance(option, int) for option in arch):
        raise BrokenPart(
            f"the strategy {strategy.name} asked for {quoted(arch)}: ask() returns an architecture of its space, a "
            "tuple of whole numbers"
        )
    return tuple(map(int, arch))  # also of truth values
