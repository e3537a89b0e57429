"""The pool of `nassearch.workers.apart` on a Ray cluster: results come in the order in which they are ready."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from nassearch.checks import whole
from nassearch.workers.done import Done, Pool
from nassearch.workers.ray_tasks import (
    THREADS,
    begun_here,
    call_on_node,
    cancel,
    connect,
    raised_there,
    versions,
)
from nassearch.workers.shipping import Shipped

RETRIES = 2
"""How often work begins again whose node was lost; work that dies each time has itself to blame."""


class ApartOnRay(Pool):
    """Like `Apart`, on the nodes of a cluster. What the function writes has to lie where all of them see it.

    Args:
        function: called with each item; it goes to each node once.
        workers: how many items are in work at a time.
        address: of the cluster; None for that of `RAY_ADDRESS`, or else a local one.
        threads: processors that each takes.

    Raises:
        InvalidSetting: the cluster does not answer.
    """

    def __init__(
        self, function: Callable[[Any], Any], workers: int = 1, address: str | None = None, threads: int = 1
    ) -> None:
        self.workers = whole("workers", workers)
        self._function, self._address, self._threads = function, address, threads
        self._busy: dict[Any, Any] = {}

    def __enter__(self) -> Self:
        address = self._address or os.environ.get("RAY_ADDRESS") or "local"
        self._ray = connect(address, self.workers * self._threads)
        threads = {f"{library}_NUM_THREADS": str(self._threads) for library in THREADS}
        how = {"num_cpus": self._threads, "max_retries": RETRIES, "runtime_env": {"env_vars": threads}}
        self._task = self._ray.remote(**how)(call_on_node)
        here = os.getcwd() if begun_here() else None
        self._shipped = self._ray.put((Shipped(self._function), versions(), here))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):  # the cluster may be what failed
            cancel(self._ray, [*self._busy])
        self._busy = {}

    def submit(self, item: Any) -> None:
        assert self.free > 0, "wait() first"
        self._busy[self._task.remote(self._shipped, item)] = item

    def wait(self, timeout: float | None = None) -> list[Done]:
        if not self._busy:
            return []
        ready, _ = self._ray.wait([*self._busy], num_returns=1, timeout=timeout)
        return [self._finish(reference) for reference in ready]

    def _finish(self, reference: Any) -> Done:
        item, errors = self._busy.pop(reference), self._ray.exceptions
        try:
            return Done(item, self._ray.get(reference))
        except errors.RayTaskError as error:
            return Done(item, error=raised_there(error))
        except errors.RayError as error:
            return Done(item, died=f"Ray gave it up: {' '.join(str(error).split())[:200]}")
