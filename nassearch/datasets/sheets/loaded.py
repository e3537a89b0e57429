"""The rows of a sheet, and which of its columns are paths, labels and parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassearch.datasets.arrays.named import WORDS
from nassearch.datasets.classes import NO_NUMBER, whole_of
from nassearch.datasets.images.decoding import SUFFIXES
from nassearch.datasets.labels import label_of
from nassearch.errors import BadData, excerpt
from nassearch.files.sheets.columns import read_sheet

PATHS = ("path", "paths", "file", "files", "filename", "file_name", "filepath", "file_path", "image", "image_path",
         "img", "img_path", "image_file", "image_name")  # fmt: skip
LABELS = (
    "label",
    "labels",
    "class",
    "class_name",
    "target",
    "category",
    "y",
    "label_name",
    "species",
    "variety",
)
SPLITS = ("split", "part", "subset", "set", "partition")
UNNAMED = ("", "unnamed: 0", "__index_level_0__")
"""What programs call the column in which they number the rows."""
DECIMAL = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=e))(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
REMEDY = "name the columns path and label, and perhaps split, in a first line"


@dataclass
class Loaded:
    """A sheet in memory.

    Attributes:
        path: of the file.
        word: what rows are counted as, "line" or "row".
        names: of the columns.
        numbers: of the rows.
        rows: their cells.
        at_path, at_label, at_split: places of the columns with paths, labels and parts; None where there is none.
        at_count: place of a column without a name that only tells the rows apart by numbers; None where there is none.
    """

    path: Path
    word: str
    names: tuple[str, ...]
    numbers: list[int]
    rows: list[Sequence[Any]]
    at_path: int | None = None
    at_label: int | None = None
    at_split: int | None = None
    at_count: int | None = None

    def where(self, row: int) -> str:
        return f"{self.path}, {self.word} {self.numbers[row]}"

    def labels(self) -> list[Any]:
        """Return the label of each row, None where it is missing.

        Raises:
            BadData: there is no column of labels, or a label is neither a whole number nor a text.
        """
        if self.at_label is None:
            raise self.lacks("labels")
        found = [label_of(row[self.at_label], self.where(at)) for at, row in enumerate(self.rows)]
        met = {label for label in found if label is not None}
        absent = {label for label in met if str(label).lower() in NO_NUMBER}
        decimals = {label for label in met - absent if whole_of(label) is None and DECIMAL.fullmatch(label)}
        if met == absent or any(whole_of(label) is None for label in met - absent - decimals):
            return found
        return [None if label in absent else self._number(label, at) for at, label in enumerate(found)]

    def _number(self, label: Any, at: int) -> int | None:
        number = None if label is None else whole_of(label)
        if number is not None or label is None:
            return number
        if not float(label).is_integer():
            raise BadData(
                f"{self.where(at)}: the label {label}: labels are whole numbers or texts; values to predict are no "
                "classes, and a class that is called so has to have a letter in its name"
            )
        return int(float(label))

    def parts(self) -> list[str]:
        """Return the part of each row, `""` where it is not said; `BadData` for what is no part."""
        if self.at_split is None:
            return [""] * len(self.rows)
        return [self._part(text_of(row[self.at_split]).lower(), at) for at, row in enumerate(self.rows)]

    def _part(self, text: str, at: int) -> str:
        if text and text not in WORDS:
            raise BadData(
                f"{self.where(at)}: {excerpt(text)} is no part: write train, valid or test, or leave it empty"
            )
        return WORDS.get(text, "")

    def lacks(self, what: str) -> BadData:
        there = excerpt(", ".join(self.names[:12]))
        return BadData(f"{self.path} has no column of {what} among {there}; {REMEDY}")


def load_sheet(path: Path) -> Loaded:
    """Read a CSV, TSV or Parquet file, and find its columns by their names, or by what the first row holds.

    A first line that names an image is a row like the others.

    Raises:
        MissingData, Unreadable, InvalidSetting, BadData: as `read_sheet` says, or it has no row.
    """
    sheet = read_sheet(path)
    numbered = list(sheet.rows)
    names = sheet.columns
    if any(_is_image(name) for name in names):
        names, numbered = ("",) * len(names), [(1, names), *numbered]
    if not numbered:
        raise BadData(f"{path} has no row below its first line; {REMEDY}")
    found = Loaded(path, sheet.word, names, [number for number, _ in numbered], [row for _, row in numbered])
    lower = [name.strip().lower() for name in names]
    found.at_path, found.at_label, found.at_split = (
        next((lower.index(word) for word in words if word in lower), None)
        for words in (PATHS, LABELS, SPLITS)
    )
    images = [at for at, value in enumerate(found.rows[0]) if _is_image(text_of(value))]
    if found.at_path is None and images:
        found.at_path = images[0]
    found.at_count = _count(found, lower) if any(lower) else None
    others = [at for at in range(len(names)) if at not in (found.at_path, found.at_split, found.at_count)]
    if found.at_label is None and len(others) == 1:
        found.at_label = others[0]
    return found


def _count(sheet: Loaded, names: Sequence[str]) -> int | None:
    """Return the place of a column without a name whose whole numbers all differ."""
    for at, name in enumerate(names):
        if name in UNNAMED:
            values = {text_of(row[at]) for row in sheet.rows}
            if len(values) == len(sheet.rows) and all(whole_of(value) is not None for value in values):
                return at
    return None


def text_of(value: Any) -> str:
    """Return a cell as text, empty where it is missing."""
    return "" if value is None else str(value).strip()


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES
