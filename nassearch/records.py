"""The lines of a result: a header that says what it is the result of, and one JSON object per round."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from nassearch.errors import BadData
from nassearch.runner import Round
from nassearch.types import Floats

FORMAT = "nassearch result"
VERSION = 1
"""Raised when a reader of the version before would misread a file. A field that it passes over, such as `report` or a
new one of the experiment that is None where it has no meaning, does not raise it."""
NOT_STORED = frozenset({"rounds", "workers", "executor", "out", "plot", "json"})
"""Fields of an experiment that change no round: never written, so that they change no byte of a result."""
NOT_COMPARED = frozenset({"show", "choose", "target", "quantity", "unit", "lower_is_better"})
"""Fields that only say how to look at the rounds: a result may be continued under other values."""


@dataclass(frozen=True)
class Header:
    """What a result is the result of.

    Attributes:
        experiment: plain JSON values by field name.
        package: version of nassearch.
        data: digest of the benchmark's data.
    """

    experiment: Mapping[str, Any]
    package: str
    data: str

    def line(self) -> bytes:
        """Return the first line of a file, the same bytes for the same header."""
        stored = {key: value for key, value in sorted(self.experiment.items()) if key not in NOT_STORED}
        header = {"format": FORMAT, "version": VERSION, "package": self.package, "data": self.data}
        return _dump({**header, "experiment": stored})

    def difference(self, other: Header) -> tuple[str, Any, Any] | None:
        """Return the first field in which two headers stand for different rounds, with both values."""
        pairs = [("package version", self.package, other.package), ("data", self.data, other.data)]
        ours, theirs = (json.loads(header.line())["experiment"] for header in (self, other))
        names = sorted((ours.keys() | theirs.keys()) - NOT_COMPARED)
        pairs += [(name, ours.get(name), theirs.get(name)) for name in names]
        return next((pair for pair in pairs if pair[1] != pair[2]), None)


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def round_line(round: Round) -> bytes:
    """Return the line of a round, the same bytes for the same round; NaN is written as null, no report not at all.

    Raises:
        BadData: a value is infinite, or the report is not of plain JSON values.
    """
    columns: dict[str, Any] = {"round": round.round, "archs": round.archs}
    for name in ("valid", "test", "seconds"):
        values: list[float] = getattr(round, name).tolist()
        if any(abs(value) == float("inf") for value in values):
            raise BadData(
                f"round {round.round} has an infinite {name}: benchmarks answer with numbers or NaN"
            )
        columns[name] = [None if value != value else value for value in values]
    columns["revisits"] = round.revisits
    if not round.report:
        return _dump(columns)
    try:
        return _dump({**columns, "report": round.report})
    except (TypeError, ValueError) as error:
        raise BadData(
            f"the strategy's report of round {round.round} is not of texts, finite numbers and None: {error}"
        ) from error


def parse(path: Path, content: bytes) -> tuple[Header, list[Round]]:
    """Read the complete lines of a file; path is for messages.

    Raises:
        BadData: it is not a result, or a line of it is damaged.
    """
    first, *lines = content.split(b"\n")[:-1]
    try:
        fields = _loads(first)
        if fields["format"] != FORMAT:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadData(
            f"{path} is not a result of nassearch run: its first line is {_excerpt(first)}; name a file that "
            "nassearch run --out wrote or may write"
        ) from None
    if fields.get("version") != VERSION:
        raise BadData(
            f"{path} has format version {fields.get('version')!r}, and this nassearch reads {VERSION}: "
            "read it with the version that wrote it, or run it again"
        )
    try:
        header = Header(dict(fields["experiment"]), str(fields["package"]), str(fields["data"]))
    except (ValueError, KeyError, TypeError):
        raise BadData(f"line 1 of {path} is damaged: {_excerpt(first)}") from None
    rounds: list[Round] = []
    for number, line in enumerate(lines, start=2):
        try:
            rounds.append(_read_round(_loads(line), len(rounds)))
            if len(rounds[-1].archs) != len(rounds[0].archs):
                raise ValueError(f"it has {len(rounds[-1].archs)} models, not {len(rounds[0].archs)}")
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            why = str(error) if type(error) is ValueError else _excerpt(line)
            raise BadData(
                f"line {number} of {path} is damaged: {why}; cut the file off before that line to keep "
                f"rounds 0 to {number - 3}, then run it again"
                if number > 2
                else f"line 2 of {path} is damaged: {why}; remove the file and run it again"
            ) from None
    return header, rounds


def _loads(line: bytes) -> Any:
    """Read JSON as it is written here: without NaN and Infinity, which JSON does not have."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no number here")

    return json.loads(line, parse_constant=refuse)


def _read_round(columns: dict[str, Any], expected: int) -> Round:
    number = columns["round"]
    if number != expected:
        raise ValueError(f"round {expected} belongs here, not {number}")
    if {type(arch) for arch in columns["archs"]} - {list}:
        raise ValueError("architectures are lists")
    archs, revisits = list(map(tuple, columns["archs"])), columns["revisits"]
    if {type(n) for n in itertools.chain([number, revisits], *archs)} != {int}:
        raise ValueError("architectures, round and revisits are of whole numbers")
    report = columns.get("report", {})
    if not isinstance(report, dict):
        raise ValueError("a report has names")
    valid, test, seconds = (_floats(columns[name], len(archs)) for name in ("valid", "test", "seconds"))
    return Round(expected, archs, valid, test, seconds, revisits, report)


def _floats(values: list[float | None], length: int) -> Floats:
    if len(values) != length:
        raise ValueError(f"{len(values)} values for {length} architectures")
    if not set(map(type, values)) <= {float, int, NoneType}:
        raise ValueError("values are numbers or null")
    array = np.array(values, dtype=np.float64)
    if np.isinf(array).any():
        raise ValueError("values are finite")
    return array


def _excerpt(line: bytes) -> str:
    text = line[:60].decode(errors="replace")
    return repr(text if len(line) <= 60 else text + "...")
