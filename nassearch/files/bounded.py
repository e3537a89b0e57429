"""Open other people's files only where they are plain files, and read them within limits of bytes and seconds."""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nassearch.errors import BadData, MissingData, NassearchError, Unreadable
from nassearch.files.limits import MB, Limits, amount

CHUNK = MB
AT_ONCE = 64 * MB
"""Bytes of one read; no reader asks for more, unless a length in the file is damaged."""
FARTHEST = 2**62
_OF_CONTAINERS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_OF_VALUES = (LookupError, OverflowError, ValueError, struct.error)
DAMAGED = (EOFError, NotImplementedError, OSError, RuntimeError, *_OF_CONTAINERS, *_OF_VALUES)
"""What the standard library raises where a container does not give its bytes: an `OSError` of it has no number."""


KINDS = {
    stat.S_ISDIR: "a directory",
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def kind_of(mode: int) -> str:
    """Say what something is that is no plain file; "" where it is one."""
    return "" if stat.S_ISREG(mode) else next((name for test, name in KINDS.items() if test(mode)), "no file")


def refuse_special(path: Path, remedy: str) -> None:
    """Raise `NassearchError` where something other than a plain file stands at a place that is to be written.

    A missing file is right. What the system says of its folder shows when it is written.
    """
    try:
        kind = kind_of(path.stat().st_mode)
    except OSError:
        return
    if kind:
        raise NassearchError(f"{path} cannot be written: it is {kind}, not a file; {remedy}")


@contextmanager
def guarded(
    path: Path | str,
    remedy: str = "get it again",
    missing: str = "",
    what: str = "file",
    damaged: str = "is truncated or damaged",
) -> Iterator[None]:
    """Turn whatever goes wrong within into an error of nassearch that names the file.

    Args:
        path: of the file.
        remedy: ends the message of a file that is not what it should be.
        missing: ends that of a file that is not there.
        what: the file is, in a word.
        damaged: says what a file is whose container does not give its bytes.

    Raises:
        MissingData: there is no such file.
        Unreadable: the system does not give it, for the reason that it says.
        BadData: its container is damaged, or it needs more memory or levels than there are.
    """
    try:
        yield
    except NassearchError:
        raise
    except FileNotFoundError as error:
        raise MissingData(f"there is no {what} {path}" + (f"; {missing}" if missing else "")) from error
    except RecursionError as error:
        raise BadData(f"{path} is nested more deeply than any file of its kind; {remedy}") from error
    except MemoryError as error:
        raise BadData(f"{path} takes more memory to read than there is; {remedy}") from error
    except DAMAGED as error:
        if (said := of_system(error)) is not None:
            raise Unreadable(f"{path} cannot be read: {said.strerror}") from error
        raise BadData(f"{path} {damaged} ({error}); {remedy}") from error


def check_folder(path: Path, remedy: str) -> None:
    """Raise `Unreadable` where a file is in the place of a folder, or of one above it; a folder need not be there."""
    for place in (path, *path.parents):
        if place.exists():
            if not place.is_dir():
                raise Unreadable(f"{place} is a file, and has to be a folder; {remedy}")
            return


def check_there(path: Path) -> None:
    """Raise `MissingData` or `Unreadable`, with what the system says, unless this is a plain file or a folder."""
    with guarded(path):
        mode = os.stat(path).st_mode
        if not stat.S_ISDIR(mode) and (kind := kind_of(mode)):
            raise Unreadable(f"{path} cannot be read: it is {kind}, not a file")


def of_system(error: BaseException | None) -> OSError | None:
    """Return what the system said, where that is behind an error: zipfile calls a disk that fails no zip file."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error
        error = error.__cause__ or error.__context__
    return None


class Deadline:
    """The time after which reading a file, or all files of a folder, has taken too long."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds, self.end = path, seconds, time.monotonic() + seconds

    def check(self) -> None:
        """Raise `BadData` where it is over."""
        if time.monotonic() > self.end:
            raise BadData(f"{self.path} takes longer to read than {self.seconds:g} s, the limit of its kind")


class Bounded(io.RawIOBase):
    """A plain file, open for reading: what others take for a file, and never more than it was when it was opened.

    with Bounded(path, SHEET) as file:
        file.read(10)

    Args:
        path, limits: of the file.
        deadline: of all files that it is one of; None for its own.

    Nothing waits: a pipe, a socket or a device is refused before it is opened.

    Raises:
        FileNotFoundError, OSError: as the system says.
        Unreadable: it is no plain file.
        BadData: it is larger than its kind is, or takes longer to read.
    """

    def __init__(self, path: Path, limits: Limits, deadline: Deadline | None = None) -> None:
        super().__init__()
        self.path = (
            path if isinstance(path, Path) else Path(path)
        )  # made again it takes longer than opening it
        self.deadline = deadline or Deadline(self.path, limits.seconds)
        self.limits, self.at_once = limits, AT_ONCE
        self._refuse(os.stat(path))
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        self._file = io.FileIO(os.open(path, flags), "rb")
        try:
            state = os.fstat(self._file.fileno())
            self._refuse(state)  # a pipe may have come into its place
        except BaseException:
            self._file.close()
            raise
        self.size = state.st_size

    def _refuse(self, state: os.stat_result) -> None:
        if kind := kind_of(state.st_mode):
            raise Unreadable(f"{self.path} cannot be read: it is {kind}, not a file")
        if state.st_size > self.limits.file:
            raise BadData(
                f"{self.path} has {state.st_size} bytes; {amount(self.limits.file)} of its kind are read"
            )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._file.tell(), os.SEEK_END: self.size}[whence]
        if not 0 <= start + offset <= FARTHEST:
            raise OSError(f"it names byte {start + offset}")  # without a number: not the system says so
        return self._file.seek(start + offset)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, count: int | None = -1, /) -> bytes:
        self.deadline.check()
        left = max(0, self.size - self._file.tell())
        if count is None or count < 0:
            count = left
        elif count > self.at_once:
            raise BadData(f"{self.path} asks for {count} bytes at once; {amount(self.at_once)} are read")
        parts = []
        wanted = min(count, left)
        while wanted > 0 and (part := self._file.read(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self.read()

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


def read_bytes(path: Path, limits: Limits) -> bytes:
    """Return a small file whole; what is raised is said in `Bounded`."""
    with Bounded(path, limits) as file:
        return file.read()
