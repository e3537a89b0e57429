"""Arrays are kept in one .npz file without pickle. Equal arrays give equal bytes, and a file is never half written."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import BadData, NassearchError
from nassearch.files.bounded import Bounded, guarded
from nassearch.files.data_folder import write_whole
from nassearch.files.limits import ARRAYS, Limits
from nassearch.files.unpacking import archive

Arrays = dict[str, NDArray[Any]]
ONE_ARRAY = b"\x93NUMPY"
"""The first bytes of an array by itself, and of each member of an archive."""
DAMAGED = "is damaged or is no .npz archive"
MOST_MEMBERS = 1000


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return what a file of these arrays holds.

    Equal arrays give equal bytes: numpy dates every member of the archive to 1980.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to `path`, which holds either the old content or all of the new at any moment.

    Raises:
        NassearchError: it cannot be written.
    """
    write_whole(path, npz_bytes(arrays), "make room or choose another place, then run again")


def read_npz(path: Path, remedy: str, names: Sequence[str] | None = None, limits: Limits = ARRAYS) -> Arrays:
    """Read arrays, all of them or those of `names` that are there.

    Raises:
        MissingData: there is no such file.
        Unreadable: the system does not give it.
        BadData: it is damaged, holds Python objects, or is larger than arrays of its kind. `remedy` ends all messages.
    """
    try:
        with guarded(path, remedy, remedy, damaged=DAMAGED), Bounded(path, limits) as file:
            if file.read(len(ONE_ARRAY)) == ONE_ARRAY:
                raise BadData(f"{path} holds one array where an .npz archive belongs; {remedy}")
            file.seek(0)
            with archive(file) as opened:
                return _arrays(path, opened, names, limits, remedy)
    except NassearchError:
        raise
    except Exception as error:  # zipfile, struct and numpy each raise their own kinds on damaged bytes
        raise BadData(f"{path} {DAMAGED} ({error}); {remedy}") from error


def _arrays(
    path: Path, archive: zipfile.ZipFile, names: Sequence[str] | None, limits: Limits, remedy: str
) -> Arrays:
    members = {name.removesuffix(".npy"): name for name in archive.namelist()}
    if len(members) > MOST_MEMBERS:
        raise BadData(f"{path} holds {len(members)} arrays; at most {MOST_MEMBERS} are read; {remedy}")
    wanted = members if names is None else [name for name in names if name in members]
    arrays: Arrays = {}
    left = limits.unpacked
    for name in wanted:
        with archive.open(members[name]) as member:
            size, objects = _size(member)
        if size is None:
            raise BadData(f"{path}: {name} is no array; {remedy}")
        if objects:
            raise BadData(f"{path} {DAMAGED} (Python objects, which are never read); {remedy}")
        if size > archive.getinfo(members[name]).file_size:
            raise BadData(f"{path} is damaged: {name} lacks some of its {size} bytes; {remedy}")
        left -= size
        if left < 0:
            raise BadData(
                f"{path}: {name} has {size} bytes, and at most {limits.unpacked} are read of such a file; {remedy}"
            )
        with archive.open(members[name]) as member:
            arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    return arrays


def _size(member: IO[bytes]) -> tuple[int | None, bool]:
    """Return the bytes that an array takes, None where it is none, and whether it is of Python objects."""
    if member.read(len(ONE_ARRAY)) != ONE_ARRAY:
        return None, False
    version = tuple(member.read(2))
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    return math.prod(shape) * max(1, dtype.itemsize), dtype.hasobject  # texts of no length count too
