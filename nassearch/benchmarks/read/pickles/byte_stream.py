"""Read a stream a few bytes at a time, from whatever container it comes in."""

from __future__ import annotations

from collections.abc import Callable

from nassearch.errors import BadData, NassearchError
from nassearch.files.bounded import DAMAGED, of_system

CHUNK = 1 << 20
MARGIN = 16
"""Bytes that are read ahead: the longest instruction without a length of its own has nine."""
LONGEST = 1 << 28
"""Bytes of a single value, which the longest weights of a published network stay far below."""


class ByteStream:
    """A stream with a look ahead of at least `MARGIN` bytes.

    Args:
        read: takes a number of bytes and returns at most as many, none at the end.
        origin: names the stream in messages.
        limit: bytes beyond which it is refused, for what is unpacked from a small file and then held.
    """

    def __init__(self, read: Callable[[int], bytes], origin: str, limit: int | None = None) -> None:
        self._read, self.origin, self._limit = read, origin, limit
        self._buffer, self._at, self._before = b"", 0, 0

    @property
    def offset(self) -> int:
        """Bytes of the stream that have been understood."""
        return self._before + self._at

    def peek(self, count: int) -> bytes:
        """Return the next bytes, at most so many, and stay where it is."""
        self._fill(count)
        return self._buffer[:count]

    def _fill(self, needed: int) -> int:
        """Have `needed` bytes after the current place in the buffer, or all there are; return how far is safe."""
        rest = self._buffer[self._at :]
        parts, length = [rest], len(rest)
        while length < needed:
            try:
                part = self._read(CHUNK)
            except DAMAGED as error:
                if isinstance(error, NassearchError) or of_system(error):
                    raise
                raise BadData(f"cannot be read ({error}); get it again") from error
            if not part:
                break
            if self._limit is not None and self.offset + length > self._limit:
                raise BadData(f"unpacks to more than {self._limit} bytes")
            parts.append(part)
            length += len(part)
        if not length:
            raise BadData("the file ends before its pickle does; get it again")
        self._before += self._at
        self._buffer, self._at = b"".join(parts), 0
        return length - MARGIN if length >= needed else length

    def _take(self, length: int) -> bytes:
        if length > LONGEST:
            raise BadData(f"a single value of {length} bytes, more than {LONGEST}")
        if self._at + length > len(self._buffer):
            self._fill(length + MARGIN)
        taken = self._buffer[self._at : self._at + length]
        if len(taken) < length:
            raise BadData("the file ends within a value; get it again")
        self._at += length
        return taken

    def _number(self, length: int, signed: bool = False) -> int:
        return int.from_bytes(self._take(length), "little", signed=signed)

    def _line(self) -> str:
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self._take(1)
        return line[:-1].decode()
