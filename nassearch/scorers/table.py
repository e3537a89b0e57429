"""Scores of many architectures by many proxies, as one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nassearch.benchmarks.given import GivenBenchmark, dataset_of, space_of
from nassearch.checks import SEEDS, whole
from nassearch.constraints.limits import Constraints
from nassearch.constraints.space import constrained
from nassearch.scorers import compute_scores
from nassearch.scorers.cache.scores import cache_path
from nassearch.scorers.compute import Tally
from nassearch.scorers.open import open_scorers
from nassearch.scorers.spec import AnyScorer
from nassearch.types import Arch
from nassearch.workers.progress import Watch
from nassearch.workers.spread import check_work

MOST_PLACES = 1_000_000
"""Architectures of a space whose order is gone through to find places in it."""


def score_table(
    benchmark: GivenBenchmark,
    dataset: str | None,
    proxies: Sequence[str],
    *,
    archs: Sequence[str] = (),
    sample: int | None = None,
    seed: int = 0,
    batch: str | None = None,
    constraints: Constraints | None = None,
    workers: int | None = None,
    executor: str = "processes",
    cache: bool = True,
    watch: Watch | None = None,
    tell: Callable[[Tally], None] | None = None,
    explain: Callable[[list[dict[str, str]]], None] | None = None,
) -> tuple[list[str], list[list[Any]]]:
    """Score architectures of a benchmark's space.

    Args:
        benchmark, dataset: which space and network; dataset None for the first. Its table need not be installed.
        proxies: P scorers as texts.
        archs: texts of N architectures; where there are none, `sample` random ones, or else the whole space.
        seed: of the sample.
        batch: see `open_batch`.
        constraints: limits that all of them meet: the sample is drawn among those that do.
        workers, executor: see `nassearch.workers.spread.in_order`.
        cache: keep scores in the user's data directory.
        watch: told of progress.
        tell: told at the end how many scores were read from the cache, and how many computed.
        explain: told for each row why scores are missing, by proxy, as far as the proxies say.

    Returns:
        The columns `arch`, `index` (its place in the space's own order, None in a space of more than a million) and one
        per proxy, and N rows; higher is better, NaN where there is no score.

    Raises:
        UnknownName, InvalidArch, InvalidSetting, MissingData: before anything is computed.
    """
    check_work(workers, executor)
    found = dataset_of(benchmark, dataset)
    name, task = found.name, found.task
    path = cache_path() if cache else None
    scorers = open_scorers(proxies, benchmark, name, batch, workers=workers, executor=executor, cache=path)
    whole_space = space_of(benchmark, name)
    space = constrained(whole_space, task, constraints or Constraints())
    chosen: list[Arch]
    if archs:
        chosen = [space.parse(text) for text in archs]
    elif sample is not None:
        chosen = space.sample_many(
            whole("sample", sample), np.random.default_rng(whole("seed", seed, least=0, largest=SEEDS))
        )
    else:
        chosen = list(space.all())
    leaves = [leaf for scorer in scorers for leaf in scorer.leaves]
    compute_scores(
        leaves,
        chosen,
        workers=workers,
        executor=executor,
        progress=watch("scoring") if watch else None,
    )
    columns = [scorer(chosen).tolist() for scorer in scorers]
    if tell is not None:
        tell(Tally.of(leaves))
    if explain is not None:
        explain([_reasons(arch, dict(zip(proxies, scorers, strict=True))) for arch in chosen])
    places = [whole_space.index(arch) if whole_space.size <= MOST_PLACES else None for arch in chosen]
    rows = [[space.format(arch), *rest] for arch, *rest in zip(chosen, places, *columns, strict=True)]
    return ["arch", "index", *proxies], rows


def _reasons(arch: Arch, scorers: Mapping[str, AnyScorer]) -> dict[str, str]:
    """Return by text why scorers have no score for an architecture; of one of several parts, the first that says so."""
    found = {spec: [leaf.reason(arch) for leaf in scorer.leaves] for spec, scorer in scorers.items()}
    return {
        spec: next(filter(None, reasons))
        for spec, reasons in found.items()
        if any(reasons) and np.isnan(scorers[spec]([arch])[0])
    }
