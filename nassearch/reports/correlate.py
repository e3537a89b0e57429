"""How well proxies rank the architectures of a benchmark: one report per proxy, under both conventions for NaN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.benchmarks.base import Benchmark
from nassearch.errors import InvalidSetting
from nassearch.scorers import build_scorer, learn
from nassearch.scorers.cache.scores import cache_path
from nassearch.scorers.compute import Cost, Tally
from nassearch.scorers.open import Watch, open_scorers
from nassearch.search.quantity import Quantity
from nassearch.spaces.base import SearchSpace
from nassearch.statistics.intervals import Estimate, Resampling, judge, mean
from nassearch.statistics.neighbourhoods import draw_clusters, judge_locally
from nassearch.strategies.base import SEEDS, whole
from nassearch.types import Arch, Floats
from nassearch.workers.spread import check_work

CONVENTIONS = ("dropped", "last")
"""What becomes of an architecture without a score: it is left out, or it counts as worse than all that have one."""
CLUSTERS = 1000
"""Neighbourhoods looked at where the whole space is scored."""


@dataclass(frozen=True, eq=False)
class Report:
    """What one proxy is worth.

    Attributes:
        proxy: as text.
        scores: `[N]`, NaN where there is none.
        figures: by convention and name, see `nassearch.statistics.intervals.judge` and
            `nassearch.statistics.neighbourhoods.judge_locally`.
        coverage: share of the architectures that have a score.
        seconds: of processor time per architecture, of what this run computed; None where all was known. A pass
            that several proxies share counts in full for each of them.
        shared: how many of the proxies share a pass with this one.
    """

    proxy: str
    scores: Floats = field(repr=False)
    figures: dict[str, dict[str, Estimate]]
    coverage: Estimate
    seconds: float | None
    shared: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """Proxies side by side.

    Attributes:
        benchmark, dataset, metric: whose accuracies; `metric` is test or valid, the mean over training seeds.
        quantity: what the accuracies are, and whether `valid` is more than `test`.
        archs, accuracies: the N architectures and what they reach, in the unit of the data set, a loss negated: a proxy
            that ranks losses well has a positive rho.
        neighbourhoods, cluster: how many clusters were looked at, and their mean size.
        how: how intervals were made.
        reports: one per proxy.
        counts: how many scores were read from the cache, and how many computed.
    """

    benchmark: str
    dataset: str
    metric: str
    quantity: Quantity
    archs: list[Arch] = field(repr=False)
    accuracies: Floats = field(repr=False)
    neighbourhoods: int
    cluster: float
    how: Resampling
    reports: list[Report]
    counts: Tally


def correlate(
    benchmark: str,
    dataset: str | None,
    proxies: Sequence[str],
    *,
    sample: int | None = None,
    seed: int = 0,
    batch: str | None = None,
    metric: str = "test",
    neighbourhoods: int | None = None,
    draws: int = 1000,
    workers: int | None = None,
    executor: str = "processes",
    cache: bool = True,
    watch: Watch | None = None,
) -> Comparison:
    """Judge proxies against the accuracies of a benchmark.

    Scores are kept as they are computed, chunk by chunk: after an interruption the same call goes on where it was.

    Args:
        benchmark, dataset: which table; dataset None for the first.
        proxies: scorers as texts. The scores of combined ones are relative to the architectures asked for, and within
            a neighbourhood to the neighbourhood, as in a search.
        sample: N different random architectures; None for the whole space.
        seed: of the sample, the neighbourhoods and the intervals.
        batch: see `open_batch`.
        metric: `test` or `valid` accuracy, the mean over training seeds.
        neighbourhoods: random architectures whose neighbours are ranked too; None for 1,000 with the whole space
            and none with a sample, since they may need scores of most of the space.
        draws: resamples per interval.
        workers, executor: see `nassearch.workers.spread.in_order`.
        cache: keep scores in the user's data directory.
        watch: told of progress.

    Raises:
        UnknownName, InvalidSetting, MissingData: before anything is computed.
    """
    check_work(workers, executor)
    if metric not in ("test", "valid"):
        raise InvalidSetting(f"metric is test or valid, not {metric!r}")
    how = Resampling(whole("draws", draws), seed=whole("seed", seed, least=0, largest=SEEDS))
    clusters_wanted = (CLUSTERS if sample is None else 0) if neighbourhoods is None else neighbourhoods
    whole("neighbourhoods", clusters_wanted, least=0)
    owner = registry.load("benchmarks", benchmark)
    oracle: Benchmark = owner.open(owner.find(dataset).name)
    space, name = oracle.space, oracle.dataset.name
    path = cache_path() if cache else None
    scorers = open_scorers(proxies, owner, name, batch, workers=workers, executor=executor, cache=path)
    archs = list(space.all()) if sample is None else draw_distinct(space, whole("sample", sample), seed)
    clusters = draw_clusters(space, clusters_wanted, np.random.default_rng([seed, 1]))
    union = list(dict.fromkeys([*archs, *(arch for cluster in clusters for arch in cluster)]))
    reached = {arch: float(getattr(oracle.expected(arch), metric)) for arch in union}
    leaves = [leaf for scorer in scorers for leaf in scorer.leaves]
    costs = learn(
        leaves,
        union,
        workers=workers,
        executor=executor,
        progress=watch("scoring") if watch else None,
    )
    accuracies = np.array([reached[arch] for arch in archs])
    local = [np.array([reached[arch] for arch in cluster]) for cluster in clusters]
    progress = watch("resampling") if watch else None
    reports: list[Report] = []
    for spec, scorer in zip(proxies, scorers, strict=True):
        scores = scorer(archs)
        in_clusters = [scorer(cluster) for cluster in clusters]
        figures = {
            nan: {
                **judge(put(scores, nan), accuracies, how),
                **judge_locally([put(s, nan) for s in in_clusters], local, how),
            }
            for nan in (CONVENTIONS if np.isnan(scores).any() else CONVENTIONS[:1])
        }
        figures.setdefault("last", figures["dropped"])
        covered = mean((~np.isnan(scores)).astype(np.float64), how)
        reports.append(Report(spec, scores, figures, covered, *_cost(costs, scorer.leaves)))
        if progress is not None:
            progress(len(reports), len(proxies))
    size = float(np.mean([len(cluster) for cluster in clusters])) if clusters else float("nan")
    quantity = Quantity.of(oracle)
    counts = Tally.of(leaves)
    return Comparison(
        benchmark, name, metric, quantity, archs, accuracies, len(clusters), size, how, reports, counts
    )


def parameters(
    found: Comparison, *, workers: int | None = None, executor: str = "processes", cache: bool = True
) -> Floats:
    """Return the number of weights of each architecture of a comparison, `[N]`."""
    owner = registry.load("benchmarks", found.benchmark)
    task = owner.datasets()[found.dataset].task
    path = cache_path() if cache else None
    space = owner.make_space(found.dataset)
    return build_scorer("params", space, task, workers=workers, executor=executor, cache=path)(found.archs)


def put(scores: Floats, nan: str) -> Floats:
    """Return scores under a convention: `last` puts what has no score below all that have one."""
    return np.where(np.isnan(scores), -np.inf, scores) if nan == "last" else scores


def draw_distinct(space: SearchSpace, n: int, seed: int) -> list[Arch]:
    """Return n different random architectures: the first of a stream of uniform draws.

    Raises:
        InvalidSetting: the space has fewer.
    """
    if n > space.size:
        raise InvalidSetting(
            f"{space.name} has {space.size} architectures: no sample of {n}; use all of them"
        )
    rng = np.random.default_rng(seed)
    found: dict[Arch, None] = {}
    while len(found) < n:
        found.update(dict.fromkeys(space.sample_many(n, rng)))
    return list(found)[:n]


def _cost(costs: Iterable[Cost], leaves: Sequence[Any]) -> tuple[float | None, int]:
    """Return seconds per architecture of the passes that any leaf took part in, and by how many others they are
    shared."""
    contexts = {leaf.context for leaf in leaves}
    passes: dict[tuple[str, ...], tuple[float, int]] = {}
    for cost in costs:
        names = tuple(scorer.context for scorer in cost.scorers)
        if cost.architectures and contexts & set(names):
            seconds, computed = passes.get(names, (0.0, 0))
            passes[names] = seconds + cost.seconds, computed + cost.architectures
    others = {name for names in passes for name in names} - contexts
    each = [seconds / computed for seconds, computed in passes.values()]
    return (sum(each) if each else None), len(others)
