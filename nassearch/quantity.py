"""What the values of a search are, for people: computed with so that higher is better, shown as they were published."""

from __future__ import annotations

from dataclasses import dataclass

from nassearch import registry
from nassearch.benchmarks.base import Benchmark, Dataset
from nassearch.errors import UnknownName
from nassearch.records import Header
from nassearch.types import Floats

METRIC = {"test": "test", "valid": "validation"}


@dataclass(frozen=True)
class Quantity:
    """A published quantity.

    Attributes:
        name: "accuracy" or "loss".
        unit: of it.
        sign: 1 where higher is better as published, -1 where lower is.
        validated: whether there are validation values; where not, "valid" repeats the test value.
    """

    name: str = "accuracy"
    unit: str = "percent"
    sign: float = 1.0
    validated: bool = True

    @classmethod
    def of_dataset(cls, dataset: Dataset, validated: bool = True) -> Quantity:
        """Return that of a data set."""
        return cls(dataset.quantity, dataset.unit, dataset.sign, validated)

    @classmethod
    def of(cls, benchmark: Benchmark) -> Quantity:
        """Return that of an opened benchmark."""
        return cls.of_dataset(benchmark.dataset, benchmark.validated)

    @classmethod
    def of_result(cls, header: Header) -> Quantity:
        """Return that of a result; accuracy in percent where its benchmark is none that is known here."""
        validated = not header.experiment.get("unvalidated", False)
        try:
            datasets = registry.load("benchmarks", str(header.experiment.get("benchmark"))).datasets()
            return cls.of_dataset(datasets[header.experiment["dataset"]], validated)
        except (UnknownName, KeyError):
            return cls(validated=validated)

    def shown(self, value: float) -> float:
        """Turn a value into the published one, or a published one back."""
        return self.sign * value

    def band(self, low: Floats, median: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
        """Turn quartiles into published ones, the lower first."""
        return (low, median, high) if self.sign > 0 else (-high, -median, -low)

    @property
    def short_unit(self) -> str:
        """Return the unit as it stands on an axis."""
        return "%" if self.unit == "percent" else self.unit

    def chosen_by(self, show: str, choose: str) -> str:
        """Say by what an architecture is the best so far: what follows on these words; "" if by what is shown."""
        if not self.validated and choose == "valid":
            return f" by test {self.name}: there are no validation values"
        return "" if show == choose else f" by {METRIC[choose]} {self.name}"
