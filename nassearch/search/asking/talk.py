"""One process that is asked and told by lines of JSON: a request a line, and an answer a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from nassearch.errors import InvalidSetting, NassearchError, UnknownName, quoted
from nassearch.files.inert import inert_json
from nassearch.files.plain_json import read_json
from nassearch.search.asking.ask_tell import AskTell
from nassearch.search.asking.overview import Overview

LONGEST = 1 << 20
"""Bytes of a request."""
MOST = 10_000
"""Values in a request."""
KEYS = {
    "ask": ("worker", "again"),
    "tell": ("value", "failed", "metrics", "seconds", "note", "epochs"),
    "forget": (),
    "status": (),
}
"""What a request is known by, and what may be beside that."""


def requests(stream: BinaryIO) -> Iterator[bytes | None]:
    """Yield the lines of a stream, without empty ones; None for one that is too long, which is passed over."""
    while line := stream.readline(LONGEST + 1):
        if len(line) > LONGEST and not line.endswith(b"\n"):
            while (rest := stream.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            yield None
        elif line.strip():
            yield line


def talk(search: AskTell, stream: BinaryIO, answer: Callable[[str], None]) -> None:
    """Answer every request of a stream until it ends; whatever is wrong with one, the next is answered."""
    for line in requests(stream):
        try:
            found = answered(search, line)
        except NassearchError as error:
            found = {"error": {"kind": type(error).__name__, "message": str(error)}}
        answer(inert_json(json.dumps(found, ensure_ascii=False)))


def answered(search: AskTell, line: bytes | None) -> dict[str, Any]:
    """Return the answer to one request.

    Raises:
        NassearchError: it is none, or cannot be done; the message says the remedy.
    """
    request = _read(line)
    kind = _kind(request)
    what, rest = request[kind], {name: value for name, value in request.items() if name != kind}
    for name in rest:
        if name not in KEYS[kind]:
            raise UnknownName(f"key of {kind}", name, KEYS[kind])
    match kind:
        case "ask":
            asks = search.ask(what, **rest)
            return {"asks": [each.as_dict() for each in asks], "ended": search.ended, "why": search.why}
        case "tell":
            if type(what) not in (int, str):
                raise InvalidSetting(
                    f"tell takes the id of an ask or the text of an architecture, not {quoted(what)}"
                )
            return {"told": search.tell(what, rest.pop("value", None), **rest)._asdict()}
        case "forget":
            return {"forgotten": what, "new": search.forget(what)}
    if what is not True:
        raise InvalidSetting(f"status is true, not {quoted(what)}")
    return {"status": Overview.of(search.path).as_dict()}


def _read(line: bytes | None) -> dict[str, Any]:
    if line is None:
        raise InvalidSetting(f"a request is a line of at most {LONGEST} bytes: send less at once")
    try:
        found = read_json(line, MOST, constants=True)
    except ValueError as error:
        raise InvalidSetting(
            f'a request is a JSON object on one line, such as {{"ask": 1}}, and this line is none: {error}'
        ) from None
    if not isinstance(found, dict):
        raise InvalidSetting(f'a request is a JSON object, such as {{"ask": 1}}, not {quoted(found)}')
    return found


def _kind(request: dict[str, Any]) -> str:
    kinds = [name for name in request if name in KEYS]
    if len(kinds) != 1:
        raise InvalidSetting(
            f"a request has one of {', '.join(KEYS)} among its keys, and this one has {quoted(list(request))}"
        )
    return kinds[0]
