"""Spread work over processes or machines, and return the results in the order of the work."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from itertools import chain, islice
from typing import Any, TypeVar

from nassearch.checks import whole
from nassearch.errors import InvalidSetting, NassearchError, UnknownName, quoted
from nassearch.files.inert import show_warning
from nassearch.types import plain
from nassearch.workers.outlasting import outlast
from nassearch.workers.safepath import safe_children

T = TypeVar("T")
R = TypeVar("R")

EXECUTORS = ("processes", "ray")
MOST_WORKERS = 100_000
"""More than any cluster has processors: a slip of the hand."""


def check_work(workers: int | None, executor: str) -> None:
    """Raise where `in_order` would, before any work is made."""
    if workers is not None:
        whole("workers", workers, largest=MOST_WORKERS)
    if not isinstance(executor, str):
        raise InvalidSetting(f"executor is a name, such as 'processes', not {quoted(executor)}")
    name, address = split_address(executor)
    if name not in EXECUTORS:
        raise UnknownName("executor", name, EXECUTORS)
    if name == "processes" and address is not None:
        raise InvalidSetting(f"processes are of this machine and have no address, so not {executor!r}")


def split_address(executor: str) -> tuple[str, str | None]:
    """Return the name of an executor and the address of its cluster, None where the text has none.

    >>> split_address("ray:10.0.0.5:6379"), split_address("ray://10.0.0.5:10001"), split_address("ray")
    (('ray', '10.0.0.5:6379'), ('ray', 'ray://10.0.0.5:10001'), ('ray', None))
    """
    name, _, address = executor.partition(":")
    return name, executor if address.startswith("//") else address or None


def is_local(executor: str) -> bool:
    """Return whether workers see the files of this process."""
    return executor == "processes"


def in_order(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int | None = None,
    executor: str = "processes",
) -> Iterator[R]:
    """Yield `function(item)` for each item, in order, computed by `workers` processes.

    One worker means this process. Each worker computes on one thread, so that what it computes does not depend on how
    many there are. The function goes to each worker once, see `nassearch.workers.shipping`.

    Args:
        function: what to compute; it may remember what does not change its results.
        items: what to compute it of, taken as workers become free.
        workers: how many are computed at a time; None for one process, or for every processor of a cluster.
        executor: `processes` or `ray`, the latter perhaps with the address of a cluster as in `ray:HOST:PORT`. Without
            one, Ray is the cluster of `RAY_ADDRESS`, or else a local one.

    Raises:
        UnknownName: no such executor.
        InvalidSetting: workers below 1, an executor whose package is not installed, a cluster that does not answer.
        NassearchError: a worker died; or what `function` raised, which also ends the rest of the work.
    """
    check_work(workers, executor)
    workers = plain(workers)
    name, address = split_address(executor)
    if name == "processes" and workers in (None, 1):
        yield from map(function, items)
        return
    items = iter(items)
    first = list(islice(items, 1))
    if not first:  # no work is worth no cluster
        return
    items = chain(first, items)
    if name == "ray":
        need_ray()
        from nassearch.workers.ray_tasks import on_ray

        yield from on_ray(function, items, workers, address)
    else:
        yield from _on_processes(function, items, workers)


def need_ray() -> None:
    """Raise `InvalidSetting` where Ray is not installed, or cannot be imported."""
    try:
        import_module("ray")
    except ModuleNotFoundError as error:
        raise InvalidSetting("the ray executor needs its package: pip install 'nassearch[ray]'") from error
    except ImportError as error:
        raise InvalidSetting(
            f"the ray executor needs its package, which cannot be imported: {error}; install it anew, and see "
            "that no file beside your program has the name of a module that it needs"
        ) from error


def _on_processes(function: Callable[[T], R], items: Iterable[T], workers: int | None) -> Iterator[R]:
    from joblib import Parallel, delayed, parallel_config

    from nassearch.workers.shipping import Shipped, pack

    shipped = Shipped(function)
    with ExitStack() as stack:
        stack.enter_context(safe_children())
        start_trackers()
        stack.enter_context(parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1))
        call = delayed(partial(_ignoring_signals, tuple(sys.path)))
        calls = (call(shipped, pack(item)) for item in items)
        # Items are seconds of work: joblib's own batches of them would only be lost together.
        results: Any = Parallel(return_as="generator", batch_size=1)(calls)
        try:
            for result in results:  # noqa: UP028 - `yield from` would close it before the filter below
                yield result
        except Exception as error:
            raise _as_here(error) from error
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib counts the tasks that are given up
                results.close()


def start_trackers() -> None:
    """Start the two processes that clean up behind a pool; joblib would do it later."""
    for module in ("multiprocessing.resource_tracker", "joblib.externals.loky.backend.resource_tracker"):
        with outlast("SIGHUP"):
            import_module(module).ensure_running()


def ignore_signals() -> None:
    """Leave the signals by which people end a search to the process that waits for this one."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _ignoring_signals(path: tuple[str, ...], function: Callable[[Any], R], item: bytes) -> R:
    """Compute in a worker that leaves signals to all, such as Ctrl-C in a terminal, to the process that waits for it.

    That process ends its workers. One that ended by itself could take along a lock that it would then wait for.
    It imports from where that process does now: it may have begun when the path was another.
    Its warnings come to that process's terminal too, and are as inert there as that process's own.
    """
    from nassearch.workers.shipping import unpack

    ignore_signals()
    if tuple(sys.path) != path:
        sys.path[:] = path
    warnings.showwarning = show_warning
    return function(unpack(item))


def _as_here(error: Exception) -> BaseException:
    """Return what a worker raised as this process would have raised it.

    Where Ctrl-C came first, whatever joblib raised while it gave up its workers is that.
    """
    before: BaseException | None = error
    while before is not None:
        if isinstance(before, KeyboardInterrupt):
            return before
        before = before.__context__
    if type(error).__name__ == "TerminatedWorkerError":
        return NassearchError(
            "a worker process died, perhaps for want of memory; what is finished is kept: "
            "run again with fewer --workers"
        )
    if isinstance(error, ModuleNotFoundError):
        return InvalidSetting(
            f"a worker has no module {error.name}: install on every node what this process imports"
        )
    return error
