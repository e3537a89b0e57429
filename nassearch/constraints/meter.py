"""Which architectures meet limits, and how far others are from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from nassearch.constraints.costs import Costs, cost_of, of_the_network
from nassearch.constraints.estimate import estimated
from nassearch.constraints.latency import MeasuredLatency, ToldLatency
from nassearch.constraints.limits import MEASURED, Constraints
from nassearch.errors import InvalidSetting, told
from nassearch.networks.graph import Network
from nassearch.provenance.from_here import import_from_here
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import kind_of
from nassearch.types import Arch, Task

Latency = Callable[[Arch], float]
"""Milliseconds of an architecture."""


class Meter:
    """Costs of architectures beside their limits; what was found out is remembered.

    A latency that is measured, or told by a user's function, is dear: architectures are chosen by an `Estimate` from
    some that were measured, and what is to be trained is measured before, see `admits`.

    Args:
        space, task: whose networks.
        constraints: the limits.
        latency: milliseconds by a benchmark's metric, where `constraints.latency_by` names one.

    Raises:
        InvalidSetting: `latency_by` is none of what it can be.
    """

    def __init__(
        self, space: SearchSpace, task: Task, constraints: Constraints, latency: Latency | None = None
    ) -> None:
        self.space, self.task, self.constraints = space, task, constraints
        self._limits = constraints.limits
        self.fault = ""
        self._excesses: dict[tuple[Arch, bool], float] = {}
        self._latency = self._steering = latency
        if "latency" in self._limits and latency is None:
            self._latency = latency_by(constraints, space, task)
            self._steering = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_excesses": {}}

    @property
    def is_dear(self) -> bool:
        """Return whether a latency has to be measured, or asked of a user's function."""
        return isinstance(self._latency, MeasuredLatency | ToldLatency)

    @cached_property
    def is_quick(self) -> bool:
        """Return whether thousands of architectures can be chosen among in a second."""
        by_decisions = self.space.options is not None
        return self._described or ({*self._limits} == {"latency"} and (not self.is_dear or by_decisions))

    @property
    def _described(self) -> bool:
        try:
            return issubclass(kind_of(self.space, self.task), Network)
        except Exception:  # of someone else's; it is told where an architecture is looked at
            return False

    def steer(self, archs: Sequence[Arch]) -> None:
        """Look at architectures, and choose by what these make likely from here on, where a latency is dear."""
        self._steering = estimated(self._told, archs, self.space, self.task)

    def _told(self, arch: Arch) -> float:
        assert self._latency is not None
        try:
            return self._latency(arch)
        except Exception as error:  # told by `excess`
            if not of_the_network(error):
                raise
            return math.inf

    def _cost(self, name: str, arch: Arch, exactly: bool) -> float:
        if name != "latency":
            return float(getattr(cost_of(self.space, arch, self.task, [name]), name))
        latency = self._latency if exactly or self._steering is None else self._steering
        assert latency is not None
        return latency(arch)

    def costs(self, arch: Arch) -> Costs:
        """Return the costs that are limited, none of them an estimate."""
        return Costs(**{name: self._cost(name, arch, True) for name in self._limits})

    def excess(self, arch: Arch, exactly: bool = False) -> float:
        """Return the largest cost as a share of its limit: at most 1 where all are met, infinite where none is known.

        What a module's builder raises counts as a cost that is not known; the first is kept as `fault`. A latency is
        an estimate where there is one, unless `exactly`.
        """
        key = arch, exactly and self.is_dear
        if key not in self._excesses:
            worst = 0.0
            try:
                for name, limit in self._limits.items():
                    cost = self._cost(name, arch, exactly)
                    worst = max(worst, cost / limit if cost == cost else math.inf)
                    if worst > 1 and name != "latency" and "latency" in self._limits:
                        break  # nothing that is too large already needs its latency
            except Exception as error:
                if not of_the_network(error):
                    raise
                self.fault = self.fault or f"{self.space.format(arch)}: {told(error)}"
                worst = math.inf
            self._excesses[key] = worst
        return self._excesses[key]

    def meets(self, arch: Arch) -> bool:
        """Say whether an architecture meets all limits, as far as it can be told quickly."""
        return self.excess(arch) <= 1

    def admits(self, arch: Arch) -> bool:
        """Say whether an architecture meets all limits."""
        return self.excess(arch, exactly=True) <= 1


def latency_by(constraints: Constraints, space: SearchSpace, task: Task) -> Latency:
    """Return what gives latencies that are no metric of a benchmark.

    Raises:
        InvalidSetting: there is no such function, or it is a metric.
    """
    by = constraints.latency_by
    if callable(by):
        return ToldLatency(by, space, task, constraints.by)
    if by == MEASURED:
        return MeasuredLatency(space, task)
    if ":" not in by:
        raise InvalidSetting(
            f"there is no latency called {by!r} here: latencies are measured, come from a function of the model as "
            "MODULE:FUNCTION, or are a metric of the benchmark"
        )
    return ToldLatency(_imported(by), space, task, by)


def _imported(text: str) -> Callable[[Any], float]:
    """Return a function that is named as `module:function`; its module may lie in the current folder."""
    found = import_from_here(text, f"the latency function {text}")
    if not callable(found):
        raise InvalidSetting(f"{text} is no function: name one that takes a model and returns milliseconds")
    return found  # type: ignore[no-any-return]
