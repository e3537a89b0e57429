"""Open a data set of one's own: find out what it is, split it, and tell what was found."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.checks import SEEDS, share, whole
from nassearch.datasets.arrays.named import open_archive, open_array_folder
from nassearch.datasets.base import PARTS, OwnDataset, Split
from nassearch.datasets.classes import classes_of
from nassearch.datasets.divide import divide
from nassearch.datasets.found import Found
from nassearch.datasets.images.folder import open_folder
from nassearch.datasets.images.sizes import Size, given_size
from nassearch.datasets.moments import moments
from nassearch.errors import BadData, InvalidSetting, quoted
from nassearch.files.bounded import check_there
from nassearch.types import Progress
from nassearch.workers.progress import Watch

TAKEN = "a folder of images, an .npz archive, or a CSV or Parquet file of paths and labels"


def open_dataset(
    source: Path | str,
    *,
    size: Any = None,
    valid: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    watch: Watch | None = None,
) -> OwnDataset:
    """Find out what a data set is, and split it into train, validation and test where it is not split already.

    Args:
        source: a folder with a folder of images for each class, or with `train`, `valid` and `test` that hold such
            folders; an .npz archive, or folder of .npy files, `x_train` and `y_train`, and perhaps `x_valid`,
            `y_valid`, `x_test`, `y_test`.
        size: height and width of images, or one number for both; None for what they have, see `choose_size`.
        valid, test: shares of the examples that become validation and test where the source has none.
        seed: of the split.
        watch: makes callbacks for progress, as `nassearch.workers.progress.watching` gives it.

    Returns:
        The data set; its `notes` say what was found and done.

    Raises:
        InvalidSetting: a setting is out of range.
        MissingData, Unreadable: there is no such source, or the system does not give it.
        BadData: there is nothing in it to learn from, or it is damaged.
    """
    share("valid", valid)
    share("test", test)
    if valid <= 0 or valid + test >= 1:
        raise InvalidSetting(
            f"valid is a share above 0 that leaves something beside test for training, not {valid} and {test}"
        )
    whole("seed", seed, 0, largest=SEEDS)
    if not isinstance(source, str | os.PathLike) or not str(source):
        raise InvalidSetting(f"a data set is {TAKEN}, not {quoted(source)}")
    progress = watch("reading examples") if watch else None
    found = _read(Path(source), given_size(size), progress)
    return _assembled(found, str(Path(source).absolute()), valid, test, seed)


def _read(path: Path, size: Size | None, progress: Progress | None) -> Found:
    check_there(path)
    if path.is_dir():
        return open_array_folder(path, progress) or open_folder(path, size, progress)
    return open_archive(path, progress)


def _assembled(found: Found, source: str, valid: float, test: float, seed: int) -> OwnDataset:
    classes, labels, notes = classes_of(found.labels, found.names, source)
    given = np.array([PARTS.index(part) if part else -1 for part in found.parts], np.int64)
    kept = np.flatnonzero(labels >= 0)
    parts, more = divide(labels[kept], found.contents[kept], given[kept], valid, test, seed, source)
    train, valid_, test_ = (_split(found, labels, kept[parts == number]) for number in range(len(PARTS)))
    if not len(train) or not len(valid_):
        raise BadData(f"{source} needs an example to train on and one for validation, and has not both")
    mean, std = moments(found.examples, train.places)
    return OwnDataset(
        found.name,
        found.kind,
        classes,
        found.examples.shape,
        train,
        valid_,
        test_,
        mean,
        std,
        _natural(found),
        _digest(found, classes, (train, valid_, test_)),
        source,
        tuple([*notes, *found.notes, *more]),
    )


def _split(found: Found, labels: NDArray[np.int64], places: NDArray[np.int64]) -> Split:
    return Split(found.examples, places, labels[places], found.contents[places])


def _natural(found: Found) -> bool:
    channels, *size = found.examples.shape
    return found.kind == "image" and min(size) >= (24 if channels >= 3 else 64)


def _digest(found: Found, classes: tuple[str, ...], splits: tuple[Split, ...]) -> str:
    digest = hashlib.sha256(
        repr((found.kind, found.examples.shape, found.examples.dtype.str, classes)).encode()
    )
    for split in splits:
        digest.update(f"{len(split)}".encode())
        digest.update(split.contents.tobytes())
        digest.update(split.labels.astype("<i8").tobytes())
    return digest.hexdigest()[:16]
