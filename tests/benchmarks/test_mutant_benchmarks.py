"""The contract of benchmarks accepts correct ones, tables or not, and finds each of these faults."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pytest
from mutants import complaint, complaints
from ops import Ops

from nassearch.benchmarks.base import Benchmark, Dataset, Metric
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import UnknownName
from nassearch.testing import BenchmarkContract
from nassearch.types import Arch, Metrics, Task

TASK = Task((3, 8, 8), 10, (4, 4), 1)
NOTE = "made up: three trainings of each architecture, measured on two sets"


class Computed(Benchmark):
    """A benchmark that is no table: accuracies are computed, three trainings of each architecture."""

    name: ClassVar[str] = "computed"
    tests: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0)

    def __init__(self, dataset: str = "first") -> None:
        self.space, self.dataset = Ops(), self.find(dataset)

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {name: Dataset(name, TASK, note=NOTE) for name in ("first", "second")}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> Ops:
        return Ops()

    @classmethod
    def open(cls, dataset: str | None = None) -> Any:
        return cls(cls.find(dataset).name)

    def trainings(self, arch: Arch) -> list[Metrics]:
        self.space.check(arch)
        worth = 40.0 + 10 * arch[0] + 3 * arch[1] + arch[2] + (self.dataset.name == "second")
        return [self.sign(Metrics(worth + i, worth + 1.5 + t, 10.0)) for i, t in enumerate(self.tests)]

    def sign(self, metrics: Metrics) -> Metrics:
        return metrics

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        known = self.trainings(arch)
        return known[int(rng.random() * len(known))]

    def expected(self, arch: Arch) -> Metrics:
        known = self.trainings(arch)
        valid, test = (float(np.mean([getattr(m, kind) for m in known])) for kind in ("valid", "test"))
        return Metrics(valid, test, 10.0)

    @property
    def best(self) -> Metrics:
        known = [m for arch in self.space.all() for m in self.trainings(arch)]
        return Metrics(max(m.valid for m in known), max(m.test for m in known), float("nan"))


class SeveralTests(Computed):
    """Each training has a test value of its own."""

    tests = (0.0, 0.5, 2.5)


class Unvalidated(Computed):
    """No validation: valid is the test value of one training, test the mean over them."""

    validated = False

    def trainings(self, arch: Arch) -> list[Metrics]:
        known = super().trainings(arch)
        return [Metrics(m.valid, float(np.mean([n.valid for n in known])), m.seconds) for m in known]


class Untested(Unvalidated):
    """No test values: test is the mean over the validation values."""

    validated, tested = True, False


class SameTwice(Computed):
    """No validation: valid is the test value of that training, and so is test."""

    validated = False

    def trainings(self, arch: Arch) -> list[Metrics]:
        return [Metrics(m.valid, m.valid, m.seconds) for m in super().trainings(arch)]


class Losses(Computed):
    """Lower is better, so that all is negated."""

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {"first": Dataset("first", TASK, "nats", False, NOTE, 0.0, 200.0, "loss")}

    def sign(self, metrics: Metrics) -> Metrics:
        return Metrics(-metrics.valid, -metrics.test, metrics.seconds)


class Noisy(Computed):
    """Every training differs, so that the best is a bound."""

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        worth = self.trainings(arch)[0].test
        return Metrics(worth + float(rng.uniform(-3, 1)), worth, 10.0)

    def expected(self, arch: Arch) -> Metrics:
        worth = self.trainings(arch)[0].test
        return Metrics(worth - 1, worth, 10.0)

    @property
    def best(self) -> Metrics:
        return Metrics(super().best.test + 1, super().best.test, float("nan"))


class Unknown(Computed):
    """Says nothing of the best."""

    @property
    def best(self) -> Metrics:
        return Metrics(*[float("nan")] * 3)


class GlobalState(Computed):
    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        return random.choice(self.trainings(arch))


class Counts(Computed):
    asked = 0

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        self.asked += 1
        return self.trainings(arch)[self.asked % 3]


class DrawsAhead(Computed):
    def __init__(self, dataset: str = "first") -> None:
        super().__init__(dataset)
        self.own = np.random.default_rng(0)

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        return super().query(arch, self.own)


class BestTooLow(Computed):
    @property
    def best(self) -> Metrics:
        return Metrics(super().best.valid - 1, super().best.test, 0.0)


class BestOutOfReach(Computed):
    @property
    def best(self) -> Metrics:
        return Metrics(100.0, super().best.test, 0.0)


class BestIsTheWorst(Losses):
    @property
    def best(self) -> Metrics:
        known = [m for arch in self.space.all() for m in self.trainings(arch)]
        return Metrics(min(m.valid for m in known), min(m.test for m in known), 0.0)


class BestSwapped(Computed):
    @property
    def best(self) -> Metrics:
        return Metrics(super().best.test, super().best.valid, 0.0)


class ConstantDigest(Computed):
    @cached_property
    def digest(self) -> str:
        return "0123456789abcdef"


class NewDigest(Computed):
    @cached_property
    def digest(self) -> str:
        return str(random.random())


class Shares(Computed):
    def sign(self, metrics: Metrics) -> Metrics:
        return Metrics(metrics.valid / 100, metrics.test / 100, metrics.seconds)


class NotNegated(Losses):
    def sign(self, metrics: Metrics) -> Metrics:
        return metrics


class OutOfRange(Computed):
    def sign(self, metrics: Metrics) -> Metrics:
        return Metrics(metrics.valid * 2, metrics.test, metrics.seconds)


class HidesThatItIsUnvalidated(Unvalidated):
    validated = True


class HidesThatTestsRepeat(SameTwice):
    validated = True


class CallsItselfUnvalidated(Computed):
    validated = False


class CallsItselfUntested(Computed):
    tested = False


class ExpectsOneTraining(Computed):
    def expected(self, arch: Arch) -> Metrics:
        return self.trainings(arch)[0]


class ExpectsSwapped(Computed):
    def expected(self, arch: Arch) -> Metrics:
        mean = super().expected(arch)
        return Metrics(mean.test, mean.valid, mean.seconds)


class NumpyFloats(Computed):
    def sign(self, metrics: Metrics) -> Metrics:
        return Metrics(np.float64(metrics.valid), metrics.test, metrics.seconds)


class TakesAnyArch(Computed):
    def trainings(self, arch: Arch) -> list[Metrics]:
        return super().trainings(arch if self.space.is_valid(arch) else (0, 0, 0))


class TakesAnyDataset(Computed):
    @classmethod
    def open(cls, dataset: str | None = None) -> Any:
        try:
            return super().open(dataset)
        except UnknownName:
            return cls()


class NegativeSeconds(Computed):
    def sign(self, metrics: Metrics) -> Metrics:
        return Metrics(metrics.valid, metrics.test, -1.0)


class WithMetrics(Computed):
    """Knows one of two further metrics."""

    declared: ClassVar[tuple[Metric, ...]] = (
        Metric("joy", "joy", "smiles", True),
        Metric("heat", "heat", "K"),
    )

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {name: replace(each, metrics=cls.declared) for name, each in super().datasets().items()}

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.dataset.metrics[:1]

    def metric(self, name: str, arch: Arch) -> float:
        return self.joy(arch) if name == self.dataset.metrics[0].name else super().metric(name, arch)

    def joy(self, arch: Arch) -> float:
        return float("nan") if arch[0] else float(arch[1])


class InfiniteMetric(WithMetrics):
    def joy(self, arch: Arch) -> float:
        return float("inf")


class WholeMetric(WithMetrics):
    def joy(self, arch: Arch) -> float:
        return arch[1]


class MetricAtRandom(WithMetrics):
    def joy(self, arch: Arch) -> float:
        return random.Random().random()


class MetricOfAnyName(WithMetrics):
    def metric(self, name: str, arch: Arch) -> float:
        return super().metric("joy" if name == "no metric" else name, arch)


class MetricNotInstalled(WithMetrics):
    def metric(self, name: str, arch: Arch) -> float:
        return super().metric("joy" if name == "heat" else name, arch)


class MetricCalledTest(WithMetrics):
    declared = (Metric("test", "joy", "smiles"),)


class MetricOfTwoWords(WithMetrics):
    declared = (Metric("much joy", "joy", "smiles"),)


class MetricTwice(WithMetrics):
    declared = (Metric("joy", "joy", "smiles"), Metric("joy", "heat", "K"))


class MetricWithoutUnit(WithMetrics):
    declared = (Metric("joy", "joy", ""),)


class MetricUndeclared(WithMetrics):
    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (*super().metrics, Metric("more", "more", "K"))


CORRECT = [WithMetrics, Computed, SeveralTests, Unvalidated, Untested, SameTwice, Losses, Noisy, Unknown]
RANGE = "test_answers_for_every_architecture_within_the_range"
VALIDATION = "test_says_whether_it_has_validation_values"
BEFORE = "test_answers_do_not_depend_on_what_was_asked_before"
MEAN = "test_expected_is_the_mean_of_what_queries_return"
DECLARED, NUMBERS = "test_declares_further_metrics_by_name", "test_metrics_are_numbers_or_nan"
MUTANTS = [
    (InfiniteMetric, NUMBERS, "finite number"),
    (WholeMetric, NUMBERS, "own floats"),
    (MetricAtRandom, NUMBERS, "whenever it is asked for"),
    (MetricOfAnyName, NUMBERS, "DID NOT RAISE"),
    (MetricNotInstalled, NUMBERS, "DID NOT RAISE"),
    (MetricCalledTest, DECLARED, "not a further metric"),
    (MetricOfTwoWords, DECLARED, "one word"),
    (MetricTwice, DECLARED, "name of its own"),
    (MetricWithoutUnit, DECLARED, "a unit"),
    (MetricUndeclared, DECLARED, "what is declared"),
    (GlobalState, "test_same_stream_gives_the_same_answers", "Python's generator|the same answers"),
    (Counts, BEFORE, "asked before"),
    (DrawsAhead, "test_same_stream_gives_the_same_answers", "from rng and nothing else"),
    (BestTooLow, "test_nothing_is_better_than_the_best", "best.valid is the highest"),
    (BestOutOfReach, "test_the_best_is_one_that_a_query_returns", "one that a query returns"),
    (BestIsTheWorst, "test_nothing_is_better_than_the_best", "best.valid is the highest"),
    (BestSwapped, "test_nothing_is_better_than_the_best", "is the highest"),
    (ConstantDigest, "test_digest_is_that_of_the_data", "other data"),
    (NewDigest, "test_digest_is_that_of_the_data", "the same data"),
    (Shares, RANGE, "shares of 1"),
    (NotNegated, RANGE, "negated where lower is better"),
    (OutOfRange, RANGE, "0 to 100 percent"),
    (NegativeSeconds, RANGE, "seconds"),
    (HidesThatItIsUnvalidated, VALIDATION, "validated is False"),
    (HidesThatTestsRepeat, VALIDATION, "validated is False"),
    (CallsItselfUnvalidated, VALIDATION, "valid repeats test"),
    (CallsItselfUntested, VALIDATION, "valid repeats test"),
    (ExpectsOneTraining, MEAN, "mean over the trainings"),
    (ExpectsSwapped, MEAN, "mean over the trainings"),
    (NumpyFloats, "test_answers_are_python_floats", "own floats"),
    (TakesAnyArch, "test_refuses_what_is_not_in_its_space", "DID NOT RAISE"),
    (TakesAnyDataset, "test_refuses_an_unknown_data_set_and_offers_the_nearest", "DID NOT RAISE"),
]


def given(kind: type[Computed]) -> dict[str, Any]:
    second = kind.open("second") if "second" in kind.datasets() else None
    return {"benchmark": kind.open(), "other": second}


@pytest.mark.parametrize("kind", CORRECT)
def test_a_correct_benchmark_passes(kind: type[Computed]) -> None:
    assert complaints(BenchmarkContract(), given(kind)) == {}


@pytest.mark.parametrize("meta", [{}, {"valid": "test"}])
def test_a_table_of_several_test_trainings_passes(
    meta: dict[str, str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, space, dataset = np.random.default_rng(0), Ops(), Computed.datasets()["first"]
    test = rng.uniform(10, 90, (3, space.size))
    valid = test if meta else test + rng.uniform(-5, 5, (3, space.size))
    Table.build(space, dataset, list(space.all()), valid, test, seeds=[0, 1, 2], **meta).save(
        tmp_path / "t.npz"
    )

    class Known(TabularBenchmark):
        name = "known"
        datasets = Computed.datasets  # type: ignore[assignment]
        make_space = Computed.make_space  # type: ignore[assignment]

        @classmethod
        def table_path(cls, dataset: str) -> Any:
            return tmp_path / ("t.npz" if dataset == "first" else "none.npz")

    found = complaints(BenchmarkContract(), {"benchmark": Known.open(), "other": None})
    assert found == {}


@pytest.mark.parametrize(
    ("kind", "test", "told"), MUTANTS, ids=[f"{kind.__name__}-{test}" for kind, test, _ in MUTANTS]
)
def test_the_contract_finds(kind: type[Computed], test: str, told: str) -> None:
    found = complaint(BenchmarkContract(), test, given(kind))
    assert found is not None
    assert re.search(told, found), found
