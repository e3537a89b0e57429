"""Several files appear together or not at all, whatever interrupts their writing.

All are written under hidden names first. A list of them is what decides: as long as it is not there, nothing has
happened, and once it is there, whoever comes next gives the files the names that they are still without.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nassearch.errors import NassearchError
from nassearch.files.bounded import read_bytes
from nassearch.files.data_folder import write_whole
from nassearch.files.limits import NOTE
from nassearch.files.plain_json import read_json

LIST = ".together-{}.json"
REMEDY = "make room or choose another place, then run again"


def write_together(folder: Path, files: Mapping[str, bytes | memoryview], remedy: str = REMEDY) -> None:
    """Write files into a folder, by name: each holds either the old content or all of the new, and so do all.

    Raises:
        NassearchError: one cannot be written; `remedy` ends the message, and every file is left as it was.
    """
    token = uuid.uuid4().hex
    staged = {f".{name}.{token}": name for name in files}
    undecided = folder / LIST.format(token)
    try:
        for hidden, name in staged.items():
            if (folder / name).is_dir():
                raise NassearchError(f"{folder / name} cannot be written: Is a directory; {remedy}")
            write_whole(folder / hidden, files[name], remedy)
        name = undecided.name
        write_whole(undecided, json.dumps(staged).encode(), remedy)
    except BaseException as error:
        for hidden in staged:
            with suppress(OSError):
                (folder / hidden).unlink(missing_ok=True)
        if isinstance(error.__cause__, OSError):
            raise NassearchError(str(error).replace(f".{name}.{token}", name)) from error.__cause__
        raise
    finish(folder)
    if undecided.exists():
        raise NassearchError(f"{folder} does not let files be replaced: allow it, then run again; {remedy}")


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
