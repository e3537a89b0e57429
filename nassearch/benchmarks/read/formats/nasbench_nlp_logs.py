"""NAS-Bench-NLP as released: one JSON log per training, in a zip or in the folder it was unpacked to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.texts import get, parsed, texts
from nassearch.errors import BadData, InvalidArch, InvalidSetting, NassearchError
from nassearch.files.plain_json import read_json
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
            return any(MARK in text for _, text, _ in texts(path, TRIED, MOST_BYTES, MOST_LOGS))
        except NassearchError:
            return False

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        seen: Counter[tuple[Arch, str]] = Counter()
        longest = 0
        for done, (name, log, total) in enumerate(logs(path), start=1):
            where = f"{path}: log {name}"
            arch, dataset = arch_of(log, where), PurePosixPath(get(log, "data", str, where)).name
            losses = [_losses(log, key, where) for key in ("val_losses", "test_losses")]
            seconds = _losses(log, "wall_times", where)
            budget = get(log, "epochs", int, where)
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
    for name, text, total in texts(path, MOST_LOGS, MOST_BYTES, MOST_LOGS):
        log = parsed(text, f"{path}: log {name}", MOST_VALUES)
        yield name, log, total


def arch_of(log: dict[str, Any], where: str) -> Arch:
    """Return the architecture of a log.

    Raises:
        BadData: its recipe is none.
    """
    text = get(log, "recepie", str, where)
    try:
        return to_arch(read_json(text, MOST_VALUES))
    except (ValueError, InvalidArch) as error:
        raise BadData(f"{where}: {error}") from error


def _losses(log: dict[str, Any], key: str, where: str) -> list[float]:
    values = get(log, key, list, where)
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise BadData(f"{where}: {key} are not all numbers")
    try:
        return [float(value) for value in values]
    except OverflowError as error:
        raise BadData(f"{where}: {key} are not all numbers ({error})") from error
