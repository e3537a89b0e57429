"""Where a user's tables, batches and cached scores are kept, and how files are written whole."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path

import platformdirs

from nassearch.errors import NassearchError
from nassearch.files.bounded import refuse_special
from nassearch.files.strays import begun, clear_strays, new_token

LONGEST_STEM = 180
"""Bytes of a name without its suffix: most file systems take 255, of which the suffix and locks take some."""


def data_dir() -> Path:
    """Return `$NASSEARCH_DATA`, or the platform's usual place for a user's data. It may not exist yet."""
    return Path(os.environ.get("NASSEARCH_DATA") or platformdirs.user_data_dir("nassearch"))


def embedded(name: str) -> Path:
    """Return where a file of the package `nassearch.benchmarks_data` lies, installed or in a checkout."""
    checkout = Path(__file__).resolve().parents[2] / "benchmarks_data" / name
    try:
        installed = Path(str(resources.files("nassearch.benchmarks_data").joinpath(name)))
    except ModuleNotFoundError:
        return checkout
    return installed if installed.exists() or not checkout.exists() else checkout


def file_stem(parts: Sequence[str]) -> str:
    """Return a name without suffix that every file system takes, the last of its parts always whole.

    One that would be too long is cut before that part, and a digest put there of all that it was made from.

    >>> file_stem(["nasbench201", "mnist1d", "rank(a, b)", "seed 0"])
    'nasbench201-mnist1d-rank-a-b-seed-0'
    """
    whole = " ".join(parts)
    name, tail = _plain(whole), _plain(parts[-1])
    if len(name) <= LONGEST_STEM:
        return name
    end = f"-{hashlib.sha256(whole.encode(errors='surrogatepass')).hexdigest()[:12]}-{tail}"
    return name[: LONGEST_STEM - len(end)].rstrip("-") + end


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.=]+", "-", text).strip("-")


def write_whole(path: Path, content: bytes | memoryview, remedy: str) -> None:
    """Write a file that holds either the old content or all of the new at any moment, and its folder.

    A kill between writing and renaming leaves a hidden file beside it, which nothing reads, and which the next writing
    of the same file removes.

    Raises:
        NassearchError: it cannot be written; `remedy` ends the message, and what was there is left as it was.
    """
    refuse_special(path, remedy)
    token = new_token()
    temporary = path.with_name(f".{path.name}.{token}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_strays(path)
        with begun(path, token) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if os.name != "nt":  # which renames no open file
                os.replace(temporary, path)
        if os.name == "nt":
            os.replace(temporary, path)
    except OSError as error:
        raise NassearchError(f"{path} cannot be written: {error.strerror or error}; {remedy}") from error
    finally:
        with suppress(OSError):  # the folder may not even be one
            temporary.unlink(missing_ok=True)
