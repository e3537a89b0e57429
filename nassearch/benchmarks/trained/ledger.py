"""The ledger: every training that has ended, a line each, so that none is done twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from nassearch.benchmarks.trained.entry import Entry, key_of
from nassearch.errors import BadData, NassearchError
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.limits import WORK
from nassearch.files.lines import LineFile, once_free
from nassearch.files.locks import hold, let_go
from nassearch.files.plain_json import read_json
from nassearch.types import Arch

FORMAT, VERSION = "nassearch trainings", 1
REMEDY = "move it away to begin anew"
PATIENCE = 60.0
"""Seconds in which another process writes its line."""


class Ledger:
    """Trainings that have ended, in the order in which they were recorded.

    Any number of processes may share one: each holds the file only while it adds a line, and sees by then what the
    others have added. A line that a kill has torn is cut off by the next that is added.

    Args:
        path: the file, made with the first entry; None to keep entries in memory.
        facts: what its trainings have in common, such as the digest of the data.

    Raises:
        BadData: the file is no ledger, or one of other facts.
    """

    def __init__(self, path: Path | None, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.header = {"format": FORMAT, "version": VERSION, **facts}
        self._entries: dict[str, Entry] = {}
        self._size = 0
        self._look()

    @property
    def entries(self) -> list[Entry]:
        """Return all that there are, those of other processes included."""
        self._look()
        return list(self._entries.values())

    def find(self, arch: Arch, seed: int, recipe: Mapping[str, Any]) -> Entry | None:
        """Return the training of an architecture by this seed and recipe, None where there is none yet."""
        key = key_of(arch, seed, recipe)
        if key not in self._entries:
            self._look()
        return self._entries.get(key)

    def append(self, entry: Entry) -> Entry:
        """Record a training, and return what is recorded: an earlier entry of the same training stays.

        Raises:
            BadData: the file has become another.
            Busy: another process has been writing for a minute.
            NassearchError: it cannot be written.
        """
        if self.path is None:
            return self._entries.setdefault(entry.key, entry)
        path = self.path
        file = once_free(lambda: _File(path, self.header), PATIENCE)
        try:
            there = {each.key: each for each in file.entries}
            for lost in (each for key, each in self._entries.items() if key not in there):
                file.append(lost)  # the file was removed meanwhile
            if entry.key not in there:
                file.append(entry)
            self._take(file.entries)
            self._size = path.stat().st_size  # while nobody else adds to it
        finally:
            file.close()
        return self._entries[entry.key]

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Let one process of all do the training of this key; the lock of a process that was killed is free.

        Raises:
            NassearchError: the folder cannot be written.
        """
        if self.path is None:
            yield
            return
        folder = self.path.parent / "unfinished"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = hold(folder / key, timeout=-1)
        except OSError as error:
            raise NassearchError(
                f"{folder} cannot be written: {error.strerror or error}; choose another folder of trainings"
            ) from error
        try:
            yield
        finally:
            let_go(lock)

    def _look(self) -> None:
        """Read the file where it has changed in length."""
        if self.path is None:
            return
        with suppress(OSError):
            if self.path.stat().st_size != self._size:
                text = _whole_lines(self.path)
                self._take(_entries(self.path, text, self.header))
                self._size = len(text)

    def _take(self, found: list[Entry]) -> None:
        for entry in found:
            self._entries.setdefault(entry.key, entry)


def read_ledger(path: Path) -> tuple[dict[str, Any], list[Entry]]:
    """Return the first line of a ledger and its entries, also while others write.

    Raises:
        MissingData, Unreadable: the system does not give it.
        BadData: it is none.
    """
    text = _whole_lines(path)
    return _first(path, text), _entries(path, text, None)


class _File(LineFile):
    """The file of a ledger, held by this process."""

    busy: ClassVar[str] = (
        "another process, which has been at it for a minute: see what it does, then run again"
    )

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.entries: list[Entry] = []
        self._header = header
        super().__init__(path)

    def append(self, entry: Entry) -> None:
        """Write a line: from here on, no kill loses it."""
        self._add(_bytes(entry.as_dict()), lambda: self.entries.append(entry))

    def _kept(self) -> bytes:
        if not self.path.exists():
            return b""
        text = _whole_lines(self.path)
        self.entries = _entries(self.path, text, self._header)
        return text

    def _first(self) -> bytes:
        return _bytes(self._header)

    def _content(self) -> bytes:
        return b"".join(map(_bytes, [self._header, *(entry.as_dict() for entry in self.entries)]))

    def _units(self) -> str:
        return f"all {len(self.entries)} trainings"

    def _remedy(self) -> str:
        return "What is recorded is safe; make room, then run again to go on"


def _whole_lines(path: Path) -> bytes:
    with guarded(path, REMEDY):
        text = read_bytes(path, WORK)
    return text[: text.rfind(b"\n") + 1]


def _first(path: Path, text: bytes) -> dict[str, Any]:
    try:
        first = dict(read_json(text.split(b"\n", 1)[0]))
    except (ValueError, TypeError) as error:
        raise BadData(f"{path} is no ledger of trainings: {error}; {REMEDY}") from error
    if (first.get("format"), first.get("version")) != (FORMAT, VERSION):
        raise BadData(f"{path} is no ledger of trainings of version {VERSION}; {REMEDY}")
    return first


def _entries(path: Path, text: bytes, header: Mapping[str, Any] | None) -> list[Entry]:
    """Return the entries of whole lines; raise `BadData` where they are none, or under another header."""
    if not text:
        return []
    first = _first(path, text)
    if header is not None and first != json.loads(json.dumps(header)):
        names = [
            name
            for name in {**first, **header}
            if first.get(name) != json.loads(json.dumps(header.get(name)))
        ]
        raise BadData(
            f"{path} has trainings of another {' and '.join(names)} than this search: give it another folder, or "
            f"{REMEDY}"
        )
    try:
        return [Entry.of(read_json(line)) for line in text.splitlines()[1:]]
    except (ValueError, TypeError) as error:
        raise BadData(f"{path} is damaged: {error}; {REMEDY}") from error


def _bytes(line: Mapping[str, Any]) -> bytes:
    return (json.dumps(line, allow_nan=False) + "\n").encode()
