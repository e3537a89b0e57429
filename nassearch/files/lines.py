"""A file of lines that one process writes at a time, each of them there in full or not at all."""

from __future__ import annotations

import os
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import ClassVar, TypeVar

from filelock import Timeout

from nassearch.errors import Busy, NassearchError
from nassearch.files.growing import GrowingFile, lost
from nassearch.files.locks import hold, let_go

SECONDS_BETWEEN_TRIES = 0.01
Opened = TypeVar("Opened")


def once_free(opened: Callable[[], Opened], seconds: float) -> Opened:
    """Open a file of lines as soon as no other process holds it.

    Raises:
        Busy: one has held it for so many seconds.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return opened()
        except Busy:
            if time.monotonic() > end:
                raise
            time.sleep(SECONDS_BETWEEN_TRIES)


class LineFile(ABC):
    """Lines under a first one, which are only ever added to, by the one process that holds the file.

    A kill may leave half a line at the end; the next writer cuts it off. Before each line it is seen whether another
    program has removed, replaced or changed the file; then all that it has to hold is saved elsewhere. A format says
    what of a file it keeps, what its first line is, and what messages call its lines.

    Args:
        path: the file, made where there is none.

    Raises:
        Busy: another process holds it.
        NassearchError: it cannot be written.
    """

    busy: ClassVar[str]
    """Ends the message where another process holds it: who that is, and the remedy."""
    seconds_between_syncs: ClassVar[float] = 0.0
    """How often, at the most, the file is brought to the disk while lines are added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._synced, self._given_up = time.monotonic(), False
        self._file: GrowingFile | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._let_go = weakref.finalize(self, let_go, hold(path))
        except Timeout:
            raise Busy(f"{path} is being written by {self.busy}") from None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._open()
        except BaseException:
            self._shut()
            raise

    @abstractmethod
    def _kept(self) -> bytes:
        """Return the whole lines of the file that stay; raise `BadData` where it is none of this format."""

    @abstractmethod
    def _first(self) -> bytes:
        """Return the first line of a new file."""

    @abstractmethod
    def _content(self) -> bytes:
        """Return all that the file has to hold."""

    @abstractmethod
    def _units(self) -> str:
        """Return what its lines are, for a message: "all 7 rounds"."""

    @abstractmethod
    def _remedy(self) -> str:
        """Return what is safe and what to do where the file cannot be written."""

    def _open(self) -> None:
        try:
            kept = self._kept()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            self._file = GrowingFile(self.path, FileIO(descriptor, "r+"), kept)
        except OSError as error:
            raise self._unwritable(error) from error
        if not kept:
            self._write(self._first())

    @property
    def _growing(self) -> GrowingFile:
        assert self._file is not None
        return self._file

    @property
    def closed(self) -> bool:
        """Return whether it is closed."""
        return self._growing.closed

    def _add(self, line: bytes, take: Callable[[], object]) -> None:
        """Write a line, and `take` it to what is in memory: from here on, killing the process does not lose it.

        Raises:
            NassearchError: it cannot be written, and the file is left at the line before; or it was removed, replaced
                or changed by another program, and the message says where all lines are saved.
        """
        if (harm := self._growing.harm()) is not None:
            take()
            raise self._lost(harm)
        self._write(line)
        take()
        if time.monotonic() - self._synced >= self.seconds_between_syncs:
            self._sync()
            self._synced = time.monotonic()

    def _write(self, line: bytes) -> None:
        try:
            self._growing.add(line)
        except OSError as error:
            raise self._unwritable(error) from error

    def _sync(self) -> None:
        try:
            self._growing.sync()
        except OSError as error:
            raise self._lost(f"could not be brought to the disk ({error.strerror or error})") from error

    def _lost(self, harm: str) -> NassearchError:
        """Save all lines elsewhere, and return the error that says where."""
        self._given_up = True
        return lost(self.path, harm, self._units(), self._content())

    def _unwritable(self, error: OSError) -> NassearchError:
        return NassearchError(f"{self.path} cannot be written: {error.strerror or error}. {self._remedy()}")

    def close(self) -> None:
        """Bring the file to the disk, see that it is still there, and let other writers in.

        Raises:
            NassearchError: it was removed, replaced or changed meanwhile, and where its lines are saved.
        """
        if self.closed:
            return
        try:
            if not self._given_up:
                self._sync()
                if (harm := self._growing.harm_within()) is not None:
                    raise self._lost(harm)
        finally:
            self._shut()

    def _shut(self) -> None:
        if self._file is not None:
            self._file.close()
        self._let_go()
