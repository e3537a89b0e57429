"""Import other people's tables: check them, and keep them under the user's data directory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.npz import npz_bytes
from nassearch.benchmarks.read.elsewhere import elsewhere
from nassearch.benchmarks.read.formats.base import Format
from nassearch.benchmarks.read.layout import Layout, find_layout
from nassearch.benchmarks.read.official import (
    check_published,
    official_table,
    read_official,
    recognise,
    work_path,
)
from nassearch.benchmarks.read.trainings import collect, to_table
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import BadData, InvalidSetting, NassearchError, UnknownName, Unreadable
from nassearch.files.bounded import check_there
from nassearch.files.data_folder import data_dir
from nassearch.files.sheets.columns import read_sheet
from nassearch.files.together import finish, write_together
from nassearch.types import Progress


@dataclass(frozen=True)
class ImportedTable:
    """What an import made of one data set.

    Attributes:
        dataset, path, digest: the table, where it lies and the hash of its data.
        seeds: the training seeds; empty where the file names none.
        trainings: number of (architecture, seed) pairs.
        epochs: of the chosen columns, None where their names do not say.
        shorter: the epochs of shorter trainings that came along.
        seconds: whether training seconds came along; a query answers NaN where not.
        best_valid, best_test: best values as published, the test value averaged over seeds.
        best_arch: text of the architecture with the best test value.
        validated, tested: whether there are validation and test values; what is not there repeats the other.
        architectures: how many the table holds.
        written: False where the same table was there already.
    """

    dataset: str
    path: Path
    digest: str
    seeds: tuple[int, ...]
    trainings: int
    epochs: int | None
    shorter: tuple[int, ...]
    seconds: bool
    best_valid: float
    best_test: float
    best_arch: str
    validated: bool
    tested: bool
    architectures: int
    written: bool


@dataclass(frozen=True)
class ImportReport:
    """What an import read and made.

    Attributes:
        source: the file or folder.
        tables: one per data set.
        format: name of the published format, or "table".
        ignored: columns that nothing was taken from.
        dropped: what was left out, by reason.
        checksum: of a file for which one was published, None otherwise.
    """

    source: Path
    tables: tuple[ImportedTable, ...]
    format: str = "table"
    ignored: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    checksum: str | None = None


def import_file(
    benchmark: type[TabularBenchmark],
    path: Path | str,
    mapping: Mapping[str, str] | None = None,
    *,
    only: Sequence[str] | None = None,
    epochs: int | None = None,
    scale: float = 1.0,
    force: bool = False,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Read what trainings reached, from a published file, CSV or Parquet; check it, and keep a table per data set.

    Every architecture of the space must be there, isomorphic ones too where the file is a sheet: a search may ask for
    any. Nothing is written unless all of it is right.

    Args:
        benchmark: which one the file is about; it knows its published formats.
        path: the file or folder; `find_layout` describes the columns of a sheet.
        mapping: role to column name, of a sheet.
        only: names of the data sets to take; others in the file are passed over. A long sheet without a column
            of data sets needs exactly one name here.
        epochs: which trainings: a column of a wide sheet, a budget of a published file; None for the most.
        scale: factor on validation and test values of a sheet, 100 for fractions.
        force: replace a different table that is there already; take a file whose checksum is not the published one.
        folder: where to write; default: the folder of the benchmark in the user's data directory.
        progress: called with (bytes or units done, all of them) while a published file is read.

    Raises:
        MissingData: no such file.
        BadData: the file is not of the benchmark; the message says the line and the rule.
        UnknownName: a data set or a role of the mapping that does not exist.
        InvalidSetting: a different table is there already, or settings that fit no column or no format.
    """
    path, datasets = Path(path), benchmark.importable()
    for name in only or ():
        if name not in datasets:
            raise UnknownName("data set to import", name, datasets)
    if not math.isfinite(scale) or scale <= 0:
        raise InvalidSetting(f"scale is a positive factor, not {scale}")
    check_there(path)
    wanted = {name: datasets[name] for name in only or datasets}
    folder = data_dir() / benchmark.name if folder is None else folder
    fmt = recognise(benchmark.formats, path)
    if fmt is None:
        tables, ignored = _of_sheet(benchmark, path, wanted, mapping, only, epochs, scale)
        return ImportReport(path, _keep(benchmark, tables, folder, force), ignored=ignored)
    if mapping or scale != 1:
        raise InvalidSetting(
            f"{path} is a {fmt.name}: columns and scale are of CSV and Parquet, leave them out"
        )
    checksum = check_published(fmt, path, force)
    work = work_path(benchmark, path, epochs)
    tables, dropped = _of_format(benchmark, fmt, path, wanted, epochs, progress)
    kept = _keep(benchmark, tables, folder, force)
    for leftover in (work.with_name(f"{work.name}.lock"), work):  # a kill in between repeats nothing
        leftover.unlink(missing_ok=True)
    return ImportReport(path, kept, fmt.name, (), dropped, checksum)


