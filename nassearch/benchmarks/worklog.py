"""Work that a kill may interrupt: JSON lines under a header, each of them there in full or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from nassearch.errors import BadData
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.limits import WORK
from nassearch.files.lines import LineFile
from nassearch.files.plain_json import read_json


class WorkLog(LineFile):
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

    busy: ClassVar[str] = "another process: wait for it, then run this again"

    def __init__(self, path: Path, header: Mapping[str, Any], of: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self._header, self._of = header, of
        super().__init__(path)

    def append(self, line: dict[str, Any]) -> None:
        """Write a line: from here on, no kill loses it.

        Raises:
            NassearchError: it cannot be written; or the file was removed, replaced or changed by another program, and
                the message says where all lines are saved.
        """
        self._add(_bytes(line), lambda: self.lines.append(line))

    def _kept(self) -> bytes:
        if not self.path.exists():
            return b""
        with guarded(self.path, "remove it to start over"):
            text = read_bytes(self.path, WORK)
        whole = text.rfind(b"\n") + 1
        try:
            lines = [dict(read_json(line)) for line in text[:whole].splitlines()]
        except (ValueError, TypeError) as error:
            raise BadData(f"{self.path} is not a work file: {error}; remove it to start over") from error
        if lines and lines[0] != json.loads(json.dumps(self._header)):
            raise BadData(f"{self.path} belongs to another {self._of}; finish it, or remove it to start over")
        self.lines = lines[1:]
        return text[:whole]

    def _first(self) -> bytes:
        return _bytes(self._header)

    def _content(self) -> bytes:
        return b"".join(map(_bytes, [self._header, *self.lines]))

    def _units(self) -> str:
        return "all finished units"

    def _remedy(self) -> str:
        return "What is finished is safe; make room, then run again to go on"


def _bytes(line: Mapping[str, Any]) -> bytes:
    return (json.dumps(line, allow_nan=False) + "\n").encode()
