"""NATS-Bench as a folder with one file for each architecture, or as the archive of it that is downloaded."""

from __future__ import annotations

import bz2
import re
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, ClassVar, cast

from nassearch.benchmarks.read.formats.arch_results import trainings, wanted_epochs
from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.formats.nasbench201_pth import NAMES
from nassearch.benchmarks.read.pickles.reader import Unpickler
from nassearch.errors import BadData, NassearchError
from nassearch.files.bounded import DAMAGED, Bounded, Deadline, guarded
from nassearch.files.limits import MEMBERS

MEMBER = re.compile(r"(\d{1,6})\.pickle\.pbz2")
META = "meta.pickle.pbz2"
MOST_MEMBERS = 400_000
"""Of an archive; the size space has 32,769."""
LOOKED_AT = 20
"""Members of an archive in which a name of an architecture has to show up."""


class NATSFolder(Format):
    """`NATS-tss-v1_0-3ffb9-simple`, `NATS-sss-v1_0-50262-simple`, or the .tar of one, which is not unpacked.

    The digits in these names end the checksum of the same benchmark in one file; for the archives none was published.

    Args:
        kind: "tss", the topology space, or "sss", the size space.
    """

    name: ClassVar[str] = "NATS-Bench folder"
    resumable: ClassVar[bool] = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def recognises(self, path: Path) -> bool:
        try:
            looked_at = islice((file for name, file, _, _ in _members(path) if _is_ours(name)), LOOKED_AT)
            return any(NAMES[self.kind].search(_beginning(file)) for file in looked_at)
        except NassearchError:
            return False

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        epochs = wanted_epochs(self.kind, reading.epochs)
        for name, file, done, total in _members(path):
            match = MEMBER.fullmatch(name)
            if match and match[1] not in reading.done:
                with guarded(path):
                    unit, found = _read_member(file, f"{path}, {name}", epochs, reading)
                if int(unit) != int(match[1]):
                    raise BadData(f"{path}: {name} holds the architecture {unit}")
                yield match[1], found
            elif not _is_ours(name):
                reading.dropped["files with other names"] += 1
            if reading.progress:
                reading.progress(done, total)


def _is_ours(name: str) -> bool:
    return name == META or MEMBER.fullmatch(name) is not None


def _beginning(file: IO[bytes]) -> bytes:
    try:
        with bz2.open(file) as member:
            return member.read(1 << 16)
    except (*DAMAGED, ValueError):
        return b""


def _read_member(file: IO[bytes], origin: str, epochs: int, reading: Reading) -> tuple[str, list[Training]]:
    with bz2.open(file) as member:  # with weights a member has some ten million bytes
        content = Unpickler(member.read, origin, MEMBERS.unpacked).load()
    if not isinstance(content, dict) or not content or not all(isinstance(v, dict) for v in content.values()):
        raise BadData(f"{origin}: not the results of an architecture")
    found = [trainings(state, epochs, reading) for state in content.values()]
    if len({unit for unit, _ in found}) > 1:
        raise BadData(f"{origin}: results of several architectures")
    return found[0][0], [training for _, part in found for training in part]


def _members(path: Path) -> Iterator[tuple[str, IO[bytes], int, int]]:
    """Yield the name and content of each file, how much is read with it, and of how much.

    Raises:
        BadData: it is neither a folder nor an archive, or an archive with links or with paths that lead out of it.
    """
    with guarded(path):
        yield from _of_folder(path) if path.is_dir() else _of_archive(path)


def _of_folder(path: Path) -> Iterator[tuple[str, IO[bytes], int, int]]:
    files = sorted(file for file in path.iterdir() if file.is_file())
    deadline = Deadline(path, MEMBERS.seconds)
    for count, place in enumerate(files, start=1):
        with Bounded(place, MEMBERS, deadline) as file:
            yield place.name, cast("IO[bytes]", file), count, len(files)


def _of_archive(path: Path) -> Iterator[tuple[str, IO[bytes], int, int]]:
    with Bounded(path, MEMBERS) as raw, tarfile.open(fileobj=cast("IO[bytes]", raw), mode="r:") as archive:
        for count, member in enumerate(archive):
            if count >= MOST_MEMBERS:
                raise BadData(f"{path} has more than {MOST_MEMBERS} members; get it again")
            place = PurePosixPath(member.name)
            if place.is_absolute() or ".." in place.parts:
                raise BadData(f"{path} holds {member.name!r}, a path out of the archive")
            if member.isdir():
                continue
            content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
            if content is None:
                raise BadData(f"{path} holds {member.name!r}, which is a link or a device, not a plain file")
            with content:
                yield place.name, content, raw.tell(), raw.size