def _of_sheet(
    benchmark: type[TabularBenchmark],
    path: Path,
    wanted: Mapping[str, Dataset],
    mapping: Mapping[str, str] | None,
    only: Sequence[str] | None,
    epochs: int | None,
    scale: float,
) -> tuple[dict[str, Table], tuple[str, ...]]:
    """Return the tables of a sheet, and the columns that nothing was taken from."""
    try:
        sheet = read_sheet(path, [fmt.name for fmt in benchmark.formats])
    except Unreadable:
        raise
    except BadData as error:
        raise BadData(f"{error}{elsewhere(benchmark, path)}") from error
    own = {role: name for role, name in benchmark.columns.items() if name in sheet.columns}
    mapping = {role: name for role, name in own.items() if role not in sheet.columns} | dict(mapping or {})
    try:
        layout = find_layout(sheet.columns, wanted, mapping, epochs)
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    if layout.dataset is None and layout.groups[0].dataset is None and len(wanted) != 1:
        known = ", ".join(wanted)
        raise InvalidSetting(
            f"{path} has no column of data sets: say which one it is about by only=[NAME] (--dataset NAME), of {known}"
        )
    space = benchmark.space_of([]) if benchmark.listed else benchmark.make_space()
    trainings = collect(path, sheet, layout, space, wanted, scale, passing=only is not None)
    if not trainings:
        raise BadData(f"{path} has a header and no rows")
    tables = {}
    for name, found in trainings.items():
        if benchmark.listed:
            space = benchmark.space_of(list(found.archs))
        tables[name] = to_table(path, space, wanted[name], found, benchmark.listed)
    return tables, _ignored(sheet.columns, layout, tables)


def _of_format(
    benchmark: type[TabularBenchmark],
    fmt: Format,
    path: Path,
    wanted: Mapping[str, Dataset],
    epochs: int | None,
    progress: Progress | None,
) -> tuple[dict[str, Table], Counter[str]]:
    """Return the tables of a published file, and what was left out."""
    found, dropped = read_official(benchmark, fmt, path, epochs=epochs, progress=progress)
    names = [name for name in wanted if name in found]
    if not names:
        raise BadData(f"{path} holds nothing about {', '.join(wanted)}; it has {', '.join(found)}")
    origin = f"imported from {path.name}, a {fmt.name}"
    tables = {}
    for name in names:
        try:
            tables[name] = official_table(benchmark, wanted[name], found[name], origin, dropped)
        except NassearchError as error:
            raise BadData(f"{path}: {error}") from error
    return tables, dropped


def _keep(
    benchmark: type[TabularBenchmark], tables: Mapping[str, Table], folder: Path, force: bool
) -> tuple[ImportedTable, ...]:
    """Write tables that are not there yet, all of them or none."""
    finish(folder)
    paths = {name: folder / f"{name}.npz" for name in tables}
    new = {name: _is_new(paths[name], table, force) for name, table in tables.items()}
    kept = tuple(_describe(benchmark, table, paths[name], new[name]) for name, table in tables.items())
    write_together(
        folder, {paths[name].name: npz_bytes(tables[name].arrays()) for name in tables if new[name]}
    )
    return kept


def _is_new(target: Path, table: Table, force: bool) -> bool:
    try:
        old = Table.load(target, "")
    except Unreadable:
        raise  # it may be whole
    except NassearchError:
        return True  # missing, or damaged: then importing again is the remedy
    there, same = old.digest, old.shorter_digest == table.shorter_digest
    if there == table.digest and old.shorter and not same and not force:
        raise InvalidSetting(
            f"{target} already holds this table with other shorter trainings, of {_listed(old)} epochs and not "
            f"{_listed(table)}; nothing was written; replace it by force=True (--force)"
        )
    if there != table.digest and not force:
        raise InvalidSetting(
            f"{target} already holds a different table (data {there}, the new one {table.digest}); nothing "
            "was written; replace it by force=True (--force)"
        )
    return there != table.digest or not same


def _listed(table: Table) -> str:
    return ", ".join(map(str, table.shorter)) or "none"


def _describe(benchmark: type[TabularBenchmark], table: Table, path: Path, written: bool) -> ImportedTable:
    dataset = benchmark.datasets()[table.meta["dataset"]]
    space = benchmark.space_of(table.architectures) if benchmark.listed else benchmark.make_space()
    test = np.nanmean(table.test, axis=0)[table.rows]
    best = int(test.argmax())
    arch = next(arch for i, arch in enumerate(space.all()) if i == best)
    return ImportedTable(
        dataset=dataset.name,
        path=path,
        digest=table.digest,
        seeds=tuple(table.meta["seeds"]),
        trainings=int(np.isfinite(table.valid).sum()),
        epochs=table.meta.get("epochs"),
        shorter=tuple(table.shorter),
        seconds=table.seconds is not None,
        best_valid=dataset.sign * float(np.nanmax(table.valid)),
        best_test=dataset.sign * float(test[best]),
        best_arch=space.format(arch),
        validated=table.meta.get("valid") != "test",
        tested=table.meta.get("test") != "valid",
        architectures=len(table.rows),
        written=written,
    )


def _ignored(columns: Sequence[str], layout: Layout, tables: Mapping[str, Table]) -> tuple[str, ...]:
    used = {layout.arch, layout.dataset, layout.seed}
    for group in layout.groups:
        table = tables.get(group.dataset or "")
        taken = table.shorter if table else ()
        for each in (group, *(shorter for shorter in group.shorter if shorter.epochs in taken)):
            used |= {each.valid, each.test, each.seconds}
    return tuple(name for i, name in enumerate(columns) if i not in used)
