"""A search space without what costs too much: draws, edits and decisions give what meets the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from nassearch.constraints.limits import Constraints
from nassearch.constraints.meter import Latency, Meter
from nassearch.constraints.nearest import nearest, refuse
from nassearch.errors import InvalidArch, InvalidSetting
from nassearch.spaces.base import CellGraph, CellGraphs, SearchSpace
from nassearch.spaces.built import kind_of
from nassearch.types import Arch, Task

ENUMERATED = 40_000
"""A space of at most so many architectures is looked at whole, where costs are counted or looked up."""
DEAR = 50
"""As many, where each has to be built and run, or measured."""
SEEN = 40
"""Architectures whose latency is measured, or asked of a user's function, for an estimate of the others'."""
DRAWS = 200
"""Uniform draws, for each architecture wanted, among which one that meets the limits is looked for."""
STEPS = 100
"""Steps of the walk that stands in for a draw where these are too rare."""
TRIES = 30
"""Edits tried before all neighbours are looked at."""
WIDER = 5_000
"""Architectures looked at around one none of whose neighbours meets the limits."""


def constrained(
    space: SearchSpace, task: Task, constraints: Constraints, latency: Latency | None = None
) -> SearchSpace:
    """Return the part of a space that meets limits; the space itself where there are none.

    Args:
        space: the whole.
        task: what its networks are built for.
        constraints: the limits.
        latency: milliseconds of an architecture, where a benchmark has them: `constraints.latency_by` names them.

    Raises:
        InvalidSetting: nothing meets the limits, or one alone; the message has the nearest and what it costs.
    """
    if not constraints:
        return space
    return ConstrainedSpace(space.unconstrained, Meter(space.unconstrained, task, constraints, latency))


class ConstrainedSpace(SearchSpace):
    """The architectures of a space that meet limits, with the moves between them.

    Draws are uniform over them. A small space is looked at whole. In another, draws that do not meet the limits are
    thrown away; where not one of 200 meets them, a walk from one that does stands in, by random edits that are
    taken where they meet the limits (Metropolis et al., 1953), and draws are only nearly uniform.

    Where latencies are dear, all this goes by an estimate, and `admits` says what is so.

    A neighbour is one edit away. Where none of these meets the limits, it is as few edits away as there are any. A
    score is that of the whole space, where keys, texts and networks come from.

    Args:
        space: the whole.
        meter: what meets the limits.
    """

    def __init__(self, space: SearchSpace, meter: Meter) -> None:
        self._space, self._meter = space, meter
        # Of the class in every other space; here they are those of the space that is looked at.
        self.name, self.revision = space.name, space.revision  # type: ignore[misc]
        self.proxy_defaults, self.keys_differ = space.proxy_defaults, space.keys_differ  # type: ignore[misc]
        self.has_cells = space.has_cells  # type: ignore[misc]
        self.network_kind = kind_of(space, meter.task) if space.network_kind is None else space.network_kind  # type: ignore[misc]
        known = meter.is_quick and not meter.is_dear
        if space.size <= (ENUMERATED if known else DEAR):
            self._start = min(space.all(), key=lambda arch: meter.excess(arch, exactly=True))
            listed: bool = True
        else:
            self._start, listed = nearest(space, meter), meter.is_quick and space.size <= ENUMERATED
        if not meter.admits(self._start):
            refuse(space, meter, self._start, certain=space.size <= (ENUMERATED if known else DEAR))
        if meter.is_dear:
            some = (
                list(space.all()) if space.size <= DEAR else space.sample_many(SEEN, np.random.default_rng(1))
            )
            meter.steer([self._start, *some])
        self._listed = [arch for arch in space.all() if meter.meets(arch)] if listed else None
        if len(self._listed or ()) == 1:
            raise InvalidSetting(
                f"{space.format(self._start)} alone meets the limits ({meter.constraints}) in {space.name}: there is "
                "nothing to search, so train it, or raise a limit"
            )

    @property
    def unconstrained(self) -> SearchSpace:
        return self._space

    def decided(self, arch: Arch) -> Iterator[tuple[int, int]]:
        return self._space.decided(arch)

    @property
    def made_of(self) -> tuple[Any, ...]:
        return self._space.made_of

    def try_out(self, task: Task) -> None:
        self._space.try_out(task)

    @property
    def is_exact(self) -> bool:
        """Return whether it goes by costs themselves, none of them an estimate."""
        return not self._meter.is_dear

    @property
    def constraints(self) -> Constraints:
        """Return the limits."""
        return self._meter.constraints

    @cached_property
    def size(self) -> int:
        """Return how many architectures meet the limits.

        Of a large space it is an estimate from 1,000 draws; where costs are measured, what the whole has.
        """
        if self._listed is not None:
            return len(self._listed)
        if not self._meter.is_quick:
            return self._space.size
        draws = self._space.sample_many(1000, np.random.default_rng(0))
        share = sum(map(self._meter.meets, draws)) / len(draws)
        return max(1, round(share * self._space.size))

    def fits(self, most: int) -> bool:
        return (self._listed is not None or self._meter.is_quick) and self.size <= most

    @property
    def options(self) -> tuple[int, ...] | None:
        return self._space.options

    def decide(self, decisions: tuple[int, ...]) -> Arch | None:
        arch = self._space.decide(decisions)
        return arch if arch is not None and self._meets(arch) else None

    def all(self) -> Iterator[Arch]:
        if self._listed is not None:
            return iter(self._listed)
        return (arch for arch in self._space.all() if self._meter.meets(arch))

    def index(self, arch: Arch) -> int:
        return super().index(self.check(arch))

    def _meets(self, arch: Arch) -> bool:
        return arch in self._places if self._listed is not None else self._meter.meets(arch)

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if self._listed is not None:
            return [self._listed[place] for place in rng.integers(len(self._listed), size=n).tolist()]
        found: list[Arch] = []
        missed = 0
        while len(found) < n and missed < DRAWS:
            draws = self._space.sample_many(n - len(found), rng)
            met = [arch for arch in draws if self._meter.meets(arch)]
            found += met
            missed = 0 if met else missed + len(draws)
        while len(found) < n:
            found.append(self._walked(rng))
        return found

    def _walked(self, rng: np.random.Generator) -> Arch:
        arch = self._start
        for _ in range(STEPS):
            step = self._space.mutate(arch, rng)
            arch = step if self._meter.meets(step) else arch
        return arch

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        for _ in range(TRIES):
            step = self._space.mutate(arch, rng)
            if self._meets(step):
                return step
        near = self.neighbours(arch)
        return near[int(rng.integers(len(near)))] if near else self.sample(rng)

    def neighbours(self, arch: Arch) -> Sequence[Arch]:
        seen, edge, looked = {arch}, [arch], 0
        while edge and looked < WIDER:
            beyond = list(dict.fromkeys(n for a in edge for n in self._space.neighbours(a) if n not in seen))
            looked += len(beyond)
            if near := tuple(n for n in beyond if self._meets(n)):
                return near
            seen.update(beyond)
            edge = beyond
        return ()

    def admits(self, arch: Arch) -> bool:
        return self._meter.admits(arch)

    def is_valid(self, arch: Arch) -> bool:
        return self._space.is_valid(arch) and self._meets(arch)

    def check(self, arch: Arch) -> Arch:
        if not self._meets(self._space.check(arch)):
            raise InvalidArch(
                f"{self._space.format(arch)} is not among the architectures of {self.name} that are searched: it costs "
                f"{self._meter.costs(arch)}, and {self.rule()}"
            )
        return arch

    def rule(self) -> str:
        return f"{self._space.rule()}, with {self.constraints}"

    def key(self, arch: Arch) -> str:
        return self._space.key(arch)

    def of_key(self, key: str) -> Arch | None:
        return self._space.of_key(key)

    def representative(self, arch: Arch) -> Arch:
        return self._space.representative(arch)

    def parse(self, text: str) -> Arch:
        return self.check(self._space.parse(text))

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        return self.check(self._space.from_naslib(numbers))

    def format(self, arch: Arch) -> str:
        return self._space.format(arch)

    def graph(self, arch: Arch) -> CellGraph:
        return self._space.graph(arch)

    def graphs(self, archs: Sequence[Arch]) -> CellGraphs:
        return self._space.graphs(archs)

    def features(self, arch: Arch) -> dict[str, float]:
        return self._space.features(arch)

    def network(self, arch: Arch, task: Task) -> Any:
        return self._space.network(arch, task)
