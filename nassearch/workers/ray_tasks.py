"""Work on a Ray cluster, by Ray's own API.

joblib's Ray backend gives lists and no stream, ships the function with every task, and computes in actors, of which one
that is killed ends the run. Ray's own tasks stream, share and are tried again.
"""

from __future__ import annotations

import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from importlib.metadata import version
from itertools import islice
from typing import Any, TypeVar

from nassearch.errors import InvalidSetting, NassearchError
from nassearch.workers.outlasting import outlast
from nassearch.workers.ray_safety import keep_handlers, on_loopback, token_for_us_only
from nassearch.workers.safepath import elsewhere, safe_children
from nassearch.workers.shipping import Shipped

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 10
"""How often a task begins again whose worker or node died; one that dies every time has itself to blame."""
AHEAD = 4
"""Tasks that may be finished and wait for an earlier one, for each that may be unfinished."""
RECOUNT = 5.0
"""Seconds between two looks at how many processors the cluster has: nodes come and go."""
CANCELS = 10
"""How often a task is told to end, with half a second in between."""
LIBRARIES = ("ray", "numpy", "torch", "nassearch")
"""What decides the bits of a result, and so has to be the same on every node."""
THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMBA", "NUMEXPR")

_begun: tuple[str, int | None] | None = None
"""The cluster that this process has connected to by itself: its address, and its processors where it is a local one."""


def on_ray(
    function: Callable[[T], R], items: Iterable[T], workers: int | None, address: str | None
) -> Iterator[R]:
    """Yield `function(item)` for each item, in order; see `nassearch.workers.spread.in_order`.

    Function and arrays go to each node once. A task whose worker or node dies is computed anew elsewhere. At most a
    few tasks for each processor are under way or wait to be yielded, so memory does not grow with the work.

    Raises:
        InvalidSetting: the cluster does not answer, or a node has other versions of what computes.
        NassearchError: Ray gave a task up; or what `function` raised. The rest of the work is then cancelled.
    """
    ray = connect(address or os.environ.get("RAY_ADDRESS") or "local", workers)
    one_thread = {f"{library}_NUM_THREADS": "1" for library in THREADS}
    options = {"num_cpus": 1, "max_retries": RETRIES, "runtime_env": {"env_vars": one_thread}}
    task = ray.remote(**options)(call_on_node)
    here = os.getcwd() if begun_here() else None
    shipped = ray.put((Shipped(function), versions(), here))
    unfinished: list[Any] = []
    try:
        yield from _stream(ray, (lambda item: task.remote(shipped, item)), iter(items), workers, unfinished)
    except ray.exceptions.RayTaskError as error:
        raise raised_there(error) from error
    except ray.exceptions.RayError as error:
        raise NassearchError(
            f"Ray gave up: {' '.join(str(error).split())[:300]}; what is finished is kept: see to the cluster and run "
            "again, with fewer --workers where memory was short"
        ) from error
    except KeyboardInterrupt:
        if here is not None:  # a cluster of our own ends altogether, its workers first
            for reference in unfinished:
                ray.cancel(reference, force=True)
            unfinished.clear()
            _disconnect(ray)
        raise
    finally:
        with suppress(Exception):  # the cluster may be what failed
            cancel(ray, unfinished)


def _stream(
    ray: Any, submit: Callable[[T], Any], items: Iterator[T], workers: int | None, unfinished: list[Any]
) -> Iterator[Any]:
    """Yield results in order; `unfinished` holds what is under way."""
    ordered: deque[Any] = deque()
    counted, limit = time.monotonic(), _limit(ray, workers)
    while True:
        if time.monotonic() - counted > RECOUNT:
            counted, limit = time.monotonic(), _limit(ray, workers)
        room = max(0, min(limit - len(unfinished), AHEAD * limit - len(ordered)))
        for item in islice(items, room):
            ordered.append(submit(item))
            unfinished.append(ordered[-1])
        if not ordered:
            return
        if unfinished:
            if ordered[0] in unfinished:
                ray.wait(unfinished, num_returns=1, fetch_local=False, timeout=RECOUNT)
            _, unfinished[:] = ray.wait(unfinished, num_returns=len(unfinished), fetch_local=False, timeout=0)
        if ordered[0] not in unfinished:
            yield ray.get(ordered.popleft())


