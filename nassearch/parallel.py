"""Work spread over processes or machines by joblib, with results in the order of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from nassearch.errors import InvalidSetting, UnknownName

T = TypeVar("T")
R = TypeVar("R")

BACKENDS = {"processes": "loky", "ray": "ray", "dask": "dask"}


def in_order(
    function: Callable[[T], R], items: Iterable[T], workers: int = 1, executor: str = "processes"
) -> Iterator[R]:
    """Yield `function(item)` for each item, in order, computed by `workers` processes.

    One worker means this process. Each worker computes on one thread, so that what it computes does not depend on how many there are.

    Raises:
        UnknownName: no such executor.
        InvalidSetting: workers below 1, or an executor whose package is not installed.
    """
    if workers < 1:
        raise InvalidSetting(f"workers must be at least 1, not {workers}")
    if executor not in BACKENDS:
        raise UnknownName("executor", executor, BACKENDS)
    if workers == 1 and executor == "processes":
        yield from map(function, items)
        return
    from joblib import Parallel, delayed, parallel_config

    options: dict[str, Any] = {}
    if executor == "processes":
        options["inner_max_num_threads"] = 1
    else:
        _register(executor)
    with parallel_config(backend=BACKENDS[executor], n_jobs=workers, **options):
        yield from Parallel(return_as="generator")(delayed(function)(item) for item in items)


def _register(executor: str) -> None:
    try:
        if executor == "ray":
            from ray.util.joblib import register_ray

            register_ray()
        else:
            import distributed

            distributed.Client.current()
    except ImportError as error:
        raise InvalidSetting(
            f"the {executor} executor needs its package: pip install 'nassearch[{executor}]'"
        ) from error
