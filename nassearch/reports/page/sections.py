"""The data of a page: a section for each data set, with all searches of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nassearch.errors import UnknownName
from nassearch.reports.page.best import best_architectures, names_of
from nassearch.reports.page.inputs import Gathered, Source
from nassearch.reports.page.lines import line, views
from nassearch.reports.page.trainings import trainings
from nassearch.reports.summary import best_of, best_value
from nassearch.reports.summary import compare as rows_of
from nassearch.search.outcome import unique
from nassearch.search.pareto.curve import front_of
from nassearch.search.quantity import METRIC, plain_quantity
from nassearch.statistics.digits import SIGNIFICANT, decimals


def collect(
    gathered: Gathered,
    baseline: str | None = None,
    target: float | None = None,
    seed: int = 0,
    shown: Sequence[str] = (),
) -> dict[str, Any]:
    """Return all that a page says, as plain values: NaN is None, values are as published.

    Args:
        gathered: the searches.
        baseline: label or path of the search that speed-ups are over; None for the first of each section.
        target: as published, see `nassearch.reports.summary.compare`.
        seed: of the bootstrap behind the intervals.
        shown: further metrics that curves can be switched to.

    Raises:
        UnknownName: no search is called like the baseline.
    """
    groups: dict[Any, list[Source]] = {}
    for source in gathered.sources:
        groups.setdefault(_about(source), []).append(source)
    labelled = [(group, _labels(group)) for group in groups.values()]
    names = [
        name for group, labels in labelled for one in zip(group, labels, strict=True) for name in _names(*one)
    ]
    if baseline is not None and baseline not in names:
        raise UnknownName("result", baseline, [label for _, labels in labelled for label in labels])
    sections = [_section(group, labels, baseline, target, seed, shown) for group, labels in labelled]
    subjects = [section["subject"] for section in sections]
    for section in sections:
        section["twin"] = subjects.count(section["subject"]) > 1
    return {"sections": sections, "left_out": gathered.left_out}


def _names(source: Source, label: str) -> tuple[str, str]:
    return label, source.where


def _about(source: Source) -> tuple[Any, ...]:
    """Return what searches have in common whose curves can stand in one picture: the data, and what values are."""
    header = source.outcome.header
    data = header.data if source.folder is None else source.folder.made["data"].get("digest")
    fields = header.experiment
    kind = "table" if source.folder is None else "trained"
    about = kind, fields.get("benchmark"), fields.get("dataset"), data
    return (*map(str, about), source.outcome.quantity_of("test"))


def _labels(group: Sequence[Source]) -> list[str]:
    words = [source.name or _label(source) for source in group]
    return unique(words, [source.outcome.path for source in group])


def _label(source: Source) -> str:
    if source.folder is None:
        return source.outcome.label
    return f"{source.outcome.label} on {source.folder.made.get('space')}"


def _section(
    group: Sequence[Source],
    labels: Sequence[str],
    baseline: str | None,
    target: float | None,
    seed: int,
    shown: Sequence[str],
) -> dict[str, Any]:
    first = group[0].outcome
    quantity, fields = first.quantity_of("test"), first.header.experiment
    named = [label for one, label in zip(group, labels, strict=True) if baseline in _names(one, label)]
    base = named[0] if named else labels[0]
    looks = [{**view, **_view(group, labels, view, base, target, seed)} for view in views(first, shown)]
    own = [look for look in looks if look["show"] in METRIC]
    values = [value for look in own for row in look["leaderboard"] for value in row["at"].values()]
    for look in looks:
        shown_values = [value for row in look["leaderboard"] for value in row["at"].values()]
        declared = first.quantity_of(look["show"]).decimals
        look["quantity"]["decimals"] = (
            decimals(values if look in own else shown_values, SIGNIFICANT) if declared is None else declared
        )
    data = group[0].folder.made["data"] if group[0].folder is not None else {}
    return {
        "subject": f"{fields.get('benchmark')}, {fields.get('dataset')}"
        if not data
        else str(data.get("name")),
        "benchmark": fields.get("benchmark"),
        "dataset": fields.get("dataset"),
        "data": _about(group[0])[3],
        "about_data": dict(data),
        "quantity": {
            "name": quantity.name,
            "unit": quantity.unit,
            "lower_is_better": quantity.sign < 0,
            "decimals": decimals(values, SIGNIFICANT),
        },
        "baseline": base,
        "target_given": target is not None,
        "views": looks,
        "best": best_architectures(group, labels),
        "fronts": [
            _front(source, label)
            for source, label in zip(group, labels, strict=True)
            if source.folder is None and source.outcome.header.experiment.get("objectives")
        ],
        "searches": [_search(source, label) for source, label in zip(group, labels, strict=True)],
        "trainings": [
            trainings(source.folder, label, source.where)
            for source, label in zip(group, labels, strict=True)
            if source.folder is not None
        ],
    }


def _view(
    group: Sequence[Source],
    labels: Sequence[str],
    view: Mapping[str, str],
    base: str,
    target: float | None,
    seed: int,
) -> dict[str, Any]:
    """Return the curves and the leaderboard of a section under one view."""
    show, choose = view["show"], view["choose"]
    quantity = group[0].outcome.quantity_of(show)
    lines = [
        {"label": name, **line(one.outcome, show, choose)} for one, name in zip(group, labels, strict=True)
    ]
    searches = [
        (name, one.outcome.header, one.outcome.rounds, one.outcome.curve(show, choose))
        for one, name in zip(group, labels, strict=True)
    ]
    known = [one.outcome.oracle for one in group if one.outcome.oracle is not None]
    top = best_of(known[0], show) if known else best_value(group[0].outcome.header, show)
    reach = target if show in METRIC else None  # it is a value of what is trained for
    rows = rows_of(searches, base, reach, seed, top if top is not None else float("nan"), quantity)
    for row, (_, _, _, curve) in zip(rows, searches, strict=True):
        low, median, high = (float(values[-1]) for values in quantity.band(*curve.band()))
        row.update(q25=low, median=median, q75=high, seconds=float(curve.time_axis()[-1]))
    return {
        "best_there_is": None if top is None else quantity.shown(top),
        "lines": [_plain(each) for each in lines],
        "leaderboard": [_plain(row) for row in rows],
    }


def _front(source: Source, label: str) -> dict[str, Any]:
    """Return what a search on a table found for several objectives, as published, and its first two as a picture."""
    header = source.outcome.header
    objectives = [dict(each) for each in header.experiment["objectives"]]
    rows = front_of(header, source.outcome.rounds, *plain_quantity(header).metrics("test", "valid"))
    texts = names_of(source, [row["arch"] for row in rows])
    cost = next(each for each in objectives if not each["trained"])
    worth = next((each for each in objectives if each["trained"]), objectives[0])
    return {
        "label": label,
        "objectives": objectives,
        "rows": [_plain({**row, "text": text}) for row, text in zip(rows, texts, strict=True)],
        "picture": {
            "cost": cost["name"],
            "unit": cost["unit"],
            "worth": f"{worth['name']} ({worth['unit']})",
            "costs": [_plain(row[cost["name"]]) for row in rows],
            "valid": [_plain(row[worth["name"]]) for row in rows],
            "models": list(range(1, len(rows) + 1)),
            "front": list(range(1, len(rows) + 1)),
        },
    }


def _search(source: Source, label: str) -> dict[str, Any]:
    """Return what a search was asked for, and how far it has come."""
    outcome = source.outcome
    header = outcome.header
    asked = dict(header.experiment)
    if source.folder is not None:
        asked |= {name: value for name, value in source.folder.made.items() if name != "data"}
    planned = asked.get("rounds")
    return {
        "label": label,
        "where": source.where,
        "rounds": len(outcome.rounds),
        "rounds_planned": planned if isinstance(planned, int) else None,
        "finished": _finished(source),
        "models": sum(len(each.archs) for each in outcome.rounds),
        "budget": asked.get("budget"),
        "package": header.package,
        "data": header.data,
        "code": dict(header.code),
        "settings": flat(asked),
    }


def _finished(source: Source) -> bool | None:
    """Say whether a search has ended; None where its file does not say."""
    return None if source.folder is None else source.folder.ended


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Return settings within settings as texts by one name each.

    >>> flat({"a": {"b": 1}, "c": [1, 2], "d": None})
    {'a.b': '1', 'c': '[1, 2]', 'd': 'null'}
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return found


def _plain(value: Any) -> Any:
    """Return plain JSON values, NaN and what is infinite as None."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
