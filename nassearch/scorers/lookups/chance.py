"""Baselines of chance: a guide that knows nothing, and one that knows what nobody can know."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import numpy as np

from nassearch.benchmarks.base import Benchmark
from nassearch.benchmarks.given import load_benchmark
from nassearch.checks import SEEDS, whole
from nassearch.errors import InvalidSetting
from nassearch.scorers.lookups.base import Place, Scores, lookup
from nassearch.types import Arch, Floats

METRICS = ("test", "valid")


@lookup(reference="baseline")
def random(place: Place, *, seed: int = 0) -> Scores:
    """Give every architecture a number by chance, the same whenever it is asked: a guide that knows nothing.

    The number is a hash of the seed, the space and the architecture, uniform in [0, 1). A proxy is worth as much as a
    search that it guides is better than one guided by this. All rounds have the same favourites: judge by several
    seeds.

    Args:
        seed: of the hash; other seeds give other numbers.
    """
    seed = whole("seed of random", seed, least=0, largest=SEEDS)
    return partial(_hashes, f"{seed} {place.space.name} ")


def _hashes(prefix: str, archs: Sequence[Arch]) -> Floats:
    return np.array([_unit(f"{prefix}{' '.join(map(str, arch))}") for arch in archs], np.float64)


def _unit(text: str) -> float:
    """Return a number in [0, 1) for a text: the first 53 bits of its hash, as many as a float holds."""
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 11) / 2.0**53


@lookup(reference="baseline")
def oracle(place: Place, *, metric: str = "test") -> Scores:
    """Cheat: score an architecture by what the benchmark says it reaches, which no search may know.

    It is the mean over the trainings there are, as published for `nassearch correlate`. No proxy can guide better, so
    a proxy's value lies between `random` and this. A result that it guided is no result of a search.

    Args:
        metric: `test`, what an architecture is worth, or `valid`.
    """
    if metric not in METRICS:
        raise InvalidSetting(f"metric of oracle is test or valid, not {metric!r}")
    if place.benchmark is None:
        raise InvalidSetting("oracle asks a benchmark, and there is none here: use a scorer of architectures")
    return partial(_reached, load_benchmark(place.benchmark, place.dataset), metric)


def _reached(benchmark: Benchmark, metric: str, archs: Sequence[Arch]) -> Floats:
    return np.array([getattr(benchmark.expected(arch), metric) for arch in archs], np.float64)
