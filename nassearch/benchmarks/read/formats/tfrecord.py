"""TFRecord: records one after another, each with its length and two checksums. Read without TensorFlow."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct

from nassearch.errors import BadData, InvalidSetting
from nassearch.files.bounded import CHUNK, Bounded, guarded
from nassearch.files.limits import BEGINNING, RECORDS

HEADER = Struct("<QI")
CHECKSUM = Struct("<I")
MOST_BYTES = 1 << 20
"""Bytes of a record, of which the longest of a benchmark has a few thousand: a longer one is a damaged length."""
MOST_RECORDS = 60_000_000
"""The larger of the two files of NAS-Bench-101 has 5.1 million."""


def masked(crc: int) -> int:
    """Return a CRC32C as TFRecord stores it, rotated by 15 bits and moved by a constant."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c() -> Callable[[bytes], int]:
    """Return the checksum of TFRecord.

    Raises:
        InvalidSetting: google-crc32c is not installed.
    """
    try:
        from google_crc32c import value
    except ImportError as error:
        raise InvalidSetting(
            "reading a TFRecord file needs google-crc32c, to check its checksums: pip install 'nassearch[tfrecord]'"
        ) from error
    return value  # type: ignore[no-any-return]


def looks_like_tfrecord(path: Path) -> bool:
    """Say whether a file begins with the header of a record; never raises."""
    try:
        with Bounded(path, BEGINNING) as file:
            head = file.read(HEADER.size)
        length, checksum = HEADER.unpack(head)
        return bool(length <= MOST_BYTES and checksum == masked(crc32c()(head[:8])))
    except InvalidSetting:
        return bool(length <= MOST_BYTES)  # so that reading it says what is missing
    except Exception:
        return False


def records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (bytes read so far, record) for each record.

    Raises:
        BadData: the file ends within a record or a checksum does not fit; the message has the number of the record.
        InvalidSetting: google-crc32c is not installed.
    """
    check = crc32c()
    number, done = 0, 0
    with guarded(path), Bounded(path, RECORDS) as bounded:
        file = io.BufferedReader(bounded, CHUNK)
        while head := file.read(HEADER.size):
            number += 1
            if number > MOST_RECORDS:
                raise BadData(f"{path} has more than {MOST_RECORDS} records; get it again")
            if len(head) < HEADER.size:
                raise _truncated(path, number, done)
            length, expected = HEADER.unpack(head)
            if masked(check(head[:8])) != expected or length > MOST_BYTES:
                raise BadData(
                    f"{path}, record {number} at byte {done}: its length is damaged, or this is no TFRecord file; "
                    "get it again"
                )
            body = file.read(length + CHECKSUM.size)
            if len(body) < length + CHECKSUM.size:
                raise _truncated(path, number, done)
            record = body[:length]
            if masked(check(record)) != CHECKSUM.unpack_from(body, length)[0]:
                raise BadData(
                    f"{path}, record {number} at byte {done}: its checksum does not fit; get the file again"
                )
            done += HEADER.size + len(body)
            yield done, record


def _truncated(path: Path, number: int, done: int) -> BadData:
    return BadData(f"{path} ends within record {number}, which begins at byte {done}; get the file again")
