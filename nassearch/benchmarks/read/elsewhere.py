"""Say where a file belongs that is not of the benchmark it was given to."""

from __future__ import annotations

from pathlib import Path

from nassearch import registry
from nassearch.benchmarks.read.official import recognise
from nassearch.benchmarks.read.suite_zero import ACCURACY
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import NassearchError
from nassearch.files.bounded import Bounded
from nassearch.files.limits import BEGINNING

LOOKED_AT = 4096
"""Bytes of the beginning, in which the first architecture of published scores has ended."""


def elsewhere(benchmark: type[TabularBenchmark], path: Path) -> str:
    """Return the command or the scorer that takes such a file, as the end of a message; "" where none is known."""
    found, _ = registry.parts("benchmarks")
    for name, other in found.items():
        if other is not benchmark and isinstance(other, type) and issubclass(other, TabularBenchmark):
            fmt = recognise(other.formats, path)
            if fmt is not None:
                return f"; it looks like {fmt.name}: nassearch bench import {name} {path.name}"
    if ACCURACY.encode() in _beginning(path):
        return f"; it looks like published scores of proxies, which are a scorer: table({path.name}, synflow)"
    return ""


def _beginning(path: Path) -> bytes:
    try:
        with Bounded(path, BEGINNING) as file:
            return file.read(LOOKED_AT)
    except (OSError, NassearchError):
        return b""
