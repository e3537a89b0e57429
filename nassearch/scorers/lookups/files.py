"""Read scores that others computed: CSV, Parquet, JSON lines, a JSON list, or the JSON of NAS-Bench-Suite-Zero."""

from __future__ import annotations

import codecs
import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.given import dataset_of, owner_of
from nassearch.benchmarks.read import suite_zero
from nassearch.benchmarks.read.layout import NAMES, SHOWN
from nassearch.benchmarks.read.naming import named, simple
from nassearch.errors import BadData, InvalidArch, InvalidSetting, excerpt, quoted
from nassearch.files.bounded import CHUNK, Bounded, guarded
from nassearch.files.limits import SCORES
from nassearch.files.plain_json import read_json
from nassearch.files.sheets.columns import read_sheet
from nassearch.files.unpacking import unpacked
from nassearch.scorers.lookups.base import Place
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

MOST_VALUES = 20_000_000
"""Of JSON. That of NAS-Bench-Suite-Zero for NAS-Bench-201 has some two million."""
INDEX = "index"
NO_SCORE = {"", "nan", "none", "null", "inf", "-inf", "+inf", "infinity", "-infinity"}
MISSING = "its path is written from the folder where the command runs"


class Rows(NamedTuple):
    """Cells by row: what it is called, the architecture, its score, and its data set where there is a column of it.

    `by_place` where the architectures are places in the official order, `by_key` where several rows may be one cell:
    NASLib writes those of NAS-Bench-101 before they are pruned, each with weights of its own.
    """

    cells: Iterable[tuple[str, Any, Any, Any]]
    by_place: bool = False
    by_key: bool = False


def content_digest(file: str, column: str) -> str:
    """Return a hash of a file's bytes."""
    digest = hashlib.sha256()
    with guarded(Path(file), missing=MISSING), Bounded(Path(file), SCORES) as opened:
        while data := opened.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()[:16]


def read_scores(
    path: Path, column: str, place: Place, arch: str | None = None, dataset: str | None = None
) -> tuple[dict[Arch, float], int]:
    """Return scores by architecture, NaN where a cell is empty, and how many rows there were.

    Args:
        path: of the file.
        column: of the scores.
        place: whose architectures, and for which data set.
        arch: column of the architectures; None for `arch`, `architecture` or else `index`.
        dataset: whose rows, where there are several; None for that of the place.

    Raises:
        MissingData, Unreadable: the system does not give the file.
        BadData: it is damaged, lacks the column or the data set, or a row is no architecture of the space, has no
            number, or is there twice with different scores.
    """
    with guarded(path, missing=MISSING):
        if (content := _json(path)) is not None:
            rows = _of_json(path, content, column, place, arch, dataset)
        else:
            rows = _of_sheet(path, column, arch)
        found: dict[Arch, float] = {}
        keys: dict[Arch, list[float]] = {}
        first: dict[Arch, str] = {}
        count = 0
        places = list(place.space.all()) if rows.by_place else []
        for name, cell, score, group in rows.cells:
            if group is not None and not _is_meant(str(group), place, dataset):
                continue
            count += 1
            try:
                each = _placed(places, cell, place.space) if rows.by_place else _parsed(place.space, cell)
                value = _number(score, column)
            except (BadData, InvalidArch) as error:
                raise BadData(f"{path}, {name}: {error}") from error
            if rows.by_key:
                keys.setdefault(each, []).append(value)
            elif (
                each in found and found[each] != value and not (math.isnan(found[each]) and math.isnan(value))
            ):
                raise BadData(
                    f"{path}, {name}: {place.space.format(each)} is there twice with different scores, first in "
                    f"{first[each]}: keep one row of each architecture"
                )
            found[each] = value
            first.setdefault(each, name)
    for each, values in keys.items():
        known = [value for value in values if not math.isnan(value)]
        found[each] = math.fsum(known) / len(known) if known else math.nan
    if not count:
        raise BadData(f"{path} has no rows about {dataset or place.dataset}: name a data set by dataset=NAME")
    return found, count


def _json(path: Path) -> Any:
    """Return the values of a JSON file, of JSON lines a list; None where the file begins otherwise."""
    with Bounded(path, SCORES) as file:
        stream = unpacked(file)
        data = stream.read(CHUNK).removeprefix(codecs.BOM_UTF8)
        if data.lstrip()[:1] not in (b"{", b"["):
            return None
        parts = [data]
        while data := stream.read(CHUNK):
            parts.append(data)
    text = b"".join(parts).strip()
    try:
        lines = text.split(b"\n") if text.startswith(b"{") else []
        if len(lines) > 1 and _is_object(lines[0]):
            return [read_json(line, MOST_VALUES, constants=True) for line in lines if line.strip()]
        return read_json(text, MOST_VALUES, constants=True)
    except ValueError as error:
        raise BadData(f"{path} is no JSON, nor JSON lines ({error}); get it again") from error


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(read_json(line, MOST_VALUES, constants=True), dict)
    except ValueError:
        return False


