"""Turn published files into tables: recognise them, read them as data, count, check, and write all or nothing."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.fetch.checksums import agree, digest
from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.table import Table, refuse_fractions, refuse_sparse
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import BadData, quoted
from nassearch.files.data_folder import data_dir
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Progress

SHOWN = 3


def recognise(formats: Iterable[Format], path: Path) -> Format | None:
    """Return the format of a file or folder, or None where it is none of these."""
    return next((candidate for candidate in formats if candidate.recognises(path)), None)


@dataclass
class Collected:
    """Trainings of one data set, column by column: a million of them fit into a few ten megabytes."""

    place: dict[Arch, int] = field(default_factory=dict)
    arch: array[int] = field(default_factory=lambda: array("q"))
    seed: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, training: Training) -> None:
        """Take in one training.

        Raises:
            BadData: its seed is no number that a seed can be, or a value is infinite.
        """
        _check(training)
        self.seed.append(training.seed)
        self.arch.append(self.place.setdefault(training.arch, len(self.place)))
        self.values.extend(training[3:])


def _check(training: Training) -> None:
    seed, values = training.seed, training[3:]
    if not isinstance(seed, int) or not -(2**63) <= seed < 2**63:
        raise BadData(
            f"the seed {quoted(seed)} of a training is no whole number of 64 bits; get the file again"
        )
    if any(map(math.isinf, values)):
        raise BadData(
            f"a training has reached {quoted(list(values))}, which is not finite; get the file again"
        )


def read_official(
    benchmark: type[TabularBenchmark],
    fmt: Format,
    path: Path,
    *,
    epochs: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, Collected], Counter[str]]:
    """Read every training of a published file, and count what was left out by reason.

    What a format can read unit by unit is kept in a work file as it goes, and a killed import goes on from there.

    Raises:
        BadData: the file is not what it looks like; the message says where.
    """
    space = benchmark.space_of([]) if benchmark.listed else benchmark.make_space()
    reading = Reading(space, epochs, progress=progress)
    units = _logged(benchmark, fmt, path, reading) if fmt.resumable else fmt.read(path, reading)
    found: dict[str, Collected] = {}
    for _, trainings in units:
        for training in trainings:
            found.setdefault(training.dataset, Collected()).add(training)
    if not found:
        dropped = "; ".join(f"{count} {reason}" for reason, count in reading.dropped.items())
        raise BadData(
            f"{path} holds no training of {benchmark.name}" + (f": left out {dropped}" if dropped else "")
        )
    return found, reading.dropped


def work_path(benchmark: type[TabularBenchmark], path: Path, epochs: int | None) -> Path:
    """Return where a resumable import of a file or folder keeps what it has read; one that has changed begins anew.

    So does one that another release has begun, which may have read otherwise.

    No clock is trusted: any difference counts, into the past too, and the time at which the system last changed a
    file's entry counts beside the time of its content, which programs that copy set as they like.
    """
    from nassearch import __version__

    which = hashlib.sha256(f"{path.resolve()} {epochs} {__version__}".encode())
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        state = file.stat() if file.exists() else file.lstat()  # a link to nothing
        which.update(f" {file.name} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}".encode())
    return data_dir() / benchmark.name / f"import-{which.hexdigest()[:12]}.work.jsonl"


def _logged(
    benchmark: type[TabularBenchmark], fmt: Format, path: Path, reading: Reading
) -> Iterator[tuple[str, list[Training]]]:
    header = {"format": 1, "reader": fmt.name, "source": str(path.resolve()), "epochs": reading.epochs}
    log = WorkLog(work_path(benchmark, path, reading.epochs), header, "import")
    for line in log.lines:
        try:
            unit, found = line["unit"], [_training(row) for row in line["trainings"]]
            reading.dropped.update(line["dropped"])
        except (KeyError, TypeError, ValueError) as error:
            what = f"{log.path} is not a work file of an import: {error!r}"
            raise BadData(f"{what}; remove it to start over") from error
        yield unit, found
    reading.done = frozenset(line["unit"] for line in log.lines)
    before = Counter(reading.dropped)
    for unit, trainings in fmt.read(path, reading):
        for training in trainings:
            _check(training)  # an infinite value could not be written to the work file
        rows = [[None if value != value else value for value in training] for training in trainings]
        log.append({"unit": unit, "trainings": rows, "dropped": dict(reading.dropped - before)})
        before = Counter(reading.dropped)
        yield unit, trainings


def _training(row: list[Any]) -> Training:
    arch, dataset, seed, *values = row
    return Training(tuple(arch), dataset, seed, *(math.nan if value is None else value for value in values))


def official_table(
    benchmark: type[TabularBenchmark], dataset: Dataset, found: Collected, origin: str, dropped: Counter[str]
) -> Table:
    """Make the table of one data set.

    Raises:
        BadData: architectures are missing, a training is there twice, seeds are too many, validation values are there
            for some only, or fractions stand where percent is expected.
    """
    archs = list(found.place)
    space = benchmark.space_of(archs) if benchmark.listed else benchmark.make_space()
    _refuse_missing(benchmark, space, dataset, archs)
    seeds = sorted(set(found.seed))
    refuse_sparse(dataset.name, len(seeds), len(archs), len(found.seed))
    row = np.searchsorted(seeds, np.array(found.seed))
    column = np.array(found.arch)
    if len(np.unique(row * len(archs) + column)) < len(column):
        raise BadData(f"a training of {dataset.name} is there twice")
    values = np.full((3, len(seeds), len(archs)), np.nan)
    values[:, row, column] = np.array(found.values).reshape(-1, 3).T
    valid, test, seconds = values
    trained = np.isfinite(test)
    timed = np.isfinite(seconds[trained]).all()
    if not timed and np.isfinite(seconds[trained]).any():
        dropped["training seconds: not there for every training"] += 1
    meta: dict[str, Any] = {"origin": origin, "seeds": seeds, "dropped": dict(dropped)}
    if not np.isfinite(valid).any():
        valid, meta["valid"] = test, "test"
    elif not np.array_equal(np.isfinite(valid), trained):
        lacking = int((np.isfinite(valid) != trained).sum())
        raise BadData(f"{lacking} trainings of {dataset.name} have a validation or a test value alone")
    refuse_fractions(dataset, valid, test, "the file is not as it was published; get it again")
    return Table.build(
        space,
        dataset,
        archs,
        dataset.sign * valid,
        dataset.sign * test,
        seconds if timed else None,
        by_key=benchmark.by_key,
        listed=benchmark.listed,
        **meta,
    )


def _refuse_missing(
    benchmark: type[TabularBenchmark], space: SearchSpace, dataset: Dataset, archs: list[Arch]
) -> None:
    name = space.key if benchmark.by_key else lambda arch: arch
    there = {name(arch) for arch in archs}
    missing = {name(arch): arch for arch in space.all() if name(arch) not in there}
    if missing:
        first = ", ".join(space.format(arch) for arch in list(missing.values())[:SHOWN])
        raise BadData(
            f"it lacks {len(missing)} of the {len(missing) + len(there)} architectures of {space.name} for "
            f"{dataset.name}, and a search may ask for any: {first}{', ...' if len(missing) > SHOWN else ''}"
        )


def check_published(fmt: Format, path: Path, force: bool) -> str | None:
    """Compare a file with the checksum published for its name, or that part of it which was.

    Returns:
        Its checksum, or None where nothing was published for such a file, or it is forced.

    Raises:
        BadData: they differ, and `force` is not set.
    """
    wanted = fmt.checksums.get(path.name)
    if wanted is None or not path.is_file():
        return None
    found = digest(path, wanted)
    if agree(found, wanted):
        return found
    if not force:
        raise BadData(
            f"{path} is not the published file: its checksum is {found}, and {wanted} was published (or its end); get "
            "it again, or import it as it is by force=True (--force)"
        )
    return None
