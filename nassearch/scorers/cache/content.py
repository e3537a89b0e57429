"""What the cache of scores holds, for people who want to see it or be rid of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from nassearch.errors import BadData, NassearchError
from nassearch.files.data_folder import data_dir
from nassearch.scorers.cache.file import NotOurs, cache_path, connect, connect_to_read

PATTERN = "scores*.sqlite*"


def contents() -> list[dict[str, Any]]:
    """Return what each context of this release's cache is of, with how many scores it has; none where there is no file.

    Raises:
        BadData: the file is no cache, or damaged.
    """
    path = cache_path()
    if not path.exists():
        return []
    try:
        with closing(connect_to_read(path)) as connection:
            rows = connection.execute(
                "SELECT context, (SELECT count(*) FROM scores WHERE context = contexts.id) FROM contexts"
            ).fetchall()
        return [{**_read(context), "scores": scores} for context, scores in rows]
    except (NotOurs, sqlite3.DatabaseError, ValueError, RecursionError) as error:
        raise BadData(f"{path}: {error}; nassearch cache clear --all removes it") from error


def _read(context: str) -> dict[str, Any]:
    """Return what a context says; raise `ValueError` where it is not one that a scorer has written."""
    facts = json.loads(context)
    named = isinstance(facts, dict) and all(
        isinstance(facts.get(part), list) and len(facts[part]) == 2 for part in ("space", "proxy")
    )
    if not named:
        raise ValueError("a context names space and proxy, each with its code")
    return facts  # type: ignore[no-any-return]


def clear(proxy: str | None = None) -> int:
    """Remove the scores of this release's cache, or of one proxy, and return how many there were.

    Other processes may go on using the file.

    Raises:
        BadData: the file is no cache, or damaged.
        NassearchError: it cannot be written to.
    """
    path = cache_path()
    if not path.exists():
        return 0
    try:
        with closing(connect(path)) as connection:
            with connection:
                wanted = [
                    number
                    for number, context in connection.execute("SELECT id, context FROM contexts")
                    if proxy is None or _read(context)["proxy"][0] == proxy
                ]
                removed = sum(
                    connection.execute("DELETE FROM scores WHERE context = ?", (each,)).rowcount
                    for each in wanted
                )
                connection.executemany("DELETE FROM contexts WHERE id = ?", [(each,) for each in wanted])
            connection.execute("VACUUM")
        return removed
    except (sqlite3.OperationalError, OSError) as error:
        raise NassearchError(f"{path} cannot be cleared: {error}") from error
    except (NotOurs, sqlite3.DatabaseError, ValueError, RecursionError) as error:
        raise BadData(f"{path}: {error}; nassearch cache clear --all removes it") from error


def other_files() -> list[Path]:
    """Return the caches of other releases, and what was set aside as damaged."""
    own = cache_path().name
    beside = {own, f"{own}-wal", f"{own}-shm", f"{own}.lock"}
    found = sorted(data_dir().glob(PATTERN)) if data_dir().is_dir() else []
    return [path for path in found if path.name not in beside and path.is_file()]


def remove_files(own: bool) -> list[Path]:
    """Remove those of other releases and what was set aside; `own` too, which no other process may be using.

    Raises:
        NassearchError: one cannot be removed.
    """
    path = cache_path()
    mine = [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))] if own else []
    removed = [file for file in [*mine, *other_files()] if file.exists()]
    for file in removed:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise NassearchError(f"{file} cannot be removed: {error.strerror or error}") from error
    return removed
