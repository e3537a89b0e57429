"""Many small texts: the JSON files of a zip, or of a folder and what is in it. Their names become no paths."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from nassearch.errors import BadData, quoted
from nassearch.files.bounded import Bounded, Deadline, guarded
from nassearch.files.limits import LOGS
from nassearch.files.plain_json import read_json
from nassearch.files.unpacking import archive


def texts(path: Path, most: int, largest: int, at_all: int) -> Iterator[tuple[str, bytes, int]]:
    """Yield (name, content, number of all) of the first JSON files, in the order of their names.

    Args:
        path: the zip or folder, or one such file.
        most: how many are taken.
        largest: bytes of one.
        at_all: how many an archive may have.

    Raises:
        BadData: the archive is damaged, or larger than that.
    """
    left = LOGS.unpacked
    with guarded(path):
        found = _of_folder(path, most, largest) if path.is_dir() else _of_file(path, most, largest, at_all)
        for name, text, total in found:
            left -= len(text)
            if len(text) > largest or left < 0:
                raise BadData(
                    f"{path}: {name} has more than {largest} bytes, or all together {LOGS.unpacked}; published ones "
                    "have far fewer"
                )
            yield name, text, total


def _of_folder(path: Path, most: int, largest: int) -> Iterator[tuple[str, bytes, int]]:
    files = sorted(file for file in path.rglob("*.json") if not file.name.startswith("._"))
    deadline = Deadline(path, LOGS.seconds)
    for place in files[:most]:
        with guarded(place), Bounded(place, LOGS, deadline) as file:
            yield place.relative_to(path).as_posix(), file.read(largest + 1), len(files)


def _of_file(path: Path, most: int, largest: int, at_all: int) -> Iterator[tuple[str, bytes, int]]:
    with Bounded(path, LOGS) as file:
        begins = file.read(1)
        file.seek(0)
        if begins in (b"{", b" ", b"\n"):
            yield path.name, file.read(largest + 1), 1
            return
        with archive(file) as opened:
            members = sorted((PurePosixPath(info.filename).name, info.filename) for info in opened.infolist())
            # Archives made on a Mac hold a second file, ._NAME, for each.
            names = [full for name, full in members if name.endswith(".json") and not name.startswith("._")]
            if len(names) > at_all:
                raise BadData(f"{path} has {len(names)} members; published archives have at most {at_all}")
            for name in names[:most]:
                with opened.open(name) as member:
                    yield name, member.read(largest + 1), len(names)


def parsed(text: bytes, where: str, most_values: int) -> dict[str, Any]:
    """Return the object of JSON that a text is.

    Raises:
        BadData: it is none.
    """
    try:
        found = read_json(text, most_values, constants=True)
    except ValueError as error:
        raise BadData(f"{where} is not JSON ({error}); get the archive again") from error
    if not isinstance(found, dict):
        raise BadData(f"{where} is not a JSON object; get the archive again")
    return found


def get(found: dict[str, Any], key: str, kind: type, where: str) -> Any:
    """Return what stands under a key, which is of a kind.

    Raises:
        BadData: it is not there, or of another kind.
    """
    value = found.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadData(f"{where}: {key} is {quoted(value)}, not of type {kind.__name__}")
    return value


def number(found: dict[str, Any], key: str, where: str) -> float:
    """Return the finite number that stands under a key; NaN where nothing or null does.

    Raises:
        BadData: it is something else.
    """
    value = found.get(key)
    if value is None:
        return math.nan
    try:
        as_float = (
            float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.inf
        )
    except OverflowError:
        as_float = math.inf
    if math.isinf(as_float):
        raise BadData(f"{where}: {key} is {quoted(value)}, not a number")
    return as_float
