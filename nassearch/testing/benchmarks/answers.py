"""The answers of a benchmark agree with each other: the best, the mean, validation and test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from nassearch.benchmarks.base import Benchmark
from nassearch.types import Arch

PASSES = 40
"""Times that every architecture is asked for until the best comes: one of two trainings is missed once in 10^12."""
QUERIES = 20_000
"""Asked of a small space, so that every training of it comes."""
SAMPLES, ERRORS = 400, 6
"""Queries whose mean is compared with `expected`, and the standard errors that they may be apart: by chance, where one
training is far from the others, once in 10^8."""
FEW = 60
"""Architectures whose expected values are looked at."""
MANY = 20
"""Different validation values of one architecture from which on its trainings are taken for a continuum."""
ROUNDING = 1e-9


class AnswersContract:
    """The part of `BenchmarkContract` on how its answers go together."""

    @pytest.fixture
    def benchmark(self) -> Benchmark:
        """Return an opened benchmark; a subclass overrides this."""
        raise NotImplementedError("override the fixture benchmark: it returns an opened benchmark")

    def archs(self, benchmark: Benchmark) -> Iterable[Arch]:
        """Return the architectures that are asked for."""
        return benchmark.space.all()

    def test_nothing_is_better_than_the_best(self, benchmark: Benchmark) -> None:
        rng, best = np.random.default_rng(0), benchmark.best
        archs = list(self.archs(benchmark))
        passes = min(PASSES, max(1, QUERIES // len(archs)))
        answers = [benchmark.query(arch, rng) for _ in range(passes) for arch in archs]
        for kind, highest in (("valid", best.valid), ("test", best.test)):
            found = max(getattr(answer, kind) for answer in answers)
            assert math.isnan(highest) or found <= highest, (
                f"best.{kind} is the highest that a query can return, higher being better: {found:g} is above it, "
                f"{highest:g}"
            )

    def test_the_best_is_one_that_a_query_returns(self, benchmark: Benchmark) -> None:
        archs, best = list(self.archs(benchmark)), benchmark.best
        if len(archs) < benchmark.space.size:
            return
        rng, (arch, *_) = np.random.default_rng(1), archs
        if len({benchmark.query(arch, rng).valid for _ in range(2 * MANY)}) >= MANY:
            return  # of a continuum of trainings the highest is a bound
        valid = test = -math.inf
        for _ in range(PASSES):
            answers = [benchmark.query(arch, rng) for arch in archs]
            valid = max(valid, *(answer.valid for answer in answers))
            test = max(test, *(answer.test for answer in answers))
            if not (valid < best.valid or test < best.test):
                return
        raise AssertionError(
            f"the best is one that a query returns: valid {valid:g} and test {test:g} were the highest, and best says "
            f"{best.valid:g} and {best.test:g}"
        )

    def test_expected_is_the_mean_of_what_queries_return(self, benchmark: Benchmark) -> None:
        for arch in benchmark.space.sample_many(3, np.random.default_rng(2)):
            rng, expected = np.random.default_rng(3), benchmark.expected(arch)
            answers = [benchmark.query(arch, rng) for _ in range(SAMPLES)]
            for kind in ("valid", "test"):
                values = np.array([getattr(answer, kind) for answer in answers])
                error = values.std() / math.sqrt(SAMPLES) + ROUNDING * abs(values).max()
                assert abs(values.mean() - getattr(expected, kind)) <= ERRORS * error, (
                    f"expected() is the mean over the trainings: of {kind} it says {getattr(expected, kind):g}, and "
                    f"{SAMPLES} queries have the mean {values.mean():g}"
                )

    def test_says_whether_it_has_validation_values(self, benchmark: Benchmark) -> None:
        """Where there are none, `valid` is the test value of one training or of all: their mean is the test value.

        So it is where there are no test values, and `test` is the mean of the validation values.
        """
        expected = [
            benchmark.expected(arch) for arch in benchmark.space.sample_many(FEW, np.random.default_rng(5))
        ]
        valid, test = (np.array([getattr(e, kind) for e in expected]) for kind in ("valid", "test"))
        equal = np.allclose(valid, test, rtol=ROUNDING, atol=0)
        assert equal or (benchmark.validated and benchmark.tested), (
            "without validation values valid repeats test: over the trainings of an architecture both have one mean. "
            "Leave validated and tested as they are where valid is measured on other data than test"
        )
        assert not equal or not (benchmark.validated and benchmark.tested), (
            "where valid repeats test, validated is False, or tested where test repeats valid: a search sees what it "
            "is judged by, and all that is shown has to say so"
        )


def asked(benchmark: Benchmark, archs: Sequence[Arch], rng: np.random.Generator) -> str:
    """Return the answers as text, since NaN seconds differ from themselves."""
    return str([benchmark.query(arch, rng) for arch in archs])
