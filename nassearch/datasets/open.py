"""Open a data set of one's own: find out what it is, split it, and tell what was found."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.checks import SEEDS, share, whole
from nassearch.datasets.arrays.named import open_archive, open_array_folder
from nassearch.datasets.base import PARTS, OwnDataset, Split
from nassearch.datasets.classes import classes_of
from nassearch.datasets.copies import tell_copies
from nassearch.datasets.divide import divide, tell_missing
from nassearch.datasets.found import Found
from nassearch.datasets.functions.calling import is_function, open_function
from nassearch.datasets.images.folder import open_folder
from nassearch.datasets.images.resizing import resized
from nassearch.datasets.images.sizes import Size, given_size
from nassearch.datasets.kinds import is_archive
from nassearch.datasets.moments import moments
from nassearch.datasets.natural import is_natural
from nassearch.datasets.sentences import sentence
from nassearch.datasets.sentences import whole as whole_text
from nassearch.datasets.sheets.loaded import load_sheet
from nassearch.datasets.sheets.numbers import open_numbers
from nassearch.datasets.sheets.paths import open_paths
from nassearch.errors import BadData, InvalidSetting, excerpt, quoted
from nassearch.files.bounded import check_there, guarded
from nassearch.types import Progress
from nassearch.workers.progress import Watch

TAKEN = "a folder of images, an .npz archive, a CSV or Parquet file of paths and labels, or module:function"


def open_dataset(
    source: str | os.PathLike[str],
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
            `y_valid`, `x_test`, `y_test`; a CSV, TSV or Parquet file of paths and labels, or of numbers and labels; or
            `module:function`, a function of your own that returns a map-style data set, or several by part.
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
        BrokenPart: the code of a function of your own fails.
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
    if re.match(r"[A-Za-z][\w+.-]+://", str(source)):
        raise InvalidSetting(
            f"a data set lies on this machine, and {excerpt(str(source))} is an address: download it first"
        )
    progress = watch("reading examples") if watch else None
    asked, text = given_size(size), os.fspath(source)
    if is_function(text):
        found = open_function(text, asked, progress)
    else:
        text = os.path.abspath(os.path.expanduser(text))
        if whole_text(text) != text:
            raise InvalidSetting(f"the path of a data set is text in UTF-8, not {quoted(text)}: rename it")
        found = _read(Path(text), asked, progress)
    try:
        return _assembled(resized(found, asked), text, valid, test, seed)
    except BadData as error:
        left_out = [note for note in found.notes if note.startswith("Left out")]
        raise BadData(sentence("; ".join([str(error), *left_out]))) from error


def _read(path: Path, size: Size | None, progress: Progress | None) -> Found:
    with guarded(path, missing=f"a data set is {TAKEN}", what="data set"):
        path.stat()
    check_there(path)
    if path.is_dir():
        return open_array_folder(path, progress) or open_folder(path, size, progress)
    if is_archive(path):
        return open_archive(path, progress)
    sheet = load_sheet(path)
    return open_numbers(sheet, progress) if sheet.at_path is None else open_paths(sheet, size, progress)


def _assembled(found: Found, source: str, valid: float, test: float, seed: int) -> OwnDataset:
    classes, labels, notes = classes_of(found.labels, found.names, source)
    given = np.array([PARTS.index(part) if part else -1 for part in found.parts], np.int64)
    kept = np.flatnonzero(labels >= 0)
    labels, contents = labels[kept], found.contents[kept]
    parts, more = divide(labels, contents, given[kept], valid, test, seed, source)
    copies = tell_copies(contents, labels, parts, classes, lambda place: found.where(int(kept[place])))
    missing = tell_missing(labels, parts, classes, source)
    train, valid_, test_ = (
        Split(found.examples, kept[there], labels[there], contents[there])
        for there in (np.flatnonzero(parts == number) for number in range(len(PARTS)))
    )
    mean, std = moments(found.examples, train.places)
    natural, looks = is_natural(found.kind, found.examples.shape, classes if _named(found) else ())
    return OwnDataset(
        whole_text(found.name),
        found.kind,
        classes,
        found.examples.shape,
        train,
        valid_,
        test_,
        mean,
        std,
        natural,
        _digest(found, classes, (train, valid_, test_)),
        source,
        tuple(map(sentence, [*copies, *notes, *missing, *found.notes, *more, *looks])),
    )


def _named(found: Found) -> bool:
    return found.names is not None or any(isinstance(label, str) for label in found.labels)


def _digest(found: Found, classes: tuple[str, ...], splits: tuple[Split, ...]) -> str:
    digest = hashlib.sha256(
        repr((found.kind, found.examples.shape, found.examples.dtype.str, classes)).encode()
    )
    for split in splits:
        digest.update(f"{len(split)}".encode())
        digest.update(split.contents.tobytes())
        digest.update(split.labels.astype("<i8").tobytes())
    return digest.hexdigest()[:16]
