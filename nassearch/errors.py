"""The one exception tree. A message says the rule, the value met and the remedy."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class NassearchError(Exception):
    """Base of every error that nassearch raises on purpose."""


class UnknownName(NassearchError, LookupError):
    """A strategy, proxy, benchmark, data set or setting that does not exist."""

    def __init__(self, kind: str, name: object, known: Iterable[str], remedy: str = "") -> None:
        known, name = sorted(known), name if isinstance(name, str) else quoted(name)
        close = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=3, cutoff=0.5)
        near = [k for match in close for k in known if k.lower() == match]
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
        super().__init__(f"no {kind} is called {excerpt(name)}; {hint}" + (f" {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unknown_name, self.args  # raised in a worker process, it crosses to this one


def excerpt(text: str, most: int = 200) -> str:
    """Quote a text for a message, cut where nobody would read on.

    >>> excerpt("a" * 9, most=3)
    "'aaa...' (9 characters)"
    """
    return repr(text) if len(text) <= most else f"{text[:most] + '...'!r} ({len(text)} characters)"


def quoted(value: object) -> str:
    """Quote a value of a file for a message: cut, also where the whole could not be written or would take ages.

    Lists that hold one list twice, and so on for thirty levels, have a billion values in all.

    >>> quoted([1, 2, "three"])
    "[1, 2, 'three']"
    >>> quoted([10**5000])
    '[a whole number of 16610 bits]'
    """
    text = _SHORT.repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def told(error: BaseException) -> str:
    """Return an error, and the line that it comes from of code that is neither torch's nor ours."""
    place, traceback = "", error.__traceback__
    while traceback is not None:
        file = Path(traceback.tb_frame.f_code.co_filename)
        if HERE not in file.parents and "torch" not in file.parts and file.suffix == ".py":
            place = f" ({file}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    text = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"{text}{place}"


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 4, 9, 9, 4
        self.maxstring = self.maxother = 100

    def repr_int(self, x: int, level: int) -> str:
        # Python writes no more than 4300 digits.
        return repr(x) if x.bit_length() <= 256 else f"a whole number of {x.bit_length()} bits"


_SHORT = _Short()


def _unknown_name(message: str) -> UnknownName:
    error = UnknownName.__new__(UnknownName)
    error.args = (message,)
    return error


class InvalidArch(NassearchError, ValueError):
    """An architecture, or its text, that is not in the search space."""


class InvalidSetting(NassearchError, ValueError):
    """A value out of range, or a combination that has no meaning."""


class InvalidModel(NassearchError, ValueError):
    """A model that a proxy has no meaning for, or that does not do what proxies ask of models."""


class BrokenPart(NassearchError, RuntimeError):
    """A part of someone else's that cannot be used, or does not do what such a part does; the message names it."""


class MissingData(NassearchError, FileNotFoundError):
    """Data that has to be fetched or imported first; the message names the command."""


class BadData(NassearchError, ValueError):
    """A file that is there but is not what it should be."""


class Unbegun(BadData):
    """A result without a whole first line: its search ended as it began, or begins just now. It may have rounds yet."""


class Unreadable(BadData):
    """A file that the system does not give: no permission, no plain file, a disk that fails. It may be whole."""


class Busy(NassearchError, RuntimeError):
    """Another process is writing to the same place."""
