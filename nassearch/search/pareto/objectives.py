"""The objectives of a search: what training reaches, and what an architecture costs beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nassearch.benchmarks.base import Benchmark
from nassearch.constraints.costs import COUNTED, of_the_network
from nassearch.constraints.latency import ToldLatency, machine
from nassearch.constraints.limits import MEASURED, Constraints
from nassearch.constraints.meter import Latency, latency_by
from nassearch.constraints.space import ConstrainedSpace, constrained
from nassearch.errors import BrokenPart, InvalidModel, InvalidSetting, UnknownName, quoted, told
from nassearch.search.metrics.known import CountOf, MetricOf
from nassearch.spaces.base import SearchSpace
from nassearch.statistics.hypervolume import hypervolume
from nassearch.strategies.base import Strategy
from nassearch.types import Arch, Floats

TRAINED = "valid"
"""By which name, besides that of the data set's quantity, what training reaches goes."""
UNITS = {"params": "parameters", "flops": "multiply-accumulates", "memory": "bytes", "latency": "ms"}
MOST = 6
"""Objectives: the time of a hypervolume grows exponentially with them."""


@dataclass(frozen=True)
class Objective:
    """One of several things that a search is for.

    Attributes:
        name: as the command line spells it.
        quantity, unit: what people call it, and the unit of its values as published.
        sign: 1 where higher is better as published, -1 where lower is.
        cost: its published value by architecture; None for what training reaches.
        reference: the published value from which on an architecture counts; None where it is not known yet.
        told: whether nobody knows it before an architecture was trained and its value told.
    """

    name: str
    quantity: str
    unit: str
    sign: float
    cost: Callable[[Arch], float] | None = None
    reference: float | None = None
    told: bool = False

    def of(self, arch: Arch, trained: float) -> float:
        """Return the value of an architecture, higher is better: what its training reached, or its cost."""
        return trained if self.cost is None else self.sign * self.cost(arch)

    def as_dict(self) -> dict[str, Any]:
        """Return what a header says of it."""
        said = {
            "name": self.name,
            "quantity": self.quantity,
            "unit": self.unit,
            "lower_is_better": self.sign < 0,
        }
        return {**said, "trained": self.cost is None, "reference": self.reference}


@dataclass(frozen=True)
class LatencyOf:
    """A latency that is measured or told; NaN of a network that cannot be built or run.

    Raises:
        BrokenPart: a user's function of the model fails.
    """

    latency: Latency

    def __call__(self, arch: Arch) -> float:
        try:
            return self.latency(arch)
        except Exception as error:
            if not of_the_network(error):
                raise
            if isinstance(self.latency, ToldLatency) and not isinstance(error, InvalidModel):
                text = self.latency.space.format(arch)
                raise BrokenPart(f"{self.latency.name} fails for {text}: {told(error)}; mend it") from error
            return math.nan


