"""CSV and Parquet as named columns and numbered rows, with the errors a person can act on."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassearch.errors import BadData, InvalidSetting, MissingData

COMPRESSIONS: dict[bytes, tuple[str, Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ\x00": ("xz", lzma.decompress),
}
DELIMITERS = ",;\t"
NOT_TABLES = {
    b"PK": "a zip archive (perhaps a torch or numpy file)",
    b"\x80": "a Python pickle (perhaps a torch file)",
    b"{": "JSON",
}


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
    """Read CSV (plain, gzip, bzip2 or xz; comma, semicolon or tab) or Parquet, told apart by the first bytes.

    `others` are names of what else could have been read here, for messages.

    The csv module rather than a data frame: rows must keep their line numbers, and no cell may be guessed at.
    The rows of a CSV are checked as they are read.

    Raises:
        MissingData: no such file.
        BadData: it is empty, truncated, not text, or its rows have different lengths.
        InvalidSetting: a Parquet file, and pyarrow is not installed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingData(f"there is no file {path}") from error
    except OSError as error:
        raise BadData(f"cannot read {path}: {error.strerror}; {_takes(others)}") from error
    if data.startswith(b"PAR1"):
        return _parquet(path, data)
    return _csv(path, _text(path, data, others))


def _takes(others: Sequence[str]) -> str:
    return f"an import takes {', '.join((*others, 'CSV'))} or Parquet"


def _text(path: Path, data: bytes, others: Sequence[str]) -> str:
    for magic, (name, decompress) in COMPRESSIONS.items():
        if data.startswith(magic):
            try:
                data = decompress(data)
            except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise BadData(f"{path} is truncated or damaged {name} ({error}); get it again") from error
            break
    for magic, name in NOT_TABLES.items():
        if data.startswith(magic):
            raise BadData(f"{path} is {name}; {_takes(others)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadData(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        ) from error
    if not text.strip():
        raise BadData(f"{path} is empty")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadData(f"{path}, line {line}: a zero byte, which text does not hold; save the file as UTF-8")
    return text


def _csv(path: Path, text: str) -> Sheet:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def records() -> Iterator[tuple[int, list[str]]]:
        try:
            for record in reader:
                if any(cell.strip() for cell in record):
                    yield reader.line_num, [cell.strip() for cell in record]
        except csv.Error as error:
            raise BadData(f"{path}, line {reader.line_num}: not CSV ({error})") from error

    def rows() -> Iterator[tuple[int, list[str]]]:
        for line, record in remaining:
            if len(record) != len(columns):
                raise BadData(
                    f"{path}, line {line}: {len(record)} cells, but the header has {len(columns)}, "
                    f"separated by {delimiter!r}"
                )
            yield line, record

    remaining = records()
    header = next(remaining, None)
    if header is None:
        raise BadData(f"{path} is empty")
    columns = _unique(path, header[1])
    return Sheet(columns, rows(), "line")


def _parquet(path: Path, data: bytes) -> Sheet:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise InvalidSetting(
            f"{path} is a Parquet file and needs pyarrow: pip install 'nassearch[parquet]', or save it as CSV"
        ) from error
    try:
        table = parquet.read_table(io.BytesIO(data))
        values = [column.to_pylist() for column in table.columns]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise BadData(f"{path} is a truncated or damaged Parquet file ({error}); get it again") from error
    return Sheet(_unique(path, table.column_names), enumerate(zip(*values, strict=True), start=1), "row")


def _unique(path: Path, columns: Sequence[str]) -> tuple[str, ...]:
    for i, name in enumerate(columns):
        if name and name in columns[:i]:
            raise BadData(f"{path} has two columns called {name!r}; rename one")
    return tuple(columns)
