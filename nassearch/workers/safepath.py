"""Processes that this one starts import nothing from the current folder.

`python -m` and `python -c`, by which pools of workers are started, look there first. What workers may import is what
this process may: its `sys.path` goes to them before the first task.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HAS_SAFE_PATH = sys.version_info >= (3, 11)
"""Whether Python heeds PYTHONSAFEPATH; earlier ones have to be started elsewhere."""

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
    os.chdir(_library())
    try:
        yield
    finally:
        os.chdir(here)
        sys.argv[0] = script


def _library() -> str:
    return os.path.dirname(os.__file__)


def _begin() -> None:
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # An empty part means the current folder, and is mostly the trace of a variable that was not set.
    _set("PYTHONPATH", os.pathsep.join(os.path.abspath(part) for part in parts if part) or None)
    if HAS_SAFE_PATH:
        _set("PYTHONSAFEPATH", "1")
    elif os.name == "posix":
        _start_elsewhere()


def _set(name: str, value: str | None) -> None:
    before = os.environ.get(name)
    _undo.callback(_put, name, before)
    _put(name, value)


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _start_elsewhere() -> None:
    """Let workers begin in the folder of Python's library; they go to ours before the first task.

    Pools start `sys.executable`, so that is for now a script that changes the folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="nassearch-"))
    _undo.callback(shutil.rmtree, folder, ignore_errors=True)
    script = folder / "python"
    script.write_text(f'#!/bin/sh\ncd {shlex.quote(_library())} && exec {shlex.quote(sys.executable)} "$@"\n')
    script.chmod(0o700)
    places = [(sys, "executable")]
    for name in ("multiprocessing.spawn", "joblib.externals.loky.backend.spawn"):
        if name in sys.modules:
            places.append((sys.modules[name], "_python_exe"))
    for place, name in places:
        _undo.callback(setattr, place, name, getattr(place, name))
        setattr(place, name, str(script))