class CostsOf:
    """Values of the objectives that are known without training, `[N, M - 1]` for N architectures; higher is better.

    Attributes:
        trained: place of the one that is trained for, among all.
        reference: of two objectives the worst value of the one that is known, higher is better, where all values of
            the space can be looked up; None where not.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        costing = [each for each in objectives if each.cost is not None]
        self._costing = [(each.sign, each.cost) for each in costing if each.cost is not None]
        self.trained = next(place for place, each in enumerate(objectives) if each.cost is None)
        known = len(costing) == 1 and costing[0].reference is not None
        self.reference = costing[0].sign * (costing[0].reference or 0.0) if known else None

    def __call__(self, archs: Sequence[Arch]) -> Floats:
        return np.array([[sign * cost(arch) for sign, cost in self._costing] for arch in archs])


def give_costs(strategy: Strategy, objectives: Sequence[Objective]) -> None:
    """Let a strategy that asks for it know the objectives that need no training."""
    known = objectives and not any(each.told for each in objectives)
    if known and hasattr(strategy, "costs"):
        strategy.costs = CostsOf(objectives)


def further_of(objectives: Sequence[Objective], archs: Sequence[Arch]) -> dict[str, Floats]:
    """Return what a round holds of the objectives that are not trained for, by name, as published."""
    return {each.name: np.array([*map(each.cost, archs)]) for each in objectives if each.cost}


def values_of(objectives: Sequence[Objective], arch: Arch, trained: float) -> list[float]:
    """Return what a strategy is told: the values of the objectives, or what was trained alone."""
    return [objective.of(arch, trained) for objective in objectives] or [trained]


def latency_of(oracle: Benchmark, by: Any) -> Latency | None:
    """Return the latency that is a metric of a benchmark; None where it is measured or a user's function.

    Raises:
        UnknownName: no such metric.
        MissingData: it is not installed.
        InvalidSetting: it is no time.
    """
    if callable(by) or by == MEASURED or ":" in by:
        return None
    times = [metric.name for metric in oracle.dataset.metrics if metric.unit == "ms"]
    if by not in oracle.dataset.metrics_by_name:
        raise UnknownName(
            "source of latencies", by, (MEASURED, *times), "(or MODULE:FUNCTION, a function of the model)"
        )
    oracle.metric(by, next(iter(oracle.space.all())))
    unit = oracle.dataset.metrics_by_name[by].unit
    if unit != "ms":
        raise InvalidSetting(f"{by} is in {unit}, and a latency in ms: take one of {', '.join(times)}")
    return MetricOf(oracle, by)


def limited(oracle: Benchmark, constraints: Constraints) -> SearchSpace:
    """Return the space of a benchmark without what does not meet limits; see `nassearch.constraints.constrained`."""
    latency = latency_of(oracle, constraints.latency_by) if constraints.latency is not None else None
    return constrained(oracle.space, oracle.dataset.task, constraints, latency)


def open_objectives(
    names: Sequence[str], oracle: Benchmark, space: SearchSpace, constraints: Constraints
) -> tuple[Objective, ...]:
    """Return the objectives of a search; none for no names.

    Their reference point is the worst value of each in the space that is searched, where all can be looked up.

    Args:
        names: accuracy, or what the data set's quantity is called; metrics of the benchmark; params, flops, memory;
            latency, which comes from where `constraints.latency_by` says.
        oracle: what is asked.
        space: what is searched.
        constraints: of the search.

    Raises:
        UnknownName, MissingData: no such objective, or one that is not installed.
        InvalidSetting: one is there twice, what is trained is not among them, or a latency is no time.
    """
    found = [_objective(name, oracle, constraints) for name in names]
    if not found:
        return ()
    trained = [each.name for each in found if each.cost is None]
    if len(trained) != 1 or not 2 <= len(found) <= MOST or len({each.name for each in found}) < len(found):
        raise InvalidSetting(
            f"objectives are {oracle.dataset.quantity} and one or more of what it costs, {MOST} in all, each once, not "
            f"{quoted(','.join(names))}"
        )
    if not _looked_up(found, oracle):
        return tuple(found)
    worst = worst_of(found, oracle, space)
    return tuple(
        Objective(**{**each.__dict__, "reference": float(each.sign * value)})
        for each, value in zip(found, worst.tolist(), strict=True)
    )


def _objective(name: str, oracle: Benchmark, constraints: Constraints) -> Objective:
    dataset, space = oracle.dataset, oracle.space
    if name in (TRAINED, dataset.quantity):
        return Objective(dataset.quantity, dataset.quantity, dataset.unit, dataset.sign)
    if name in dataset.metrics_by_name:
        metric = dataset.metrics_by_name[name]
        oracle.metric(name, next(iter(space.all())))
        cost = MetricOf(oracle, name)
        return Objective(name, metric.quantity, metric.unit, metric.sign, cost, told=metric.told)
    if name in COUNTED:
        return Objective(name, name, UNITS[name], -1.0, CountOf(space, dataset.task, name))
    if name == "latency":
        table = latency_of(oracle, constraints.latency_by)
        latency = table or LatencyOf(latency_by(constraints, space, dataset.task))
        where = "on this machine" if constraints.latency_by == MEASURED else f"by {constraints.by}"
        return Objective(name, f"latency {where}", UNITS[name], -1.0, latency)
    raise UnknownName("objective", name, (dataset.quantity, *UNITS, *dataset.metrics_by_name))


def _looked_up(objectives: Sequence[Objective], oracle: Benchmark) -> bool:
    """Return whether all values of a space can be gone through: of a table, with metrics of it or counts."""
    quick = all(each.cost is None or isinstance(each.cost, MetricOf | CountOf) for each in objectives)
    return quick and hasattr(oracle, "table") and oracle.space.fits(100_000)


def everything(objectives: Sequence[Objective], oracle: Benchmark, space: SearchSpace, show: str) -> Floats:
    """Return the values of all architectures of a space, `[A, M]`; higher is better."""
    archs = list(space.all())
    answers = [getattr(oracle.expected(arch), show) for arch in archs]
    return np.array(
        [[each.of(arch, value) for each in objectives] for arch, value in zip(archs, answers, strict=True)]
    )


def worst_of(objectives: Sequence[Objective], oracle: Benchmark, space: SearchSpace) -> Floats:
    """Return the worst value of each objective, `[M]`, by validation or test, whichever is worse."""
    both = [np.nanmin(everything(objectives, oracle, space, show), axis=0) for show in ("valid", "test")]
    worst: Floats = np.minimum(*both)
    return worst


def true_front(
    objectives: Sequence[Objective], oracle: Benchmark, space: SearchSpace
) -> dict[str, float] | None:
    """Return the hypervolume of all architectures of a space, by test and by validation; None where it is not known."""
    if any(each.reference is None for each in objectives):
        return None
    reference = np.array([each.sign * (each.reference or 0.0) for each in objectives])
    return {
        show: hypervolume(everything(objectives, oracle, space, show), reference)
        for show in ("test", "valid")
    }


def told_of(constraints: Constraints, objectives: Any) -> dict[str, Any]:
    """Return what an experiment says of limits and objectives as plain JSON values; nothing where there are none."""
    limits = {"constraints": constraints.as_dict()} if constraints else {}
    return {**limits, **({"objectives": [each.as_dict() for each in objectives]} if objectives else {})}


def known_of(
    constraints: Constraints, objectives: Sequence[Objective], oracle: Benchmark, space: SearchSpace
) -> dict[str, Any]:
    """Return what a header says of them besides.

    The whole front, the best that meets the limits, and the machine where latencies are measured.
    """
    front: dict[str, Any] = {"front": true_front(objectives, oracle, space)} if objectives else {}
    exact = isinstance(space, ConstrainedSpace) and space.is_exact and space.fits(100_000)
    if exact and not objectives and _looked_up((), oracle):
        front = {"best": {"test": max(oracle.expected(arch).test for arch in space.all())}}
    measured = constraints.latency is not None and constraints.latency_by == MEASURED
    return {**front, **({"machine": machine()} if measured else {})}
