"""A published format knows its files and reads the trainings in them. It runs nothing that is in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Progress


class Training(NamedTuple):
    """One training of one architecture, as published.

    Attributes:
        arch: of the space, in its canonical form.
        dataset: name of a data set of the benchmark.
        seed: tells trainings of one architecture apart: the published seed, or a number from 0.
        valid, test: in the unit of the data set, a loss not yet negated; NaN where the file has none.
        seconds: of training; NaN where the file has none.
    """

    arch: Arch
    dataset: str
    seed: int
    valid: float
    test: float
    seconds: float


@dataclass
class Reading:
    """What an import asks of a format, and what it hears while it reads.

    Attributes:
        space: whose architectures the file is about.
        epochs: budget of the trainings to take, None for the longest.
        done: units that an earlier import, which was killed, has read; a format that can reach its units one by one
            passes over them.
        progress: called with (bytes or units done, all of them).
        dropped: how often something was left out, by reason.
    """

    space: SearchSpace
    epochs: int | None = None
    done: frozenset[str] = frozenset()
    progress: Progress | None = None
    dropped: Counter[str] = field(default_factory=Counter)


class Format(ABC):
    """One published format. It has no state: everything it learns goes out of `read`.

    Attributes:
        name: what people call it, "NATS-Bench topology folder".
        checksums: published ones by name of the file, see `nassearch.benchmarks.fetch.checksums`.
        resumable: whether units can be read one by one, in any order, so that a killed import loses only one.
    """

    name: ClassVar[str]
    checksums: ClassVar[Mapping[str, str]] = {}
    resumable: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Say whether this is such a file or folder, by its first bytes and not by its name; never raise."""

    @abstractmethod
    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        """Yield (name of a unit, its trainings), each unit once.

        A unit is what is read in one go: a member of an archive, a run of records. What is left out is counted in
        `reading.dropped`.

        Raises:
            BadData: the file is damaged, is something else, or asks for code to be run; the message says where.
            InvalidSetting: no training has these epochs.
        """
