"""Scores on disk, in one SQLite file that several processes may use at once."""

from __future__ import annotations

import math
import os
import sqlite3
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from nassearch.files.locks import held
from nassearch.scorers.cache.file import (
    BUSY_SECONDS,
    VERSION,
    NotOurs,
    cache_path,
    connect,
    connect_to_read,
    is_damaged,
    is_readable_only,
    number,
)

__all__ = ["VERSION", "MemoryCache", "NewScores", "ScoreCache", "cache_path"]

Work = Callable[[sqlite3.Connection], None]


class ScoreCache:
    """The scores of one context (space, task, proxy, options, batch) by key. NaN is stored as NULL.

    Trouble with the file costs caching and never a score: a damaged file, or one that holds anything else than the
    scores of this format, is set aside under another name; one that cannot be written to is read; and where it cannot
    be read either the cache says so once and does nothing from then on.

    Args:
        path: the file; made, with its folder, where it does not exist.
        context: what the scores depend on besides the key, as text.
    """

    def __init__(self, path: Path, context: str) -> None:
        self.path, self.context = path, context
        self.usable, self.writable = True, True
        self._opened: tuple[int, sqlite3.Connection] | None = None
        self._seen: tuple[int, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __del__(self) -> None:
        with suppress(sqlite3.Error, AttributeError):  # in another thread, or half made
            self.close()  # Python's connections hold themselves, and would keep the file until garbage is collected

    def get(self, keys: Sequence[str]) -> dict[str, float]:
        """Return the scores of those keys that are there."""
        found: dict[str, float] = {}

        def read(connection: sqlite3.Connection) -> None:
            rows: list[Any] = []
            context = self._number_of(connection)
            for start in range(0, len(keys) if context is not None else 0, 500):
                part = keys[start : start + 500]
                marks = ",".join("?" * len(part))
                rows += connection.execute(
                    f"SELECT key, score FROM scores WHERE context = ? AND key IN ({marks})", (context, *part)
                )
            scores = {key: number(score) for key, score in rows}
            if not scores.keys() <= set(keys):
                raise sqlite3.DatabaseError("a score of another key than was asked for")
            found.update(scores)

        self._guarded(read)
        return found

    def all(self) -> dict[str, float]:
        """Return every score there is."""
        found: dict[str, float] = {}

        def read(connection: sqlite3.Connection) -> None:
            context = self._number_of(connection)
            rows = connection.execute(
                "SELECT key, score FROM scores WHERE context = ?", (context,)
            ).fetchall()
            found.update({key: number(score) for key, score in rows})

        self._guarded(read)
        return found

    def put(self, scores: Mapping[str, float]) -> None:
        """Store scores by key in one transaction; what is infinite is no score, and is left out."""
        rows = [
            (key, None if math.isnan(score) else score)
            for key, score in scores.items()
            if not math.isinf(score)
        ]

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("INSERT OR IGNORE INTO contexts (context) VALUES (?)", (self.context,))
                context = self._number_of(connection)
                connection.executemany(
                    "INSERT OR REPLACE INTO scores VALUES (?, ?, ?)", [(context, *row) for row in rows]
                )

        if self.writable:
            self._guarded(write, writing=True)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._opened is not None and self._opened[0] == os.getpid():
            self._opened[1].close()
        self._opened = None

    def _number_of(self, connection: sqlite3.Connection) -> int | None:
        """Return the number under which the file has this context."""
        row = connection.execute("SELECT id FROM contexts WHERE context = ?", (self.context,)).fetchone()
        return None if row is None else row[0]

    def _guarded(self, work: Work, writing: bool = False) -> None:
        if not self.usable:
            return
        for last in (False, True):
            try:
                return work(self._open())
            except (NotOurs, sqlite3.DatabaseError, OSError, UnicodeDecodeError) as error:
                self.close()
                foreign = isinstance(error, NotOurs)
                if last or not (foreign or is_damaged(error) or (self.writable and is_readable_only(error))):
                    return self._give_up(error)
                try:
                    if isinstance(error, NotOurs):
                        self._set_aside(error.kind, str(error))
                    elif is_damaged(error):
                        self._set_aside("corrupt", f"is damaged ({error})")
                    else:
                        self._only_read(error)
                        if writing:
                            return None
                except (NotOurs, sqlite3.DatabaseError, OSError):
                    return self._give_up(error)

    def _only_read(self, reason: Exception) -> None:
        self.writable = False
        self._opened = (os.getpid(), connect_to_read(self.path))
        warnings.warn(
            f"new scores are not cached in {self.path}: {reason}; those in it are read",
            RuntimeWarning,
            stacklevel=2,
        )

    def _give_up(self, error: Exception) -> None:
        self.usable = False
        self.close()
        warnings.warn(f"scores are not cached in {self.path}: {error}", RuntimeWarning, stacklevel=2)

    def _open(self) -> sqlite3.Connection:
        if self.writable and self._opened is not None and _identity(self.path) != self._seen:
            self.close()
            warnings.warn(
                f"the score cache {self.path} was removed or replaced while it was in use: what it held is computed "
                "again where it is asked for",
                RuntimeWarning,
                stacklevel=2,
            )
        if self._opened is None or self._opened[0] != os.getpid():  # a connection must not cross a fork
            if self.writable:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._seen = _identity(self.path)
                self._opened = (os.getpid(), connect(self.path))
                self._seen = self._seen or _identity(self.path)  # which this process may have made
            else:
                self._opened = (os.getpid(), connect_to_read(self.path))
        return self._opened[1]

    def _set_aside(self, suffix: str, reason: str) -> None:
        with held(self.path, timeout=BUSY_SECONDS):
            if _identity(self.path) == self._seen:
                self._move(suffix, reason)
            # Otherwise another process has done so: the file is a new one.

    def _move(self, suffix: str, reason: str) -> None:
        target = self.path.with_name(f"{self.path.name}.{suffix}")
        number = 1
        while target.exists():
            number += 1
            target = self.path.with_name(f"{self.path.name}.{suffix}{number}")
        self.path.rename(target)
        for journal in ("-wal", "-shm"):
            self.path.with_name(self.path.name + journal).unlink(missing_ok=True)
        warnings.warn(
            f"the score cache {self.path} {reason}; it is kept as {target.name} and scores are computed anew",
            RuntimeWarning,
            stacklevel=2,
        )


class NewScores(NamedTuple):
    """What a scorer has done in a worker, on its way to the process that asks.

    Attributes:
        scores: by key, those that are in no cache yet.
        read, computed: keys whose scores it had from the cache, and that it computed.
        failure: why the first that it failed on has no score, or None.
    """

    scores: dict[str, float]
    read: set[str]
    computed: set[str]
    failure: str | None


class MemoryCache:
    """A cache in memory, for a worker that does not see the file: it holds new scores until they are taken."""

    def __init__(self) -> None:
        self._new: dict[str, float] = {}

    def get(self, keys: Sequence[str]) -> dict[str, float]:
        """Return nothing: what was known came along with the scorer."""
        return {}

    def put(self, scores: Mapping[str, float]) -> None:
        """Hold scores by key."""
        self._new.update(scores)

    def take(self) -> dict[str, float]:
        """Return what was put in since the last call."""
        taken, self._new = self._new, {}
        return taken


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino
