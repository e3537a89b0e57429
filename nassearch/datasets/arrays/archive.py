"""Read arrays of a user's .npz archive or folder of .npy files: mapped where they lie as they are, else unpacked."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.examples import OnDisk
from nassearch.errors import BadData
from nassearch.files.bounded import CHUNK, Bounded, guarded
from nassearch.files.limits import GB, OWN_ARRAYS, amount
from nassearch.files.unpacking import archive

MAGIC = b"\x93NUMPY"
HELD = 4 * GB
"""Bytes of arrays that are unpacked into memory."""
MOST_MEMBERS = 1000
REMEDY = "write it again with numpy.savez"
LOCAL_HEADER = 30
"""Bytes in front of the name of a member of a zip; the last four say how long that and what follows it are."""
Stored = dict[str, "NDArray[Any] | OnDisk"]


def read_archive(path: Path) -> Stored:
    """Return the arrays of an .npz archive by their names; those that are not compressed stay on the disk.

    Raises:
        MissingData, Unreadable: there is no such file, or the system does not give it.
        BadData: it is damaged, holds Python objects, or unpacks to more than `HELD`.
    """
    found: Stored = {}
    left = HELD
    with (
        guarded(path, REMEDY, damaged="is damaged or is no .npz archive"),
        Bounded(path, OWN_ARRAYS) as file,
        archive(file) as opened,
    ):
        members = [info for info in opened.infolist() if info.filename.endswith(".npy")]
        if not 0 < len(members) <= MOST_MEMBERS:
            raise BadData(
                f"{path} is a zip with {len(members)} arrays, not 1 to {MOST_MEMBERS}: write arrays with numpy.savez; "
                "of an archive of images give the folder that it unpacks to"
            )
        for info in members:
            name = info.filename.removesuffix(".npy")
            with opened.open(info) as member:
                about = _header(member, path, f"{path}: {name}", info.file_size)
                if info.compress_type == zipfile.ZIP_STORED:
                    while member.read(CHUNK):  # to the end, where its checksum is looked at
                        pass
            if info.compress_type == zipfile.ZIP_STORED:
                found[name] = _moved(about, _begin(file, info))
                continue
            left -= math.prod(about.shape) * about.dtype.itemsize
            if left < 0:
                raise BadData(
                    f"{path}: its arrays unpack to more than {amount(HELD)}, which are held in memory; {REMEDY}, "
                    "which packs nothing, so that they can be mapped from the disk"
                )
            with opened.open(info) as member:
                found[name] = np.lib.format.read_array(member, allow_pickle=False)
    return {name: _whole(array) for name, array in found.items()}


def read_array(path: Path) -> NDArray[Any] | OnDisk:
    """Return the array of an .npy file, which stays on the disk; what is raised is said in `read_archive`."""
    with guarded(path, "write it again with numpy.save"), Bounded(path, OWN_ARRAYS) as file:
        return _whole(_header(file, path, str(path), file.size))


def _header(file: Any, path: Path, what: str, size: int) -> OnDisk:
    """Read what an array says of itself; `file` stands behind it then."""
    if file.read(len(MAGIC)) != MAGIC:
        raise BadData(f"{what} is no array; {REMEDY}")
    version = tuple(file.read(2))
    reads = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = reads(file)
    except (
        Exception
    ) as error:  # numpy parses it as Python is, and raises what tokens, numbers and types raise
        raise BadData(f"{what} does not say what it holds ({error}); {REMEDY}") from error
    if dtype.hasobject:
        raise BadData(
            f"{what} holds Python objects, which can run code and are never read: write plain numbers or texts, such "
            "as numpy.asarray(labels, dtype=str)"
        )
    if min(shape, default=0) < 0 or math.prod(shape) * max(1, dtype.itemsize) > size - file.tell():
        raise BadData(f"{what} is cut off: it lacks some of its {math.prod(shape)} numbers; {REMEDY}")
    return OnDisk(path, file.tell(), shape, dtype, fortran)


def _moved(about: OnDisk, begin: int) -> OnDisk:
    return OnDisk(about.path, begin + about.offset, about.shape, about.dtype, about.fortran)


def _begin(file: Bounded, info: zipfile.ZipInfo) -> int:
    """Return the byte of an archive at which a member begins."""
    file.seek(info.header_offset)
    header = file.read(LOCAL_HEADER)
    return (
        info.header_offset
        + LOCAL_HEADER
        + sum(int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    )


def _whole(array: NDArray[Any] | OnDisk) -> NDArray[Any] | OnDisk:
    """Return what cannot be mapped, such as an array of no numbers, as it is in memory."""
    if isinstance(array, OnDisk) and not (math.prod(array.shape) * array.dtype.itemsize):
        return np.empty(array.shape, array.dtype)
    return array
