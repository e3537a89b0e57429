"""A result has a header, which says what it is the result of, and then one JSON object per round."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.errors import BadData, quoted
from nassearch.files.plain_json import read_json
from nassearch.search.runner import METRICS, Round
from nassearch.search.schema import (
    LARGEST,
    MOST_VALUES,
    check_archs,
    check_further,
    check_header,
    check_report,
    check_shares,
    check_values,
    field,
    kind,
    whole,
)
from nassearch.types import Floats

FORMAT = "nassearch result"
ASKED = "asked.jsonl"
"""Name of the file in the folder of a search that is asked and told, which is read as a result too."""
VERSION = 1
"""Raised when a reader of the version before would misread a file. A field that it passes over, such as `report` or a
new one of the experiment that is None where it has no meaning, does not raise it. Results with shorter trainings have
the next: a reader that passes over their shares would take each for a whole one."""
NOT_STORED = frozenset({"rounds", "workers", "executor", "out", "plot", "json"})
"""Fields of an experiment that change no round: never written, so that they change no byte of a result."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes. A round of a thousand models has 60 KB."""
NOT_COMPARED = frozenset({"show", "choose", "target", "quantity", "unit", "lower_is_better"})
"""Fields that only say how to look at the rounds: a result may be continued under other values."""


@dataclass(frozen=True)
class Header:
    """What a result is the result of.

    Attributes:
        experiment: plain JSON values by field name.
        package: version of nassearch.
        data: digest of the benchmark's data.
        code: which code computed it, see `nassearch.provenance.identity`, by part. Results without it are from before
            it was written: they can be read, and not be gone on with.
    """

    experiment: Mapping[str, Any]
    package: str
    data: str
    code: Mapping[str, str] = attribute(default_factory=dict)

    def line(self) -> bytes:
        """Return the first line of a file, the same bytes for the same header."""
        stored = {key: value for key, value in sorted(self.experiment.items()) if key not in NOT_STORED}
        header: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION + bool(self.experiment.get("shorter")),
            "package": self.package,
            "data": self.data,
        }
        if self.code:
            header["code"] = dict(sorted(self.code.items()))
        return _dump({**header, "experiment": stored})

    def difference(self, other: Header) -> tuple[str, Any, Any] | None:
        """Return the first field in which two headers stand for different rounds, with both values.

        What was asked for comes before what follows from it: another data set also has other data.
        """
        one, two = (json.loads(header.line())["experiment"] for header in (self, other))
        order = {
            "strategy": 0,
            "benchmark": 1,
            "dataset": 2,
            "batch": 4,
            "best": 5,
            "front": 5,
        }  # a batch is a digest
        names = sorted((one.keys() | two.keys()) - NOT_COMPARED, key=lambda name: (order.get(name, 3), name))
        pairs = [(name, one.get(name), two.get(name)) for name in names]
        pairs += [("package version", self.package, other.package), ("data", self.data, other.data)]
        for part in sorted(self.code.keys() | other.code.keys()):
            ours, theirs = (header.code.get(part, "not known") for header in (self, other))
            pairs.append((f"code of the {part}", ours, theirs))
        return next((pair for pair in pairs if pair[1] != pair[2]), None)


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def round_line(finished: Round) -> bytes:
    """Return the line of a round, the same bytes for the same round; NaN is written as null, no report not at all.

    Raises:
        BadData: a value is infinite, or something else that `read_result` would refuse.
    """
    columns: dict[str, Any] = {"round": finished.round, "archs": finished.archs}
    for name in METRICS:
        values: list[float] = getattr(finished, name).tolist()
        if any(abs(value) == float("inf") for value in values):
            raise BadData(
                f"round {finished.round} has an infinite {name}: benchmarks answer with numbers or NaN"
            )
        columns[name] = [None if value != value else value for value in values]
    columns["revisits"] = finished.revisits
    if finished.further:
        columns["further"] = {name: _nullable(values) for name, values in sorted(finished.further.items())}
    if finished.shares is not None:
        columns["shares"] = finished.shares.tolist()
    try:
        _check_round(columns, finished.round)
    except ValueError as error:
        raise BadData(f"round {finished.round} cannot be written: {error}") from error
    if not finished.report:
        return _dump(columns)
    try:
        check_report(finished.report)
        return _dump({**columns, "report": finished.report})
    except (TypeError, ValueError) as error:
        raise BadData(
            f"the strategy's report of round {finished.round} is not of texts, finite numbers and None: {error}"
        ) from error


