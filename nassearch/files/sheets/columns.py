"""Read CSV and Parquet as named columns and numbered rows. An error names the row and the remedy."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from nassearch.errors import BadData, Unreadable, excerpt
from nassearch.files.bounded import CHUNK, Bounded, guarded
from nassearch.files.limits import SHEET
from nassearch.files.sheets.parquet import MAGIC, read_parquet
from nassearch.files.unpacking import Unpacked, unpacked

DELIMITERS = ",;\t"
NOT_TABLES = {
    b"PK": "a zip archive (perhaps a torch or numpy file)",
    b"\x80": "a Python pickle (perhaps a torch file)",
    b"{": "JSON",
}
MOST_ROWS, MOST_COLUMNS = 5_000_000, 10_000
"""Of a sheet, blank lines with it: NAS-Bench-101 has 423,624 rows, and a wide sheet some thirty columns."""
MOST_CELLS = 80_000_000
"""All trainings of NAS-Bench-101 in six columns have eight million."""
LONGEST_LINE = 1 << 20
"""Characters, of a record of several lines too. One of 10,000 columns has some 200,000."""
SEPARATOR = re.compile(r'\s*"?sep=(\\t|[^\w\s"\']|\t)?"?[\s,;]*', re.IGNORECASE)
"""The line by which Excel is told the separator, in front of the header."""
_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Sheet:
    """Columns and rows of a file.

    Attributes:
        columns: names of the columns, unique except for empty ones.
        rows: (number, values) of each row; the line of a CSV, counted from 1 in a Parquet file.
        word: what the number counts, "line" or "row".
    """

    columns: tuple[str, ...]
    rows: Iterable[tuple[int, Sequence[Any]]]
    word: str


def read_sheet(path: Path, others: Sequence[str] = ()) -> Sheet:
    """Read CSV (plain, gzip, bzip2 or xz; comma, semicolon or tab, or what a first line `sep=` says) or Parquet, told
    apart by the first bytes.

    `others` are names of what else could have been read here, for messages.

    The csv module rather than a data frame: rows must keep their line numbers, and no cell may be guessed at.
    Rows are read, and checked, as they are asked for: no more of a file is held than a line.

    Raises:
        MissingData: no such file.
        Unreadable: the system does not give it.
        BadData: it is empty, truncated, not text, larger than a sheet, or its rows have different lengths.
        InvalidSetting: a Parquet file, and pyarrow is not installed.
    """
    try:
        with guarded(path):
            file = Bounded(path, SHEET)
            if file.read(len(MAGIC)) == MAGIC:
                columns, rows = read_parquet(file, MOST_ROWS, MOST_COLUMNS)
                return Sheet(_unique(path, columns), _guarded(path, rows), "row")
            file.seek(0)
            return _csv(path, _lines(path, _text(path, unpacked(file), others)))
    except Unreadable as error:
        raise Unreadable(f"{error}; {_takes(others)}") from error


def _takes(others: Sequence[str]) -> str:
    return f"an import takes {', '.join((*others, 'CSV'))} or Parquet"


def _guarded(path: Path, rows: Iterator[Any]) -> Iterator[Any]:
    with guarded(path):
        yield from rows


def _text(path: Path, stream: Unpacked, others: Sequence[str]) -> Iterator[str]:
    """Yield the text of a file piece by piece."""
    decoder, line, first = codecs.getincrementaldecoder("utf-8-sig")(), 1, True
    while data := stream.read(CHUNK):
        name = next((name for magic, name in NOT_TABLES.items() if first and data.startswith(magic)), None)
        if name is not None:
            packed = f" in {stream.kind}, which only sheets may be in: unpack it" if stream.kind else ""
            raise BadData(f"{path} is {name}{packed}; {_takes(others)}")
        first = False
        text = _decoded(path, decoder, data, line)
        if "\0" in text:
            line += text.count("\n", 0, text.index("\0"))
            raise BadData(
                f"{path}, line {line}: a zero byte, which text does not hold; save the file as UTF-8"
            )
        yield text
        line += data.count(b"\n")
    yield _decoded(path, decoder, b"", line)


def _decoded(path: Path, decoder: codecs.IncrementalDecoder, data: bytes, line: int) -> str:
    try:
        return decoder.decode(data, not data)
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        raise BadData(
            f"{path}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        ) from error


def _lines(path: Path, pieces: Iterator[str | None]) -> Iterator[str]:
    """Yield lines with their ends, which are those that csv knows."""
    rest, count = "", 0
    for piece in chain(pieces, [None]):
        text = rest + (piece or "")
        # A carriage return at the end may be the first half of the end of a line.
        whole = text if piece is None or not text.endswith("\r") else text[:-1]
        at = 0
        for match in _END.finditer(whole):
            count += 1
            if count > MOST_ROWS:
                raise BadData(f"{path} has more than {MOST_ROWS} lines; no sheet has")
            yield whole[at : match.end()]
            at = match.end()
        rest = text[at:]
        if len(rest) > LONGEST_LINE:
            raise BadData(
                f"{path}, line {count + 1}: it has more than {LONGEST_LINE} characters; is this a table?"
            )
    if rest:
        yield rest


class _Records:
    """Rows of cells out of lines, one of which is held at a time."""

    def __init__(self, path: Path, lines: Iterator[str], delimiter: str) -> None:
        self._path, self._lines, self._length, self._cells = path, lines, 0, 0
        self._reader = csv.reader(self._measured(), delimiter=delimiter, strict=True)

    def _measured(self) -> Iterator[str]:
        for line in self._lines:
            self._length += len(line)
            if self._length > LONGEST_LINE:
                raise csv.Error(f"a row of more than {LONGEST_LINE} characters; is a quote not closed?")
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        try:
            for record in self._reader:
                self._length = 0
                self._cells += len(record)
                if self._cells > MOST_CELLS:
                    raise csv.Error(f"more than {MOST_CELLS} cells, which no sheet has")
                if any(cell.strip() for cell in record):
                    yield self._reader.line_num, [cell.strip() for cell in record]
        except csv.Error as error:
            raise BadData(f"{self._path}, line {self._reader.line_num}: not CSV ({error})") from error


def _csv(path: Path, lines: Iterator[str]) -> Sheet:
    skipped, said, first = 0, None, next(lines, None)
    while first is not None:
        excel = SEPARATOR.fullmatch(first) if said is None else None
        if excel:
            said = (excel[1] or "").replace("\\t", "\t")
        elif first.strip():
            break
        skipped, first = skipped + 1, next(lines, None)
    if first is None:
        raise BadData(f"{path} is empty")
    delimiter = said or max(DELIMITERS, key=first.count)
    records = iter(_Records(path, chain(repeat("\n", skipped), [first], lines), delimiter))

    def rows() -> Iterator[tuple[int, list[str]]]:
        for line, record in records:
            if len(record) != len(columns):
                raise BadData(
                    f"{path}, line {line}: {len(record)} cells, but the header has {len(columns)}, "
                    f"separated by {delimiter!r}"
                )
            yield line, record

    header = next(records, None)
    if header is None:
        raise BadData(f"{path} is empty")
    columns = _unique(path, header[1])
    return Sheet(columns, _guarded(path, rows()), "line")


def _unique(path: Path, columns: Sequence[str]) -> tuple[str, ...]:
    if len(columns) > MOST_COLUMNS:
        raise BadData(f"{path} has {len(columns)} columns; a sheet has at most {MOST_COLUMNS}")
    seen: set[str] = set()
    for name in filter(None, columns):
        if name in seen:
            raise BadData(f"{path} has two columns called {excerpt(name)}; rename one")
        seen.add(name)
    return tuple(columns)
