"""A quantity says what values mean: searches compute with higher is better, people see them as published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from nassearch import registry
from nassearch.benchmarks.base import Benchmark, Dataset, Metric
from nassearch.errors import NassearchError
from nassearch.search.records import Header
from nassearch.statistics.digits import SIGNIFICANT, Writer, fixed, writer
from nassearch.types import Floats

METRIC = {"test": "test", "valid": "validation"}
NO_VALIDATION = " (no validation values)"


@dataclass(frozen=True)
class Quantity:
    """A published quantity.

    Attributes:
        name: "accuracy" or "loss".
        unit: of it.
        sign: 1 where higher is better as published, -1 where lower is.
        validated: whether there are validation values; where not, "valid" repeats the test value.
        tested: whether there are test values; where not, "test" repeats the validation value.
        trained: of a further metric, such as a latency, what its models are trained for and chosen by; "" where the
            values are that.
        decimals: with how many people write it; None for as many as tell values apart.
    """

    name: str = "accuracy"
    unit: str = "percent"
    sign: float = 1.0
    validated: bool = True
    tested: bool = True
    trained: str = ""
    decimals: int | None = None

    @classmethod
    def of_dataset(cls, dataset: Dataset, validated: bool = True, tested: bool = True) -> Quantity:
        """Return that of a data set."""
        return cls(dataset.quantity, dataset.unit, dataset.sign, validated, tested)

    @classmethod
    def of(cls, benchmark: Benchmark) -> Quantity:
        """Return that of an opened benchmark."""
        return cls.of_dataset(benchmark.dataset, benchmark.validated, benchmark.tested)

    @classmethod
    def of_metric(cls, metric: Metric, trained: Quantity) -> Quantity:
        """Return that of a further metric of models that are trained for another."""
        parts = trained.validated, trained.tested, trained.name
        return cls(metric.quantity, metric.unit, metric.sign, *parts, metric.decimals)

    @classmethod
    def of_result(cls, header: Header) -> Quantity:
        """Return that of a result: as its header says, else as its benchmark, else accuracy in percent.

        The header says it where it is not that, so that a result can be read where its benchmark is not installed.
        """
        fields = header.experiment
        if fields.get("objectives"):
            units = [str(each["unit"]) for each in fields["objectives"]]
            return cls("hypervolume", "percent of all" if fields.get("front") else " x ".join(units))
        parts = not fields.get("unvalidated", False), not fields.get("untested", False)
        if "quantity" in fields:
            sign = -1.0 if fields.get("lower_is_better") else 1.0
            return cls(str(fields["quantity"]), str(fields.get("unit", "")), sign, *parts)
        try:
            datasets = registry.load("benchmarks", str(fields.get("benchmark"))).datasets()
            return cls.of_dataset(datasets[fields["dataset"]], *parts)
        except (NassearchError, KeyError):
            return replace(cls(), validated=parts[0], tested=parts[1])

    def fields(self) -> dict[str, Any]:
        """Return what a header says of it, nothing where it is an accuracy in percent."""
        usual = Quantity()
        said: dict[str, Any] = {} if self.validated else {"unvalidated": True}
        said |= {} if self.tested else {"untested": True}
        if (self.name, self.unit, self.sign) != (usual.name, usual.unit, usual.sign):
            said |= {"quantity": self.name, "unit": self.unit, "lower_is_better": self.sign < 0}
        return said

    def shown(self, value: float) -> float:
        """Turn a value into the published one, or a published one back."""
        return self.sign * value

    def band(self, low: Floats, median: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
        """Turn quartiles into published ones, the lower first."""
        return (low, median, high) if self.sign > 0 else (-high, -median, -low)

    def writer(self, values: Iterable[float | None]) -> Writer:
        """Return what writes published values with the declared digits, or as many as tell them apart."""
        return writer(values, SIGNIFICANT) if self.decimals is None else fixed(self.decimals)

    def metrics(self, show: str, choose: str) -> tuple[str, str]:
        """Return the metrics that a curve takes for those asked for: one alone where the other is not published.

        A benchmark may answer with one training as `valid`, and with the mean over several as `test`. By the first a
        curve of the second would fall. A further metric is shown as asked for.
        """
        if self.validated and self.tested:
            return show, choose
        only = "valid" if self.validated else "test"
        return (only if show in METRIC else show), only

    @property
    def short_unit(self) -> str:
        """Return the unit as it stands on an axis."""
        return "%" if self.unit == "percent" else self.unit

    def titled(self, show: str) -> str:
        """Return what is shown, in words: "test accuracy", or "latency on an edge GPU"."""
        return self.name if self.trained else f"{METRIC[show]} {self.name}"

    def of_the_best(self, show: str, choose: str) -> str:
        """Return what a curve shows, in words, for axes and titles."""
        if self.trained:
            return f"{self.name} of the best by {METRIC[choose]} {self.trained}"
        if show != choose:
            return f"{self.titled(show)} of the best by {METRIC[choose]}"
        without = (
            "" if self.validated and self.tested else " (no test values)" if self.validated else NO_VALIDATION
        )
        return f"best {self.titled(show)} so far{without}"

    def chosen_by(self, show: str, choose: str) -> str:
        """Say by what an architecture is the best so far: what follows on these words; "" if by what is shown."""
        name = self.trained or self.name
        if not self.validated and choose == "valid":
            return f" by test {name}: there are no validation values"
        if not self.tested and (show == "test" or (self.trained and choose == "test")):
            return f" by validation {name}: there are no test values"
        return "" if show == choose else f" by {METRIC[choose]} {name}"


def plain_quantity(header: Header) -> Quantity:
    """Return what was trained for, also where it is one of several objectives."""
    return Quantity.of_result(Header({**header.experiment, "objectives": None}, "", "", {}))
