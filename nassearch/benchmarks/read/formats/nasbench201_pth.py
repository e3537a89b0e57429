"""NAS-Bench-201 and NATS-Bench in one file each, larger than memory once unpacked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from nassearch.benchmarks.read.formats.arch_results import (
    ARCHITECTURE,
    RESULT,
    reduce,
    trainings,
    wanted_epochs,
)
from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.pickles.sources import beginning, opened

NAMES = {
    "tss": re.compile(rb"\|[a-z_0-9]+~0\|\+\|[a-z_0-9]+~0\|[a-z_0-9]+~1\|\+"),
    "sss": re.compile(rb"\d+:\d+:\d+:\d+:\d+"),
}
"""What tells the names of architectures of the topology and of the size space."""


class NASBench201File(Format):
    """A whole benchmark in one pickle, which is read from front to back and never held.

    The official API unpacks every curve of every training, which takes 28 GB for NAS-Bench-201. Here each training is
    reduced to its last epoch as soon as the file has written it out.

    Args:
        kind: "tss", the topology space, or "sss", the size space.
    """

    name: ClassVar[str] = "NAS-Bench-201 or NATS-Bench in one file"
    # The authors named their files after the end of the checksum. That of the first is known in full.
    checksums: ClassVar[Mapping[str, str]] = {
        "NAS-Bench-201-v1_1-096897.pth": "md5:55e847143ce1f7c2d89b676f6b096897",
        "NAS-Bench-201-v1_0-e61699.pth": "md5:e61699",
        "NATS-tss-v1_0-3ffb9.pickle.pbz2": "md5:3ffb9",
        "NATS-sss-v1_0-50262.pickle.pbz2": "md5:50262",
    }

    def __init__(self, kind: str = "tss") -> None:
        self.kind = kind

    def recognises(self, path: Path) -> bool:
        first = beginning(path) if path.is_file() else b""
        return b"meta_archs" in first and NAMES[self.kind].search(first) is not None

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        epochs = wanted_epochs(self.kind, reading.epochs)
        with opened(path) as source:
            for state in source.unpickler.walk((RESULT, ARCHITECTURE)):
                if RESULT in state:
                    reduce(state)
                    continue
                unit, found = trainings(state, epochs, reading)
                state.clear()
                if reading.progress:
                    reading.progress(source.position(), source.size)
                if found:
                    yield unit, found
