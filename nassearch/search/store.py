"""A store keeps a result on disk: a header, then one JSON line per round. It only ever appends."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from nassearch.errors import BadData, Busy, InvalidSetting, NassearchError
from nassearch.files.bounded import guarded, read_bytes, refuse_special
from nassearch.files.growing import GrowingFile, lost
from nassearch.files.limits import RESULT
from nassearch.files.locks import hold, let_go
from nassearch.search.records import Header, check_result, parse, round_line
from nassearch.search.runner import Round

__all__ = ["Header", "Result", "Store", "read_result"]

SECONDS_BETWEEN_SYNCS = 1.0


@dataclass(frozen=True)
class Result:
    """A result as read: its header and its complete rounds, 0 to `len(rounds) - 1`."""

    path: Path
    header: Header
    rounds: list[Round] = field(repr=False)


class Store:
    """The file of one experiment, held by one writer at a time.

    with Store.open(path, header) as store:
        for round in run_rounds(..., rounds=range(store.done, 100)):
            store.append(round)
    """

    def __init__(self, file: GrowingFile, lock: FileLock, first: bytes, rounds: list[Round]) -> None:
        self.path, self.rounds = file.path, rounds
        self._file, self._lock, self._first = file, lock, first
        self._synced, self._given_up = time.monotonic(), False
        self._before = b""  # the result that this one replaces, until it has a round

    @classmethod
    def open(cls, path: str | os.PathLike[str], header: Header, overwrite: bool = False) -> Store:
        """Create the file, or go on with it after its last complete round; `overwrite` begins a result anew.

        What it replaced is there again where an error ends the `with` block before the first round.

        Raises:
            Busy: another writer holds it.
            InvalidSetting: it holds the rounds of a different experiment.
            BadData: it is not a result, or a line before the last is damaged.
            NassearchError: it cannot be written.
        """
        path = Path(path)
        refuse_special(path, "choose another --out")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = hold(path)
        except Timeout:
            raise Busy(
                f"{path} is being written by another run: wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise _unwritable(path, error, 0) from error
        try:
            return cls._open_locked(path, header, lock, overwrite)
        except BaseException:
            let_go(lock)
            raise

    @classmethod
    def _open_locked(cls, path: Path, header: Header, lock: FileLock, overwrite: bool) -> Store:
        rounds: list[Round] = []
        before = b""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            file = FileIO(descriptor, "r+")
            if os.fstat(descriptor).st_size > RESULT.file:
                file.close()
                raise BadData(f"{path} has more than {RESULT.file} bytes, which no result has")
            content = file.readall()
        except OSError as error:
            raise _unwritable(path, error, 0) from error
        try:
            first = header.line()
            whole = content[: content.rfind(b"\n") + 1]
            if overwrite and content:
                check_result(path, content)
                before, whole, content = content, b"", b""
            if whole:
                found, rounds = parse(path, whole)
                _refuse_other(path, found, header)
            elif not first.startswith(content):
                parse(path, content + b"\n")  # says what is wrong with it
                raise BadData(f"{path} ends within the header of a different result: remove it")
            growing = GrowingFile(path, file, whole)
            store = cls(growing, lock, whole[: whole.find(b"\n") + 1] or first, rounds)
            store._before = before
            if not whole:
                store._write(first)
            return store
        except BaseException:
            file.close()
            raise

    @property
    def done(self) -> int:
        """Return the number of complete rounds, which is the number of the next."""
        return len(self.rounds)

    def append(self, finished: Round) -> None:
        """Write a round: from here on, killing the process does not lose it.

        The file is brought to the disk about once a second, and when it is closed.

        Raises:
            InvalidSetting: it is not the next round.
            NassearchError: it cannot be written, and is left at the round before; or it was removed, replaced or
                changed by another program, and the message says where all rounds are saved.
        """
        if finished.round != self.done:
            raise InvalidSetting(f"{self.path} takes round {self.done} next, not {finished.round}")
        line = round_line(finished)
        if (harm := self._file.harm()) is not None:
            self.rounds.append(finished)
            raise self._lost(harm)
        self._write(line)
        self.rounds.append(finished)
        if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
            self._sync()
            self._synced = time.monotonic()

    def _write(self, line: bytes) -> None:
        try:
            self._file.add(line)
        except OSError as error:
            raise _unwritable(self.path, error, self.done) from error

    def _sync(self) -> None:
        try:
            self._file.sync()
        except OSError as error:
            raise self._lost(f"could not be brought to the disk ({error.strerror or error})") from error

    def _lost(self, harm: str) -> NassearchError:
        """Save all rounds elsewhere, and return the error that says where."""
        self._given_up = True
        content = b"".join([self._first, *map(round_line, self.rounds)])
        return lost(self.path, harm, f"all {self.done} rounds", content)

    def close(self) -> None:
        """Bring the file to the disk, see that it is still there, and let other writers in.

        Raises:
            NassearchError: it was removed, replaced or changed meanwhile, and where its rounds are saved.
        """
        if self._file.closed:
            return
        try:
            if not self._given_up:
                self._sync()
                if (harm := self._file.harm_within()) is not None:
                    raise self._lost(harm)
        finally:
            self._file.close()
            let_go(self._lock)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        refused = isinstance(error, Exception) and not self.done and not self._file.closed
        if refused and self._file.harm() is None:
            self._given_up = True  # a search that ends before its first round leaves what was there before
            real = Path(os.path.realpath(self.path))
            with suppress(OSError):
                real.write_bytes(self._before) if self._before else real.unlink()
        self.close()
        if isinstance(error, KeyboardInterrupt) and not error.args:
            # The file knows best: the interruption may have come between its writing and anything else.
            error.args = (f"the {self._file.lines - 1} rounds in {self.path} are safe",)


def read_result(path: str | os.PathLike[str]) -> Result:
    """Read a result, finished or still being written; a line without its end is left out.

    Raises:
        MissingData: there is no such file.
        BadData: it is not a result, or a line of it is damaged; the message has the line's number.
    """
    path = Path(path)
    with guarded(path, missing="nassearch run writes one with --out", what="result"):
        content = read_bytes(path, RESULT)
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        raise BadData(
            f"{path} is not a result of nassearch run, or is cut off within its first line; run the search again"
        )
    header, rounds = parse(path, whole)
    return Result(path, header, rounds)


def _refuse_other(path: Path, found: Header, wanted: Header) -> None:
    difference = found.difference(wanted)
    if difference is not None:
        name, there, here = difference
        raise InvalidSetting(
            f"{path} holds rounds with {name} {there!r}, and this run has {here!r}: "
            "choose another --out, or --overwrite to start afresh"
        )


def _unwritable(path: Path, error: OSError, done: int) -> NassearchError:
    return NassearchError(
        f"{path} cannot be written: {error.strerror or error}. The {done} rounds in it are safe; "
        "make room or choose another --out, then run again to go on"
    )
