"""The schema says, field by field, what the lines of a result may hold. Writers and readers share it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

LARGEST = 1e100
"""Beyond it sums and squares of values overflow; no published quantity comes near."""
WHOLE = 2**63 - 1
LONGEST_TEXT = 10_000
DEEPEST = 8
"""Levels of lists in settings and in fields of later versions."""
MOST_VALUES = 10**7
"""Of one line: a round of the largest budget there is has as many."""
MOST_CELLS = 1_000_000
"""Of a report; ours have some ten rows."""

Check = Callable[[Any], None]


def number(value: Any) -> None:
    """Take a finite number of a size that one can compute with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a number, not {kind(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a finite number, not {value}")
    if not -LARGEST <= value <= LARGEST:
        raise ValueError(f"a number of at most {LARGEST:g}")


def text(value: Any) -> None:
    """Take a text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise ValueError(f"a text, not {kind(value)}")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"a text of at most {LONGEST_TEXT} characters, not of {len(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a text of whole characters, not of half a surrogate pair") from None


def truth(value: Any) -> None:
    """Take true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"true or false, not {kind(value)}")


def whole(least: int, most: int = WHOLE) -> Check:
    """Take a whole number in a range."""

    def check(value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"a whole number, not {kind(value)}")
        if not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")

    return check


def nullable(check: Check) -> Check:
    """Take null too."""
    return lambda value: None if value is None else check(value)


def plain(value: Any, levels: int = DEEPEST) -> None:
    """Take what JSON has, of finite numbers and whole texts and not too deep."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if not isinstance(value, Mapping | list | tuple):
        raise ValueError(f"plain JSON, not {kind(value)}")
    if not levels:
        raise ValueError(f"nested at most {DEEPEST} times")
    if isinstance(value, Mapping):
        for name in value:
            text(name)
    for part in value.values() if isinstance(value, Mapping) else value:
        plain(part, levels - 1)


def named(value: Any) -> None:
    """Take plain JSON by name."""
    if not isinstance(value, Mapping):
        raise ValueError(f"values by name, not {kind(value)}")
    plain(value)


def metric(value: Any) -> None:
    """Take the name of one of the two metrics."""
    if value not in ("test", "valid"):
        raise ValueError("test or valid")


def shown(value: Any) -> None:
    """Take the name of any metric: a benchmark declares further ones."""
    text(value)
    if not value:
        raise ValueError("the name of a metric")


OBJECTIVE: dict[str, Check] = {
    "name": text,
    "quantity": text,
    "unit": text,
    "lower_is_better": truth,
    "trained": truth,
    "reference": nullable(number),
}


def check_objectives(objectives: Any) -> None:
    """Take what a header says of several objectives."""
    if not isinstance(objectives, list) or not objectives:
        raise ValueError("a list of objectives")
    for each in objectives:
        if not isinstance(each, Mapping):
            raise ValueError(f"a list of objects, not of {kind(each)}")
        for name, check in OBJECTIVE.items():
            field(f"{name} of an objective", each.get(name), check)


def check_front(front: Any) -> None:
    """Take the hypervolume, or the best, of all architectures, by metric."""
    if not isinstance(front, Mapping) or not front.keys() <= {"test", "valid"}:
        raise ValueError("numbers by test and valid")
    for value in front.values():
        number(value)


EXPERIMENT: dict[str, Check] = {
    "strategy": text,
    "benchmark": text,
    "dataset": nullable(text),
    "budget": whole(1),
    "rounds": whole(1),
    "seed": whole(0),
    "scorer": nullable(text),
    "warmup": whole(0),
    "move": nullable(text),
    "move_at": nullable(text),
    "explore": number,
    "move_ratio": nullable(whole(1)),
    "settings": named,
    "batch": nullable(text),
    "show": shown,
    "choose": metric,
    "target": nullable(number),
    "unvalidated": truth,
    "shorter": text,
    "untested": truth,
    "objectives": nullable(check_objectives),
    "front": nullable(check_front),
    "best": nullable(check_front),
}
"""By name of the field. Any may be missing, and one that is not here, of a later version, is plain JSON."""


def check_header(package: Any, data: Any, experiment: Any, code: Any) -> None:
    """Raise `ValueError` where a header says what no header says; the message has the field and the rule."""
    field("package", package, text)
    field("data", data, text)
    if not isinstance(experiment, Mapping):
        raise ValueError(f"experiment is values by name, not {kind(experiment)}")
    if not isinstance(code, Mapping):
        raise ValueError(f"code is texts by name, not {kind(code)}")
    for part, identity in code.items():
        field("a part's name", part, text)
        field(f"code of the {part}", identity, text)
    for name, value in experiment.items():
        field("a field's name", name, text)
        field(name, value, EXPERIMENT.get(name, plain))


def check_values(name: str, values: Any, length: int, least: float = -LARGEST) -> None:
    """Raise `ValueError` unless these are so many numbers, or null, none of them below the least."""
    if not isinstance(values, list):
        raise ValueError(f"{name} is a list, not {kind(values)}")
    if len(values) != length:
        raise ValueError(f"{len(values)} values for {length} architectures")
    if set(map(type, values)) <= {float, type(None)}:  # so it mostly is, and a round has hundreds
        known = [value for value in values if value is not None]
        if not known or (least <= min(known) and max(known) <= LARGEST and not any(map(math.isnan, known))):
            return
    for value in values:
        field(name, value, nullable(number))
        if value is not None and value < least:
            raise ValueError(f"{name} is {least:g} or more, not {value:g}")


def check_shares(shares: Any, length: int) -> None:
    """Raise `ValueError` unless these are so many shares of whole trainings, above 0 and at most 1."""
    check_values("shares", shares, length)
    if not all(share is not None and 0 < share <= 1 for share in shares):
        raise ValueError("shares are numbers above 0 and at most 1")


def check_further(further: Any, length: int) -> None:
    """Raise `ValueError` unless these are so many numbers, or null, of each further objective, by name."""
    if not isinstance(further, Mapping):
        raise ValueError(f"further objectives are lists by name, not {kind(further)}")
    for name, values in further.items():
        field("the name of an objective", name, text)
        check_values(name, values, length)


def check_archs(archs: Any) -> None:
    """Raise `ValueError` unless these are architectures, one at least: lists of whole numbers of 64 bits."""
    if not isinstance(archs, list) or {type(arch) for arch in archs} - {list, tuple}:
        raise ValueError("architectures are lists")
    if not archs:
        raise ValueError("a round has one architecture or more")
    for arch in archs:
        if {type(option) for option in arch} - {int}:
            raise ValueError("architectures, round and revisits are of whole numbers")
        if arch and (min(arch) < -WHOLE or max(arch) > WHOLE):
            raise ValueError("architectures are of whole numbers of 64 bits")


def check_report(report: Any) -> None:
    """Raise `ValueError` unless this is what `Strategy.report` may return: numbers, texts and tables by name."""
    if not isinstance(report, Mapping):
        raise ValueError("a report has names")
    cells = 0
    for name, value in report.items():
        field("the name of a report's value", name, text)
        if isinstance(value, Mapping):
            cells += check_table(name, value)
            if cells > MOST_CELLS:
                raise ValueError(f"the report has more than {MOST_CELLS} cells")
        else:
            field(f"{name} in the report", value, _cell)


def check_table(name: str, table: Mapping[Any, Any]) -> int:
    """Check a table of a report, columns by name, and return how many cells it has."""
    if not table:
        raise ValueError(f"{name} in the report is a table without columns")
    for column, values in table.items():
        field(f"a column's name of {name} in the report", column, text)
        if not isinstance(values, Sequence) or isinstance(values, str):
            raise ValueError(f"{name} in the report is a table, and its column {column} is {kind(values)}")
        for value in values:
            field(f"{column} of {name} in the report", value, _cell)
    lengths = {len(values) for values in table.values()}
    if len(lengths) > 1:
        raise ValueError(f"the columns of {name} in the report have {sorted(lengths)} rows, not equally many")
    return len(table) * lengths.pop()


def _cell(value: Any) -> None:
    if isinstance(value, str):
        text(value)
    elif value is not None:
        number(value)


def interval(value: Any) -> None:
    """Take two numbers, the lower first."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("two numbers")
    for end in value:
        number(end)
    if value[0] > value[1]:
        raise ValueError("two numbers, the lower first")


def check_fields(found: Mapping[str, Any], known: Mapping[str, Check], needed: Sequence[str]) -> None:
    """Raise `ValueError` where one that is needed lacks, or one is none of its kind; others are plain JSON."""
    for name in needed:
        if name not in found:
            raise ValueError(f"it lacks {name}")
    for name, value in found.items():
        field(name, value, known.get(name, plain))


def field(name: str, value: Any, check: Check) -> None:
    """Check a field, and put its name before what is wrong with it."""
    try:
        check(value)
    except ValueError as error:
        shown = str(name)[:100].encode("utf-8", "backslashreplace").decode()
        raise ValueError(f"{shown} is {error}") from None


def kind(value: Any) -> str:
    """Say in a word what a value is."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", dict: "an object"}
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")
