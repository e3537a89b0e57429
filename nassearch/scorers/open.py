"""Scorers and batches opened by what people write: for one data set, or for the parts of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.batches import KINDS, load_batch, synthetic_batch
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import InvalidSetting, MissingData, UnknownName
from nassearch.scorers.spec import AnyScorer, build_scorer, check_scorer, needs_batch
from nassearch.types import Batch, Progress

Watch = Callable[[str], Progress]
"""Makes a progress callback for a piece of work with that title."""


def open_batch(text: str | None, benchmark: type[Benchmark], dataset: str, scorer: str) -> Batch:
    """Return the batch that `--batch` names: None for the data set's own, a synthetic kind, or a file.

    Raises:
        UnknownName: no file and no kind is called so.
        MissingData: the data set has none of its own, and `scorer` needs one; or there is no such file.
        BadData: the file is not a batch of the data set.
    """
    task = benchmark.datasets()[dataset].task
    if text in KINDS:
        return synthetic_batch(text, task)
    if text is not None:
        path = Path(text)
        if path.name == text and not path.suffix and not path.exists():
            raise UnknownName("batch", text, KINDS, "(or give an .npz file)")
        return load_batch(path, task, "give another --batch")
    batch = benchmark.find_batch(dataset)
    if batch is None and not issubclass(benchmark, TabularBenchmark):
        raise MissingData(
            f"{scorer} looks at data, and {benchmark.name} has no batch of {dataset}: give one by --batch FILE.npz, or "
            f"do without by --batch {'uniform' if task.tokens else 'grey'}"
        )
    if batch is None:
        what, file, kind = (
            ("text", "TEXT.txt", "uniform") if task.tokens else ("images", "IMAGES.npz", "grey")
        )
        raise MissingData(
            f"{scorer} looks at data, and no batch of {dataset} is installed; make one from {what} with: "
            f"nassearch bench import {benchmark.name} {file} --dataset {dataset}, or do without {what}: --batch {kind}"
        )
    return batch


def open_scorers(
    specs: Sequence[str], benchmark: type[Benchmark], dataset: str, batch: str | None, **how: Any
) -> list[AnyScorer]:
    """Build the scorers that texts name, for one data set, each with the batch that it looks at.

    Args:
        specs: scorers as texts, each once.
        benchmark, dataset: whose space and task.
        batch: see `open_batch`.
        how: workers, executor and cache, see `build_scorer`.

    Raises:
        InvalidSetting: a text cannot be read, or is there twice.
        UnknownName, MissingData, BadData: see `build_scorer` and `open_batch`.
    """
    for spec in specs:
        check_scorer(spec)
        if specs.count(spec) > 1:
            raise InvalidSetting(f"{spec} is there twice: name each proxy once")
    space, task = benchmark.make_space(dataset), benchmark.datasets()[dataset].task
    batches = [open_batch(batch, benchmark, dataset, spec) if needs_batch(spec) else None for spec in specs]
    return [build_scorer(spec, space, task, found, **how) for spec, found in zip(specs, batches, strict=True)]


def open_roles(
    roles: Mapping[str, str], oracle: Benchmark, batch: Batch | None, watch: Watch | None, **how: Any
) -> dict[str, AnyScorer]:
    """Build the scorers of a search by role; one that plays two parts is built once.

    Args:
        roles: scorers as texts, see `roles`.
        oracle: whose space and task.
        batch: what those look at that look at data.
        watch: told of progress.
        how: workers, executor and cache, see `build_scorer`.
    """
    built = {
        spec: build_scorer(
            spec,
            oracle.space,
            oracle.dataset.task,
            batch,
            progress=watch(f"scoring by {spec}") if watch else None,
            **how,
        )
        for spec in dict.fromkeys(roles.values())
    }
    return {role: built[spec] for role, spec in roles.items()}
