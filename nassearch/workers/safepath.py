"""Worker processes import nothing from the current folder.

`python -m` and `python -c`, by which pools of workers are started, look there first. What workers may import is what
this process may: its `sys.path` goes to them before the first task.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()
_users = 0
_undo = ExitStack()


@contextmanager
def safe_children() -> Iterator[None]:
    """Start Python, for the time being, without the current folder among the places that imports come from."""
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _begin()
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _undo.close()


@contextmanager
def elsewhere() -> Iterator[None]:
    """Be in the folder of Python's library, for what tells workers to import from the current folder.

    Where this process itself imports from the current folder, as in an interactive session, workers may too.
    """
    here = os.getcwd()
    if {"", here} & set(sys.path):
        yield
        return
    script = sys.argv[0]
    sys.argv[0] = os.path.abspath(script)  # workers import from its folder as well
    os.chdir(os.path.dirname(os.__file__))
    try:
        yield
    finally:
        os.chdir(here)
        sys.argv[0] = script


def _begin() -> None:
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # An empty part means the current folder, and is mostly the trace of a variable that was not set.
    _set("PYTHONPATH", os.pathsep.join(os.path.abspath(part) for part in parts if part) or None)
    _set("PYTHONSAFEPATH", "1")


def _set(name: str, value: str | None) -> None:
    before = os.environ.get(name)
    _undo.callback(_put, name, before)
    _put(name, value)


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
