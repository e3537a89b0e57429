"""A signal to all processes does not end the helpers of workers before they have cleaned up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def outlast(*names: str) -> Iterator[None]:
    """Start processes that do not hear signals of these names: this process hears them, and ends those.

    A terminal that closes sends SIGHUP to all, and a service that stops SIGTERM. What blocks a signal is handed down to
    processes; one that comes meanwhile comes to this process afterwards.
    """
    numbers = {getattr(signal, name) for name in names if hasattr(signal, name)}
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
