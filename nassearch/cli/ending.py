"""A signal that asks a command to end lets it clean up as after Ctrl-C. Its exit status says which signal it was."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

NAMES = ("SIGTERM", "SIGHUP")
"""SIGHUP is what a command gets whose terminal is closed; under nohup it is ignored, and stays so."""


GRACE = 20.0
"""Seconds for cleaning up: a pool whose workers the signal has ended too may wait for them for ever."""


class Ended(KeyboardInterrupt):
    """A signal has come. Libraries clean up after this as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


@contextmanager
def ending() -> Iterator[None]:
    """Raise `Ended` in the main thread at the first of such signals; later ones do not disturb the cleaning up."""
    kept = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        kept = {number: signal.getsignal(number) for number in numbers}
        kept = {number: handler for number, handler in kept.items() if handler == signal.SIG_DFL}
    for number in kept:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in kept.items():
            # Where one has come the process is about to end, and takes no notice of more until it has: Python itself
            # would give its own handlers up on the way, and a signal that is ignored stays so.
            signal.signal(number, handler if signal.getsignal(number) == _end else signal.SIG_IGN)


def status(interruption: KeyboardInterrupt) -> int:
    """Return what shells report of a program that such a signal ended: 128 and its number."""
    return 128 + getattr(interruption, "number", signal.SIGINT)


def told(interruption: KeyboardInterrupt) -> str:
    """Return what has happened, in words."""
    if isinstance(interruption, Ended):
        return f"ended by {signal.Signals(interruption.number).name}"
    return "interrupted"


def _end(number: int, frame: FrameType | None) -> NoReturn:
    for name in NAMES:
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == _end:
            # Some senders, `timeout` among them, send a signal twice. What is started to clean up, such as the program
            # by which joblib finds the children of its workers, ignores it too.
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    last = threading.Timer(GRACE, _give_up, [number])
    last.daemon = True
    last.start()
    raise Ended(number)


def _give_up(number: int) -> None:
    os.write(
        2, f"nassearch: ended by {signal.Signals(number).name}, with workers that did not answer\n".encode()
    )
    os._exit(128 + number)