def _of_json(
    path: Path, content: Any, column: str, place: Place, arch: str | None, dataset: str | None
) -> Rows:
    if isinstance(content, dict):
        nested = {name: rows for name, rows in content.items() if isinstance(rows, dict)}
        if not nested or len(nested) < len(content):
            content = [content]  # JSON lines of one line
        else:
            inside = suite_zero.by_dataset(nested, partial(_is_meant, place=place, dataset=dataset))
            return Rows(_of_suite(path, inside, column, place, dataset), by_key=True)
    if not all(isinstance(row, dict) for row in content):
        raise BadData(
            f'{path} is a JSON list of something else than rows, such as {{"arch": ..., "synflow": 1.5}}'
        )
    columns = list(dict.fromkeys(name for row in content for name in row))
    found = _column_of_archs(path, columns, arch)
    _need(path, columns, column)
    group = next((name for name in columns if name.lower() == "dataset"), None)
    cells = (
        (f"row {number}", row.get(found), _scored(row.get(column)), None if group is None else row.get(group))
        for number, row in enumerate(content, start=1)
    )
    return Rows(cells, found.lower() == INDEX)


def _scored(cell: Any) -> Any:
    """Return the cell of a row; its score where it is one of NAS-Bench-Suite-Zero, which has lists of rows too."""
    return suite_zero.value(cell) if isinstance(cell, dict) else cell


def _of_suite(
    path: Path, nested: Mapping[str, Mapping[str, Any]], column: str, place: Place, dataset: str | None
) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield what NAS-Bench-Suite-Zero has: data set, then architecture, then proxy with its score, or an accuracy."""
    names = [name for name in nested if _is_meant(name, place, dataset)]
    if len(names) != 1:
        wanted = dataset or place.dataset
        raise BadData(
            f"{path} has the data sets {', '.join(nested)}, and not {wanted} once: say one by dataset=NAME"
        )
    rows = nested[names[0]]
    if not all(isinstance(row, dict) for row in rows.values()):
        raise BadData(f"{path} is nested otherwise than NAS-Bench-Suite-Zero: data set, architecture, proxy")
    _need(path, list(dict.fromkeys(name for row in rows.values() for name in row)), column)
    for text, row in rows.items():
        yield f"{names[0]}, {excerpt(text, 60)}", text, suite_zero.value(row.get(column)), None


def _of_sheet(path: Path, column: str, arch: str | None) -> Rows:
    sheet = read_sheet(path, ["JSON"])
    columns = list(sheet.columns)
    at, score = columns.index(_column_of_archs(path, columns, arch)), _need(path, columns, column)
    group = next((i for i, name in enumerate(columns) if name.lower() == "dataset"), None)
    cells = (
        (f"{sheet.word} {number}", row[at], row[score], None if group is None else row[group])
        for number, row in sheet.rows
    )
    return Rows(cells, columns[at].lower() == INDEX)


def _column_of_archs(path: Path, columns: Sequence[str], arch: str | None) -> str:
    if arch is not None:
        return columns[_need(path, columns, arch)]
    lower = {name.lower(): name for name in columns}
    for name in (*NAMES["arch"], INDEX):
        if name in lower:
            return lower[name]
    raise BadData(
        f"{path} has no column for the architectures ({' or '.join((*NAMES['arch'], INDEX))}); columns found: "
        f"{_shown(columns)}; name it by arch=COLUMN"
    )


def _need(path: Path, columns: Sequence[str], column: str) -> int:
    if column not in columns:
        raise BadData(f"{path} has no column {excerpt(column)}; columns found: {_shown(columns)}")
    return columns.index(column)


def _shown(columns: Sequence[str]) -> str:
    names = [name if len(name) <= 60 else f"{name[:60]}..." for name in columns[:SHOWN]]
    return ", ".join([*names, *(["..."] if len(columns) > SHOWN else [])])


def _is_meant(name: str, place: Place, dataset: str | None) -> bool:
    if dataset is not None:
        return simple(name) == simple(dataset)
    if place.benchmark is None:
        raise InvalidSetting(
            f"scores are of several data sets, such as {excerpt(name)}: say one by dataset=NAME"
        )
    meant = dataset_of(place.benchmark, place.dataset)
    known: Mapping[str, Dataset] = owner_of(place.benchmark).datasets()
    return named(name, known) == meant.name


def _parsed(space: SearchSpace, cell: Any) -> Arch:
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        raise InvalidArch(f"an architecture is a text, not {quoted(cell)}")
    text = str(cell).strip()
    if re.fullmatch(r"[(\[][\d\s,]*[)\]]", text):
        return space.check(space.from_naslib(tuple(map(int, re.findall(r"\d+", text)))))
    return space.parse(text)


def _placed(places: Sequence[Arch], cell: Any, space: SearchSpace) -> Arch:
    text = str(cell).strip()
    if not re.fullmatch(r"\d{1,18}", text) or int(text) >= len(places):
        raise InvalidArch(f"an index of {space.name} is from 0 to {len(places) - 1}, not {quoted(cell)}")
    return places[int(text)]


def _number(cell: Any, column: str) -> float:
    """Return a score; NaN where there is none, or an infinite one."""
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in NO_SCORE):
        return math.nan
    try:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float) or "_" in str(cell):
            raise ValueError
        number = float(cell)
    except OverflowError:
        return math.nan
    except ValueError:
        raise BadData(f"{column} is {quoted(cell)}, not a number") from None
    return number if math.isfinite(number) else math.nan
