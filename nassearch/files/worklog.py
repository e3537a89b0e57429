"""Work that a kill may interrupt: JSON lines under a header, each of them there in full or not at all."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import Timeout

from nassearch.errors import BadData, Busy, NassearchError
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.growing import GrowingFile, lost
from nassearch.files.limits import WORK
from nassearch.files.locks import hold, let_go
from nassearch.files.plain_json import read_json


class WorkLog:
    """Finished units of a long piece of work, one line each; a torn last line is dropped on opening.

    Args:
        path: the file, made where there is none.
        header: what the work is; a file with another one is refused.
        of: what the header describes, for messages: "recipe".

    Raises:
        Busy: another process is at this work; the file is held until the log is let go of.
        BadData: it is no such file, or belongs to other work.
        NassearchError: it cannot be written.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], of: str) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.close = weakref.finalize(self, let_go, hold(path))
        except Timeout:
            raise Busy(
                f"{path} is being written by another process: wait for it, then run this again"
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            whole = self._read(json.loads(json.dumps(header)), of) if path.exists() else b""
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            self._file = GrowingFile(path, FileIO(descriptor, "r+"), whole)
        except OSError as error:
            raise _unwritable(path, error) from error
        self._header = header
        if not whole:
            self._write(header)

    def _read(self, header: Mapping[str, Any], of: str) -> bytes:
        with guarded(self.path, "remove it to start over"):
            text = read_bytes(self.path, WORK)
        whole = text.rfind(b"\n") + 1
        try:
            lines = [dict(read_json(line)) for line in text[:whole].splitlines()]
        except (ValueError, TypeError) as error:
            raise BadData(f"{self.path} is not a work file: {error}; remove it to start over") from error
        if lines and lines[0] != header:
            raise BadData(f"{self.path} belongs to another {of}; finish it, or remove it to start over")
        self.lines = lines[1:]
        return text[:whole]

    def append(self, line: dict[str, Any]) -> None:
        """Write a line: from here on, no kill loses it.

        Raises:
            NassearchError: it cannot be written; or the file was removed, replaced or changed by another program, and
                the message says where all lines are saved.
        """
        if (harm := self._file.harm()) is not None:
            content = b"".join(map(_bytes, [self._header, *self.lines, line]))
            raise lost(self.path, harm, "all finished units", content)
        self._write(line)
        self.lines.append(line)

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.add(_bytes(line))
            self._file.sync()
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _bytes(line: Mapping[str, Any]) -> bytes:
    return (json.dumps(line, allow_nan=False) + "\n").encode()


def _unwritable(path: Path, error: OSError) -> NassearchError:
    return NassearchError(
        f"{path} cannot be written: {error.strerror or error}. What is finished is safe; make room, then run "
        "again to go on"
    )
