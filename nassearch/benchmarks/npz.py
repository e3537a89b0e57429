"""Arrays in one file: no pickle, equal bytes for equal arrays, and never half a file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import BadData, MissingData
from nassearch.paths import write_whole

Arrays = dict[str, NDArray[Any]]


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


def read_npz(path: Path, remedy: str, names: Sequence[str] | None = None) -> Arrays:
    """Read arrays, all of them or those of `names` that are there.

    Raises:
        MissingData: there is no such file.
        BadData: it is damaged, or holds Python objects. `remedy` ends both messages.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise BadData(f"{path} holds one array where an .npz archive belongs; {remedy}")
            wanted = archive.files if names is None else [name for name in names if name in archive.files]
            arrays = {name: archive[name] for name in wanted}
            for name, array in arrays.items():
                if not isinstance(array, np.ndarray):  # numpy gives the bytes of a member that is no array
                    raise BadData(f"{path}: {name} is no array; {remedy}")
            return arrays
    except FileNotFoundError as error:
        raise MissingData(f"there is no file {path}; {remedy}") from error
    except BadData:
        raise
    except Exception as error:  # zipfile, zlib, struct and numpy each raise their own kinds on damaged bytes
        # numpy's own words advise to load it unsafely.
        why = "Python objects, which are never read" if "allow_pickle" in str(error) else error
        raise BadData(f"{path} is damaged or is no .npz archive ({why}); {remedy}") from error
