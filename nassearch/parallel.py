"""Work spread over processes or machines by joblib, with results in the order of the work."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar

from nassearch.errors import InvalidSetting, NassearchError, UnknownName

T = TypeVar("T")
R = TypeVar("R")

BACKENDS = {"processes": "loky", "ray": "ray", "dask": "dask"}


def check_work(workers: int, executor: str) -> None:
    """Raise where `in_order` would, before any work is made."""
    if not isinstance(workers, int) or workers < 1:
        raise InvalidSetting(f"workers is a whole number of at least 1, not {workers!r}")
    if executor not in BACKENDS:
        raise UnknownName("executor", executor, BACKENDS)


def in_order(
    function: Callable[[T], R], items: Iterable[T], workers: int = 1, executor: str = "processes"
) -> Iterator[R]:
    """Yield `function(item)` for each item, in order, computed by `workers` processes.

    One worker means this process. Each worker computes on one thread, so that what it computes does not depend on how
    many there are. Ray: the cluster of `RAY_ADDRESS`, or a local one. Dask: the current `distributed.Client`, or a
    local cluster that ends with the work.

    Raises:
        UnknownName: no such executor.
        InvalidSetting: workers below 1, or an executor whose package is not installed.
        NassearchError: a worker died; or what `function` raised, which also ends the rest of the work.
    """
    check_work(workers, executor)
    if workers == 1 and executor == "processes":
        yield from map(function, items)
        return
    from joblib import Parallel, delayed, parallel_config

    options: dict[str, Any] = {"inner_max_num_threads": 1} if executor == "processes" else {}
    with ExitStack() as stack:
        if executor != "processes":
            stack.enter_context(_cluster(executor, workers))
        stack.enter_context(parallel_config(backend=BACKENDS[executor], n_jobs=workers, **options))
        call = partial(_deaf, function) if executor == "processes" else function
        calls = (delayed(call)(item) for item in items)
        results: Any
        blocks = executor == "ray"
        results = _by_blocks(calls, 4 * workers) if blocks else Parallel(return_as="generator")(calls)
        try:
            for result in results:  # noqa: UP028 - `yield from` would close it before the filter below
                yield result
        except Exception as error:
            raise _told(error) from error
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib counts the tasks that are given up
                results.close()


def _deaf(function: Callable[[T], R], item: T) -> R:
    """Compute in a worker that leaves Ctrl-C, which a terminal sends to all, to the process that waits for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return function(item)


def _by_blocks(calls: Iterator[Any], size: int) -> Iterator[Any]:
    """Compute so many calls at a time: Ray's backend returns lists only, and results are to be had along the way."""
    from joblib import Parallel

    with Parallel() as parallel:
        while block := list(islice(calls, size)):
            yield from parallel(block)


def _told(error: Exception) -> Exception:
    """Return what a worker raised as this process would have raised it."""
    if type(error).__name__ == "TerminatedWorkerError":
        return NassearchError(
            "a worker process died, perhaps for want of memory; what is finished is kept: "
            "run again with fewer --workers"
        )
    cause = getattr(error, "cause", None)  # Ray wraps an exception together with its traceback as text
    return cause if isinstance(cause, NassearchError) else error


@contextmanager
def _cluster(executor: str, workers: int) -> Iterator[None]:
    try:
        package: Any = import_module({"ray": "ray", "dask": "distributed"}[executor])
    except ImportError as error:
        raise InvalidSetting(
            f"the {executor} executor needs its package: pip install 'nassearch[{executor}]'"
        ) from error
    if executor == "ray":
        import_module("ray.util.joblib").register_ray()
        if not package.is_initialized():
            local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
            package.init(log_to_driver=False, logging_level="ERROR", **local)
        yield
        return
    try:
        package.Client.current()
    except ValueError:
        with (
            package.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
            ) as cluster,
            package.Client(cluster),
        ):
            yield
    else:
        yield
