"""Open the scorers and batches that are named on the command line or in an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.batches import KINDS, check_batch, load_batch, synthetic_batch
from nassearch.benchmarks.given import GivenBenchmark, check_benchmark, dataset_of, owner_of, space_of
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import InvalidSetting, MissingData, UnknownName
from nassearch.scorers.cache.scores import cache_path
from nassearch.scorers.spec import (
    AnyScorer,
    GivenScorer,
    Spec,
    build_scorer,
    check_scorer,
    name_of,
    needs_batch,
)
from nassearch.types import Batch
from nassearch.workers.progress import Watch
from nassearch.workers.spread import check_work


def open_batch(text: str | Batch | None, benchmark: GivenBenchmark, dataset: str, scorer: str) -> Batch:
    """Return the batch that `--batch` names: None for the data set's own, a synthetic kind, a file, or a batch itself.

    Raises:
        UnknownName: no file and no kind is called so.
        MissingData: the data set has none of its own, and `scorer` needs one; or there is no such file.
        BadData: the file is not a batch of the data set.
    """
    task = dataset_of(benchmark, dataset).task
    if isinstance(text, Batch):
        wanted = "give one whose inputs are of the task of the data set"
        return check_batch(text.inputs, text.labels, task, "the batch", wanted)
    if text in KINDS:
        return synthetic_batch(text, task)
    if text is not None:
        path = Path(text)
        if path.name == text and not path.suffix and not path.exists():
            raise UnknownName("batch", text, KINDS, "(or give an .npz file)")
        return load_batch(path, task, "give another --batch")
    owner = owner_of(benchmark)
    batch = benchmark.batch() if isinstance(benchmark, Benchmark) else owner.find_batch(dataset)
    if batch is None and not issubclass(owner, TabularBenchmark):
        raise MissingData(
            f"{scorer} looks at data, and {owner.name} has no batch of {dataset}: give one by --batch FILE.npz, or "
            f"do without by --batch {'uniform' if task.tokens else 'grey'}"
        )
    if batch is None:
        what, file, kind = (
            ("text", "TEXT.txt", "uniform") if task.tokens else ("images", "IMAGES.npz", "grey")
        )
        raise MissingData(
            f"{scorer} looks at data, and no batch of {dataset} is installed; make one from {what} with: "
            f"nassearch bench import {owner.name} {file} --dataset {dataset}, or do without {what}: --batch {kind}"
        )
    return batch


def open_scorers(
    scorers: Sequence[GivenScorer],
    benchmark: GivenBenchmark,
    dataset: str | None,
    batch: str | Batch | None,
    **how: Any,
) -> list[AnyScorer]:
    """Build scorers for one data set, each with the batch that it looks at.

    Args:
        scorers: texts, proxies, combinations or functions, each once.
        benchmark, dataset: whose space and task.
        batch: see `open_batch`.
        how: workers, executor and cache, see `build_scorer`.

    Raises:
        InvalidSetting: a text cannot be read, or two have one name.
        UnknownName, MissingData, BadData: see `build_scorer` and `open_batch`.
    """
    specs = [check_scorer(scorer) for scorer in scorers]
    names = [name_of(spec) for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise InvalidSetting(f"{name} is there twice: name each proxy once")
    task, space = dataset_of(benchmark, dataset).task, space_of(benchmark, dataset)
    name = dataset_of(benchmark, dataset).name
    batches = [
        open_batch(batch, benchmark, name, name_of(spec)) if needs_batch(spec) else None for spec in specs
    ]
    how |= {"benchmark": benchmark, "dataset": name}
    return [build_scorer(spec, space, task, found, **how) for spec, found in zip(specs, batches, strict=True)]


def make_scorer(
    scorer: GivenScorer,
    benchmark: GivenBenchmark = "nasbench201",
    dataset: str | None = None,
    *,
    batch: str | Batch | None = None,
    workers: int | None = None,
    executor: str = "processes",
    cache: bool = True,
) -> AnyScorer:
    """Make a scorer of the architectures of a benchmark; its table need not be installed.

        scorer = nassearch.make_scorer("rank(epsilon, synflow)", bench)
        scores = scorer(archs)  # float64 [N]; higher is better, NaN: not scorable

    Args:
        scorer: a text such as `"synflow(estimator=sampled)"`, a proxy or combination, or a plain function
            `f(archs) -> scores [N]`.
        benchmark: a name, a class, or one that is open.
        dataset: whose task the networks are built for; None for the first, or for the one that is open.
        batch: what proxies look at: None for the data set's own, an .npz file, a kind such as "grey", or a `Batch`.
        workers, executor: see `nassearch.Experiment.run`; they change no score.
        cache: keep scores in the user's data directory.

    Raises:
        UnknownName: no such proxy, combination, option or data set.
        InvalidSetting: it cannot be read, or an option has no meaning.
        MissingData: it looks at data, and there is no batch; the message says how to get one.
    """
    check_work(workers, executor)
    how = {"workers": workers, "executor": executor, "cache": cache_path() if cache else None}
    (made,) = open_scorers([scorer], check_benchmark(benchmark), dataset, batch, **how)
    return made


def open_roles(
    roles: Mapping[str, Spec], oracle: Benchmark, batch: Batch | None, watch: Watch | None, **how: Any
) -> dict[str, AnyScorer]:
    """Build the scorers of a search by role; one that plays two parts is built once.

    Args:
        roles: scorers by role, see `roles`.
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
            progress=watch(f"scoring by {name_of(spec)}") if watch else None,
            benchmark=oracle,
            dataset=oracle.dataset.name,
            **how,
        )
        for spec in dict.fromkeys(roles.values())
    }
    return {role: built[spec] for role, spec in roles.items()}


def check_made(given: Iterable[Any], built: Iterable[AnyScorer]) -> None:
    """Raise `InvalidSetting` where a scorer was made on another batch than the search has.

    A scorer that is given to a search stands for what it was made of. On another batch it would score otherwise than
    the object that was given.

    Args:
        given: scorers, lists of them, and whatever else.
        built: what the search scores by.
    """
    here = {(leaf.proxy.name, str(leaf.options)): leaf.batch_digest for made in built for leaf in made.leaves}
    flat = [each for value in given for each in (value if isinstance(value, list | tuple) else [value])]
    for scorer in flat:
        for leaf in getattr(scorer, "leaves", ()):
            if here.get((leaf.proxy.name, str(leaf.options)), leaf.batch_digest) != leaf.batch_digest:
                raise InvalidSetting(
                    f"the scorer {leaf.proxy.name} was made on another batch than this search has: give the search the "
                    "same batch=, or name the scorer"
                )
