"""Files that are being written under hidden names, and those that a kill has left so: who writes holds a lock."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

TOKEN = "[0-9a-f]{32}"
LIST = ".together-{}.json"
"""Decides that several files appear together, see `nassearch.files.together`: those of its token are no strays."""

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, where no lock goes with a file that is renamed: strays stay there
    fcntl = None


def new_token() -> str:
    """Return what makes a hidden name one of its kind."""
    return uuid.uuid4().hex


@contextmanager
def begun(path: Path, token: str) -> Iterator[BinaryIO]:
    """Open a new file under a hidden name of `path`, and hold it: while it is open, nobody takes it for a stray.

    Raises:
        OSError: there can be no such file.
    """
    hidden = path.with_name(f".{path.name}.{token}")
    while True:
        with hidden.open("xb") as file:
            with suppress(
                OSError
            ):  # a file system without locks: nobody gets one there, so nothing is a stray
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink or fcntl is None:
                try:
                    yield file
                except BaseException:
                    with suppress(
                        OSError
                    ):  # what a full disk did not take is tried once more, and fails once more
                        file.close()
                    raise
                return
        # Somebody took it for a stray between the two steps.


def clear_strays(path: Path) -> None:
    """Remove hidden files of `path` whose writer was killed; those that somebody writes stay.

    A `*` in the name stands for a token.
    """
    stray = re.compile(rf"\.{re.escape(path.name)}\.({TOKEN})".replace(r"\*", TOKEN))
    with suppress(OSError):
        for each in list(os.scandir(path.parent)):
            found = stray.fullmatch(each.name)
            if found and not (path.parent / LIST.format(found[1])).exists():
                _remove(path.parent / each.name)


def _remove(path: Path) -> None:
    if fcntl is None:
        return
    with suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
