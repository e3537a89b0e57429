"""The order in which a search asked and was told, a line each, so that it can be gone on with from any moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from nassearch.errors import BadData
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.limits import RESULT
from nassearch.files.lines import LineFile
from nassearch.files.plain_json import read_json
from nassearch.types import Arch

FIRST = b'{"format": "nassearch events", "version": 1}\n'
REMEDY = "move the folder away to begin anew"
KINDS = ("ask", "tell")


class Event(NamedTuple):
    """One step of a search.

    Attributes:
        kind: `"ask"`, where the strategy asked for a training, or `"tell"`, where it was told what that gave.
        arch: the architecture.
        epochs: of a shorter training; None for a whole one.
    """

    kind: str
    arch: Arch
    epochs: int | None = None


class EventFile(LineFile):
    """The events of one search, held by the process that drives it.

    Raises:
        Busy: another process drives this search.
        BadData: the file has other lines.
    """

    busy: ClassVar[str] = "another search: wait for it, or give this one another --out"

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        super().__init__(path)

    def append(self, event: Event) -> None:
        """Write an event: from here on, no kill loses it."""
        self._add(_line(event), lambda: self.events.append(event))

    def _kept(self) -> bytes:
        if not self.path.exists():
            return b""
        text, self.events = _read(self.path)
        return text

    def _first(self) -> bytes:
        return FIRST

    def _content(self) -> bytes:
        return b"".join([FIRST, *map(_line, self.events)])

    def _units(self) -> str:
        return f"all {len(self.events)} steps"

    def _remedy(self) -> str:
        return "What is recorded is safe; make room, then run again to go on"


def read_events(path: Path) -> list[Event]:
    """Return the events of a search, none where it has not begun; also while it goes on.

    Raises:
        BadData: the file is none of events.
    """
    return _read(path)[1] if path.exists() else []


def _line(event: Event) -> bytes:
    fields: dict[str, Any] = {event.kind: list(event.arch)}
    if event.epochs is not None:
        fields["epochs"] = event.epochs
    return (json.dumps(fields) + "\n").encode()


def _read(path: Path) -> tuple[bytes, list[Event]]:
    with guarded(path, REMEDY):
        text = read_bytes(path, RESULT)
    text = text[: text.rfind(b"\n") + 1]
    if not text:
        return b"", []
    first, *lines = text.splitlines(keepends=True)
    if first != FIRST:
        raise BadData(f"{path} has no events of a search in its first line; {REMEDY}")
    try:
        return text, [_event(read_json(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise BadData(f"{path} is damaged: {error}; {REMEDY}") from None


def _event(found: Any) -> Event:
    kinds = [kind for kind in KINDS if isinstance(found, dict) and kind in found]
    if len(kinds) != 1 or not isinstance(found[kinds[0]], list):
        raise ValueError("a step has an architecture that was asked for or told")
    arch, epochs = found[kinds[0]], found.get("epochs")
    if not all(type(option) is int for option in arch) or not (epochs is None or type(epochs) is int):
        raise ValueError("an architecture is whole numbers, and epochs are one")
    return Event(kinds[0], tuple(arch), epochs)