def _nullable(values: Floats) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def parse(path: Path, content: bytes) -> tuple[Header, list[Round]]:
    """Read the complete lines of a file; path is for messages.

    Raises:
        BadData: it is not a result, or a line of it is damaged.
    """
    # Line by line: a list of all lines would hold the file a second time.
    lines = iter(io.BytesIO(content[: content.rfind(b"\n") + 1]).readline, b"")
    header = _read_header(path, next(lines, b"").rstrip(b"\n"))
    rounds: list[Round] = []
    for number, line in enumerate(lines, start=2):
        try:
            rounds.append(_read_round(_loads(line), len(rounds)))
            told = rounds[-1].shares is not None or rounds[0].shares is not None
            if len(rounds[-1].archs) != len(rounds[0].archs) and not told:
                raise ValueError(f"it has {len(rounds[-1].archs)} models, not {len(rounds[0].archs)}")
        except ValueError as error:
            why = str(error) if type(error) is ValueError else _excerpt(line.rstrip(b"\n"))
            raise BadData(
                f"line {number} of {path} is damaged: {why}; cut the file off before that line to keep "
                f"rounds 0 to {number - 3}, then run it again"
                if number > 2
                else f"line 2 of {path} is damaged: {why}; remove the file and run it again"
            ) from None
    return header, rounds


def check_result(path: Path, content: bytes) -> dict[str, Any]:
    """Return the fields of the first line of a result, which may be damaged from there on.

    Raises:
        BadData: it is none.
    """
    first = content.partition(b"\n")[0]
    try:
        fields: dict[str, Any] = _loads(first)
        if fields["format"] != FORMAT:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise BadData(
            f"{path} is not a result of nassearch run: its first line is {_excerpt(first)}; name a file that "
            "nassearch run --out wrote or may write"
        ) from None
    return fields


def is_cut_off(content: bytes) -> bool:
    """Say whether what has no whole line is the beginning of a result, of no byte or more.

    >>> is_cut_off(b""), is_cut_off(b'{"form'), is_cut_off(b"date,valid")
    (True, True, False)
    """
    start = _dump({"format": FORMAT}).rstrip(b"}\n")
    return content.startswith(start) or start.startswith(content)


def _read_header(path: Path, first: bytes) -> Header:
    fields = check_result(path, first)
    version = fields.get("version")
    if type(version) is not int or version not in (VERSION, VERSION + 1):
        raise BadData(
            f"{path} has format version {quoted(version)}, and this nassearch reads {VERSION} and {VERSION + 1}: "
            "read it with the version that wrote it, or run it again"
        )
    try:
        check_header(
            fields.get("package"), fields.get("data"), fields.get("experiment"), fields.get("code", {})
        )
    except ValueError as error:
        raise BadData(f"line 1 of {path} is damaged: {error}; it begins {_excerpt(first)}") from None
    return Header(fields["experiment"], fields["package"], fields["data"], fields.get("code", {}))


def _loads(line: bytes) -> Any:
    """Read JSON as it is written here: without NaN and Infinity, which JSON does not have."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"it has {len(line)} bytes, more than {LONGEST_LINE}")
    return read_json(line, MOST_VALUES)


def _check_round(columns: Any, expected: int) -> None:
    """Raise `ValueError` where a round lacks something or says what no round says."""
    if not isinstance(columns, dict):
        raise ValueError(f"a round is an object, not {kind(columns)}")
    if "round" in columns:
        field("round", columns["round"], whole(0))
        if columns["round"] != expected:
            raise ValueError(f"round {expected} belongs here, not {columns['round']}")
    lacking = [name for name in ("round", "archs", *METRICS, "revisits") if name not in columns]
    if lacking:
        raise ValueError(f"it lacks {', '.join(lacking)}")
    archs, revisits = columns["archs"], columns["revisits"]
    check_archs(archs)
    field("revisits", revisits, whole(0, len(archs)))
    for name in METRICS:
        check_values(name, columns[name], len(archs), 0.0 if name == "seconds" else -LARGEST)
    if "further" in columns:
        check_further(columns["further"], len(archs))
    if "shares" in columns:
        check_shares(columns["shares"], len(archs))


def _read_round(columns: Any, expected: int) -> Round:
    _check_round(columns, expected)
    report = columns.get("report", {})
    check_report(report)
    valid, test, seconds = (np.array(columns[name], dtype=np.float64) for name in METRICS)
    archs, shares = list(map(tuple, columns["archs"])), columns.get("shares")
    costs = None if shares is None else np.array(shares, np.float64)
    further = {name: np.array(values, np.float64) for name, values in columns.get("further", {}).items()}
    return Round(expected, archs, valid, test, seconds, columns["revisits"], report, costs, further)


def _excerpt(line: bytes) -> str:
    text = line[:60].decode(errors="replace")
    return repr(text if len(line) <= 60 else text + "...")
