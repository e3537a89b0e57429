"""Processes that do one piece of work each at a time, answer as they finish, and die without the others."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self

from nassearch.checks import whole
from nassearch.errors import told
from nassearch.workers.done import Done, Pool
from nassearch.workers.safepath import safe_children
from nassearch.workers.shipping import Shipped, pack, unpack
from nassearch.workers.spread import (
    MOST_WORKERS,
    check_work,
    ignore_signals,
    need_ray,
    split_address,
    start_trackers,
)

SECONDS_ALONE = 1.0
"""How long a process goes on whose parent was killed: another search may do the same work by then."""


class Apart(Pool):
    """A pool for work of minutes: results come in the order in which they are ready.

        with Apart(train, workers=2) as pool:
            pool.submit(item)
            for done in pool.wait(timeout=1.0): ...

    A process that dies, for want of memory say, is replaced; what it was at is told, and the others go on. They
    leave signals to this process, which ends them with itself.

    Args:
        function: called with each item; both are packed as for other workers.
        workers: how many items are in work at a time.
    """

    def __init__(self, function: Callable[[Any], Any], workers: int = 1) -> None:
        self.workers = whole("workers", workers, largest=MOST_WORKERS)
        self._function = Shipped(function)
        self._idle: list[_Worker] = []
        self._busy: dict[_Worker, Any] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(safe_children())
        start_trackers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in [*self._idle, *self._busy]:
            worker.end()
        self._idle, self._busy = [], {}
        self._stack.close()

    def submit(self, item: Any) -> None:
        assert self.free > 0, "wait() first"
        worker = self._idle.pop() if self._idle else _Worker(self._function)
        self._busy[worker] = item
        worker.send(item)

    def wait(self, timeout: float | None = None) -> list[Done]:
        if not self._busy:
            return []
        ready = wait([worker.pipe for worker in self._busy], timeout)
        return [self._finish(worker, item) for worker, item in [*self._busy.items()] if worker.pipe in ready]

    def _finish(self, worker: _Worker, item: Any) -> Done:
        del self._busy[worker]
        try:
            fine, found = unpack(worker.pipe.recv_bytes())
        except (EOFError, OSError):
            return Done(item, died=worker.end())
        self._idle.append(worker)
        return Done(item, found) if fine else Done(item, error=found)


def open_pool(
    function: Callable[[Any], Any], workers: int, executor: str = "processes", threads: int = 1
) -> Pool:
    """Return a pool of processes, or one on a Ray cluster; see `nassearch.workers.spread.in_order`.

    Raises:
        UnknownName, InvalidSetting: no such executor, or its package is not installed.
    """
    check_work(workers, executor)
    name, address = split_address(executor)
    if name == "processes":
        return Apart(function, workers)
    need_ray()
    from nassearch.workers.apart_ray import ApartOnRay

    return ApartOnRay(function, workers, address, threads)


class _Worker:
    def __init__(self, function: Shipped[Any, Any]) -> None:
        from joblib.externals.loky.backend import get_context

        context = get_context("loky")  # starts Python anew, and does not import the user's script
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, tuple(sys.path)), daemon=True)
        self._process.start()
        theirs.close()
        self._send(pack(function))

    def send(self, item: Any) -> None:
        self._send(pack(item))

    def _send(self, content: bytes) -> None:
        with suppress(OSError):  # one that has died is seen when its answer is waited for
            self.pipe.send_bytes(content)

    def end(self) -> str:
        """End the process, and say how it ended."""
        self.pipe.close()
        self._process.join(0.5)
        code = self._process.exitcode
        if code is None:  # at work, with its state on the disk
            self._kill()
            self._process.join()
            return "its process did not answer any more and was ended"
        if code < 0:
            return f"its process was killed by signal {-code}, perhaps for want of memory"
        return f"its process ended with status {code}"

    def _kill(self) -> None:
        """Kill the process, which ignores what may be ignored; joblib's processes have no `kill`."""
        if hasattr(signal, "SIGKILL"):
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        else:
            self._process.terminate()


def _serve(pipe: Connection, path: tuple[str, ...]) -> None:
    """Compute what comes through a pipe until it is closed, or the process that asks is gone."""
    ignore_signals()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    sys.path[:] = path
    try:
        function = unpack(pipe.recv_bytes())
        while True:
            item = unpack(pipe.recv_bytes())
            try:
                answer = True, function(item)
            except BaseException as error:
                answer = False, error
            pipe.send_bytes(_packed(*answer))
    except (EOFError, OSError):
        os._exit(0)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_ALONE)
    os._exit(1)


def _packed(fine: bool, found: Any) -> bytes:
    try:
        return pack((fine, found))
    except Exception as error:  # an exception of someone else's that cannot be packed
        return pack((False, RuntimeError(f"{told(found) if not fine else 'its result'}: {told(error)}")))
