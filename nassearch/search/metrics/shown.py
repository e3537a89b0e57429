"""Further metrics of what a result trained: from its rounds, its trainings or its benchmark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.benchmarks.base import Benchmark, Dataset, Metric
from nassearch.benchmarks.given import GivenBenchmark, owner_of
from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.ledger import read_ledger
from nassearch.errors import InvalidArch, InvalidSetting, MissingData, NassearchError, UnknownName
from nassearch.search.metrics.known import COUNTS, TRAINED, CountOf, ValueOf, find_metric, unknown, value_of
from nassearch.search.records import Header
from nassearch.search.runner import Round
from nassearch.types import Arch, Floats

RECORDED = {**COUNTS, "latency": Metric("latency", "latency", "ms")}
"""What the record of a training may say of its network."""
LEDGER = "trained.jsonl"
REPEATED = ("epochs", "anneal")
"""Settings of a training that do not change its network."""

Opened = dict[tuple[str, str, str], Benchmark]
"""Benchmarks that were opened on the way, by name, data set and digest of the data."""


def metric_of(header: Header, name: str, oracle: Benchmark | None = None) -> Metric:
    """Return a further metric of a result: as its benchmark declares it, counted, or an objective of its header.

    Raises:
        UnknownName: nothing of that name is known.
        MissingData: its benchmark is not here to say what there is.
    """
    objectives = _objectives(header)
    if _is_trained(header):
        if name not in {**RECORDED, **objectives}:
            raise unknown(name, "a search that trains", {**RECORDED, **objectives})
        return objectives.get(name) or RECORDED[name]
    part: Any = oracle
    missing: NassearchError | None = None
    if oracle is None:
        try:
            part = registry.load("benchmarks", str(header.experiment.get("benchmark")))
            return find_metric(part, part.find(header.experiment.get("dataset")), name)
        except NassearchError as error:
            missing = error
    else:
        try:
            return find_metric(part, oracle.dataset, name)
        except UnknownName as error:
            missing = error
    if name in {**objectives, **COUNTS}:
        return objectives.get(name) or COUNTS[name]
    if part is None:
        raise MissingData(f"what {name!r} is, its benchmark says, which is not here: {missing}") from missing
    raise missing


def values_of(
    header: Header,
    rounds: Sequence[Round],
    name: str,
    *,
    path: Path | None = None,
    oracle: Benchmark | None = None,
    opened: Opened | None = None,
) -> list[Floats]:
    """Return a further metric of every model of a result, as published, `[T]` for each round; NaN where unknown.

    Args:
        header, rounds: of the result.
        name: of the metric.
        path: of the result, or of the folder of a search that trains; beside it its trainings are looked for.
        oracle: its benchmark, where it is open.
        opened: takes a benchmark that is opened, and gives those that were.

    Raises:
        UnknownName: there is no such metric.
        MissingData: the result does not hold it, and its benchmark does not have it here; the message has the remedy.
    """
    metric_of(header, name, oracle)
    if rounds and all(name in each.further for each in rounds):
        return [each.further[name] for each in rounds]
    called = str(path) if path is not None else f"the result on {header.experiment.get('dataset')}"
    try:
        recorded = _recorded(header, name, path, oracle)
        if recorded is not None:
            return [np.array([recorded.get(arch, math.nan) for arch in each.archs]) for each in rounds]
        find = _look_up(header, name, oracle, {} if opened is None else opened)
        known: dict[Arch, float] = {}
        for each in rounds:
            for arch in each.archs:
                if arch not in known:
                    known[arch] = find(arch)
    except InvalidArch as error:
        raise MissingData(
            f"{called} does not hold {name}, and its architectures are not those of the benchmark that is installed: "
            f"{error}"
        ) from error
    except MissingData as error:
        raise MissingData(f"{called} does not hold {name}: {error}") from error
    return [np.array([known[arch] for arch in each.archs]) for each in rounds]


def _look_up(header: Header, name: str, oracle: Benchmark | None, opened: Opened) -> ValueOf:
    if oracle is not None:
        return value_of(oracle, name)
    asked, dataset = str(header.experiment.get("benchmark")), header.experiment.get("dataset")
    part = registry.load("benchmarks", asked)
    if name not in part.find(dataset).metrics_by_name:
        return CountOf(part.make_space(dataset), part.find(dataset).task, name)
    key = asked, str(dataset), header.data
    if key not in opened:
        found = part.open(dataset)
        if found.digest != header.data:
            raise MissingData(
                f"it is of data {header.data[:8]}, and {asked} {dataset} is installed with data {found.digest[:8]}: "
                "install the data that it is of"
            )
        opened[key] = found
    return value_of(opened[key], name)


def _recorded(
    header: Header, name: str, path: Path | None, oracle: Benchmark | None
) -> Mapping[Arch, float] | None:
    """Return by architecture what the trainings of a search say of their networks; None for searches on a table.

    Raises:
        MissingData: the trainings are not there, or say nothing of it.
    """
    if not _is_trained(header):
        return None
    if isinstance(oracle, TrainedBenchmark):
        entries = oracle.ledger.entries
    else:
        folder = None if path is None else path if path.is_dir() else path.parent
        if folder is None or not (folder / LEDGER).is_file():
            raise MissingData(
                f"the record of its trainings, {LEDGER}, is not beside it: name the folder of a search, or a result "
                "in the folder of its trainings"
            )
        entries = read_ledger(folder / LEDGER)[1]
    recipe = header.experiment.get("recipe")
    found: dict[Arch, float] = {}
    for entry in entries:
        value = getattr(entry, name)
        if value is not None and (recipe is None or _network_of(entry.recipe) == _network_of(recipe)):
            found.setdefault(entry.arch, float(value))
    if not found:
        raise MissingData(
            f"no training has recorded it: give the search --objectives accuracy,{name} or a limit on it"
        )
    return found


def _network_of(recipe: Any) -> Any:
    """Return the settings of a recipe by which networks differ, and others that tell trainings apart."""
    return {key: value for key, value in dict(recipe).items() if key not in REPEATED}


def _is_trained(header: Header) -> bool:
    return header.experiment.get("benchmark") == TrainedBenchmark.name


def _objectives(header: Header) -> dict[str, Metric]:
    """Return the objectives of a header that are not trained for."""
    return {
        str(each["name"]): Metric(
            str(each["name"]), str(each["quantity"]), str(each["unit"]), not each["lower_is_better"]
        )
        for each in header.experiment.get("objectives") or ()
        if not each["trained"]
    }


def check_shown(
    name: str, benchmark: GivenBenchmark, dataset: Dataset, objectives: Sequence[str] = ()
) -> None:
    """Raise `UnknownName` where what an experiment shows is no metric of what it is about."""
    if name in (*TRAINED, *objectives):
        return
    if not issubclass(owner := owner_of(benchmark), TrainedBenchmark):
        find_metric(owner, dataset, name)
    elif name not in RECORDED:
        raise unknown(name, "a search that trains", RECORDED)


def check_known(name: str, oracle: Benchmark, objectives: Sequence[str] = ()) -> None:
    """Raise, before any work, where what an experiment shows will not be there.

    Raises:
        MissingData: it is not installed.
        InvalidSetting: a search that trains records it only where it is an objective.
    """
    if name in (*TRAINED, *objectives):
        return
    if not isinstance(oracle, TrainedBenchmark):
        value_of(oracle, name)
    elif name not in ("params", "flops"):
        raise InvalidSetting(
            f"trainings record {name} where it is an objective: add it to the objectives, or show params or flops"
        )
