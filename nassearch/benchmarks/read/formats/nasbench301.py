"""The trainings of NAS-Bench-301: one JSON file each, in a zip or in the folder it was unpacked to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.texts import get, number, parsed, texts
from nassearch.errors import BadData, InvalidArch, InvalidSetting, NassearchError
from nassearch.spaces.darts.space import Darts
from nassearch.spaces.darts.texts import PREFIX
from nassearch.types import Arch

CIFAR10 = "cifar10"
CHANNELS, LAYERS = 32, 8
"""Of the networks of the benchmark; single trainings have others."""
MARK = b'"optimized_hyperparamater_config"'
"""The release spells it so."""
MOST_BYTES, MOST_FILES, MOST_VALUES = 1 << 20, 500_000, 100_000
"""Bounds on one file, which has about 4 KB, on their number, of which some 60,000 were published, and on its values."""
TRIED = 5


class NASBench301Files(Format):
    """Trainings of genotypes, as Auto-PyTorch wrote them: settings, accuracies in percent, seconds.

    `valid` is the accuracy on 10,000 images of the training set after the last epoch, `test` that on the test set.
    Trainings of another number of channels, cells or epochs than the others are left out, and counted. Several
    trainings of one genotype are told apart by their place, from 0.
    """

    name: ClassVar[str] = "NAS-Bench-301 archive of trainings"

    def recognises(self, path: Path) -> bool:
        try:
            return any(MARK in text for _, text, _ in texts(path, TRIED, MOST_BYTES, MOST_FILES))
        except (OSError, NassearchError):
            return False

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        found: dict[int, list[tuple[Arch, float, float, float]]] = {}
        for done, (name, text, total) in enumerate(texts(path, MOST_FILES, MOST_BYTES, MOST_FILES), start=1):
            where = f"{path}: {name}"
            if reading.progress is not None:
                reading.progress(done, total)
            if MARK not in text:
                reading.dropped["JSON files that are no trainings"] += 1
                continue
            _training(parsed(text, where, MOST_VALUES), where, reading, found)
        epochs = max(found, default=0) if reading.epochs is None else reading.epochs
        if found and epochs not in found:
            known = ", ".join(map(str, sorted(found)))
            raise InvalidSetting(f"{path} has trainings of {known} epochs, none of {epochs}")
        if others := sum(len(each) for budget, each in found.items() if budget != epochs):
            reading.dropped[f"trainings of another number of epochs than {epochs}"] += others
        seen: Counter[Arch] = Counter()
        trainings = []
        for arch, valid, test, seconds in found.get(epochs, ()):
            trainings.append(Training(arch, CIFAR10, seen[arch], valid, test, seconds))
            seen[arch] += 1
        yield path.name, trainings


def _training(
    file: dict[str, Any],
    where: str,
    reading: Reading,
    found: dict[int, list[tuple[Arch, float, float, float]]],
) -> None:
    """Put what a file says under its number of epochs, or count why it is left out."""
    settings = get(file, MARK.decode().strip('"'), dict, where)
    shape = settings.get(f"{PREFIX}init_channels", CHANNELS), settings.get(f"{PREFIX}layers", LAYERS)
    if shape != (CHANNELS, LAYERS):
        reading.dropped[f"trainings of other networks than {CHANNELS} channels and {LAYERS} cells"] += 1
        return
    info = get(file, "info", list, where)
    if not info or not isinstance(info[0], dict):
        raise BadData(f"{where}: info is not a list of what was measured; get the archive again")
    valid, test, seconds = (
        number(info[0], "val_accuracy", where),
        number(file, "test_accuracy", where),
        number(file, "runtime", where),
    )
    budget = number(file, "budget", where)
    if math.isnan(valid) or math.isnan(test) or math.isnan(budget):
        reading.dropped["trainings without both accuracies and a number of epochs"] += 1
        return
    try:
        arch = Darts().from_settings(settings)
    except InvalidArch as error:
        raise BadData(f"{where}: {error}") from None
    found.setdefault(round(budget), []).append((arch, valid, test, seconds))
