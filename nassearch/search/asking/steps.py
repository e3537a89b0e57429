"""The file of a search that is asked and told: what it is a search for, and then every step, a line each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from nassearch.errors import BadData, InvalidSetting, MissingData
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.limits import RESULT
from nassearch.files.lines import LineFile
from nassearch.files.plain_json import read_json
from nassearch.search import schema
from nassearch.search.records import ASKED, Header
from nassearch.types import Arch

FORMAT, VERSION = "nassearch asks", 1
FILE = ASKED
REMEDY = "move the folder away to begin anew"
KINDS = ("ask", "again", "tell", "forget", "budget")


@dataclass(frozen=True)
class Step:
    """One step of a search.

    Attributes:
        kind: `ask`, a new one; `again`, a pending one handed out once more; `tell`; `forget`, one that nobody will
            tell; `budget`, another one from here on.
        number: of the ask, from 1; None for a `tell` of what was never asked; the models of a `budget`, 0 for any.
        arch: of `ask` and `tell`.
        epochs: of a shorter training; None for a whole one.
        refused: architectures that the strategy asked for before, and that turned out to cost too much.
        worker: whom it was handed to.
        time: when, in seconds since 1970; of `ask` and `again`.
        values: of `tell`, of all objectives as published; None where the training came to nothing.
        metrics: further ones, by name.
        seconds: that the training took.
        note: what there is to say of it.
    """

    kind: str
    number: int | None = None
    arch: Arch | None = None
    epochs: int | None = None
    refused: tuple[Arch, ...] = ()
    worker: str | None = None
    time: int | None = None
    values: tuple[float | None, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    note: str | None = None

    def line(self) -> bytes:
        """Return its line, the same bytes for the same step."""
        rest = {each.name: getattr(self, each.name) for each in fields(self)[2:]}
        said = {name: value for name, value in rest.items() if value not in (None, (), {})}
        return (json.dumps({self.kind: self.number, **said}, allow_nan=False) + "\n").encode()


class Asked(NamedTuple):
    """What a file holds: what the search is for, as plain JSON, the header of its results, and the steps."""

    made: Mapping[str, Any]
    header: Header
    steps: list[Step]

    def first(self) -> bytes:
        """Return the first line."""
        about = {"format": FORMAT, "version": VERSION, "made": dict(self.made)}
        header = {"header": json.loads(self.header.line())}
        return (json.dumps({**about, **header}, allow_nan=False) + "\n").encode()


class StepFile(LineFile):
    """The file, held by one process at a time, for as long as it takes to add its steps.

    Args:
        path: the file.
        new: what a new file begins with; None where it has to be there.

    Raises:
        Busy: another process holds it.
        MissingData: it is not there.
        BadData: it is no such file, or damaged.
        InvalidSetting: a new one would begin with what nobody could read.
    """

    busy: ClassVar[str] = "another process, which has not let go of it: see what it does, then try again"

    def __init__(self, path: Path, new: Asked | None = None) -> None:
        if new is None:
            check_begun(path)
        else:
            _refuse_unreadable(lambda: _head(new.first()))
        self.asked = new
        super().__init__(path)

    def append(self, step: Step) -> None:
        """Write a step: from here on, no kill loses it.

        Raises:
            InvalidSetting: nobody could read it; nothing is written.
        """
        asks = sum(each.kind == "ask" for each in self.held.steps)
        _refuse_unreadable(lambda: _step(read_json(step.line()), asks))
        self._add(step.line(), lambda: self.held.steps.append(step))

    @property
    def held(self) -> Asked:
        """Return what the file holds."""
        assert self.asked is not None
        return self.asked

    def _kept(self) -> bytes:
        if not self.path.exists():
            return b""
        text = _whole_lines(self.path)
        if text:
            self.asked = parsed(self.path, text)
        elif self.asked is None:
            raise _unbegun(self.path)
        return text

    def _first(self) -> bytes:
        return self.held.first()

    def _content(self) -> bytes:
        return b"".join([self.held.first(), *(step.line() for step in self.held.steps)])

    def _units(self) -> str:
        return f"all {len(self.held.steps)} steps"

    def _remedy(self) -> str:
        return "What is recorded is safe; make room, then try again"


def check_begun(path: Path) -> None:
    """Raise `MissingData` where there is no such file."""
    if not path.is_file():
        raise _unbegun(path)


def read_asked(path: Path) -> Asked:
    """Read the file of a search, also while others write.

    Raises:
        MissingData: there is none, or it has no whole line yet.
        BadData: it is none, or damaged.
    """
    check_begun(path)
    text = _whole_lines(path)
    if not text:
        raise _unbegun(path)
    return parsed(path, text)


def _unbegun(path: Path) -> MissingData:
    return MissingData(
        f"{path.parent} holds no search that can be asked: begin one with nassearch begin {path.parent} --space SPACE"
    )


def _whole_lines(path: Path) -> bytes:
    with guarded(path, REMEDY):
        text = read_bytes(path, RESULT)
    return text[: text.rfind(b"\n") + 1]


def parsed(path: Path, text: bytes) -> Asked:
    """Return what whole lines say; path is for messages.

    Raises:
        BadData: they are none of such a file, or damaged.
    """
    first, *rest = text.splitlines()
    try:
        made, header = _head(first)
    except ValueError as error:
        raise BadData(f"line 1 of {path} is damaged: {error}; {REMEDY}") from None
    steps: list[Step] = []
    asks = 0
    for number, line in enumerate(rest, start=2):
        try:
            steps.append(_step(read_json(line), asks))
        except ValueError as error:
            raise BadData(f"line {number} of {path} is damaged: {error}; {REMEDY}") from None
        asks += steps[-1].kind == "ask"
    return Asked(made, header, steps)


def _head(line: bytes) -> tuple[Mapping[str, Any], Header]:
    """Return what a first line says the search is for; raise `ValueError` where it is none."""
    head = read_json(line)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise ValueError("its first line is none of a search that is asked and told")
    if head.get("version") != VERSION:
        raise ValueError(f"it is of another version of nassearch than this one reads ({VERSION})")
    schema.check_fields(head, {"made": _made, "header": lambda _: None}, ("made", "header"))
    said = head["header"]
    if not isinstance(said, dict):
        raise ValueError("header is values by name")
    package, data, experiment, code = (said.get(name) for name in ("package", "data", "experiment", "code"))
    schema.check_header(package, data, experiment, code := {} if code is None else code)
    return head["made"], Header(experiment, str(package), str(data), code)  # type: ignore[arg-type]


def _refuse_unreadable(read: Callable[[], object]) -> None:
    """Raise `InvalidSetting` where what is to be written could not be read again, which would damage the file."""
    try:
        read()
    except (TypeError, ValueError) as error:
        raise InvalidSetting(f"a folder cannot keep this: {error}") from None


def _made(value: Any) -> None:
    schema.named(value)
    for name in ("budget", "epochs"):
        schema.field(name, value.get(name), schema.nullable(schema.whole(1)))


def _arch(value: Any) -> None:
    schema.check_archs([value])


def _archs(value: Any) -> None:
    if value:
        schema.check_archs(value)


def _values(value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise ValueError("values of the objectives, one at least")
    for each in value:
        schema.nullable(schema.number)(each)


def _metrics(value: Any) -> None:
    schema.named(value)
    for each in value.values():
        schema.number(each)


FIELDS: dict[str, schema.Check] = {
    "arch": _arch,
    "epochs": schema.whole(1),
    "refused": _archs,
    "worker": schema.text,
    "time": schema.whole(0),
    "values": _values,
    "metrics": _metrics,
    "seconds": schema.number,
    "note": schema.text,
}
NEEDED = {"ask": ("arch",), "tell": ("arch", "values")}


def _step(found: Any, asks: int) -> Step:
    """Return the step of a line; raise `ValueError` where it is none that can stand behind so many asks."""
    kinds = [kind for kind in KINDS if isinstance(found, dict) and kind in found]
    if len(kinds) != 1:
        raise ValueError(f"a step is one of {', '.join(KINDS)}")
    (kind,) = kinds
    number = found.pop(kind)
    ranges = {"ask": (asks + 1, asks + 1), "budget": (0, schema.WHOLE)}
    if number is not None or kind != "tell":
        schema.field(kind, number, schema.whole(*ranges.get(kind, (1, asks))))
    schema.check_fields(found, FIELDS, NEEDED.get(kind, ()))
    known = {name: value for name, value in found.items() if name in FIELDS}
    for name in ("arch", "values"):
        if name in known:
            known[name] = tuple(known[name])
    if "refused" in known:
        known["refused"] = tuple(map(tuple, known["refused"]))
    return Step(kind, number, **known)


def check_text(name: str, value: Any) -> str | None:
    """Return a text that a step may hold; raise `InvalidSetting` where it is none."""
    if value is None:
        return None
    try:
        schema.text(value)
    except ValueError as error:
        raise InvalidSetting(f"{name} is {error}") from None
    return str(value)
