"""Test losses of NAS-Bench-NLP as a sheet of recipe numbers, with the recipes in an archive of logs beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.formats.nasbench_nlp_logs import RecurrentLogs, arch_of, logs
from nassearch.errors import BadData, InvalidSetting, NassearchError, excerpt
from nassearch.files.bounded import Bounded
from nassearch.files.limits import BEGINNING
from nassearch.files.sheets.columns import read_sheet
from nassearch.types import Arch

HEADER = ["model_id", "ptb_test_loss"]


class LossSheet(Format):
    """A CSV file with the columns model_id and ptb_test_loss, as it circulates for Penn Treebank.

    It has no recipes: they come from the archives of logs in the same folder, whose numbers are the model_id. It has no
    validation losses either.
    """

    name: ClassVar[str] = "sheet of NAS-Bench-NLP test losses"

    def recognises(self, path: Path) -> bool:
        try:
            with Bounded(path, BEGINNING) as file:
                return file.read(100).partition(b"\n")[0].strip().decode().split(",") == HEADER
        except (OSError, UnicodeDecodeError, NassearchError):
            return False

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        if reading.epochs is not None:
            raise InvalidSetting(f"{path} does not say its epochs: leave them out")
        recipes = _recipes_beside(path)
        trainings: list[Training] = []
        seen: Counter[Arch] = Counter()
        for line, (number, loss) in _lines(path):
            if number not in recipes:
                reading.dropped["trainings of recipes that no archive of logs beside the sheet has"] += 1
            elif not math.isfinite(loss):
                reading.dropped["trainings whose loss is not a number"] += 1
            else:
                arch = recipes[number]
                trainings.append(Training(arch, "ptb", seen[arch], math.nan, loss, math.nan))
                seen[arch] += 1
            if reading.progress is not None:
                reading.progress(line, line)
        yield path.name, trainings


def _recipes_beside(path: Path) -> dict[Any, Arch]:
    """Return the architecture of each recipe number in the archives of logs beside a file."""
    reader = RecurrentLogs()
    recipes: dict[Any, Arch] = {}
    archives = [other for other in sorted(path.parent.glob("*.zip")) if reader.recognises(other)]
    for archive in archives:
        for name, log, _ in logs(archive):
            if isinstance(number := log.get("recepie_id"), int):
                recipes[number] = arch_of(log, f"{archive}: log {name}")
    if not recipes:
        raise BadData(
            f"{path} names recipes by number only: put an archive of logs that has them beside it, such as the "
            "logs.zip of train_logs_wikitext-2 in the release"
        )
    return recipes


def _lines(path: Path) -> Iterator[tuple[int, tuple[int, float]]]:
    for line, row in read_sheet(path).rows:
        try:
            number, loss = row
            yield line, (int(number), float(loss))
        except ValueError:
            raise BadData(
                f"{path}, line {line}: {excerpt(','.join(row))} is not a number of a recipe and a loss"
            ) from None
