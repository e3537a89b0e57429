"""A small result: its header and its rounds."""

from __future__ import annotations

import numpy as np
from fakes import FakeBenchmark

from nassearch.search.runner import Round, run_rounds
from nassearch.search.store import Header
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.base import Strategy
from nassearch.strategies.rand import RandomSearch

EXPERIMENT = {"strategy": "rand", "budget": 12, "seed": 0, "rounds": 5, "workers": 1, "show": "test"}


def header(**changes: object) -> Header:
    return Header({**EXPERIMENT, **changes}, package="0.1.0", data="0123abcd")


def rand(rng: np.random.Generator) -> Strategy:
    return RandomSearch(NASBench201(), rng)


def rounds(numbers: range = range(5)) -> list[Round]:
    return list(run_rounds(FakeBenchmark(), rand, 12, 0, numbers))
