"""How large the pages of a Parquet file become, read from their headers before anything is unpacked.

The description at the end of a file says how large its columns are, and so does each page; what unpacks them believes
the page. Headers are written in the compact protocol of Thrift (thrift-compact-protocol.md of apache/thrift),
their fields are those of parquet.thrift in https://github.com/apache/parquet-format.
"""

from __future__ import annotations

from typing import Any

from nassearch.errors import BadData
from nassearch.files.bounded import Bounded
from nassearch.files.limits import GB, MB

MOST_PAGE, MOST_UNPACKED = 64 * MB, 2 * GB
"""Bytes of a page, for which writers take one million, and of all pages."""
LONGEST_HEADER = 1 << 16
ENCODINGS = {0, 2, 3, 4, 5, 6, 8, 9}
"""All but DELTA_BYTE_ARRAY (7), in which one long text makes any number of others."""
REFERRING = {2, 8}
UNCOMPRESSED, COMPRESSED, DATA, DICTIONARY, DATA_2 = 2, 3, 5, 7, 8
_INTEGERS = (4, 5, 6)


def check_pages(file: Bounded, about: Any, most_values: int) -> set[str]:
    """Return the columns whose texts are written once and referred to.

    Args:
        file: the Parquet file.
        about: its description, `pyarrow.parquet.FileMetaData`.
        most_values: of one column.

    Raises:
        BadData: a page or all of them unpack to more than a sheet has.
    """
    unpacked, referring = 0, set()
    values = [0] * about.num_columns
    for group in range(about.num_row_groups):
        for number in range(about.num_columns):
            column = about.row_group(group).column(number)
            starts = [at for at in (column.dictionary_page_offset, column.data_page_offset) if at]
            at = min(starts, default=0)
            end = at + column.total_compressed_size
            while at < end:
                size, packed, count, length, encoding = _header(file, at)
                unpacked += size
                values[number] += count
                if max(size, packed) > MOST_PAGE or unpacked > MOST_UNPACKED or values[number] > most_values:
                    raise BadData(
                        f"{file.path}: its pages unpack to {unpacked} bytes, {size} of them in one, and "
                        f"{values[number]} values of a column; a sheet has less"
                    )
                if encoding in REFERRING:
                    referring.add(str(column.path_in_schema))
                at += length + packed
    return referring


def _header(file: Bounded, at: int) -> tuple[int, int, int, int, int]:
    """Return the bytes of a page as unpacked and as written, its values, the bytes of its header, and its encoding."""
    file.seek(at)
    reader = _Compact(file.read(LONGEST_HEADER))
    try:
        fields = reader.structure()
        data = fields.get(DATA) or fields.get(DATA_2) or {}
        encoding = data.get(2 if DATA in fields else 4, 0)
        size, packed, count = fields[UNCOMPRESSED], fields[COMPRESSED], data.get(1, 0)
        if {type(size), type(packed), type(count), type(encoding)} != {int}:
            raise KeyError("a number")
    except (IndexError, KeyError, RecursionError, AttributeError) as error:
        raise BadData(f"{file.path}: the header of the page at byte {at} is damaged; get it again") from error
    if min(size, packed, count) < 0 or encoding not in ENCODINGS:
        raise BadData(
            f"{file.path}: the page at byte {at} has {size} bytes, {count} values and encoding {encoding}, which are "
            "not read; save the file with plain or dictionary encoding"
        )
    return size, packed, count, reader.at, encoding


class _Compact:
    """Structures in Thrift's compact protocol, as whole numbers by field; other values are passed over."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise IndexError

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def structure(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            found[field] = self._value(head & 15)
        return found

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _value(self, kind: int, within: bool = False) -> Any:
        if self.at > len(self.data):
            raise IndexError
        if kind in (1, 2):
            self.at += within  # a truth value of a field is in the field's head
            return None
        if kind == 3:
            return self._byte()
        if kind in _INTEGERS:
            return self._signed()
        if kind == 7:
            self.at += 8
        elif kind == 8:
            length = self._varint()
            self.at += length
        elif kind in (9, 10):
            head = self._byte()
            for _ in range(self._varint() if head >> 4 == 15 else head >> 4):
                self._value(head & 15, within=True)
        elif kind == 11:
            if count := self._varint():
                kinds = self._byte()
                for _ in range(count):
                    self._value(kinds >> 4, within=True)
                    self._value(kinds & 15, within=True)
        elif kind == 12:
            return self.structure()
        else:
            raise KeyError(kind)
        return None
