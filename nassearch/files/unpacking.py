"""Unpack compressed files and archives within limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path
from typing import Any

from nassearch.errors import BadData, NassearchError
from nassearch.files.bounded import CHUNK, DAMAGED, Bounded, of_system
from nassearch.files.limits import MB, amount

LIST_OF_MEMBERS = 16 * MB
"""Bytes, of a zip, which is read whole before anything else; that of 14,322 logs has a million."""


class Unpacked:
    """The bytes that come out of a compressed stream, up to a limit.

    Args:
        stream: has `read(count)`.
        origin: names it in messages.
        most: bytes that may come out.
        clock: asked before each read whether there is time left.
        kind: of compression, for messages.
    """

    def __init__(self, stream: Any, origin: Path | str, most: int, clock: Bounded, kind: str = "") -> None:
        self._stream, self.origin, self.most, self._clock, self.kind = stream, origin, most, clock, kind
        self.done = 0

    def read(self, count: int = CHUNK) -> bytes:
        """Return at most so many bytes, none at the end.

        Raises:
            BadData: the stream is damaged, or gives more than it may.
        """
        self._clock.deadline.check()
        try:
            data: bytes = self._stream.read(min(count, CHUNK))
        except (*DAMAGED, ValueError) as error:
            if isinstance(error, NassearchError) or of_system(error):
                raise
            raise BadData(
                f"{self.origin} is truncated or damaged {self.kind} ({error}); get it again"
            ) from error
        self.done += len(data)
        if self.done > self.most:
            raise BadData(f"{self.origin} unpacks to more than {amount(self.most)}, the limit of its kind")
        return data


COMPRESSIONS: dict[bytes, tuple[str, Any]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
}


def unpacked(file: Bounded) -> Unpacked:
    """Return the bytes of a file as they were before gzip, bzip2 or xz, which its beginning tells."""
    begins = file.read(8)
    file.seek(0)
    for magic, (kind, opener) in COMPRESSIONS.items():
        if begins.startswith(magic):
            return Unpacked(opener(file), file.path, file.limits.unpacked, file, kind)
    return Unpacked(file, file.path, file.limits.unpacked, file)


def archive(file: Bounded) -> zipfile.ZipFile:
    """Open a zip whose list of members is no longer than `LIST_OF_MEMBERS`.

    Raises:
        BadData: it is longer.
        zipfile.BadZipFile, OSError: it is no zip, or damaged.
    """
    before, file.at_once = file.at_once, LIST_OF_MEMBERS
    try:
        return zipfile.ZipFile(file)
    finally:
        file.at_once = before
