"""Tables that commands write to files."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from nassearch.cli.common import as_text
from nassearch.errors import InvalidSetting, NassearchError
from nassearch.files.data_folder import write_whole
from nassearch.files.growing import save_elsewhere

SUFFIXES = (".csv", ".json")


def check_output(path: Path | None, what: str) -> None:
    """Raise `InvalidSetting` where a table cannot be written as the suffix says, or not there."""
    if path is None:
        return
    if path.suffix not in SUFFIXES:
        raise InvalidSetting(
            f"{what} are written as {' or '.join(SUFFIXES)}, not as {path.name!r}: choose another -o"
        )
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir() or path.is_dir():
        wrong = path if path.is_dir() else above
        state = "is" if path.is_dir() else "is not"
        raise InvalidSetting(f"{path} cannot be written: {wrong} {state} a folder; choose another -o")


def write_rows(path: Path, columns: list[str], rows: list[list[Any]], value: Any = None) -> None:
    """Write all rows, or leave what was there; repr of a float loses no digit of it.

    `value` is what a .json file holds, where that is not a list of the rows.
    """
    text = io.StringIO(newline="")
    if path.suffix == ".json":
        rows_ = [dict(zip(columns, row, strict=True)) for row in rows]
        text.write(as_text(rows_ if value is None else value) + "\n")
    else:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value != value else value for value in row] for row in rows])
    content = text.getvalue().encode()
    try:
        write_whole(path, content, "choose another -o")
    except NassearchError as error:
        saved = save_elsewhere(path, content)
        raise NassearchError(f"{error}; the table is saved in {saved}") if saved else error from error