def cancel(ray: Any, unfinished: list[Any]) -> None:
    """End tasks. Ray loses the word where a task is on its way to a worker, so those that go on are told again."""
    for _ in range(CANCELS):
        for reference in unfinished:
            ray.cancel(reference, force=True)
        if unfinished:
            _, unfinished = ray.wait(unfinished, num_returns=len(unfinished), fetch_local=False, timeout=0.5)


def _limit(ray: Any, workers: int | None) -> int:
    """Return how many tasks may be unfinished: twice what the cluster runs at a time, so that none waits for us."""
    processors = max(1, int(ray.cluster_resources().get("CPU", 0)))
    return 2 * processors if workers is None or workers >= processors else workers


def call_on_node(shipped: tuple[Shipped[T, R], dict[str, str], str | None], item: T) -> R:
    """Compute on a node; where that is this machine, in the folder of the process that waits for it."""
    cargo, wanted, here = shipped
    if here is not None:
        os.chdir(here)
    found = versions()
    if found != wanted:
        name = next(name for name in LIBRARIES if found[name] != wanted[name])
        raise InvalidSetting(
            f"every node computes with the same {name}, here {wanted[name]}, and {platform.node()} has "
            f"{found[name]}: pip install '{name}=={wanted[name]}' there"
        )
    return cargo(item)


@cache
def versions() -> dict[str, str]:
    """Return the versions of what decides the bits of a result."""
    return {name: version(name) for name in LIBRARIES}


def raised_there(error: Any) -> Exception:
    """Return what a task raised as this process would have raised it; Ray wraps it together with its traceback."""
    if isinstance(error.cause, NassearchError):
        return error.cause
    if isinstance(error.cause, ModuleNotFoundError):
        return InvalidSetting(
            f"a node has no module {error.cause.name}: install on every node what this process imports"
        )
    return error  # type: ignore[no-any-return]


def begun_here() -> bool:
    """Say whether the cluster is one of this machine that this process has begun."""
    return _begun is not None and _begun[0] == "local"


def _disconnect(ray: Any) -> None:
    global _begun
    ray.shutdown()
    _begun = None


def connect(address: str, workers: int | None) -> Any:
    """Return Ray, connected to that cluster; a connection is kept for the work to come and ends with this process.

    What the user's own program has connected is used as it is.
    """
    global _begun
    ray: Any = import_module("ray")
    wanted = (address, workers if address == "local" else None)
    if ray.is_initialized():
        if _begun in (wanted, None):
            return ray
        _disconnect(ray)
    own = address == "local"
    local = {"num_cpus": workers, "include_dashboard": False} if own else {}
    token_for_us_only(make=own)
    try:
        with ExitStack() as stack:
            stack.enter_context(safe_children())
            stack.enter_context(
                elsewhere()
            )  # Ray's workers import from where this process is when it connects
            stack.enter_context(keep_handlers())
            if own:
                stack.enter_context(outlast("SIGHUP", "SIGTERM"))
                stack.enter_context(on_loopback(ray))
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
            token_for_us_only(make=False)  # where there was no home to make it in
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidSetting(
            f"no Ray cluster to work with at {address}: {' '.join(str(error).split())[:300]}; start one with: ray "
            "start --head, and name it by --executor ray:HOST:6379 or RAY_ADDRESS, from the same Python and Ray, with "
            "the same RAY_AUTH_MODE and, where that is token, the same ~/.ray/auth_token"
        ) from error
    _begun = wanted
    return ray
