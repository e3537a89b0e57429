"""Scores on disk, in one SQLite file that several processes may use at once."""

from __future__ import annotations

import math
import os
import sqlite3
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nassearch.locks import held
from nassearch.paths import data_dir

VERSION = 4
"""Format of the file, and of what a context says: in the file's name, so that releases leave each other's alone."""
BUSY_SECONDS = 30.0
TABLES = """
CREATE TABLE IF NOT EXISTS contexts (id INTEGER PRIMARY KEY, context TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS scores (
    context INTEGER NOT NULL REFERENCES contexts (id), key TEXT NOT NULL, score REAL, PRIMARY KEY (context, key)
) WITHOUT ROWID;
"""


def cache_path() -> Path:
    """Return where the scores of a user are kept by this release."""
    return data_dir() / f"scores-v{VERSION}.sqlite"


class ScoreCache:
    """The scores of one context (space, task, proxy, options, batch) by key. NaN is stored as NULL.

    Trouble with the file costs caching and never a score: a damaged file, or one of another version, is set aside
    under another name, and where nothing can be read or written the cache says so once and does nothing from then on.

    Args:
        path: the file; made, with its folder, where it does not exist.
        context: what the scores depend on besides the key, as text.
    """

    def __init__(self, path: Path, context: str) -> None:
        self.path, self.context = path, context
        self.usable = True
        self._opened: tuple[int, sqlite3.Connection, int] | None = None
        self._seen: tuple[int, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def get(self, keys: Sequence[str]) -> dict[str, float]:
        """Return the scores of those keys that are there."""
        found: dict[str, float] = {}

        def read(connection: sqlite3.Connection, context: int) -> None:
            for start in range(0, len(keys), 500):
                part = keys[start : start + 500]
                marks = ",".join("?" * len(part))
                rows = connection.execute(
                    f"SELECT key, score FROM scores WHERE context = ? AND key IN ({marks})", (context, *part)
                )
                found.update((key, _number(score)) for key, score in rows)
            if not found.keys() <= set(keys):
                found.clear()
                raise sqlite3.DatabaseError("a score of another key than was asked for")

        self._guarded(read)
        return found

    def all(self) -> dict[str, float]:
        """Return every score there is."""
        found: dict[str, float] = {}

        def read(connection: sqlite3.Connection, context: int) -> None:
            rows = connection.execute("SELECT key, score FROM scores WHERE context = ?", (context,))
            found.update((key, _number(score)) for key, score in rows)

        self._guarded(read)
        return found

    def put(self, scores: Mapping[str, float]) -> None:
        """Store scores by key in one transaction."""
        rows = [(key, None if math.isnan(score) else score) for key, score in scores.items()]

        def write(connection: sqlite3.Connection, context: int) -> None:
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO scores VALUES (?, ?, ?)", [(context, *row) for row in rows]
                )

        self._guarded(write)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._opened is not None and self._opened[0] == os.getpid():
            self._opened[1].close()
        self._opened = None

    def _guarded(self, work: Any) -> None:
        if not self.usable:
            return
        for last in (False, True):
            try:
                work(*self._open())
                return
            except (sqlite3.DatabaseError, OSError, UnicodeDecodeError) as error:
                self.close()
                if last or not _damaged(error):
                    return self._give_up(error)
                try:
                    self._set_aside("corrupt", f"is damaged ({error})")
                except OSError as trouble:
                    return self._give_up(trouble)

    def _give_up(self, error: Exception) -> None:
        self.usable = False
        self.close()
        warnings.warn(f"scores are not cached in {self.path}: {error}", RuntimeWarning, stacklevel=2)

    def _open(self) -> tuple[sqlite3.Connection, int]:
        if self._opened is None or self._opened[0] != os.getpid():  # a connection must not cross a fork
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._opened = (os.getpid(), *self._connect())
        return self._opened[1:]

    def _connect(self) -> tuple[sqlite3.Connection, int]:
        self._seen = _identity(self.path)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        try:
            connection.execute("BEGIN")  # another process may be making the tables at this moment
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            connection.commit()
            if version != VERSION and not empty:
                connection.close()
                self._set_aside(f"version{version}", f"has format {version}, this release reads {VERSION}")
                return self._connect()
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("INSERT OR IGNORE INTO contexts (context) VALUES (?)", (self.context,))
            connection.commit()
            (row,) = connection.execute(
                "SELECT id FROM contexts WHERE context = ?", (self.context,)
            ).fetchone()
        except BaseException:
            connection.close()
            raise
        self._seen = self._seen or _identity(self.path)  # which this process may have made
        return connection, row

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


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _number(score: Any) -> float:
    """Return a score as stored, NaN for NULL. SQLite keeps any kind of value in any column."""
    if score is None:
        return math.nan
    if type(score) is not float:
        raise sqlite3.DatabaseError(f"a {type(score).__name__} where a score belongs")
    return score


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side. SQLite does not wait here by itself, as it does everywhere else."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.02)


def _damaged(error: Exception) -> bool:
    """Tell a broken file from one that cannot be used now. Reading past the end of a truncated one is an I/O error."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk I/O error" in str(error)
    # SQLite quotes damaged names in its messages, and Python fails to decode those.
    return isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError)
