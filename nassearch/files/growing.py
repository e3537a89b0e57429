"""A file that only this process appends to, and that somebody else may remove, replace or change meanwhile."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from nassearch.errors import NassearchError

CHUNK = 1 << 20


class _Held(NamedTuple):
    """What a file has to hold: bytes, lines, and the digest of all."""

    size: int
    lines: int
    digest: Any


class GrowingFile:
    """An open file of which it is known what it has to hold.

    Args:
        path: where it lies.
        file: the same, opened for reading and writing.
        content: what it holds and is to keep; what stands behind it is cut off.
    """

    def __init__(self, path: Path, file: FileIO, content: bytes) -> None:
        self.path, self._file = path, file
        self._held = _Held(len(content), content.count(b"\n"), hashlib.sha256(content))
        self._adding = 0
        file.truncate(self._held.size)
        file.seek(self._held.size)

    @property
    def lines(self) -> int:
        """Return how many lines it holds."""
        return self._held.lines

    @property
    def closed(self) -> bool:
        """Return whether it is closed."""
        return self._file.closed

    def add(self, line: bytes) -> None:
        """Write at the end: from here on, killing the process does not lose it.

        Raises:
            OSError: it cannot be written; the file is left as it was.
        """
        rest, digest = memoryview(line), self._held.digest.copy()
        digest.update(line)
        held = _Held(self._held.size + len(line), self._held.lines + 1, digest)
        self._adding = len(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with suppress(OSError):
                self._settle()
            raise
        self._held = held  # at once: Ctrl-C may come between any two steps
        self._adding = 0

    def _settle(self) -> None:
        """Take back a line whose writing was interrupted."""
        adding, self._adding = self._adding, 0
        if 0 < os.fstat(self._file.fileno()).st_size - self._held.size <= adding:
            self._file.truncate(self._held.size)
        if adding:
            self._file.seek(self._held.size)

    def sync(self) -> None:
        """Bring it to the disk; raise `OSError` where the disk does not take it."""
        os.fsync(self._file.fileno())

    def harm(self) -> str | None:
        """Return what has happened to the file behind our back, in words that follow its name, or None."""
        self._settle()
        ours = os.fstat(self._file.fileno())
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return "was removed or renamed"
        except OSError as error:
            return f"cannot be reached any more ({error.strerror or error})"
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            return "was replaced by another file"
        if ours.st_size != self._held.size:
            return f"has {ours.st_size} bytes where {self._held.size} were written: another program has changed it"
        return None

    def harm_within(self) -> str | None:
        """Return the same, and look at every byte for it."""
        found, digest = self.harm(), hashlib.sha256()
        if found is None:
            self._file.seek(0)
            while chunk := self._file.read(CHUNK):
                digest.update(chunk)
            if digest.digest() != self._held.digest.digest():
                return "does not hold what was written: another program has changed it"
        return found

    def close(self) -> None:
        """Close it."""
        self._file.close()


def lost(path: Path, harm: str, what: str, content: bytes) -> NassearchError:
    """Return the error of a file that came to harm, once what it had to hold is saved elsewhere.

    Args:
        path: the file.
        harm: what has happened to it, in words that follow its name.
        what: what is in it, such as "7 rounds".
        content: all of that.
    """
    saved = save_elsewhere(path, content)
    rest = (
        f"{what} are saved in {saved}: see what has become of {path}, move that file there and run again to go on"
        if saved is not None
        else f"no other place takes {what}, so they are lost: make room, then run again"
    )
    return NassearchError(f"{path} {harm} while this process was writing it; {rest}")


def save_elsewhere(path: Path, content: bytes | memoryview) -> Path | None:
    """Write what cannot be, or stay, at its place: beside it, in the current folder or in that of temporary files.

    Returns:
        The new file, of a similar name, or None where no place takes it.
    """
    for folder in (path.parent, Path(), Path(tempfile.gettempdir())):
        for number in range(1, 100):
            name = f"{path.stem[:150]}.saved{number if number > 1 else ''}{path.suffix}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / name).open("xb") as file:
                    try:
                        file.write(content)
                        file.flush()
                        os.fsync(file.fileno())
                    except OSError:
                        (folder / name).unlink()
                        raise
            except FileExistsError:
                continue
            except OSError:
                break
            return folder / name
    return None
