"""Results as plain rows of numbers, for tables and scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.benchmarks.base import Benchmark
from nassearch.errors import NassearchError, UnknownName
from nassearch.search.curves import METRICS, Curve, milestones
from nassearch.search.pareto.curve import PERCENT
from nassearch.search.quantity import Quantity
from nassearch.search.records import Header
from nassearch.search.runner import Round


def summarise(
    rounds: Sequence[Round], curve: Curve, target: float | None, quantity: Quantity
) -> dict[str, Any]:
    """Return what one search reached: quartiles by number of models, models to target, revisits, training seconds.

    Values and `target` are as published, a loss not negated. `median`, `q25`, `q75` are lists `[T]`.
    `models_to_target` is None where the median never gets there, or where there is no target. `revisits` is the mean
    per round. `seconds` is the median training time of a round, None where unknown. Of a further metric `known` says of
    how many rounds the values are.
    """
    low, median, high = (values.tolist() for values in quantity.band(*curve.band()))
    seconds = float(np.median(curve.seconds[:, -1]))
    return {
        "median": median,
        "q25": low,
        "q75": high,
        "target": target,
        "models_to_target": curve.models_to(quantity.shown(target)) if target is not None else None,
        "revisits": float(np.mean([each.revisits for each in rounds])),
        "seconds": None if np.isnan(seconds) else seconds,
        **({"known": curve.known.tolist()} if curve.is_further else {}),
    }


def gather_reports(rounds: Sequence[Round]) -> dict[str, Any]:
    """Put together what the rounds report of themselves, see `Strategy.report`.

    Returns:
        By name: a number becomes its `median`, `q25` and `q75` over the rounds that have it; a text the most frequent
        `text` and its `share`; a table a list of rows, one per value of its axis in the order first met, with the same
        two for every other column.
    """
    names = dict.fromkeys(name for each in rounds for name in each.report)
    return {name: _gather([each.report[name] for each in rounds if name in each.report]) for name in names}


def _gather(values: Sequence[Any]) -> Any:
    values = [value for value in values if value is not None]
    kinds = {
        dict if isinstance(value, Mapping) else str if isinstance(value, str) else float for value in values
    }
    if not values:
        return {"median": None, "q25": None, "q75": None}
    if kinds == {dict}:
        return _gather_tables(values)
    if len(kinds) > 1:  # a strategy may tell one thing in numbers here and in words there
        values = [f"a table of {', '.join(v)}" if isinstance(v, Mapping) else str(v) for v in values]
    if isinstance(values[0], str):
        text, count = Counter(values).most_common(1)[0]
        return {"text": text, "share": count / len(values)}
    low, median, high = np.percentile(np.array(values, np.float64), [25, 50, 75]).tolist()
    return {"median": median, "q25": low, "q75": high}


def _gather_tables(tables: Sequence[Mapping[str, Sequence[Any]]]) -> list[dict[str, Any]]:
    """Put tables together at their axis, the first column of the first of them; a cell that is not there is None."""
    axis = next(iter(tables[0]))
    rows: dict[Any, list[dict[str, Any]]] = {}
    for table in tables:
        for row in zip(*table.values(), strict=True):
            cells = dict(zip(table, row, strict=True))
            rows.setdefault(cells.pop(axis, None), []).append(cells)
    columns = dict.fromkeys(column for found in rows.values() for cells in found for column in cells)
    return [
        {axis: place, **{column: _gather([cells.get(column) for cells in found]) for column in columns}}
        for place, found in rows.items()
    ]


def best_value(header: Header, show: str) -> float | None:
    """Return the highest value of a result's benchmark, a loss negated, or None where its data is not there.

    None for a further metric too: the least that a network costs is nothing that a search is after.
    """
    experiment = header.experiment
    if show not in METRICS:
        return None
    try:
        oracle = registry.load("benchmarks", experiment["benchmark"]).open(experiment["dataset"])
    except (NassearchError, KeyError):
        return None
    return best_of(oracle, show, header) if oracle.digest == header.data else None


def best_of(oracle: Benchmark, show: str, header: Header | None = None) -> float | None:
    """Return the highest value of a benchmark, a loss negated, or None where that is not known.

    Of a search for several objectives it is the hypervolume of all architectures, in percent of itself; of one under
    limits the highest of what meets them; for a further metric None.
    """
    if show not in METRICS:
        return None
    if (
        header is not None
        and header.experiment.get("constraints")
        and not header.experiment.get("objectives")
    ):
        return (header.experiment.get("best") or {}).get(show)
    if header is not None and header.experiment.get("objectives"):
        return PERCENT if header.experiment.get("front") else None
    best = float(getattr(oracle.best, show))
    return None if np.isnan(best) else best


def compare(
    searches: Sequence[tuple[str, Header, Sequence[Round], Curve]],
    baseline: str | None = None,
    target: float | None = None,
    seed: int = 0,
    ceiling: float | None = None,
    quantity: Quantity | None = None,
) -> list[dict[str, Any]]:
    """Return a row per search.

    Args:
        searches: label, header, rounds and curve of each.
        baseline: label of the one that speed-ups are over; None for the first.
        target: as published; None for the final median of the baseline, which it reaches by definition.
        seed: of the bootstrap.
        ceiling: the highest value there is, a loss negated; None for that of the benchmark, where it is installed.
        quantity: what the curves show; None for what the first result is about.

    Returns:
        Rows, of values as published, with `label`, `rounds`, `budget`, `at` (value by number of models), `target`,
        `models_to_target` (the first at which the median is there; None for never), `rounds_to_target` (how many get
        there), `speedup`, `speedup_low`, `speedup_high` (0.95 interval), each with a `_bound`, see
        `Curve.known_speedup_over`, and None where it is unknown, `revisits`, `regret` (of the final median; None
        without the data, and of a further metric), and of a further metric `known`: of how many rounds the last value
        is.

    Raises:
        UnknownName: no such baseline.
    """
    labels = [label for label, *_ in searches]
    if baseline is not None and baseline not in labels:
        raise UnknownName("result", baseline, labels)
    base = searches[labels.index(baseline) if baseline is not None else 0][3]
    quantity = quantity or Quantity.of_result(searches[0][1])
    reach = float(base.median()[-1]) if target is None else quantity.shown(target)
    at = milestones([curve for *_, curve in searches])
    ceilings = {
        header.data: best_value(header, base.show) if ceiling is None else ceiling
        for _, header, *_ in searches
    }
    rows = []
    for label, header, rounds, curve in searches:
        median = curve.median()
        speedup = curve.known_speedup_over(base, reach, np.random.default_rng(seed))
        known = dict(zip(("speedup", "speedup_low", "speedup_high"), speedup, strict=True))
        best = ceilings[header.data]
        rows.append(
            {
                "label": label,
                "rounds": curve.rounds,
                "budget": curve.budget,
                "at": {m: quantity.shown(float(median[m - 1])) if m <= curve.budget else None for m in at},
                "target": quantity.shown(reach),
                "models_to_target": curve.models_to(reach),
                "rounds_to_target": int(np.isfinite(curve.models_to_each(reach)).sum()),
                **{name: None if it.bound == "unknown" else it.value for name, it in known.items()},
                **{f"{name}_bound": it.bound for name, it in known.items()},
                "revisits": float(np.mean([each.revisits for each in rounds])),
                "regret": None if best is None else float(curve.regret(best)[-1]),
                **({"known": int(curve.known[-1])} if curve.is_further else {}),
            }
        )
    return rows
