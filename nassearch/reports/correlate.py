"""How well proxies rank the architectures of a benchmark: one report per proxy, under both conventions for NaN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.given import GivenBenchmark, dataset_of, load_benchmark, name_of_benchmark
from nassearch.checks import SEEDS, whole
from nassearch.errors import InvalidSetting, quoted
from nassearch.reports.correlation import CONVENTIONS, Correlation, Report
from nassearch.scorers.cache.scores import cache_path
from nassearch.scorers.compute import Cost, Tally, compute_scores
from nassearch.scorers.function import FunctionScorer
from nassearch.scorers.open import open_scorers
from nassearch.scorers.spec import AnyScorer, GivenScorer, build_scorer, name_of, specified
from nassearch.search.curves import METRICS
from nassearch.search.metrics.known import ValueOf, find_metric, value_of
from nassearch.search.metrics.shown import check_known, check_shown
from nassearch.search.quantity import Quantity
from nassearch.spaces.base import SearchSpace
from nassearch.statistics.intervals import Resampling, judge, mean
from nassearch.statistics.neighbourhoods import draw_clusters, judge_locally
from nassearch.types import Arch, Batch, Floats
from nassearch.workers.progress import Watch, watched
from nassearch.workers.spread import check_work

CLUSTERS = 1000
"""Neighbourhoods looked at where the whole space is scored."""


def correlate(
    benchmark: GivenBenchmark,
    proxies: Sequence[GivenScorer],
    *,
    dataset: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    batch: str | Batch | None = None,
    metric: str = "test",
    neighbourhoods: int | None = None,
    draws: int = 1000,
    workers: int | None = None,
    executor: str = "processes",
    cache: bool = True,
    progress: bool = False,
    watch: Watch | None = None,
) -> Correlation:
    """Judge proxies against the accuracies of a benchmark.

        report = nassearch.correlate(bench, ["synflow", my_function], sample=1000)
        report.frame()

    Scores are kept as they are computed, chunk by chunk: after an interruption the same call goes on where it was.

    Args:
        benchmark: a name, a class, or one that is open.
        proxies: scorers as texts, proxies, combinations, or plain functions `f(archs) -> scores [N]`. The scores of
            combined ones are relative to the architectures asked for, and within a neighbourhood to the neighbourhood,
            as in a search.
        dataset: which table; None for the first, or for the one that is open.
        sample: N different random architectures; None for the whole space.
        seed: of the sample, the neighbourhoods and the intervals.
        batch: what proxies look at: None for the data set's own, a path of an .npz file, a synthetic kind such as
            "grey", or a `Batch`.
        metric: what proxies are judged by: `test` or `valid` accuracy, the mean over training seeds, or a further
            metric: one of the benchmark, such as `edgegpu_latency`, or `params`, `flops`, `memory`. Where lower is
            better a proxy that ranks low ones first has a positive rho. What has no value is left out.
        neighbourhoods: random architectures whose neighbours are ranked too; None for 1,000 with the whole space
            and none with a sample, since they may need scores of most of the space.
        draws: resamples per interval.
        workers: processes at a time; None for this one alone, or for all of a cluster. They change no figure.
        executor: "processes", or "ray", perhaps with the address of a cluster as in "ray:HOST:PORT".
        cache: keep scores in the user's data directory.
        progress: show it: bars on a terminal or below the cell of a notebook, a line each minute elsewhere.
        watch: told of progress instead.

    Raises:
        UnknownName, InvalidSetting, MissingData: before anything is computed.
    """
    check_work(workers, executor)
    if not isinstance(metric, str) or not metric:
        raise InvalidSetting(
            f"metric is test or valid, or the name of a further metric, not {quoted(metric)}"
        )
    how = Resampling(whole("draws", draws), seed=whole("seed", seed, least=0, largest=SEEDS))
    clusters_wanted = (CLUSTERS if sample is None else 0) if neighbourhoods is None else neighbourhoods
    whole("neighbourhoods", clusters_wanted, least=0)
    check_shown(metric, benchmark, dataset_of(benchmark, dataset))
    oracle = load_benchmark(benchmark, dataset)
    check_known(metric, oracle)
    space, name, path = oracle.space, oracle.dataset.name, cache_path() if cache else None
    if isinstance(proxies, str) or not isinstance(proxies, Sequence) or not proxies:
        raise InvalidSetting(f"proxies are a list such as ['synflow', 'params'], not {quoted(proxies)}")
    scorers = open_scorers(proxies, oracle, name, batch, workers=workers, executor=executor, cache=path)
    archs = list(space.all()) if sample is None else draw_distinct(space, whole("sample", sample), seed)
    clusters = draw_clusters(space, clusters_wanted, np.random.default_rng([seed, 1]))
    union = list(dict.fromkeys([*archs, *(arch for cluster in clusters for arch in cluster)]))
    metric, quantity, reaches = _judged_by(oracle, metric)
    reached = {arch: reaches(arch) for arch in union}
    leaves = [leaf for scorer in scorers for leaf in scorer.leaves]
    accuracies = np.array([reached[arch] for arch in archs])
    local = [np.array([reached[arch] for arch in cluster]) for cluster in clusters]
    reports: list[Report] = []
    with watched(watch, progress) as watch:
        scoring, resampling = (watch(title) if watch else None for title in ("scoring", "resampling"))
        costs = compute_scores(leaves, union, workers=workers, executor=executor, progress=scoring)
        for given, scorer in zip(proxies, scorers, strict=True):
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
            reports.append(Report(name_of(specified(given)), scores, figures, covered, *_cost(costs, scorer)))
            if resampling is not None:
                resampling(len(reports), len(proxies))
    size = float(np.mean([len(cluster) for cluster in clusters])) if clusters else float("nan")
    about = name_of_benchmark(benchmark), name, metric, quantity, archs, accuracies
    counts = Tally.of(leaves)
    return Correlation(*about, len(clusters), size, how, reports, counts, space, oracle.dataset.task)


def _judged_by(oracle: Benchmark, metric: str) -> tuple[str, Quantity, ValueOf]:
    """Return the metric that there is, what it is called, and what gives it by architecture; higher is better."""
    quantity = Quantity.of(oracle)
    if metric in METRICS:
        metric, _ = quantity.metrics(metric, metric)
        return metric, quantity, lambda arch: float(getattr(oracle.expected(arch), metric))
    further = Quantity.of_metric(find_metric(oracle, oracle.dataset, metric), quantity)
    value = value_of(oracle, metric)
    return metric, further, lambda arch: further.sign * value(arch)


def parameters(
    found: Correlation, *, workers: int | None = None, executor: str = "processes", cache: bool = True
) -> Floats:
    """Return the number of weights of each architecture of a correlation, `[N]`."""
    path = cache_path() if cache else None
    how = {"workers": workers, "executor": executor, "cache": path}
    return build_scorer("params", found.space, found.task, **how)(found.archs)  # type: ignore[arg-type]


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


def _cost(costs: Iterable[Cost], scorer: AnyScorer) -> tuple[float | None, int]:
    """Return seconds per architecture of the passes that a scorer took part in, and by how many others they are
    shared."""
    if isinstance(scorer, FunctionScorer):
        return scorer.seconds / max(1, scorer.asked), 0
    contexts = {leaf.context for leaf in scorer.leaves}
    passes: dict[tuple[str, ...], tuple[float, int]] = {}
    for cost in costs:
        names = tuple(scorer.context for scorer in cost.scorers)
        if cost.architectures and contexts & set(names):
            seconds, computed = passes.get(names, (0.0, 0))
            passes[names] = seconds + cost.seconds, computed + cost.architectures
    others = {name for names in passes for name in names} - contexts
    each = [seconds / computed for seconds, computed in passes.values()]
    return (sum(each) if each else None), len(others)
