"""Locks between processes are files, which are removed when the lock is released."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, SoftFileLock


def hold(path: str | os.PathLike[str], timeout: float = 0) -> FileLock:
    """Take the lock of a file, which is `path` with `.lock` behind it, within so many seconds.

    Raises:
        filelock.Timeout: another process has it.
        OSError: there can be no such file.
    """
    lock = FileLock(f"{Path(path)}.lock")
    lock.acquire(timeout=timeout)
    return lock


def let_go(lock: FileLock) -> None:
    """Remove the file of a lock and let others in.

    Removed while it is held: one who has opened it already gets a lock on a file without a name, which filelock sees
    from 3.24 on, and tries again. Where the system or filelock removes the file by itself, nothing is done twice.
    """
    if lock.is_locked and os.name != "nt" and not isinstance(lock, SoftFileLock):
        with suppress(OSError):
            os.unlink(lock.lock_file)
    lock.release()


@contextmanager
def held(path: str | os.PathLike[str], timeout: float = 0) -> Iterator[None]:
    """Hold the lock of a file; see `hold`."""
    lock = hold(path, timeout)
    try:
        yield
    finally:
        let_go(lock)
