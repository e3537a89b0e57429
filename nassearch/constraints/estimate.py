"""What a dear cost is likely to be, from a few architectures that were looked at: to steer by, not to decide by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from nassearch.constraints.costs import cost_of
from nassearch.networks.graph import Network
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import kind_of
from nassearch.types import Arch, Task

RIDGE = 1e-2
"""Weight of the penalty, beside features whose squares have the mean 1."""
DIGITS = 6


class Estimate:
    """A linear law of a cost, fitted by ridge regression (Hoerl and Kennard, 1970).

    What runs one after the other takes time one after the other, so it is linear in what is decided. It sees which
    option each decision takes where an architecture is its decisions, and parameters, multiply-accumulates and
    activations where they are counted from a description. What was looked at is what it was seen to be.

    Args:
        space, task: whose networks.
        seen: costs by architecture, one or more.
    """

    def __init__(self, space: SearchSpace, task: Task, seen: Mapping[Arch, float]) -> None:
        self.space, self.task, self.seen = space, task, dict(seen)
        rows = [self._features(arch) for arch in self.seen]
        costs = list(self.seen.values())
        count = len(rows)
        self._means = [math.fsum(column) / count for column in zip(*rows, strict=True)]
        spreads = [
            math.sqrt(math.fsum((value - mean) ** 2 for value in column) / count)
            for column, mean in zip(zip(*rows, strict=True), self._means, strict=True)
        ]
        self._spreads = [spread or math.inf for spread in spreads]  # what does not vary tells nothing
        self._centre = math.fsum(costs) / count
        points = [self._scaled(row) for row in rows]
        # In the dual form there are as many unknowns as costs: w = X'(XX' + n r I)^-1 (y - mean).
        gram = [[_dot(a, b) + (count * RIDGE if a is b else 0.0) for b in points] for a in points]
        weights = _solved(gram, [cost - self._centre for cost in costs])
        self._slopes = [_dot(weights, column) for column in zip(*points, strict=True)]

    def _features(self, arch: Arch) -> list[float]:
        whole = self.space
        decides = whole.options is not None and len(whole.options) == len(arch)
        found: list[float] = []
        if decides:
            for option, count in zip(arch, whole.options or (), strict=True):
                found += [float(option == each) for each in range(count)]
        if not decides or issubclass(kind_of(whole, self.task), Network):
            costs = cost_of(whole, arch, self.task)
            found += [costs.params or 0.0, costs.flops or 0.0, costs.memory or 0.0]
        return found

    def _scaled(self, row: Sequence[float]) -> list[float]:
        return [(v - mean) / spread for v, mean, spread in zip(row, self._means, self._spreads, strict=True)]

    def __call__(self, arch: Arch) -> float:
        """Return what an architecture is likely to cost."""
        if arch in self.seen:
            return self.seen[arch]
        return round(max(0.0, self._centre + _dot(self._slopes, self._scaled(self._features(arch)))), DIGITS)


def estimated(
    cost: Callable[[Arch], float], archs: Sequence[Arch], space: SearchSpace, task: Task
) -> Estimate | None:
    """Return the law of a cost that architectures were looked at for; None where none of them has one."""
    found = {arch: cost(arch) for arch in dict.fromkeys(archs)}
    known = {arch: value for arch, value in found.items() if math.isfinite(value)}
    if not known:
        return None
    law = Estimate(space, task, known)
    law.seen.update(found)
    return law


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a system whose matrix is symmetric and positive definite, by Gauss: a few dozen unknowns."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for place, pivot in enumerate(rows):
        for row in rows[place + 1 :]:
            factor = row[place] / pivot[place]
            for column in range(place, len(row)):
                row[column] -= factor * pivot[column]
    found = [0.0] * len(rows)
    for place in range(len(rows) - 1, -1, -1):
        row = rows[place]
        known = math.fsum(row[k] * found[k] for k in range(place + 1, len(rows)))
        found[place] = (row[-1] - known) / row[place]
    return found
