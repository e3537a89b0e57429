"""TransNAS-Bench-101 in one file of torch: both spaces, seven tasks, a curve of every metric of every training."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.pickles.sources import beginning, opened
from nassearch.errors import BadData, InvalidArch, InvalidSetting, quoted

CURVES = "metrics"
"""A key that tells the dictionary of one training."""
TOP, SIMILARITY = "top1", "ssim"
METRICS = {
    "class_scene": TOP,
    "class_object": TOP,
    "jigsaw": TOP,
    "room_layout": "neg_loss",
    "segmentsemantic": "mIoU",
    "normal": SIMILARITY,
    "autoencoder": SIMILARITY,
}
"""What the file calls the metric of each task, after `valid_` and `test_`."""


class TransNASFile(Format):
    """The published `transnas-bench_v10141024.pth`, from which one space is taken.

    It holds `data[space][arch][task]`, each with `metrics`: a list of one value per epoch by name, such as
    `valid_top1`. The values of the last epoch are taken, and the last `time_elapsed` as the seconds. Trainings are
    reduced to these as they are met, so that no curve is held.

    Args:
        space: "micro" or "macro", as the file calls it.
        metrics: what the metric of a task is called, where it is not the one of `METRICS`.
    """

    name: ClassVar[str] = "TransNAS-Bench-101 in one file"

    def __init__(self, space: str, metrics: Mapping[str, str] | None = None) -> None:
        self.space, self.metrics = space, {**METRICS, **(metrics or {})}

    def recognises(self, path: Path) -> bool:
        first = beginning(path) if path.is_file() else b""
        return b"class_scene" in first and b"room_layout" in first

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        if reading.epochs is not None:
            raise InvalidSetting(
                f"{path} has one training of each architecture and task, as long as the task asks for: leave epochs out"
            )
        with opened(path) as source:
            for state in source.unpickler.walk((CURVES,)):
                state[CURVES] = _last(state[CURVES])
                if reading.progress:
                    reading.progress(source.position(), source.size)
            whole = source.unpickler.value
        try:
            archs = dict(whole["data"][self.space])
        except (LookupError, TypeError, ValueError) as error:
            raise BadData(f"{path} holds no data of the space {self.space}: {quoted(error)}") from error
        for text, tasks in archs.items():
            yield str(text), self._trainings(text, tasks, reading)

    def _trainings(self, text: Any, tasks: Any, reading: Reading) -> list[Training]:
        if not isinstance(text, str) or not isinstance(tasks, dict):
            raise BadData(f"{quoted(text)} with {quoted(tasks)} is no architecture with its tasks")
        try:
            arch = reading.space.parse(text)
        except InvalidArch as error:
            raise BadData(f"among the architectures of {reading.space.name}: {error}") from error
        found = []
        for task, content in tasks.items():
            if task not in self.metrics:
                reading.dropped[f"trainings of {quoted(task)}, which is no task of this benchmark"] += 1
                continue
            last = content.get(CURVES) if isinstance(content, dict) else None
            names = [f"{part}_{self.metrics[task]}" for part in ("valid", "test")]
            if not isinstance(last, dict) or not last.keys() >= set(names):
                raise BadData(f"{text} has no {' and '.join(names)} for {task}, as numbers by epoch")
            valid, test = (last[name] for name in names)
            seconds = last.get("time_elapsed", math.nan)
            found.append(Training(arch, task, 0, valid, test, seconds if seconds >= 0 else math.nan))
        return found


def _last(curves: Any) -> dict[str, float]:
    """Return the last value of each curve that ends in a number.

    Raises:
        BadData: these are no curves.
    """
    if not isinstance(curves, dict):
        raise BadData(f"the metrics of a training are {quoted(curves)}, not lists of numbers by name")
    found = {}
    for name, values in curves.items():
        if isinstance(values, list | tuple) and values and type(values[-1]) in (int, float):
            value = values[-1]
            found[name] = math.inf if abs(value) > sys.float_info.max else float(value)
    return found
