"""A store keeps a result on disk: a header, then one JSON line per round. It only ever appends."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from nassearch.errors import BadData, InvalidSetting, Unbegun, quoted
from nassearch.files.bounded import guarded, read_bytes, refuse_special
from nassearch.files.limits import RESULT
from nassearch.files.lines import LineFile
from nassearch.search.records import ASKED, Header, check_result, is_cut_off, parse, round_line
from nassearch.search.runner import Round

__all__ = ["Header", "Result", "Store", "read_result"]

SECONDS_BETWEEN_SYNCS = 1.0
IN_FOLDER = "result.jsonl"
"""Name of the result in the folder of a search on data of one's own."""


@dataclass(frozen=True)
class Result:
    """A result as read: its header and its complete rounds, 0 to `len(rounds) - 1`."""

    path: Path
    header: Header
    rounds: list[Round] = field(repr=False)


class Store(LineFile):
    """The file of one experiment, held by one writer at a time.

    with Store.open(path, header) as store:
        for round in run_rounds(..., rounds=range(store.done, 100)):
            store.append(round)
    """

    busy: ClassVar[str] = "another run: wait for it, or choose another --out"
    seconds_between_syncs: ClassVar[float] = SECONDS_BETWEEN_SYNCS

    def __init__(self, path: Path, header: Header, overwrite: bool) -> None:
        self.rounds: list[Round] = []
        self._header, self._overwrite = header, overwrite
        self._line = header.line()
        self._before = b""  # the result that this one replaces, until it has a round
        super().__init__(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str], header: Header, overwrite: bool = False) -> Store:
        """Create the file, or go on with it after its last complete round; `overwrite` begins a result anew.

        What it replaced is there again where an error ends the `with` block before the first round.

        Raises:
            Busy: another writer holds it.
            InvalidSetting: it is no path, or holds the rounds of a different experiment.
            BadData: it is not a result, or a line before the last is damaged.
            NassearchError: it cannot be written.
        """
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise InvalidSetting(
                f"out is the path of a file, not {quoted(path)}: give one, such as 'ae.jsonl'"
            )
        path = Path(path)
        refuse_special(path, "choose another --out")
        return cls(path, header, overwrite)

    def _kept(self) -> bytes:
        content = read_bytes(self.path, RESULT) if self.path.exists() else b""
        if self._overwrite and content:
            check_result(self.path, content)
            self._before = content
            return b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole:
            found, self.rounds = parse(self.path, whole)
            _refuse_other(self.path, found, self._header)
            self._line = whole[: whole.find(b"\n") + 1]
        elif not self._line.startswith(content):
            parse(self.path, content + b"\n")  # says what is wrong with it
            raise BadData(f"{self.path} ends within the header of a different result: remove it")
        return whole

    def _first(self) -> bytes:
        return self._line

    def _content(self) -> bytes:
        return b"".join([self._line, *map(round_line, self.rounds)])

    def _units(self) -> str:
        return f"all {self.done} rounds"

    def _remedy(self) -> str:
        return f"The {self.done} rounds in it are safe; make room or choose another --out, then run again to go on"

    @property
    def done(self) -> int:
        """Return the number of complete rounds, which is the number of the next."""
        return len(self.rounds)

    def append(self, finished: Round) -> None:
        """Write a round: from here on, killing the process does not lose it.

        The file is brought to the disk about once a second, and when it is closed.

        Raises:
            InvalidSetting: it is not the next round.
            NassearchError: it cannot be written, and is left at the round before; or it was removed, replaced or
                changed by another program, and the message says where all rounds are saved.
        """
        if finished.round != self.done:
            raise InvalidSetting(f"{self.path} takes round {self.done} next, not {finished.round}")
        self._add(round_line(finished), lambda: self.rounds.append(finished))

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        refused = isinstance(error, Exception) and not self.done and not self.closed
        if refused and self._growing.harm() is None:
            self._given_up = True  # a search that ends before its first round leaves what was there before
            real = Path(os.path.realpath(self.path))
            with suppress(OSError):
                real.write_bytes(self._before) if self._before else real.unlink()
        self.close()
        if isinstance(error, KeyboardInterrupt) and not error.args:
            # The file knows best: the interruption may have come between its writing and anything else.
            error.args = (f"the {self._growing.lines - 1} rounds in {self.path} are safe",)


def read_result(path: str | os.PathLike[str]) -> Result:
    """Read a result, finished or still being written; a line without its end is left out.

    Args:
        path: the file, or the folder of a search on data of one's own, or of one that is asked and told.

    Raises:
        MissingData: there is no such file.
        Unbegun: it has no whole first line yet.
        BadData: it is not a result, or a line of it is damaged; the message has the line's number.
    """
    path = Path(path)
    path = result_in(path)
    with guarded(
        path, missing="nassearch run writes one with --out, and nassearch search at its end", what="result"
    ):
        content = read_bytes(path, RESULT)
    whole = content[: content.rfind(b"\n") + 1]
    if path.name == ASKED and whole:
        from nassearch.search.asking.result import result_of

        return Result(path, *result_of(path, whole))
    if not whole:
        if is_cut_off(content):
            met = "is cut off within its first line" if content else "is empty"
            raise Unbegun(
                f"{path} is not a result of nassearch run yet: it {met}; wait for it, or run the search again"
            )
        raise BadData(
            f"{path} is not a result of nassearch run: it has no whole line; name a file that is one"
        )
    header, rounds = parse(path, whole)
    return Result(path, header, rounds)


def is_search(path: Path) -> bool:
    """Say whether this is the folder of a search on data of one's own, ended or not."""
    return (path / "search.json").is_file()


def is_asked(path: Path) -> bool:
    """Say whether this is the folder of a search that is asked and told."""
    return (path / ASKED).is_file()


def result_in(path: Path) -> Path:
    """Return the file of a result: that in a folder of a search, or the path itself."""
    return path / IN_FOLDER if is_search(path) else path / ASKED if is_asked(path) else path


def _refuse_other(path: Path, found: Header, wanted: Header) -> None:
    difference = found.difference(wanted)
    if difference is not None:
        name, there, here = difference
        raise InvalidSetting(
            f"{path} holds rounds with {name} {there!r}, and this run has {here!r}: "
            "choose another --out, or --overwrite to start afresh (from Python: overwrite=True)"
        )
