"""Turn the rows of a file into the trainings of a data set. Each value is checked where it stands."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.layout import Columns, Layout
from nassearch.benchmarks.read.naming import choose, named
from nassearch.benchmarks.shorter import Shorter
from nassearch.benchmarks.table import Table, refuse_fractions, refuse_sparse
from nassearch.errors import BadData, InvalidArch, NassearchError, UnknownName, quoted
from nassearch.files.sheets.columns import Sheet
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch

SHOWN = 3
MOST_NAMES = 1000
LARGEST_SEED = 2**53
"""Larger whole numbers are not all told apart as floats, which a sheet may hold."""


@dataclass
class Trainings:
    """Trainings column by column, and the line that each came from: millions of them take some hundred megabytes."""

    columns: Columns
    archs: dict[Arch, int] = field(default_factory=dict)
    arch: array[int] = field(default_factory=lambda: array("q"))
    seed: array[int] = field(default_factory=lambda: array("q"))
    line: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    _place: dict[int, int] = field(default_factory=dict)

    def first(self, arch: Arch, seed: int) -> int | None:
        """Return the line where the training of an architecture with a seed was before, None where it was not."""
        place = self._place.get(self._key(arch, seed))
        return None if place is None else self.line[place]

    def add(self, arch: Arch, seed: int, line: int, values: Sequence[float]) -> None:
        """Take in a training that was not there before: valid, test, seconds, and the same of each shorter one."""
        self._place[self._key(arch, seed)] = len(self.line)
        self.arch.append(self.archs[arch])
        self.seed.append(seed)
        self.line.append(line)
        self.values.extend(values)

    def _key(self, arch: Arch, seed: int) -> int:
        return self.archs.setdefault(arch, len(self.archs)) << 64 | seed + LARGEST_SEED


def collect(
    path: Path,
    sheet: Sheet,
    layout: Layout,
    space: SearchSpace,
    wanted: Mapping[str, Dataset],
    scale: float,
    passing: bool,
) -> dict[str, Trainings]:
    """Read the trainings of every wanted data set, by its name, see `nassearch.benchmarks.read.naming`.

    Args:
        path: for messages.
        sheet, layout: the rows, and which cell is what.
        space, wanted: whose architectures, and which data sets.
        scale: factor on validation and test values.
        passing: pass over rows of other data sets instead of refusing them.

    Raises:
        BadData: a row breaks a rule, and the message says which line and which rule; or a data set is not there, or
            under several names.
    """
    found: dict[str, dict[str, Trainings]] = {}
    archs: dict[Any, Arch] = {}
    names = _Names(wanted, passing)
    for line, row in sheet.rows:
        try:
            for columns, name, spelling in _targets(row, layout, names):
                text = row[layout.arch]
                if text not in archs:
                    archs[text] = space.parse(str(text))
                seed = 0 if layout.seed is None else _integer(row[layout.seed])
                here = found.setdefault(name, {}).setdefault(spelling, Trainings(columns))
                if (first := here.first(archs[text], seed)) is not None:
                    raise BadData(_duplicate(space, (archs[text], seed), sheet.word, first, layout))
                values = (
                    _value(row, columns.valid, sheet, wanted[name], scale),
                    _value(row, columns.test, sheet, wanted[name], scale),
                    math.nan if columns.seconds is None else _value(row, columns.seconds, sheet),
                    *_of_shorter(row, columns.shorter, sheet, wanted[name], scale),
                )
                here.add(archs[text], seed, line, values)
        except (BadData, InvalidArch, UnknownName) as error:
            raise BadData(f"{path}, {sheet.word} {line}: {error}") from error
        except TypeError as error:  # a Parquet cell that holds a list or a struct
            raise BadData(f"{path}, {sheet.word} {line}: a cell that is neither text nor a number") from error
    held = names.met or [columns.dataset for columns in layout.groups if columns.dataset]
    for name in wanted if passing else ():
        if name not in found:
            raise BadData(f"{path} holds nothing about {name}; it has {', '.join(held) or 'no rows'}")
    try:
        return {name: spelt[choose(spelt, name, passing)] for name, spelt in found.items()}
    except BadData as error:
        raise BadData(f"{path}: {error}") from error


class _Names:
    """Which data set each name in a column means."""

    def __init__(self, wanted: Mapping[str, Dataset], passing: bool) -> None:
        self.wanted, self.passing, self.met = wanted, passing, dict[str, str | None]()

    def __getitem__(self, cell: Any) -> str | None:
        spelling = str(cell)
        if spelling not in self.met:
            if len(self.met) >= MOST_NAMES:
                raise BadData(f"more than {MOST_NAMES} different names of data sets")
            name = self.met[spelling] = named(spelling, self.wanted)
            if name is None and not self.passing:
                raise UnknownName("data set to import", spelling, self.wanted)
        return self.met[spelling]


def _targets(row: Sequence[Any], layout: Layout, names: _Names) -> Iterator[tuple[Columns, str, str]]:
    """Yield the data sets that a row is about, each with its name in the file."""
    for columns in layout.groups:
        if columns.dataset is not None:
            yield columns, columns.dataset, columns.dataset
        elif layout.dataset is None:
            name = next(iter(names.wanted))
            yield columns, name, name
        elif (meant := names[row[layout.dataset]]) is not None:
            yield columns, meant, str(row[layout.dataset])


def _duplicate(space: SearchSpace, place: tuple[Arch, int], word: str, first: int, layout: Layout) -> str:
    arch, seed = place
    if layout.seed is not None:
        return f"{space.format(arch)} with seed {seed} is there twice, first in {word} {first}"
    return (
        f"{space.format(arch)} is there twice, first in {word} {first}; "
        "where these are separate trainings, number them in a seed column"
    )


def _integer(cell: Any) -> int:
    number = _number(cell, "seed")
    if number != int(number) or abs(number) > LARGEST_SEED:
        raise BadData(f"seed is {quoted(cell)}, not a whole number of at most {LARGEST_SEED}")
    return int(number)


def _number(cell: Any, column: str) -> float:
    try:
        number = math.nan if cell is None or "_" in str(cell) else float(cell)
    except (OverflowError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        hint = "; write the decimal point as '.'" if "," in str(cell) else ""
        met = "empty" if cell in ("", None) else quoted(cell)
        raise BadData(f"{column} is {met}, not a finite number{hint}")
    return number


def _value(
    row: Sequence[Any], place: int, sheet: Sheet, dataset: Dataset | None = None, scale: float = 1.0
) -> float:
    """Return an accuracy in the unit of the data set, or seconds where there is no data set."""
    column = sheet.columns[place]
    number = _number(row[place], column)
    if dataset is None:
        if number < 0:
            raise BadData(f"{column} is {number:g}; training takes 0 seconds or more")
        return number
    number *= scale
    if not dataset.lowest <= number <= dataset.highest:
        scaled = f" (after the scale of {scale:g})" if scale != 1 else ""
        raise BadData(
            f"{column} is {number:g}{scaled}; {dataset.name} is in {dataset.unit}, "
            f"{dataset.lowest:g} to {dataset.highest:g}"
        )
    return number


def _of_shorter(
    row: Sequence[Any], shorter: Sequence[Columns], sheet: Sheet, dataset: Dataset, scale: float
) -> Iterator[float]:
    """Yield valid, test and seconds of each shorter training, NaN where a cell holds nothing of the kind."""
    for columns in shorter:
        for place, of in ((columns.valid, dataset), (columns.test, dataset), (columns.seconds, None)):
            try:
                yield math.nan if place is None else _value(row, place, sheet, of, scale)
            except BadData:  # no search need ask for it: the whole trainings are what a table is about
                yield math.nan


def to_table(
    path: Path,
    space: SearchSpace,
    dataset: Dataset,
    found: Trainings,
    listed: bool = False,
) -> Table:
    """Make the table of one data set, losses negated; `listed` keeps the architectures of a finite list in it.

    Raises:
        BadData: architectures are missing, seeds are too many, or fractions stand where percent is expected.
    """
    archs, seeds = list(found.archs), sorted(set(found.seed))
    missing = [space.format(arch) for arch in space.all() if arch not in found.archs]
    if missing:
        more = ", ..." if len(missing) > SHOWN else ""
        raise BadData(
            f"{path} lacks {len(missing)} of {space.size} architectures of {space.name} for {dataset.name}; "
            f"a search may ask for any: {', '.join(missing[:SHOWN])}{more}"
        )
    try:
        refuse_sparse(dataset.name, len(seeds), len(archs), len(found.line))
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
    width = 3 + 3 * len(found.columns.shorter)
    values = np.full((width, len(seeds), len(archs)), np.nan)
    rows = np.searchsorted(seeds, np.array(found.seed))
    values[:, rows, np.array(found.arch)] = np.array(found.values).reshape(-1, width).T
    valid, test, seconds = values[:3]
    named = seeds if len(seeds) > 1 or seeds != [0] else []
    meta: dict[str, Any] = {
        "origin": f"imported from {path.name}",
        "seeds": named,
        "epochs": found.columns.epochs,
    }
    if found.columns.only is not None:
        meta["valid" if found.columns.only == "test" else "test"] = found.columns.only
    timed = found.columns.seconds is not None
    try:
        refuse_fractions(dataset, valid, test, "import them with scale=100 (--scale 100)")
        return Table.build(
            space,
            dataset,
            archs,
            dataset.sign * valid,
            dataset.sign * test,
            seconds if timed else None,
            listed=listed,
            shorter=_shorter(found.columns.shorter, values[3:], valid, dataset.sign),
            **meta,
        )
    except NassearchError as error:
        raise BadData(f"{path}: {error}") from error


def _shorter(
    columns: Sequence[Columns], values: np.ndarray, valid: np.ndarray, sign: float
) -> dict[int, Shorter]:
    """Return the shorter trainings that are there for every whole one; the others are left out."""
    found = {}
    for place, each in enumerate(columns):
        own, test, seconds = values[3 * place : 3 * place + 3]
        timed = each.seconds is not None and np.array_equal(np.isfinite(seconds), np.isfinite(valid))
        if all(np.array_equal(np.isfinite(array), np.isfinite(valid)) for array in (own, test)):
            assert each.epochs is not None
            found[each.epochs] = Shorter(sign * own, sign * test, seconds if timed else None)
    return found
