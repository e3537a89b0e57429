"""Read a Parquet file a thousand rows at a time, after checking how large its pages become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nassearch.errors import BadData, InvalidSetting
from nassearch.files.bounded import Bounded, of_system
from nassearch.files.limits import MB
from nassearch.files.sheets.parquet_pages import check_pages

MAGIC = b"PAR1"
MOST_FOOTER = 16 * MB
"""Bytes of the description at the end; that of 10,000 columns has some three million."""
LONGEST_CELL = 1 << 16
"""Bytes of a text. One that is written once and referred to by every row would be unpacked for every row."""
BATCH = 1024


def read_parquet(
    file: Bounded, most_rows: int, most_columns: int
) -> tuple[list[str], Iterator[tuple[int, tuple[Any, ...]]]]:
    """Return the names of the columns, and (number from 1, values) of each row; a cell of lists is an empty list.

    Raises:
        BadData: it is damaged, or larger than a sheet.
        InvalidSetting: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import compute, parquet
    except ImportError as error:
        raise InvalidSetting(
            f"{file.path} is a Parquet file and needs pyarrow: pip install 'nassearch[parquet]', or save it as CSV"
        ) from error
    flat: list[str] = []

    def opened() -> Any:
        file.seek(max(0, file.size - 8))
        end = file.read(8)
        footer = int.from_bytes(end[:4], "little")
        if end[4:] == MAGIC and MOST_FOOTER < footer < file.size:
            raise BadData(f"{file.path}: a description of {footer} bytes; at most {MOST_FOOTER} are read")
        whole = parquet.ParquetFile(file, pre_buffer=False, buffer_size=MB)
        about = whole.metadata
        if about.num_rows > most_rows or len(whole.schema_arrow.names) > most_columns:
            raise BadData(
                f"{file.path} has {about.num_rows} rows of {about.num_columns} columns; a sheet has at most "
                f"{most_rows} of {most_columns}"
            )
        referring = check_pages(file, about, most_rows)
        for field in whole.schema_arrow:
            if not pyarrow.types.is_nested(field.type):
                flat.append(field.name)
        texts = [
            f.name for f in whole.schema_arrow if pyarrow.types.is_string(f.type) and f.name in referring
        ]
        return parquet.ParquetFile(file, pre_buffer=False, buffer_size=MB, read_dictionary=texts)

    def column(values: Any) -> list[Any]:
        texts = values.dictionary if pyarrow.types.is_dictionary(values.type) else values
        if pyarrow.types.is_string(texts.type) or pyarrow.types.is_binary(texts.type):
            longest = compute.max(compute.binary_length(texts)).as_py() or 0
            if longest > LONGEST_CELL:
                raise BadData(f"{file.path}: a cell of {longest} bytes; at most {LONGEST_CELL} are read")
        found: list[Any] = values.to_pylist()
        return found

    def rows(whole: Any, names: list[str]) -> Iterator[tuple[int, tuple[Any, ...]]]:
        number = 0
        for batch in whole.iter_batches(batch_size=BATCH, columns=flat, use_threads=False):
            parts = dict(zip(batch.schema.names, map(column, batch.columns), strict=True))
            missing: list[Any] = [[]] * batch.num_rows
            for values in zip(*(parts.get(name, missing) for name in names), strict=True):
                number += 1
                if number > most_rows:
                    raise BadData(f"{file.path} has more than {most_rows} rows; no sheet has")
                yield number, values

    def guarded() -> Iterator[Any]:
        try:
            whole = opened()
            yield list(whole.schema_arrow.names)
            yield from rows(whole, list(whole.schema_arrow.names))
        except (pyarrow.ArrowException, OSError, ValueError, IndexError, OverflowError) as error:
            if isinstance(error, BadData) or of_system(error):
                raise
            raise BadData(
                f"{file.path} is a truncated or damaged Parquet file ({error}); get it again"
            ) from error

    found = guarded()
    return next(found), found
