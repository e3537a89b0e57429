"""What every benchmark has to keep."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterable

import numpy as np
import pytest

from nassearch.benchmarks.base import Benchmark
from nassearch.errors import InvalidArch, UnknownName
from nassearch.types import Arch

BENCHMARK_DRAWS = 200
BENCHMARK_WHOLE = 40_000
"""Architectures up to which every single one is asked for."""


class BenchmarkContract:
    """Tests of one opened benchmark.

    A subclass overrides `benchmark`; everything else is inherited.
    """

    @pytest.fixture
    def benchmark(self) -> Benchmark:
        raise NotImplementedError("return an opened benchmark")

    def archs(self, benchmark: Benchmark) -> Iterable[Arch]:
        """Return all architectures, or as many random ones as a test has time for."""
        if benchmark.space.size <= BENCHMARK_WHOLE:
            return benchmark.space.all()
        return benchmark.space.sample_many(BENCHMARK_WHOLE, np.random.default_rng(0))

    def test_declares_its_data_sets_by_name(self, benchmark: Benchmark) -> None:
        datasets = type(benchmark).datasets()
        assert datasets
        for name, dataset in datasets.items():
            assert dataset.name == name
            assert dataset.unit
            assert dataset.note, "say which published numbers stand behind valid and test"
            assert dataset.lowest < dataset.highest
        assert datasets[benchmark.dataset.name] == benchmark.dataset

    def test_refuses_an_unknown_data_set_and_offers_the_nearest(self, benchmark: Benchmark) -> None:
        name = benchmark.dataset.name
        with pytest.raises(UnknownName, match=f"did you mean .*{name}"):
            type(benchmark).open(name + "x")

    def test_answers_for_every_architecture_within_the_range(self, benchmark: Benchmark) -> None:
        dataset, rng = benchmark.dataset, np.random.default_rng(0)
        for arch in self.archs(benchmark):
            metrics = benchmark.query(arch, rng)
            assert dataset.lowest <= dataset.sign * metrics.valid <= dataset.highest
            assert dataset.lowest <= dataset.sign * metrics.test <= dataset.highest
            assert math.isnan(metrics.seconds) or metrics.seconds >= 0

    def test_answers_are_python_floats(self, benchmark: Benchmark) -> None:
        arch = benchmark.space.sample(np.random.default_rng(0))
        metrics = benchmark.query(arch, np.random.default_rng(0))
        assert [type(v) for v in (metrics.valid, metrics.test, metrics.seconds)] == [float] * 3

    def test_same_stream_gives_the_same_answers(self, benchmark: Benchmark) -> None:
        archs = benchmark.space.sample_many(BENCHMARK_DRAWS, np.random.default_rng(1))
        streams = [np.random.default_rng(2), np.random.default_rng(2)]
        first, second = ([benchmark.query(arch, rng) for arch in archs] for rng in streams)
        assert str(first) == str(second)  # as text, since NaN seconds differ from themselves
        assert streams[0].random() == streams[1].random()

    def test_answers_do_not_depend_on_what_was_asked_before(self, benchmark: Benchmark) -> None:
        archs = benchmark.space.sample_many(BENCHMARK_DRAWS, np.random.default_rng(1))
        fresh = type(benchmark).open(benchmark.dataset.name)
        for arch in reversed(archs):
            fresh.query(arch, np.random.default_rng(3))
        for arch in archs:
            answers = [b.query(arch, np.random.default_rng(4)) for b in (benchmark, fresh)]
            assert str(answers[0]) == str(answers[1])

    def test_nothing_is_better_than_the_best(self, benchmark: Benchmark) -> None:
        rng, best = np.random.default_rng(0), benchmark.best
        answers = [benchmark.query(arch, rng) for arch in self.archs(benchmark)]
        assert max(answer.valid for answer in answers) <= best.valid
        tests = [answer.test for answer in answers]
        assert max(tests) == best.test if len(tests) == benchmark.space.size else max(tests) <= best.test

    def test_says_whether_it_has_validation_values(self, benchmark: Benchmark) -> None:
        answers = [benchmark.query(arch, np.random.default_rng(0)) for arch in self.archs(benchmark)]
        assert benchmark.validated == any(answer.valid != answer.test for answer in answers)

    def test_refuses_what_is_not_in_its_space(self, benchmark: Benchmark) -> None:
        with pytest.raises(InvalidArch, match=benchmark.space.name):
            benchmark.query((-1,), np.random.default_rng(0))

    def test_digest_is_that_of_the_data(self, benchmark: Benchmark) -> None:
        assert benchmark.digest
        assert type(benchmark).open(benchmark.dataset.name).digest == benchmark.digest

    def test_batch_fits_the_task(self, benchmark: Benchmark) -> None:
        batch = benchmark.batch()
        if batch is None:
            return  # a benchmark may have none
        assert batch.inputs.dtype == (np.int64 if benchmark.dataset.task.tokens else np.float32)
        assert batch.inputs.shape[1:] == benchmark.dataset.task.input_shape
        again = benchmark.batch()
        assert again is not None
        assert again.digest() == batch.digest()

    def test_goes_to_another_process(self, benchmark: Benchmark) -> None:
        copy = pickle.loads(pickle.dumps(benchmark))
        arch = benchmark.space.sample(np.random.default_rng(0))
        answers = [b.query(arch, np.random.default_rng(4)) for b in (benchmark, copy)]
        assert str(answers[0]) == str(answers[1])

    def test_task_goes_into_a_header(self, benchmark: Benchmark) -> None:
        task = benchmark.dataset.task.as_dict()
        assert json.loads(json.dumps(task))["classes"] == benchmark.dataset.task.classes
