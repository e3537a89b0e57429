"""The released pickles of NAS-Bench-ASR: one file per training seed and number of epochs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.pickles.reader import Unpickler
from nassearch.errors import BadData, InvalidSetting, NassearchError, quoted
from nassearch.files.bounded import Bounded, guarded
from nassearch.files.limits import BEGINNING, PICKLES
from nassearch.types import Arch

HEAD = 4096
"""Bytes at the beginning of a file that its header fits into."""
COLUMNS = ["model_hash", "val_per", "test_per"]
"""What the first columns have to be; the vector of the architecture comes later among them."""
DATASET = "timit"


class NASBenchASRPickles(Format):
    """Two pickles in a row, a header and a list of rows; `nb-asr-e40-1234.pickle` is that of seed 1234 and 40 epochs.

    The header is a dictionary with `dataset_type` ("training"; the files of latencies and parameters say otherwise and
    are passed over), `seed`, `epochs`, `columns` and `search_space`. A row holds the hash of the architecture, the
    phoneme error rate on the validation set after each epoch, that on the test set at the epoch where the former was
    lowest, and the architecture's vector. Rates are fractions.

    `valid` is the lowest validation rate of all epochs, the authors' default, and `test` belongs to the same epoch.
    The public loader answers None for a hash that a file does not have; a table cannot, so an architecture without
    any finite training ends the import.
    """

    name: ClassVar[str] = "NAS-Bench-ASR release"
    resumable: ClassVar[bool] = True

    def recognises(self, path: Path) -> bool:
        return bool(_files(path))

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        files = [(file, header) for file in _files(path) if (header := _header(file)) is not None]
        known = sorted({header["epochs"] for _, header in files})
        if not known:
            raise BadData(
                f"{path} holds latencies or counts but no trainings; they are in nb-asr-e40-1234.pickle"
            )
        epochs = known[-1] if reading.epochs is None else reading.epochs
        if epochs not in known:
            raise InvalidSetting(
                f"{path} has trainings of {', '.join(map(str, known))} epochs, not of {epochs}"
            )
        wanted = [(file, header) for file, header in files if header["epochs"] == epochs]
        if len(wanted) < len(files) and not reading.done:  # otherwise an earlier import has counted them
            reading.dropped[f"files of trainings of other lengths than {epochs} epochs"] += len(files) - len(
                wanted
            )
        for number, (file, header) in enumerate(wanted):
            if file.name not in reading.done:
                yield file.name, _trainings(file, header, reading)
            if reading.progress:
                reading.progress(number + 1, len(wanted))


def _files(path: Path) -> list[Path]:
    """Return the file, or those in the folder, that begin as such a pickle does, whatever it holds."""
    found = []
    try:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file():
                with Bounded(file, BEGINNING) as stream:
                    head = stream.read(HEAD)
                if head[:1] == b"\x80" and b"dataset_type" in head and b"model_hash" in head:
                    found.append(file)
    except (NassearchError, OSError):
        return []
    return found


def _header(file: Path) -> dict[str, Any] | None:
    """Return the header of a file of trainings, None for another kind of file."""
    with guarded(file), Bounded(file, PICKLES) as stream:
        header = Unpickler(stream.read, str(file)).load()
    if not isinstance(header, dict):
        raise BadData(f"{file} begins with a {type(header).__name__}, not with a header")
    if header.get("dataset_type") != "training":
        return None
    columns = header.get("columns")
    if not isinstance(columns, list | tuple) or list(columns[:3]) != COLUMNS:
        raise BadData(
            f"{file} has the columns {quoted(columns)}, which should begin with {', '.join(COLUMNS)}"
        )
    for name in ("epochs", "seed"):
        value = header.get(name)
        if type(value) is not int or not -(2**63) <= value < 2**63:  # True is an int too
            raise BadData(
                f"the header of {file} gives {name} as {quoted(value)}, not as a whole number of 64 bits"
            )
    return header


def _trainings(file: Path, header: dict[str, Any], reading: Reading) -> list[Training]:
    with guarded(file), Bounded(file, PICKLES) as stream:
        unpickler = Unpickler(stream.read, str(file))
        unpickler.load()
        rows = unpickler.load()
    columns = list(header["columns"])
    vector_at = columns.index("arch_vec") if "arch_vec" in columns else None
    if not isinstance(rows, list):
        raise BadData(f"{file} holds a {type(rows).__name__} after its header, not a list of rows")
    found = []
    for number, row in enumerate(rows):
        where = f"{file}, row {number + 1}"
        if not isinstance(row, list | tuple) or len(row) != len(columns):
            raise BadData(f"{where}: not a row of {len(columns)} columns")
        if not isinstance(row[0], str):
            raise BadData(f"{where}: {quoted(row[0])} is no hash")
        arch = reading.space.of_key(row[0])
        if arch is None:
            reading.dropped["trainings with a hash of no architecture"] += 1
            continue
        if vector_at is not None:
            vector = _vector(row[vector_at], where)
            if not reading.space.is_valid(vector) or reading.space.key(vector) != row[0]:
                raise BadData(
                    f"{where}: the hash {row[0]} is not that of the vector {quoted(row[vector_at])}"
                )
        valid, test = 100 * _lowest(row[1], where), 100 * _rate(row[2], where)
        if math.isfinite(valid) and math.isfinite(test):
            found.append(Training(arch, DATASET, header["seed"], valid, test, math.nan))
        else:
            reading.dropped["trainings without a finite error rate"] += 1
    return found


def _vector(value: Any, where: str) -> Arch:
    try:
        return tuple(int(option) for node in value for option in node)
    except (OverflowError, TypeError, ValueError):
        raise BadData(f"{where}: {quoted(value)} is no vector of an architecture") from None


def _lowest(values: Sequence[Any], where: str) -> float:
    """Return the lowest of the rates that are finite, NaN where none is."""
    # One by one: numpy would unfold lists within lists, which a small file can hold a billion of.
    try:
        rates = [math.nan if value is None else float(value) for value in values]
    except (OverflowError, TypeError, ValueError):
        raise BadData(f"{where}: {quoted(values)} are no error rates") from None
    return min(filter(math.isfinite, rates), default=math.nan)


def _rate(value: Any, where: str) -> float:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        raise BadData(f"{where}: {quoted(value)} is no error rate") from None
