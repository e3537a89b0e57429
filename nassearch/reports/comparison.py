"""Searches side by side: values, models to a target, speed-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nassearch.errors import BadData, InvalidSetting, UnknownName, quoted
from nassearch.files.inert import inert
from nassearch.files.sheets.tables import frame_of_rows, html
from nassearch.reports.summary import best_of
from nassearch.reports.summary import compare as rows_of
from nassearch.search.outcome import Outcome, unique
from nassearch.search.quantity import Quantity
from nassearch.statistics.digits import exact, ratio
from nassearch.types import is_number, plain

WORDS = {"exactly": "", "more than": "more than ", "less than": "less than "}


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Searches of one data set side by side.

    Attributes:
        rows: one per search, see `nassearch.reports.summary.compare`: values as published, `speedup` over the baseline
            with the ends of its 95 % interval.
        baseline: label of the search that speed-ups are over.
        target: value whose models are counted, as published.
        subject, quantity: what the searches are of.
        show, choose, x: what the curves show, see `Curve.from_rounds`.
    """

    rows: list[dict[str, Any]]
    baseline: str
    target: float
    subject: str
    quantity: Quantity
    show: str
    choose: str
    x: str

    def frame(self) -> Any:
        """Return a row for each search as a pandas.DataFrame, with a column `at_M` for the median after M models.

        Raises:
            InvalidSetting: pandas is not installed.
        """
        return frame_of_rows([_flat(row) for row in self.rows])

    def __repr__(self) -> str:
        told = ", ".join(f"{row['label']}: {_models(row)}" for row in self.rows)
        return inert(f"Comparison({self.subject}; models to {exact(self.target)}: {told})")

    def _repr_html_(self) -> str:
        at = list(self.rows[0]["at"])
        regrets = [row["regret"] for row in self.rows]
        write = self.quantity.writer(
            [*(value for row in self.rows for value in row["at"].values()), *regrets]
        )
        further = "known" in self.rows[0]
        by = self.quantity.chosen_by(self.show, self.choose)
        title = (
            f"{self.subject}; {self.quantity.titled(self.show)} ({self.quantity.unit}) of the best so far{by}, "
            f"median of the rounds; speed-up over {self.baseline}"
        )
        reach = f"models to {exact(self.target)}"
        columns = [
            "search",
            *(f"at {m}" for m in at),
            reach,
            "speed-up",
            "95 %",
            "revisits",
            *([] if further else ["regret"]),
        ]
        rows = [
            [
                row["label"],
                *(write(row["at"][m]) for m in at),
                _models(row),
                _speedup(row, "speedup"),
                f"{_speedup(row, 'speedup_low')} to {_speedup(row, 'speedup_high')}",
                f"{row['revisits']:.1f}",
                *([] if further else [write(row["regret"])]),
            ]
            for row in self.rows
        ]
        return html(title, columns, rows)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        flat: value
        for name, values in row.items()
        for flat, value in (
            {f"at_{m}": at for m, at in values.items()} if name == "at" else {name: values}
        ).items()
    }


def _models(row: Mapping[str, Any]) -> str:
    return str(row["models_to_target"] or f"not in {row['budget']}")


def _speedup(row: Mapping[str, Any], name: str) -> str:
    return "-" if row[name] is None else f"{WORDS[row[f'{name}_bound']]}{ratio(row[name])}"


def compare(
    results: Iterable[Outcome] | Mapping[str, Outcome],
    target: float | None = None,
    *,
    baseline: str | Outcome | None = None,
    show: str = "test",
    choose: str = "valid",
    x: str = "models",
    labels: Sequence[str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Put searches of one data set side by side.

        nassearch.compare([result, other], target=73).frame()
        nassearch.compare(nassearch.read("results/*.jsonl"), baseline="rand")

    Args:
        results: what `Experiment.run` and `read` return, or such by label.
        target: value to reach, as published; None for the final median of the baseline.
        baseline: the search that speed-ups are over, or its label; None for the first.
        show, choose, x: what the curves show and count, see `Outcome.curve`: show may be a further metric.
        labels: one for each search; None for what they are, such as "ae, warm-up 3000 by epsilon".
        seed: of the bootstrap behind the intervals.

    Raises:
        InvalidSetting: no results or what is none, of several data sets or quantities, a target that is no number, or
            labels that are not one for each.
        BadData: one has no complete round.
        UnknownName: no such baseline, or show is no metric of what the searches are about.
        MissingData: a search does not hold the metric, and it is not here.
    """
    if isinstance(results, Mapping):
        labels, results = list(results), results.values()
    found = (
        [results] if isinstance(results, Outcome) else list(results) if isinstance(results, Iterable) else []
    )
    if not found or not all(isinstance(result, Outcome) for result in found):
        raise InvalidSetting(
            f"compare takes a list of what Experiment.run or nassearch.read return, one or more, not {quoted(results)}"
        )
    for result in found:
        if not result.rounds:
            raise BadData(
                f"{result.path or result.label} has no complete round yet: wait for it, or run the search again to go "
                "on"
            )
    first = found[0]
    about = [(each.subject, each.header.data, each.quantity_of(show)) for each in found]
    for other, its in zip(found, about, strict=True):
        if its != about[0]:
            raise InvalidSetting(
                f"{other.path or other.label} is about {other.subject} and {first.path or first.label} about "
                f"{first.subject}, from different data: compare results of one data set"
            )
    if target is not None and not is_number(target := plain(target)):
        raise InvalidSetting(f"target is a number that curves may reach, not {quoted(target)}")
    names = (
        unique([each.label for each in found], [each.path for each in found])
        if labels is None
        else list(labels)
    )
    if len(names) != len(found) or len(set(names)) < len(names) or not all(isinstance(n, str) for n in names):
        raise InvalidSetting(
            f"labels are different texts, one for each of {len(found)} results, not {quoted(names)}"
        )
    curves = [each.curve(show, choose, x) for each in found]
    searches = [(n, each.header, each.rounds, c) for n, each, c in zip(names, found, curves, strict=True)]
    base = _label_of(baseline, found, names)
    oracle = next((each.oracle for each in found if each.oracle is not None), None)
    ceiling = None if oracle is None else best_of(oracle, curves[0].show, found[0].header)
    quantity = about[0][2]
    rows = rows_of(searches, base, target, seed, ceiling, quantity)
    view = first.subject, quantity, curves[0].show, curves[0].choose, x
    return Comparison(rows, base, rows[0]["target"], *view)


def _label_of(baseline: str | Outcome | None, found: Sequence[Outcome], names: Sequence[str]) -> str:
    """Return the label of the baseline: its own, or that of the search that it is."""
    if baseline is None:
        return names[0]
    for name, result in zip(names, found, strict=True):
        if baseline is result or baseline in (name, str(result.path)):
            return name
    asked = baseline if isinstance(baseline, str) else repr(baseline)
    raise UnknownName("result", asked, names)
