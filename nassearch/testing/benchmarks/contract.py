"""What every benchmark has to keep."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable

import numpy as np
import pytest

from nassearch.benchmarks.base import Benchmark
from nassearch.errors import InvalidArch, MissingData, UnknownName
from nassearch.testing.benchmarks.answers import AnswersContract, asked
from nassearch.testing.surroundings import elsewhere, left_as_found
from nassearch.types import Arch

BENCHMARK_DRAWS = 200
BENCHMARK_WHOLE = 40_000
"""Architectures up to which every single one is asked for."""


class BenchmarkContract(AnswersContract):
    """Tests of one opened benchmark, a table or not.

    A subclass overrides `benchmark`; everything else is inherited. Override `other` too where there is one data set
    only: a benchmark of the same class with other values behind it.
    """

    @pytest.fixture
    def other(self, benchmark: Benchmark) -> Benchmark | None:
        """Return the benchmark of another data set, None where no other is installed."""
        kind = type(benchmark)
        names = [name for name in kind.installed() if name != benchmark.dataset.name]
        return kind.open(names[0]) if names else None

    def archs(self, benchmark: Benchmark) -> Iterable[Arch]:
        """Return all architectures, or as many random ones as a test has time for."""
        if benchmark.space.size <= BENCHMARK_WHOLE:
            return benchmark.space.all()
        return benchmark.space.sample_many(BENCHMARK_WHOLE, np.random.default_rng(0))

    def test_declares_its_data_sets_by_name(self, benchmark: Benchmark) -> None:
        datasets = type(benchmark).datasets()
        assert datasets, "a benchmark has a data set"
        for name, dataset in datasets.items():
            assert dataset.name == name, "a data set is listed under its name"
            assert dataset.unit, "a data set has a unit"
            assert dataset.note, "say in the note which published numbers stand behind valid and test"
            assert dataset.lowest < dataset.highest, (
                "lowest and highest are the range of the published values"
            )
        assert datasets[benchmark.dataset.name] == benchmark.dataset, "what is opened is what is declared"

    def test_declares_further_metrics_by_name(self, benchmark: Benchmark) -> None:
        dataset = benchmark.dataset
        names = [metric.name for metric in dataset.metrics]
        assert len(set(names)) == len(names), "each metric has a name of its own"
        taken = {"test", "valid", dataset.quantity}
        for metric in dataset.metrics:
            assert metric.name not in taken, f"{metric.name} is what training reaches, not a further metric"
            assert re.fullmatch(r"[^\s,=]+", metric.name), (
                "a metric has a name of one word, as options take it"
            )
            assert metric.quantity and metric.unit, "a metric has a quantity, which people read, and a unit"
        assert set(benchmark.metrics) <= set(dataset.metrics), "what is known is among what is declared"

    def test_metrics_are_numbers_or_nan(self, benchmark: Benchmark) -> None:
        archs = benchmark.space.sample_many(BENCHMARK_DRAWS, np.random.default_rng(5))
        known = {metric.name for metric in benchmark.metrics}
        for name in known:
            values = [benchmark.metric(name, arch) for arch in archs]
            assert {type(value) for value in values} == {float}, "metrics are Python's own floats"
            assert not any(map(math.isinf, values)), "a metric is a finite number, NaN for what is not known"
            again = [benchmark.metric(name, arch) for arch in archs]
            assert repr(again) == repr(values), "a metric is the same whenever it is asked for"
        for name in benchmark.dataset.metrics_by_name.keys() - known:
            with pytest.raises(MissingData):  # declared, and not installed: say which command gets it
                benchmark.metric(name, archs[0])
        with pytest.raises(UnknownName):  # no metric is called so
            benchmark.metric("no metric", archs[0])

    def test_refuses_an_unknown_data_set_and_offers_the_nearest(self, benchmark: Benchmark) -> None:
        name = benchmark.dataset.name
        with pytest.raises(UnknownName, match=f"did you mean .*{name}"):
            type(benchmark).open(name + "x")

    def test_answers_for_every_architecture_within_the_range(self, benchmark: Benchmark) -> None:
        dataset, rng = benchmark.dataset, np.random.default_rng(0)
        largest = 0.0
        for arch in self.archs(benchmark):
            metrics = benchmark.query(arch, rng)
            for value in (metrics.valid, metrics.test):
                assert dataset.lowest <= dataset.sign * value <= dataset.highest, (
                    f"answers are in the unit of the data set, {dataset.lowest:g} to {dataset.highest:g} "
                    f"{dataset.unit}, and negated where lower is better: {value:g} is not"
                )
                largest = max(largest, abs(value))
            assert math.isnan(metrics.seconds) or metrics.seconds >= 0, "seconds are 0 and more, or NaN"
        assert dataset.unit != "percent" or largest > 1, (
            f"answers are in the unit of the data set: none is above {largest:g} percent, which looks like shares of 1"
        )

    def test_answers_are_python_floats(self, benchmark: Benchmark) -> None:
        metrics = benchmark.query(benchmark.space.sample(np.random.default_rng(0)), np.random.default_rng(0))
        assert [type(v) for v in (metrics.valid, metrics.test, metrics.seconds)] == [float] * 3, (
            "answers are Python's own floats"
        )

    def test_same_stream_gives_the_same_answers(self, benchmark: Benchmark) -> None:
        archs = benchmark.space.sample_many(BENCHMARK_DRAWS, np.random.default_rng(1))
        streams = [np.random.default_rng(2), np.random.default_rng(2)]
        with left_as_found("a query"):
            first, second = (asked(benchmark, archs, rng) for rng in streams)
        assert first == second, (
            "the same stream gives the same answers: a query draws from rng and nothing else"
        )
        assert streams[0].random() == streams[1].random(), "a query draws as many numbers every time"

    def test_answers_do_not_depend_on_what_was_asked_before(self, benchmark: Benchmark) -> None:
        archs = benchmark.space.sample_many(BENCHMARK_DRAWS, np.random.default_rng(1))
        fresh = type(benchmark).open(benchmark.dataset.name)
        for arch in reversed(archs):
            fresh.query(arch, np.random.default_rng(3))
        for arch in archs:
            answers = [asked(b, [arch], np.random.default_rng(4)) for b in (benchmark, fresh)]
            assert answers[0] == answers[1], "an answer does not depend on what was asked before"

    def test_refuses_what_is_not_in_its_space(self, benchmark: Benchmark) -> None:
        with pytest.raises(InvalidArch, match=benchmark.space.name):
            benchmark.query((-1,), np.random.default_rng(0))

    def test_digest_is_that_of_the_data(self, benchmark: Benchmark, other: Benchmark | None) -> None:
        assert benchmark.digest, "a benchmark has a digest, which the headers of results keep"
        again = type(benchmark).open(benchmark.dataset.name)
        assert again.digest == benchmark.digest, "the same data have the same digest"
        if other is not None:
            archs = benchmark.space.sample_many(BENCHMARK_DRAWS, np.random.default_rng(1))
            archs = [arch for arch in archs if other.space.is_valid(arch)]
            same = [asked(b, archs, np.random.default_rng(2)) for b in (benchmark, other)]
            assert same[0] == same[1] or other.digest != benchmark.digest, "other data have another digest"

    def test_batch_fits_the_task(self, benchmark: Benchmark) -> None:
        batch, task = benchmark.batch(), benchmark.dataset.task
        if batch is None:
            return  # a benchmark may have none
        kind = np.int64 if task.tokens else np.float32
        assert batch.inputs.dtype == kind, "inputs are float32, words int64"
        assert batch.inputs.shape[1:] == task.input_shape, "inputs have the shape that the task declares"
        if batch.labels is not None:
            assert batch.labels.max() < task.classes, "labels are below the task's number of classes"
        again = benchmark.batch()
        assert again is not None and again.digest() == batch.digest(), "the batch is a fixed one"

    def test_another_process_gives_the_same_answers(self, benchmark: Benchmark) -> None:
        archs = benchmark.space.sample_many(20, np.random.default_rng(0))
        (there,) = elsewhere(_asked_elsewhere, [(benchmark, archs)])
        assert there == _asked_elsewhere((benchmark, archs)), (
            "a benchmark goes to another process and answers the same there"
        )

    def test_facts_are_plain_json(self, benchmark: Benchmark) -> None:
        task = benchmark.dataset.task.as_dict()
        assert json.loads(json.dumps(task))["classes"] == benchmark.dataset.task.classes, (
            "the task goes into the header of a result"
        )
        assert json.loads(json.dumps(benchmark.info())).keys() == benchmark.info().keys(), (
            "info() is plain JSON"
        )
        assert set(type(benchmark).installed()) <= type(benchmark).datasets().keys(), (
            "what is installed is among the data sets"
        )


def _asked_elsewhere(given: tuple[Benchmark, list[Arch]]) -> str:
    benchmark, archs = given
    return asked(benchmark, archs, np.random.default_rng(4))
