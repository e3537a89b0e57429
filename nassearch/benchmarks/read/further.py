"""Sheets of further metrics: what an architecture costs on a device, beside what its training reached."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.metrics import load_metrics
from nassearch.benchmarks.npz import write_npz
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import BadData, InvalidArch, InvalidSetting, NassearchError, excerpt
from nassearch.files.bounded import check_there
from nassearch.files.sheets.columns import Sheet, read_sheet
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

ARCH = ("arch", "architecture", "net")
"""What a sheet calls the column of architectures."""
UNKNOWN = ("-1", "-1.0")
TRAININGS = re.compile(r"(^|/)(valid|test)(/|$)")


@dataclass(frozen=True)
class ImportedMetrics:
    """What an import made of a sheet of further metrics.

    Attributes:
        dataset, path: which data set, and where its metrics lie.
        metrics: their names.
        ranges: lowest and highest value of each.
        ignored: columns that nothing was taken from.
        written: False where the same were there already.
    """

    dataset: str
    path: Path
    metrics: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    ignored: tuple[str, ...]
    written: bool


def holds_metrics(benchmark: type[TabularBenchmark], path: Path) -> bool:
    """Say whether a file is a sheet with metrics that a benchmark declares, and no trainings; never raise."""
    declared = {name for each in benchmark.datasets().values() for name in each.metrics_by_name}
    if not declared or not path.is_file():
        return False
    try:
        columns = _lower(read_sheet(path))
    except NassearchError:
        return False
    return not declared.isdisjoint(columns) and not any(map(TRAININGS.search, columns))


def import_metrics(
    benchmark: type[TabularBenchmark],
    path: Path,
    dataset: str,
    mapping: Mapping[str, str] | None = None,
    force: bool = False,
) -> ImportedMetrics:
    """Read further metrics of every architecture, check them, and keep them beside the table of a data set.

    Args:
        benchmark: declares the metrics of its data sets.
        path: CSV or Parquet, one row per architecture: its text, or the numbers by which NASLib writes it.
        dataset: which it is about.
        mapping: `arch` to the name of its column.
        force: replace other values that are there already.

    Raises:
        MissingData: no such file.
        UnknownName: no such data set.
        BadData: an architecture is missing, there twice or none, a value is no finite number of at least 0, or a column
            has none.
        InvalidSetting: other values are there already.
    """
    check_there(path)
    known, space = benchmark.find(dataset), benchmark.make_space(dataset)
    sheet = read_sheet(path)
    spelt = _lower(sheet)
    names = [name for name in spelt if name in known.metrics_by_name]
    wanted = (mapping or {}).get("arch")
    held = [name.lower() for name in ((wanted,) if wanted else ARCH) if name.lower() in spelt]
    if not held or not names:
        raise BadData(
            f"{path} has no column {'of architectures' if not held else 'of metrics'}: a sheet of metrics of {dataset} "
            f"has arch or net, and some of {', '.join(known.metrics_by_name) or 'none: it declares none'}"
        )
    place, columns = spelt.index(held[0]), [spelt.index(name) for name in names]
    found, there = np.full((len(names), space.size), np.nan), np.zeros(space.size, bool)
    for number, cells in sheet.rows:
        where = f"{path}, {sheet.word} {number}"
        index = space.index(_arch(space, str(cells[place]), where))
        if there[index]:
            raise BadData(f"{where}: {excerpt(str(cells[place]))} is there twice; leave one out")
        there[index] = True
        found[:, index] = [
            _value(cells[column], name, where) for column, name in zip(columns, names, strict=True)
        ]
    missing = np.flatnonzero(~there)
    if len(missing):
        first = next(arch for i, arch in enumerate(space.all()) if i == missing[0])
        raise BadData(
            f"{path} lacks {len(missing)} of the {space.size} architectures of {space.name}, such as "
            f"{space.format(first)}; metrics are of all, since a search may ask for any"
        )
    for name, values in zip(names, found, strict=True):
        if np.isnan(values).all():
            raise BadData(f"{path} has no value of {name}: leave the column out")
    target = benchmark.metrics_path(known.name)
    before = load_metrics(target, known, space.size, benchmark.name)
    new = dict(zip(names, found, strict=True))
    others = [
        name for name in new if name in before and not np.array_equal(before[name], new[name], equal_nan=True)
    ]
    if others and not force:
        raise InvalidSetting(
            f"{target} already holds other values of {', '.join(others)}; nothing was written; replace them by "
            "force=True (--force)"
        )
    written = bool(others) or not new.keys() <= before.keys()
    if written:
        meta = {"space": space.name, "dataset": known.name, "origin": f"imported from {path.name}"}
        text = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
        write_npz(target, {**dict(sorted({**before, **new}.items())), "meta": text})
    ranges = tuple((float(np.nanmin(values)), float(np.nanmax(values))) for values in found)
    ignored = tuple(sheet.columns[i] for i in range(len(spelt)) if i not in (*columns, place))
    return ImportedMetrics(known.name, target, tuple(names), ranges, ignored, written)


def _lower(sheet: Sheet) -> list[str]:
    """Return the names of columns as metrics are declared: a sheet may write them in capitals.

    Raises:
        BadData: two of them are one.
    """
    names = [name.lower() for name in sheet.columns]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise BadData(f"two columns are called {twice!r}, in whatever case; rename one")
    return names


def _arch(space: SearchSpace, text: str, where: str) -> Arch:
    try:
        if numbers := re.fullmatch(r"\(\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)\s*,?\s*\)", text):
            return space.from_naslib(tuple(map(int, numbers[1].split(","))))
        return space.parse(text)
    except InvalidArch as error:
        raise BadData(f"{where}: {error}") from error


def _value(cell: Any, name: str, where: str) -> float:
    """Return the value of a cell; NaN where it is empty or -1, as HW-NAS-Bench has it for what a device cannot run."""
    if cell in (None, "") or str(cell) in UNKNOWN:
        return math.nan
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value < math.inf:
        raise BadData(f"{where}: {name} is a finite number of at least 0, not {excerpt(str(cell))}")
    return value
