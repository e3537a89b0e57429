"""NAS-Bench-Macro in one file of JSON: the test accuracies of three trainings of each architecture."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.errors import BadData, InvalidArch, InvalidSetting, NassearchError, quoted
from nassearch.files.bounded import Bounded, guarded, read_bytes
from nassearch.files.limits import BEGINNING, TEXT
from nassearch.files.plain_json import read_json
from nassearch.types import is_number

ACCURACIES = "test_acc"
CIFAR10 = "cifar10"
LOOKED_AT = 1 << 16
"""Bytes: hundreds of architectures, whatever else stands beside their accuracies."""


class NASBenchMacroFile(Format):
    """The published `nas-bench-macro_cifar10.json`: `{"02012100": {"test_acc": [89.5, 88.9, 89.2], ...}, ...}`.

    It has no validation accuracies and no seconds. Means, deviations, parameters and FLOPs are not read: they follow
    from what is.
    """

    name: ClassVar[str] = "NAS-Bench-Macro in one file"

    def recognises(self, path: Path) -> bool:
        try:
            with Bounded(path, BEGINNING) as file:
                first = file.read(LOOKED_AT).removeprefix(codecs.BOM_UTF8)
        except (OSError, NassearchError):
            return False
        return first.lstrip()[:1] == b"{" and f'"{ACCURACIES}"'.encode() in first

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        if reading.epochs is not None:
            raise InvalidSetting(f"{path} does not say its epochs: leave them out")
        with guarded(path):
            text = read_bytes(path, TEXT)
        try:
            content = read_json(text)
        except ValueError as error:
            raise BadData(f"{path} is no JSON of architectures: {error}; get it again") from None
        if not isinstance(content, dict) or not content:
            raise BadData(f"{path} holds {quoted(content)}, not what each architecture reached")
        trainings: list[Training] = []
        for number, (name, found) in enumerate(content.items(), start=1):
            try:
                arch = reading.space.parse(name)
            except InvalidArch as error:
                raise BadData(f"{path}: {error}") from None
            for seed, value in enumerate(_accuracies(path, name, found)):
                trainings.append(Training(arch, CIFAR10, seed, math.nan, value, math.nan))
            if reading.progress is not None:
                reading.progress(number, len(content))
        yield path.name, trainings


def _accuracies(path: Path, name: str, found: Any) -> list[float]:
    values = found.get(ACCURACIES) if isinstance(found, dict) else None
    if not isinstance(values, list) or not values or not all(map(is_number, values)):
        raise BadData(f"{path}: {quoted(name)} has {quoted(values)}, not a list of test accuracies")
    return [float(value) for value in values]
