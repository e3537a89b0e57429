"""Benchmarks as people give them: a name, a class, or one that is open."""

from __future__ import annotations

from typing import Any

from nassearch import registry
from nassearch.benchmarks.base import Benchmark, Dataset
from nassearch.errors import InvalidSetting, UnknownName, quoted
from nassearch.provenance import faults
from nassearch.provenance.blame import blamed
from nassearch.spaces.base import SearchSpace

GivenBenchmark = str | type[Benchmark] | Benchmark
"""A name, see `nassearch list benchmarks`, a subclass of `Benchmark`, or one that is open on a data set."""


def check_benchmark(given: Any) -> GivenBenchmark:
    """Return a benchmark as it was given.

    Raises:
        InvalidSetting: it is neither name, class nor benchmark, or a class that lacks something.
    """
    if isinstance(given, str) and given:
        return str(given)
    kind = given if isinstance(given, type) else type(given)
    if not issubclass(kind, Benchmark):
        raise InvalidSetting(
            "benchmark is a name, such as 'nasbench201', a subclass of Benchmark, or one that is open, not "
            f"{quoted(given)}"
        )
    if fault := faults.fault_of("benchmarks", kind):
        raise InvalidSetting(f"{kind.__name__} cannot be used as a benchmark: {fault}")
    found: GivenBenchmark = given
    return found


def owner_of(given: GivenBenchmark) -> type[Benchmark]:
    """Return the class that declares the data sets.

    Raises:
        UnknownName, BrokenPart: see `nassearch.registry.load`.
    """
    if isinstance(given, str):
        return registry.load("benchmarks", given)  # type: ignore[no-any-return]
    return given if isinstance(given, type) else type(given)


def name_of_benchmark(given: GivenBenchmark) -> str:
    """Return the name by which results and tables know it."""
    return given if isinstance(given, str) else faults.name_of("benchmarks", given)


def words_of(given: GivenBenchmark, dataset: str) -> list[str]:
    """Return what tells results on it from others in the names of files: trainings in other ways are other results."""
    words = [name_of_benchmark(given), dataset]
    if isinstance(given, Benchmark) and given.needs_data:
        words += [given.space.name, given.digest[:8]]
    return words


def dataset_of(given: GivenBenchmark, dataset: str | None) -> Dataset:
    """Return the data set that is meant: None is the one that is open, or the first of all.

    Raises:
        UnknownName: there is none of that name.
        InvalidSetting: the benchmark is open on another.
    """
    if not isinstance(given, Benchmark):
        owner = owner_of(given)
        with blamed(owner):
            known = owner.datasets()
        name = next(iter(known)) if dataset is None else dataset
        if name not in known:
            raise UnknownName(
                f"data set of {name_of_benchmark(given)}", str(name), known, "(nassearch bench list)"
            )
        return known[name]
    if dataset not in (None, given.dataset.name):
        raise InvalidSetting(
            f"this {name_of_benchmark(given)} is open on {given.dataset.name}, and dataset is {dataset}: leave dataset "
            "out, or give the benchmark by its name"
        )
    return given.dataset


def space_of(given: GivenBenchmark, dataset: str | None) -> SearchSpace:
    """Return the search space of a data set; that of a table that is not installed too, where it needs none."""
    if isinstance(given, Benchmark):
        return given.space
    owner = owner_of(given)
    with blamed(owner):
        return owner.make_space(dataset)


def load_benchmark(benchmark: GivenBenchmark = "nasbench201", dataset: str | None = None) -> Benchmark:
    """Open a benchmark on one data set.

        bench = nassearch.load_benchmark("nasbench201", "cifar100")
        arch = bench.space.sample(rng)
        bench.query(arch, rng).valid, bench.best.test

    Args:
        benchmark: a name, a class, or one that is open, which is returned as it is.
        dataset: None for the first.

    Returns:
        A benchmark with its `space`, its `dataset`, `query(arch, rng)` for one training, `expected(arch)` for the mean
        of all and `best`, the highest values there are. Higher is better: a loss is negated.

    Raises:
        UnknownName: no such benchmark or data set.
        MissingData: its table is not installed; the message names the command that gets it.
        BadData: its file is damaged.
        BrokenPart: it is someone else's, and fails.
    """
    benchmark = check_benchmark(benchmark)
    name = dataset_of(benchmark, dataset).name
    if isinstance(benchmark, Benchmark):
        return benchmark
    owner = owner_of(benchmark)
    with blamed(owner):
        return owner.open(name)
