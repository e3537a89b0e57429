"""Limit what Ray leaves open on a machine that others use too, and undo what it changes in the calling program."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""What Ray calls the setting by which its processes listen to this machine alone, as they do on Windows anyway."""


@contextmanager
def on_loopback(ray: Any) -> Iterator[None]:
    """Let a cluster that begins now listen to this machine alone: whoever reaches one can run code on it."""
    constants = ray._private.ray_constants  # it read the setting when it was imported
    before, told = constants.ENABLE_RAY_CLUSTER, os.environ.get(LOOPBACK)
    constants.ENABLE_RAY_CLUSTER, os.environ[LOOPBACK] = False, "0"
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before
        if told is None:
            del os.environ[LOOPBACK]
        else:
            os.environ[LOOPBACK] = told


def token_for_us_only(make: bool) -> None:
    """Let nobody else read the token that opens a user's clusters, which Ray writes for all to read.

    Args:
        make: make the file where there is none, for Ray to write into.
    """
    path = Path.home() / ".ray" / "auth_token"
    with suppress(OSError):  # somebody else's home, or none
        if make:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


@contextmanager
def keep_handlers() -> Iterator[None]:
    """Put back what is to happen at a signal, where that is a function: Ray ends a program with a dump of its stack."""
    kept = {}
    if threading.current_thread() is threading.main_thread():
        names = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
        kept = {number: handler for number in names if callable(handler := signal.getsignal(number))}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
