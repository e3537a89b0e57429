"""Open the containers that pickles come in as streams of bytes: bz2, and the two formats of torch."""

from __future__ import annotations

import bz2
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nassearch.benchmarks.read.pickles.reader import Unpickler
from nassearch.errors import BadData, NassearchError
from nassearch.files.bounded import Bounded, guarded
from nassearch.files.limits import PICKLE
from nassearch.files.unpacking import Unpacked, archive

LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The first bytes of a file that torch wrote before version 1.6: a pickle of its magic number."""
LEGACY_VERSION = 1001
ZIP = b"PK\x03\x04"
BZ2 = b"BZh"


class Source(NamedTuple):
    """A pickle to be read, and how many of the bytes on the disk have been."""

    unpickler: Unpickler
    position: Callable[[], int]
    size: int


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a file with one large pickle in it, at the beginning of that pickle.

    Raises:
        BadData: it is no such file, or it is damaged, or larger than any.
        Unreadable: the system does not give it.
    """
    with guarded(path), ExitStack() as stack:
        file = stack.enter_context(Bounded(path, PICKLE))
        begins = file.read(len(LEGACY))
        file.seek(0)
        stream: Any = file
        if begins.startswith(ZIP):
            members = stack.enter_context(archive(file))
            stream = stack.enter_context(members.open(_pickle_in(members)))
        elif begins.startswith(BZ2):
            stream = stack.enter_context(bz2.open(file))
        elif begins != LEGACY:
            raise BadData(f"{path} is neither a file of torch nor a bz2 of a pickle")
        unpickler = Unpickler(
            Unpacked(stream, path, PICKLE.unpacked, file).read, str(path), tick=file.deadline.check
        )
        if begins == LEGACY:
            _skip_head(unpickler)
        yield Source(unpickler, file.tell, file.size)


def beginning(path: Path, count: int = 1 << 16) -> bytes:
    """Return the first unpacked bytes of such a file, or none where it is something else; never raise."""
    try:
        with opened(path) as source:
            return source.unpickler.peek(count)
    except NassearchError:
        return b""


def _pickle_in(members: zipfile.ZipFile) -> str:
    names = [name for name in members.namelist() if name.rpartition("/")[2] == "data.pkl"]
    if len(names) != 1:
        raise BadData(
            f"{members.filename} is a zip archive, but not of torch: it holds {len(names)} data.pkl"
        )
    return names[0]


def _skip_head(unpickler: Unpickler) -> None:
    _, version, system = (unpickler.load() for _ in range(3))
    if version != LEGACY_VERSION or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise BadData(
            f"{unpickler.origin}: of torch's format {version!r}, this version reads {LEGACY_VERSION}"
        )
