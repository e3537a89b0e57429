"""How large files may be, and how long they may take to read."""

from __future__ import annotations

from typing import NamedTuple

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30


class Limits(NamedTuple):
    """What files of one kind keep within.

    Attributes:
        file: bytes on the disk.
        unpacked: bytes that come out of a compressed file, or of all members of an archive that are taken.
        seconds: of reading, and of what is done with each part as it is read.
    """

    file: int
    unpacked: int
    seconds: float


# The largest published file of each kind stays below a tenth of these; docs/reference/benchmarks.md has the figures.
SHEET = Limits(2 * GB, 2 * GB, 1200)
ARRAYS = Limits(GB, 512 * MB, 600)
IMAGES = Limits(2 * GB, 2 * GB, 600)
PICKLE = Limits(64 * GB, 640 * GB, 7200)
PICKLES = Limits(512 * MB, 512 * MB, 1200)
MEMBERS = Limits(64 * GB, 256 * MB, 7200)
RECORDS = Limits(20 * GB, 20 * GB, 3600)
LOGS = Limits(2 * GB, GB, 1200)
TEXT = Limits(256 * MB, 256 * MB, 600)
RESULT = Limits(256 * MB, 256 * MB, 600)
SCORES = Limits(512 * MB, 512 * MB, 600)
WORK = Limits(GB, GB, 600)
OWN_ARRAYS = Limits(4096 * GB, 4096 * GB, 86_400)
"""A user's own, mapped from the disk."""
PICTURE = Limits(512 * MB, 512 * MB, 60)
BEGINNING = Limits(1 << 62, MB, 60)
"""Of files whose kind is not known yet: a part of them is looked at, and reading them says what is too large."""
NOTE = Limits(MB, MB, 60)
"""Of small files of our own, such as what is known of a download."""


def amount(count: int) -> str:
    """Write a number of bytes."""
    for unit, name in ((GB, "GB"), (MB, "MB"), (KB, "KB")):
        if count >= unit:
            return f"{count // unit} {name}"
    return f"{count} bytes"
