"""Other people's tables, checked line by line and kept under the user's data directory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.images import import_images
from nassearch.benchmarks.layout import Columns, Layout, find_layout
from nassearch.benchmarks.reading import read_sheet
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.trainings import collect, to_table
from nassearch.errors import BadData, InvalidSetting, NassearchError, UnknownName
from nassearch.paths import data_dir
from nassearch.spaces.base import SearchSpace

__all__ = ["ImportReport", "ImportedTable", "import_images", "import_table"]


@dataclass(frozen=True)
class ImportedTable:
    """What an import made of one data set.

    Attributes:
        dataset, path, digest: the table, where it lies and the hash of its data.
        seeds: the training seeds; empty where the file names none.
        trainings: number of (architecture, seed) pairs.
        epochs: of the chosen columns, None where their names do not say.
        seconds: whether training seconds came along; a query answers NaN where not.
        best_valid, best_test: highest values, the test value averaged over seeds.
        best_arch: text of the architecture with the highest test value.
        written: False where the same table was there already.
    """

    dataset: str
    path: Path
    digest: str
    seeds: tuple[int, ...]
    trainings: int
    epochs: int | None
    seconds: bool
    best_valid: float
    best_test: float
    best_arch: str
    written: bool


@dataclass(frozen=True)
class ImportReport:
    """What an import read and made. `ignored` are the columns that nothing was taken from."""

    source: Path
    tables: tuple[ImportedTable, ...]
    ignored: tuple[str, ...]


def import_table(
    space: SearchSpace,
    datasets: Mapping[str, Dataset],
    path: Path | str,
    mapping: Mapping[str, str] | None = None,
    *,
    only: Sequence[str] | None = None,
    epochs: int | None = None,
    scale: float = 1.0,
    force: bool = False,
    folder: Path | None = None,
) -> ImportReport:
    """Read trained accuracies from CSV or Parquet, check all of them, and keep one table per data set.

    Every architecture of the space must be there, isomorphic ones too: a search may ask for any. With a seed
    column an architecture may have any number of trainings, at least one. Nothing is written unless all of it
    is right.

    Args:
        space: whose architectures the file is about.
        datasets: the data sets that can be imported, by name.
        path: the file; `find_layout` describes its columns.
        mapping: role to column name.
        only: names of the data sets to take; others in the file are passed over. A long file without a column
            of data sets needs exactly one name here.
        epochs: which columns of a wide file.
        scale: factor on validation and test values, 100 for fractions.
        force: replace a different table that is there already.
        folder: where to write; default: the folder of the space in the user's data directory.

    Raises:
        MissingData: no such file.
        BadData: the file is not a table of the space; the message says the line and the rule.
        UnknownName: a data set or a role of the mapping that does not exist.
        InvalidSetting: a different table is there already, or settings that fit no column.
    """
    path = Path(path)
    for name in only or ():
        if name not in datasets:
            raise UnknownName("data set to import", name, datasets)
    if not math.isfinite(scale) or scale <= 0:
        raise InvalidSetting(f"scale is a positive factor, not {scale}")
    wanted = {name: datasets[name] for name in only or datasets}
    sheet = read_sheet(path)
    try:
        layout = find_layout(sheet.columns, tuple(wanted), mapping, epochs)
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    if layout.dataset is None and layout.groups[0].dataset is None and len(only or ()) != 1:
        known = ", ".join(datasets)
        raise InvalidSetting(
            f"{path} has no column of data sets: say which one it is about (only), of {known}"
        )
    trainings = collect(path, sheet, layout, space, wanted, scale, passing=only is not None)
    for name in only or ():
        if name not in trainings:
            raise BadData(f"{path} holds nothing about {name}; it has {', '.join(trainings) or 'no rows'}")
    if not trainings:
        raise BadData(f"{path} has a header and no rows")
    tables = {name: to_table(path, space, wanted[name], found) for name, found in trainings.items()}
    folder = data_dir() / space.name if folder is None else folder
    new = {name: _is_new(folder / f"{name}.npz", table, force) for name, table in tables.items()}
    reports = []
    for name, table in tables.items():
        if new[name]:
            table.save(folder / f"{name}.npz")
        reports.append(_report(space, table, trainings[name].columns, folder / f"{name}.npz", new[name]))
    return ImportReport(path, tuple(reports), _ignored(sheet.columns, layout))


def _is_new(target: Path, table: Table, force: bool) -> bool:
    try:
        there = Table.load(target, "").digest
    except NassearchError:
        return True  # missing, or damaged: then importing again is the remedy
    if there != table.digest and not force:
        raise InvalidSetting(
            f"{target} already holds a different table (data {there}, the new one {table.digest}); nothing "
            "was written; replace it by force=True (--force)"
        )
    return there != table.digest


def _report(space: SearchSpace, table: Table, columns: Columns, path: Path, written: bool) -> ImportedTable:
    test = np.nanmean(table.test, axis=0)[table.rows]
    best = int(test.argmax())
    arch = next(arch for i, arch in enumerate(space.all()) if i == best)
    return ImportedTable(
        dataset=table.meta["dataset"],
        path=path,
        digest=table.digest,
        seeds=tuple(table.meta["seeds"]),
        trainings=int(np.isfinite(table.valid).sum()),
        epochs=columns.epochs,
        seconds=table.seconds is not None,
        best_valid=float(np.nanmax(table.valid)),
        best_test=float(test[best]),
        best_arch=space.format(arch),
        written=written,
    )


def _ignored(columns: Sequence[str], layout: Layout) -> tuple[str, ...]:
    used = {layout.arch, layout.dataset, layout.seed}
    for group in layout.groups:
        used |= {group.valid, group.test, group.seconds}
    return tuple(name for i, name in enumerate(columns) if i not in used)
