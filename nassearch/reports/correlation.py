"""What proxies are worth on a benchmark: figures with intervals, as rows, frames and a table of a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from nassearch.files.inert import inert
from nassearch.files.sheets.tables import frame, frame_of_rows, html
from nassearch.scorers.compute import Tally
from nassearch.search.quantity import Quantity
from nassearch.spaces.base import SearchSpace
from nassearch.statistics.intervals import Estimate, Resampling
from nassearch.types import Arch, Floats, Task

CONVENTIONS = ("dropped", "last")
"""What becomes of an architecture without a score: it is left out, or it counts as worse than all that have one."""


@dataclass(frozen=True, eq=False)
class Report:
    """What one proxy is worth.

    Attributes:
        proxy: as text.
        scores: `[N]`, NaN where there is none.
        figures: by convention and name, see `nassearch.statistics.intervals.judge` and
            `nassearch.statistics.neighbourhoods.judge_locally`.
        coverage: share of the architectures that have a score.
        seconds: of processor time per architecture, of what this run computed; None where all was known. A pass
            that several proxies share counts in full for each of them.
        shared: how many of the proxies share a pass with this one.
    """

    proxy: str
    scores: Floats = field(repr=False)
    figures: dict[str, dict[str, Estimate]]
    coverage: Estimate
    seconds: float | None
    shared: int


@dataclass(frozen=True, eq=False, repr=False)
class Correlation:
    """Proxies side by side, judged by what architectures reach.

    Attributes:
        benchmark, dataset, metric: whose accuracies; `metric` is test or valid, the mean over training seeds, or the
            name of a further metric.
        quantity: what the accuracies are, and whether `valid` is more than `test`.
        archs, accuracies: the N architectures and what they reach, in the unit of the data set, a loss or a latency
            negated: a proxy that ranks losses well has a positive rho. NaN where it is not known.
        neighbourhoods, cluster: how many clusters were looked at, and their mean size.
        how: how intervals were made.
        reports: one per proxy.
        counts: how many scores were read from the cache, and how many computed.
    """

    benchmark: str
    dataset: str
    metric: str
    quantity: Quantity
    archs: list[Arch] = field(repr=False)
    accuracies: Floats = field(repr=False)
    neighbourhoods: int
    cluster: float
    how: Resampling
    reports: list[Report]
    counts: Tally
    space: SearchSpace = field(repr=False)
    task: Task = field(repr=False)

    @property
    def column(self) -> str:
        """Return what a column of what architectures reach is called: "test accuracy", or the name of the metric."""
        return self.metric if self.quantity.trained else f"{self.metric} {self.quantity.name}"

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each proxy and convention for what has no score: each figure with its interval."""
        rows = []
        for report in self.reports:
            for nan in CONVENTIONS:
                row: dict[str, Any] = {"proxy": report.proxy, "nan": nan, "architectures": len(self.archs)}
                for name, estimate in {"coverage": report.coverage, **report.figures[nan]}.items():
                    row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
                seconds = float("nan") if report.seconds is None else report.seconds
                rows.append({**row, "seconds": seconds, "shared": report.shared})
        return rows

    def frame(self) -> Any:
        """Return `rows` as a pandas.DataFrame.

        Raises:
            InvalidSetting: pandas is not installed.
        """
        return frame_of_rows(self.rows())

    def scores(self) -> Any:
        """Return a row for each architecture as a pandas.DataFrame: `arch` as text, what it reaches as published, and
        its score by each proxy, higher is better.

        Raises:
            InvalidSetting: pandas is not installed.
        """
        columns = {
            "arch": list(map(self.space.format, self.archs)),
            self.column: self.quantity.sign * self.accuracies,
        }
        return frame({**columns, **{report.proxy: report.scores for report in self.reports}})

    def __repr__(self) -> str:
        told = ", ".join(f"{r.proxy} rho {r.figures['dropped']['rho'].value:.3f}" for r in self.reports)
        return inert(f"Correlation({self._title()}: {told})")

    def _title(self) -> str:
        return f"{self.benchmark}, {self.dataset}; {len(self.archs)} architectures, {self.words}"

    @property
    def words(self) -> str:
        """Return what proxies are judged by: "test accuracy", or "latency on an edge GPU (ms)"."""
        quantity = self.quantity
        return f"{quantity.name} ({quantity.unit})" if quantity.trained else f"{self.metric} {quantity.name}"

    def _repr_html_(self) -> str:
        names = [name for name in self.reports[0].figures["dropped"]]
        figures = [report.figures["dropped"] for report in self.reports]
        rows = [[name, *(_interval(each[name]) for each in figures)] for name in names]
        rows.append(["coverage", *(_interval(report.coverage) for report in self.reports)])
        return html(
            f"{self._title()}; {self.how.level:.0%} intervals", ["", *(r.proxy for r in self.reports)], rows
        )


def nested(found: Correlation) -> dict[str, Any]:
    """Return everything but scores as plain data, proxies one below the other."""
    return {
        "benchmark": found.benchmark,
        "dataset": found.dataset,
        "metric": found.metric,
        "quantity": found.quantity.name,
        "unit": found.quantity.unit,
        "lower_is_better": found.quantity.sign < 0,
        "architectures": len(found.archs),
        "neighbourhoods": found.neighbourhoods,
        "cluster": found.cluster,
        **found.how._asdict(),
        "scores": found.counts._asdict(),
        "proxies": [
            {
                "proxy": report.proxy,
                "coverage": report.coverage._asdict(),
                "seconds": report.seconds,
                "shared": report.shared,
                **{
                    nan: {name: estimate._asdict() for name, estimate in report.figures[nan].items()}
                    for nan in CONVENTIONS
                },
            }
            for report in found.reports
        ],
    }


def _interval(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "-"
    value, low, high = (f"{number:.3f}" for number in estimate)
    return value if low == high else f"{value} [{low} {high}]"
