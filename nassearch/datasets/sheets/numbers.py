"""Sheets of numbers and labels: a row is a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from nassearch.datasets.examples import Arrayed
from nassearch.datasets.found import Found, look_through
from nassearch.datasets.sentences import counted
from nassearch.datasets.sheets.loaded import Loaded
from nassearch.errors import BadData, excerpt
from nassearch.types import Progress, is_number

LARGEST = float(np.finfo(np.float32).max)


def open_numbers(sheet: Loaded, progress: Progress | None = None) -> Found:
    """Take each row for a vector of its numbers, in the order of the columns.

    Raises:
        BadData: a cell is no number, or missing.
    """
    labels, parts = sheet.labels(), sheet.parts()
    columns = [
        at for at in range(len(sheet.names)) if at not in (sheet.at_label, sheet.at_split, sheet.at_count)
    ]
    if not columns:
        raise sheet.lacks("paths of images")
    vectors = np.empty((len(sheet.rows), len(columns)), np.float32)
    for row, cells in enumerate(sheet.rows):
        for column, at in enumerate(columns):
            number = _number(cells[at])
            if number is None:
                what = excerpt(str(cells[at])) if cells[at] not in (None, "") else "an empty cell"
                raise BadData(
                    f"{sheet.where(row)}, column {excerpt(sheet.names[at])}: {what}, which is neither a finite number "
                    "nor the path of an image"
                )
            vectors[row, column] = number
    examples = Arrayed(vectors, (1,))
    contents = look_through(examples, str(sheet.path), sheet.where, progress)
    names = ", ".join(sheet.names[at] for at in columns[:4]) + (", ..." if len(columns) > 4 else "")
    notes = [f"Each row is a vector of {counted(len(columns), 'number')}: {names}."]
    if sheet.at_count is not None:
        notes.append("Left out, as it only tells rows apart by numbers: the column without a name.")
    return Found(
        sheet.path.name.partition(".")[0],
        "vector",
        examples,
        contents,
        labels,
        parts,
        sheet.where,
        notes=notes,
    )


def _number(cell: Any) -> float | None:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if is_number(number) and abs(number) <= LARGEST else None
