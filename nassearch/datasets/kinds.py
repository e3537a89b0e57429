"""What a single file is, told by its first bytes, and what to do with one that is no data set."""

from __future__ import annotations

from pathlib import Path

from nassearch.errors import BadData
from nassearch.files.bounded import Bounded, guarded
from nassearch.files.limits import BEGINNING

PACKED = b"PK\x03\x04"
"""The first bytes of a zip, which .npz archives are."""
TAR = slice(257, 262)
ONE_IMAGE = "one image: give the folder that holds a folder for each class"
UNPACK = "give the folder that it unpacks to"
BY_FUNCTION = "name a function that reads it, as module:function, or write its arrays with numpy.savez"
OTHERS = {
    b"\x93NUMPY": "one array: write inputs and labels to one file with numpy.savez, or put x_train.npy and y_train.npy "
    "into a folder and give that",
    b"\x80": f"a Python pickle, which can run code and is never read: {BY_FUNCTION}",
    b"\x89HDF": f"HDF5: {BY_FUNCTION}",
    b"\x89PNG": ONE_IMAGE,
    b"\xff\xd8\xff": ONE_IMAGE,
    b"GIF8": ONE_IMAGE,
    b"II*\x00": ONE_IMAGE,
    b"MM\x00*": ONE_IMAGE,
    b"7z\xbc\xaf": f"an archive: {UNPACK}",
    b"Rar!": f"an archive: {UNPACK}",
    b"{": f"JSON: {BY_FUNCTION}",
    b"SQLite": f"a database: {BY_FUNCTION}",
}
PACKED_TARS = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")


def is_archive(path: Path) -> bool:
    """Say whether a file is a zip; it is taken for a sheet where it is not.

    Raises:
        BadData: it is of a kind that is neither.
    """
    with guarded(path), Bounded(path, BEGINNING) as file:
        begins = file.read(512)
    what = next((what for magic, what in OTHERS.items() if begins.startswith(magic)), None)
    if path.name.lower().endswith(PACKED_TARS) or begins[TAR] == b"ustar":
        what = f"a tar archive: {UNPACK}"
    if what:
        raise BadData(f"{path} is {what}")
    return begins.startswith(PACKED)
