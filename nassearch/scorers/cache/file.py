"""The SQLite file of cached scores: where it lies, what is in it, and what in it is believed."""

from __future__ import annotations

import math
import sqlite3
import stat
import time
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import pathname2url

from nassearch.files.data_folder import data_dir

VERSION = 4
"""Format of the file, and of what a context says: in the file's name, so that releases leave each other's alone."""
NAME = "scores-v{}.sqlite"
BUSY_SECONDS = 30.0
TABLES = """
CREATE TABLE IF NOT EXISTS contexts (id INTEGER PRIMARY KEY, context TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS scores (
    context INTEGER NOT NULL REFERENCES contexts (id), key TEXT NOT NULL, score REAL, PRIMARY KEY (context, key)
) WITHOUT ROWID;
"""


class NotOurs(Exception):
    """A database that is no cache of this format: nothing in it is read.

    Attributes:
        kind: version and number, or "foreign".
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def cache_path() -> Path:
    """Return where the scores of a user are kept by this release."""
    return data_dir() / NAME.format(VERSION)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file to read and write, and make it where there is none.

    Raises:
        NotOurs: it holds something else than scores.
        sqlite3.DatabaseError: it is damaged, or cannot be used now.
    """
    # One look: another process may be setting a damaged file aside at this moment.
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is no file")
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("BEGIN")  # another process may be making the tables at this moment
        empty = _check_schema(connection)
        connection.commit()
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        if empty:
            connection.execute("BEGIN IMMEDIATE")
            for statement in TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a file, or one in a folder, that may not be written to.

    Raises:
        NotOurs, sqlite3.DatabaseError: see `connect`.
    """
    address = f"file:{pathname2url(str(path.absolute()))}?mode=ro"
    log = path.with_name(f"{path.name}-wal")
    # SQLite makes files beside one that is written ahead, even to read; of one that nobody writes it need not.
    still = not log.exists() or log.stat().st_size == 0
    connection = sqlite3.connect(
        f"{address}&immutable=1" if still else address, timeout=BUSY_SECONDS, uri=True
    )
    try:
        if _check_schema(connection):
            raise NotOurs("foreign", "is empty")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_schema(connection: sqlite3.Connection) -> bool:
    """Return whether there is nothing yet; raise `NotOurs` unless all there is are our tables, word for word.

    A view, a trigger or a column that is computed runs what its author wrote whenever a score is looked up, for ever
    perhaps.
    """
    found = _schema(connection)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not found and not version:
        return True
    if version != VERSION:
        raise NotOurs(f"version{version}", f"has format {version}, this release reads {VERSION}")
    if found != _ours():
        others = sorted(f"{row[0]} {row[1]}" for row in found ^ _ours())
        raise NotOurs("foreign", f"has other tables than a score cache ({', '.join(others)[:100]})")
    return False


def _schema(connection: sqlite3.Connection) -> set[tuple[Any, ...]]:
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchmany(100))


@cache
def _ours() -> frozenset[tuple[Any, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        return frozenset(_schema(connection))


def number(score: Any) -> float:
    """Return a score as stored, NaN for NULL. SQLite keeps any kind of value in any column.

    Raises:
        sqlite3.DatabaseError: it is no finite number, so the file is damaged.
    """
    if score is None:
        return math.nan
    if type(score) is not float or math.isinf(score):
        raise sqlite3.DatabaseError(
            f"{score if type(score) is float else 'a ' + type(score).__name__} where a score belongs"
        )
    return score


def is_damaged(error: Exception) -> bool:
    """Tell a broken file from one that cannot be used now. Reading past the end of a truncated one is an I/O error."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk I/O error" in str(error)
    # SQLite quotes damaged names in its messages, and Python fails to decode those.
    return isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError)


def is_readable_only(error: Exception) -> bool:
    """Tell what keeps from writing and not from reading: rights, a disk that is full, another that writes for long."""
    words = ("readonly", "unable to open", "full", "locked", "read-only")
    return isinstance(error, PermissionError) or (
        isinstance(error, sqlite3.OperationalError | OSError)
        and any(word in str(error).lower() for word in words)
    )


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
