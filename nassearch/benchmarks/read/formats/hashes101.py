"""Check that the hashes in a file of NAS-Bench-101 are those of its cells."""

from __future__ import annotations

from nassearch.benchmarks.read.formats.base import Reading
from nassearch.errors import BadData
from nassearch.types import Arch

FIRST = 1_000
EVERY = 16


def check_hash(reading: Reading, arch: Arch | None, given: str, number: int) -> None:
    """Compare a published hash with the one that we find, for the first 1,000 cells and then for one in 16.

    Cells are known by matrix and operations, never by their hash, and all hashes would take most of an import.

    Args:
        reading: whose space has the hashes.
        arch: a cell, or None for one that is outside the space.
        given: its hash in the file.
        number: of the cell in the file.

    Raises:
        BadData: they differ.
    """
    if arch is not None and (number <= FIRST or number % EVERY == 0):
        found = reading.space.key(arch)
        if found != given:
            raise BadData(f"the hash of its cell is {found}, not {given}")
