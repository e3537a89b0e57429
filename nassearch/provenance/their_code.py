"""Run code of a user's own: whatever it prints, raises or tries, the command goes on or says what failed."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from nassearch.errors import BrokenPart, NassearchError, told


@contextmanager
def their_code(
    doing: str, remedy: str = "mend it there", fault: type[NassearchError] = BrokenPart
) -> Iterator[None]:
    """Run code of the user's: what it prints goes to standard error, and whatever it raises is told.

    Args:
        doing: what is being done, for the message.
        remedy: its end.
        fault: the error that is raised.

    Raises:
        NassearchError: of the kind `fault`, where the code raises something, or tries to leave; its own where it
            raises one.
    """
    pressed: list[int] = []
    with redirect_stdout(sys.stderr), _noting(signal.SIGINT, pressed):
        try:
            yield
        except NassearchError:
            raise
        except BaseException as error:
            if pressed or _by_signal(error):  # by the user, not the code
                raise
            raise fault(f"{doing} failed: {told(error)}; {remedy}") from error


def _by_signal(error: BaseException) -> bool:
    """Say whether this is what the command line raises at a signal that ends it, a kind of Ctrl-C of its own."""
    return isinstance(error, KeyboardInterrupt) and type(error) is not KeyboardInterrupt


@contextmanager
def _noting(number: int, seen: list[int]) -> Iterator[None]:
    """Note each signal of a kind before it does what it did."""
    before = signal.getsignal(number)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(received: int, frame: Any) -> None:
        seen.append(received)
        before(received, frame)

    signal.signal(number, note)
    try:
        yield
    finally:
        signal.signal(number, before)
