"""NAS-Bench-NLP as released: one JSON log per training, in a zip or in the folder it was unpacked to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.errors import BadData, InvalidArch, InvalidSetting, NassearchError, quoted
from nassearch.files.bounded import Bounded, Deadline, guarded
from nassearch.files.limits import LOGS
from nassearch.files.plain_json import read_json
from nassearch.files.unpacking import archive
from nassearch.spaces.nasbench_nlp.recipes import to_arch
from nassearch.types import Arch

MOST_BYTES, MOST_LOGS = 1 << 20, 150_000
"""Bounds on one log, which has about 5 KB, and on their number, which was 14,322 in the largest release."""
MOST_VALUES = 100_000
"""Of a log; fifty epochs make some 300."""
TRIED = 5
"""Members looked at to tell what an archive is."""
MARK = b'"recepie"'
"""The release spells it so."""


class RecurrentLogs(Format):
    """Logs of NAS-Bench-NLP: recipe, losses of each epoch in nats per word, seconds of each epoch.

    `valid` and `test` are the losses after the last epoch of the budget, as the papers that use the benchmark take
    them, and not those of the epoch with the best validation loss, which the release's own examples report of a whole
    search. Trainings that ended before are left out, and counted.

    Recipes that are one architecture, of which the release has many under different numbers, are trainings of that
    architecture; their seed is their place among them, from 0.
    """

    name: ClassVar[str] = "NAS-Bench-NLP archive of training logs"

    def recognises(self, path: Path) -> bool:
        try:
            return any(MARK in text for _, text, _ in _texts(path, TRIED))
        except NassearchError:
            return False

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        seen: Counter[tuple[Arch, str]] = Counter()
        longest = 0
        for done, (name, log, total) in enumerate(logs(path), start=1):
            where = f"{path}: log {name}"
            arch, dataset = arch_of(log, where), PurePosixPath(_get(log, "data", str, where)).name
            losses = [_losses(log, key, where) for key in ("val_losses", "test_losses")]
            seconds = _losses(log, "wall_times", where)
            budget = _get(log, "epochs", int, where)
            longest = max(longest, budget)
            epochs = budget if reading.epochs is None else reading.epochs
            if reading.progress is not None:
                reading.progress(done, total)
            if not 0 < epochs <= budget:
                reading.dropped[f"trainings with a budget below {epochs} epochs"] += 1
            elif min(len(seconds), *map(len, losses)) < epochs:
                ended = (
                    "as the loss became NaN" if log.get("status") == "loss is nan!" else "for another reason"
                )
                reading.dropped[f"trainings that ended before epoch {epochs} {ended}"] += 1
            elif not all(math.isfinite(column[epochs - 1]) for column in losses):
                reading.dropped[f"trainings whose loss after epoch {epochs} is not a number"] += 1
            else:
                valid, test = (column[epochs - 1] for column in losses)
                seed = seen[arch, dataset]
                seen[arch, dataset] += 1
                yield name, [Training(arch, dataset, seed, valid, test, sum(seconds[:epochs]))]
        if reading.epochs is not None and not 0 < reading.epochs <= longest:
            raise InvalidSetting(f"{path} has trainings of up to {longest} epochs, none of {reading.epochs}")


def logs(path: Path) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Yield (name, log, number of all), in the order of their names, which begin with the number of the recipe.

    Raises:
        BadData: the archive or a log is damaged, or larger than any log is.
    """
    for name, text, total in _texts(path, MOST_LOGS):
        try:
            log = read_json(text, MOST_VALUES, constants=True)
        except ValueError as error:
            raise BadData(f"{path}: log {name} is not JSON ({error}); get the archive again") from error
        if not isinstance(log, dict):
            raise BadData(f"{path}: log {name} is not a JSON object; get the archive again")
        yield name, log, total


def arch_of(log: dict[str, Any], where: str) -> Arch:
    """Return the architecture of a log.

    Raises:
        BadData: its recipe is none.
    """
    text = _get(log, "recepie", str, where)
    try:
        return to_arch(read_json(text, MOST_VALUES))
    except (ValueError, InvalidArch) as error:
        raise BadData(f"{where}: {error}") from error


def _texts(path: Path, most: int) -> Iterator[tuple[str, bytes, int]]:
    """Yield (name, content, number of all) of the first JSON files of a zip or folder; names become no paths."""
    left = LOGS.unpacked
    with guarded(path):
        for name, text, total in _of_folder(path, most) if path.is_dir() else _of_archive(path, most):
            left -= len(text)
            if len(text) > MOST_BYTES or left < 0:
                raise BadData(
                    f"{path}: log {name} has more than {MOST_BYTES} bytes, or all together {LOGS.unpacked}; one of the "
                    "release has about 5,000"
                )
            yield name, text, total


def _of_folder(path: Path, most: int) -> Iterator[tuple[str, bytes, int]]:
    files = sorted(file for file in path.iterdir() if file.suffix == ".json")
    deadline = Deadline(path, LOGS.seconds)
    for place in files[:most]:
        with guarded(place), Bounded(place, LOGS, deadline) as file:
            yield place.name, file.read(MOST_BYTES + 1), len(files)


def _of_archive(path: Path, most: int) -> Iterator[tuple[str, bytes, int]]:
    with Bounded(path, LOGS) as file, archive(file) as opened:
        members = sorted((PurePosixPath(info.filename).name, info.filename) for info in opened.infolist())
        # Archives made on a Mac hold a second file, ._NAME, for each.
        names = [full for name, full in members if name.endswith(".json") and not name.startswith("._")]
        if len(names) > MOST_LOGS:
            raise BadData(f"{path} has {len(names)} members; the largest release has 14,322 logs")
        for name in names[:most]:
            with opened.open(name) as member:
                yield name, member.read(MOST_BYTES + 1), len(names)


def _get(log: dict[str, Any], key: str, kind: type, where: str) -> Any:
    value = log.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadData(f"{where}: {key} is {quoted(value)}, not of type {kind.__name__}")
    return value


def _losses(log: dict[str, Any], key: str, where: str) -> list[float]:
    values = _get(log, key, list, where)
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise BadData(f"{where}: {key} are not all numbers")
    try:
        return [float(value) for value in values]
    except OverflowError as error:
        raise BadData(f"{where}: {key} are not all numbers ({error})") from error
