"""Tables of a page, cell by cell: what is read, and the number behind it, by which people sort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nassearch.statistics.digits import SIGNIFICANT, writer


@dataclass(frozen=True)
class Cell:
    """What is read, and the number behind it; None for a text."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Table:
    """A table: its caption, columns, rows of cells (the first names the row), and what is to be said below."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = field(default=())
    kind: str = ""

    @property
    def numeric(self) -> list[bool]:
        """Return which columns are of numbers."""
        return [any(row[i].value is not None for row in self.rows) for i in range(len(self.columns))]


def numbers(values: Iterable[float | None], significant: int = SIGNIFICANT) -> list[Cell]:
    """Write a column of numbers with as many digits as tell them apart."""
    values = list(values)
    write = writer(values, significant)
    return [Cell(write(value), value) for value in values]


def as_rows(*columns: Sequence[Cell]) -> list[list[Cell]]:
    """Return columns as rows."""
    return [list(row) for row in zip(*columns, strict=True)]


def texts(values: Iterable[Any]) -> list[Cell]:
    """Write a column of texts, a dash for what is not there."""
    return [Cell("-" if value is None else str(value)) for value in values]


def counts(values: Iterable[int | None]) -> list[Cell]:
    """Write a column of counts, their thousands apart."""
    return [
        Cell("-") if value is None else Cell(f"{value:,}".replace(",", "\u2009"), value) for value in values
    ]
