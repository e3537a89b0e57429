"""Several files appear together or not at all, whatever interrupts their writing.

All are written under hidden names first. A list of them is what decides: as long as it is not there, nothing has
happened, and once it is there, whoever comes next gives the files the names that they are still without.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from nassearch.errors import NassearchError
from nassearch.files.bounded import read_bytes
from nassearch.files.data_folder import write_whole
from nassearch.files.limits import NOTE
from nassearch.files.plain_json import read_json
from nassearch.files.strays import LIST, begun, clear_strays, new_token

REMEDY = "make room or choose another place, then run again"


def write_together(folder: Path, files: Mapping[str, bytes | memoryview], remedy: str = REMEDY) -> None:
    """Write files into a folder, by name: each holds either the old content or all of the new, and so do all.

    What a kill has left of an earlier writing of the same files is removed.

    Raises:
        NassearchError: one cannot be written; `remedy` ends the message, and every file is left as it was.
    """
    token = new_token()
    staged = {f".{name}.{token}": name for name in files}
    undecided = folder / LIST.format(token)
    try:
        with ExitStack() as held:
            for name, content in files.items():
                _stage(held, folder / name, token, content, remedy)
            clear_strays(folder / LIST.format("*"))
            write_whole(undecided, json.dumps(staged).encode(), remedy)
    except BaseException:
        for hidden in staged:
            with suppress(OSError):
                (folder / hidden).unlink(missing_ok=True)
        raise
    finish(folder)
    if undecided.exists():
        raise NassearchError(f"{folder} does not let files be replaced: allow it, then run again; {remedy}")


def _stage(held: ExitStack, path: Path, token: str, content: bytes | memoryview, remedy: str) -> None:
    """Write a file under its hidden name, and hold it until it is decided."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_strays(path)
        file = held.enter_context(begun(path, token))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise NassearchError(f"{path} cannot be written: {error.strerror or error}; {remedy}") from error


def finish(folder: Path) -> None:
    """Give files their names where writing them was interrupted after all were there.

    Several processes may do so at once. Where nothing may be written the files stay as they are.
    """
    for path in folder.glob(LIST.format("*")):
        with suppress(OSError, NassearchError, ValueError, AttributeError, TypeError):
            for hidden, name in read_json(read_bytes(path, NOTE)).items():
                if Path(hidden).name == hidden and Path(name).name == name:
                    with suppress(FileNotFoundError):  # done already
                        os.replace(folder / hidden, folder / name)
            path.unlink(missing_ok=True)
