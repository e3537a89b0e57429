"""The metrics that are known of an architecture without training it: declared by a data set, or counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from nassearch.benchmarks.base import Benchmark, Dataset, Metric
from nassearch.constraints.costs import cost_of, of_the_network
from nassearch.errors import BrokenPart, UnknownName, quoted
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Task

TRAINED = ("test", "valid")
"""What is not known without training, and so is no further metric."""
COUNTS = {
    each.name: each
    for each in (
        Metric("params", "network size", "parameters", decimals=0),
        Metric("flops", "computation", "multiply-accumulates", decimals=0),
        Metric("memory", "memory", "bytes", decimals=0),
    )
}
"""Those that are counted from a network, whatever benchmark it is of."""

ValueOf = Callable[[Arch], float]
"""A metric by architecture, as published; NaN where it is not known."""


def find_metric(benchmark: Benchmark | type[Benchmark], dataset: Dataset, name: str) -> Metric:
    """Return a further metric that a data set of a benchmark declares, or that is counted from networks.

    Raises:
        UnknownName: there is none of that name; the message says what there is, and which data sets have it.
    """
    declared = dataset.metrics_by_name
    if name in declared:
        return declared[name]
    if name in COUNTS:
        return COUNTS[name]
    others = [each.name for each in benchmark.datasets().values() if name in each.metrics_by_name]
    where = (
        f"({', '.join(others)} of {benchmark.name} {'has' if len(others) == 1 else 'have'} it)"
        if others
        else ""
    )
    raise unknown(name, f"{benchmark.name} {dataset.name}", declared, where)


def unknown(name: str, of: str, declared: Iterable[str], where: str = "") -> UnknownName:
    """Return the error that nothing of this name is known of networks here."""
    return UnknownName(f"metric of {of}", name, dict.fromkeys((*TRAINED, *declared, *COUNTS)), where)


def value_of(oracle: Benchmark, name: str) -> ValueOf:
    """Return what gives a metric of a benchmark by architecture.

    Raises:
        UnknownName: no such metric.
        MissingData: it is declared, and not installed; the message names the command that gets it.
    """
    find_metric(oracle, oracle.dataset, name)
    if name not in oracle.dataset.metrics_by_name:
        return CountOf(oracle.space, oracle.dataset.task, name)
    found = MetricOf(oracle, name)
    found(next(iter(oracle.space.all())))
    return found


@dataclass(frozen=True)
class MetricOf:
    """A metric that a benchmark answers with.

    Raises:
        BrokenPart: what it answers is neither a finite number nor NaN.
    """

    oracle: Benchmark
    name: str

    def __call__(self, arch: Arch) -> float:
        found: Any = self.oracle.metric(self.name, arch)
        try:
            value = float(found)
        except (TypeError, ValueError):
            value = math.inf
        if math.isinf(value):
            raise BrokenPart(
                f"the benchmark {self.oracle.name} answered {quoted(found)} for {self.name}: metric() returns a finite "
                "number, NaN for what is not known"
            )
        return value


@dataclass(frozen=True)
class CountOf:
    """A number that is counted from networks, see `cost_of`; NaN of one that cannot be built or looked at.

    What was counted is remembered, since it takes a while.
    """

    space: SearchSpace
    task: Task
    name: str
    _known: dict[Arch, float] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, arch: Arch) -> float:
        if arch not in self._known:
            try:
                found = float(getattr(cost_of(self.space, arch, self.task, [self.name]), self.name))
            except Exception as error:
                if not of_the_network(error):
                    raise
                found = math.nan
            self._known[arch] = found
        return self._known[arch]
