"""Files of other people: opened only where they are plain files, and read within limits of bytes and seconds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nassearch.errors import BadData, MissingData, NassearchError, Unreadable

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
CHUNK = MB
AT_ONCE = 64 * MB
"""Bytes of one read; no reader asks for more, unless a length in the file is damaged."""
_OF_CONTAINERS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
DAMAGED = (EOFError, NotImplementedError, OSError, RuntimeError, *_OF_CONTAINERS)
"""What the standard library raises where a container does not give its bytes: an `OSError` of it has no number."""


class Limits(NamedTuple):
    """What files of one kind keep within.

    Attributes:
        file: bytes on the disk.
        unpacked: bytes that come out of a compressed file, or of all members of an archive that are taken.
        seconds: of reading, and of what is done with each part as it is read.
    """

    file: int
    unpacked: int
    seconds: float


# The largest published file of each kind stays below a tenth of these; docs/benchmarks.md has the figures.
SHEET = Limits(2 * GB, 2 * GB, 1200)
ARRAYS = Limits(GB, 512 * MB, 600)
IMAGES = Limits(2 * GB, 2 * GB, 600)
PICKLE = Limits(64 * GB, 640 * GB, 7200)
PICKLES = Limits(512 * MB, 512 * MB, 1200)
MEMBERS = Limits(64 * GB, 256 * MB, 7200)
RECORDS = Limits(20 * GB, 20 * GB, 3600)
LOGS = Limits(2 * GB, GB, 1200)
TEXT = Limits(256 * MB, 256 * MB, 600)
RESULT = Limits(256 * MB, 256 * MB, 600)
WORK = Limits(GB, GB, 600)
NOTE = Limits(MB, MB, 60)
"""Of small files of our own, such as what is known of a download."""

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
    except OSError as error:
        if error.errno is not None:
            raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
        raise BadData(f"{path} {damaged} ({error}); {remedy}") from error
    except DAMAGED as error:
        raise BadData(f"{path} {damaged} ({error}); {remedy}") from error


def check_there(path: Path) -> None:
    """Raise `MissingData` or `Unreadable`, with what the system says, unless this is a plain file or a folder."""
    with guarded(path):
        mode = os.stat(path).st_mode
        if not stat.S_ISDIR(mode) and (kind := kind_of(mode)):
            raise Unreadable(f"{path} cannot be read: it is {kind}, not a file")


class Bounded(io.RawIOBase):
    """A plain file, open for reading: what others take for a file, and never more than it was when it was opened.

    with Bounded(path, SHEET) as file:
        file.read(10)

    Nothing waits: a pipe, a socket or a device is refused before it is opened.

    Raises:
        FileNotFoundError, OSError: as the system says.
        Unreadable: it is no plain file.
        BadData: it is larger than its kind is, or takes longer to read.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        super().__init__()
        self.path, self.limits = Path(path), limits
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
        self._end = time.monotonic() + limits.seconds

    def _refuse(self, state: os.stat_result) -> None:
        if kind := kind_of(state.st_mode):
            raise Unreadable(f"{self.path} cannot be read: it is {kind}, not a file")
        if state.st_size > self.limits.file:
            raise BadData(
                f"{self.path} has {state.st_size} bytes; {_most(self.limits.file)} of its kind are read"
            )

    def check_time(self) -> None:
        """Raise `BadData` where the reading takes too long."""
        if time.monotonic() > self._end:
            raise BadData(
                f"{self.path} takes longer to read than {self.limits.seconds:g} s, the limit of its kind"
            )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return (
            self._file.seek(offset, whence) if whence != os.SEEK_END else self._file.seek(self.size + offset)
        )

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        self.check_time()
        left = max(0, self.size - self._file.tell())
        if size is None or size < 0:
            size = left
        elif size > AT_ONCE:
            raise BadData(f"{self.path} asks for {size} bytes at once; {_most(AT_ONCE)} are read")
        parts = []
        wanted = min(size, left)
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


class Unpacked:
    """The bytes that come out of a compressed stream, up to a limit.

    Args:
        stream: has `read(count)`.
        origin: names it in messages.
        most: bytes that may come out.
        clock: asked before each read whether there is time left.
        kind: of compression, for messages.
    """

    def __init__(self, stream: Any, origin: Path | str, most: int, clock: Bounded, kind: str = "") -> None:
        self._stream, self.origin, self.most, self._clock, self._kind = stream, origin, most, clock, kind
        self.done = 0

    def read(self, count: int = CHUNK) -> bytes:
        """Return at most so many bytes, none at the end.

        Raises:
            BadData: the stream is damaged, or gives more than it may.
        """
        self._clock.check_time()
        try:
            data: bytes = self._stream.read(min(count, CHUNK))
        except (*DAMAGED, ValueError) as error:
            if isinstance(error, NassearchError) or getattr(error, "errno", None) is not None:
                raise
            raise BadData(
                f"{self.origin} is truncated or damaged {self._kind} ({error}); get it again"
            ) from error
        self.done += len(data)
        if self.done > self.most:
            raise BadData(f"{self.origin} unpacks to more than {_most(self.most)}, the limit of its kind")
        return data


COMPRESSIONS: dict[bytes, tuple[str, Any]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
}


def unpacked(file: Bounded) -> Unpacked:
    """Return the bytes of a file as they were before gzip, bzip2 or xz, which its beginning tells."""
    begins = file.read(8)
    file.seek(0)
    for magic, (kind, opener) in COMPRESSIONS.items():
        if begins.startswith(magic):
            return Unpacked(opener(file), file.path, file.limits.unpacked, file, kind)
    return Unpacked(file, file.path, file.limits.unpacked, file)


def read_bytes(path: Path, limits: Limits) -> bytes:
    """Return a small file whole; what is raised is said in `Bounded`."""
    with Bounded(path, limits) as file:
        return file.read()


def _most(count: int) -> str:
    for unit, name in ((GB, "GB"), (MB, "MB"), (KB, "KB")):
        if count >= unit:
            return f"{count // unit} {name}"
    return f"{count} bytes"
