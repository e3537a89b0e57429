"""Tables of a page: what stands in each cell, and the number behind it, by which people sort."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nassearch.reports.page.cells import Cell, Table, as_rows, counts, numbers, texts
from nassearch.search.quantity import METRIC
from nassearch.statistics.digits import SIGNIFICANT, exact, fixed, ratio, writer

BOUNDS = {"exactly": "", "more than": ">", "less than": "<"}


def leaderboard(section: Mapping[str, Any], view: Mapping[str, Any]) -> Table:
    """Return the searches of a section, the best last median first."""
    quantity = view["quantity"]
    sign = 1.0 if quantity["lower_is_better"] else -1.0
    rows = sorted(
        view["leaderboard"], key=lambda row: sign * row["median"] if row["median"] is not None else 1e300
    )
    at = [
        m for m in rows[0]["at"] if any(str(row["budget"]) != m and row["at"][m] is not None for row in rows)
    ]
    values = [value for row in rows for value in (*row["at"].values(), row["q25"], row["q75"])]
    write = fixed(quantity["decimals"]) if view["show"] not in METRIC else writer(values, SIGNIFICANT)
    known = rows[0]["target"]
    reach = exact(known) if section["target_given"] and view["show"] in METRIC else write(known)

    def column(name: str) -> list[Cell]:
        return [Cell(write(row[name]), row[name]) for row in rows]

    def several(cells: Sequence[Cell]) -> list[Cell]:
        """Leave out what one round says nothing of."""
        return [cell if row["rounds"] > 1 else Cell("-") for cell, row in zip(cells, rows, strict=True)]

    columns: dict[str, list[Cell]] = {
        "search": texts(row["label"] for row in rows),
        "rounds": counts(row["rounds"] for row in rows),
        "models": counts(row["budget"] for row in rows),
        **{f"at {m}": [Cell(write(row["at"][m]), row["at"][m]) for row in rows] for m in at},
        "at the end": column("median"),
        "lower quartile": several(column("q25")),
        "upper quartile": several(column("q75")),
        f"models to {reach}": [_reached(row) for row in rows],
        "speed-up": [_bounded(row, "speedup") for row in rows],
        "95 % from": several([_bounded(row, "speedup_low") for row in rows]),
        "95 % to": several([_bounded(row, "speedup_high") for row in rows]),
        "revisits": numbers([row["revisits"] for row in rows], 2),
        "regret": [Cell(write(row["regret"]), row["regret"]) for row in rows],
        "seconds": numbers([row["seconds"] for row in rows], 2),
    }
    empty = [n for n, cells in columns.items() if all(cell.value is None for cell in cells) and n in MAY_LACK]
    columns = {name: cells for name, cells in columns.items() if name not in empty}
    notes = [
        f"models to {reach}: where the median over the rounds first reaches it",
        f"speed-up: models that {section['baseline']} needs over those needed here, with a bootstrap interval over "
        "rounds; > and < where a budget ends before",
        "revisits: models of a round that it had trained before, the mean; seconds: of training in a round, the median",
    ]
    notes += (
        [f"{'lower' if quantity['lower_is_better'] else 'higher'} is better"]
        if view["show"] not in METRIC
        else []
    )
    notes += [
        f"{row['label']}: at the end of the {row['known']} of {row['rounds']} rounds where it is known"
        for row in rows
        if row.get("known", row["rounds"]) < row["rounds"]
    ]
    notes += ["regret: the best value there is, less the median at the end"] if "regret" in columns else []
    title = f"Leaderboard: {view['words']} ({quantity['unit']}), median of the rounds; the best first"
    return Table(title, list(columns), as_rows(*columns.values()), notes, "leaderboard")


MAY_LACK = {"regret", "seconds", "speed-up", "95 % from", "95 % to", "lower quartile", "upper quartile"}
"""Columns that are left out where nothing is known."""


def _reached(row: Mapping[str, Any]) -> Cell:
    found = row["models_to_target"]
    return Cell(f"not in {row['budget']}") if found is None else Cell(str(found), found)


def _bounded(row: Mapping[str, Any], name: str) -> Cell:
    value = row[name]
    return Cell("-") if value is None else Cell(f"{BOUNDS[row[f'{name}_bound']]}{ratio(value)}", value)


def best(section: Mapping[str, Any]) -> Table:
    """Return the architectures that searches end with."""
    found, quantity = section["best"]["architectures"], section["best"]["quantity"]
    several = len({row["space"] for row in found}) > 1
    write = writer([row[name] for row in found for name in ("valid", "test")], SIGNIFICANT)
    columns = {
        "architecture": texts(row["text"] or str(tuple(row["arch"])) for row in found),
        **({"space": texts(row["space"] for row in found)} if several else {}),
        **{
            f"{METRIC[name]} {quantity['name']}": [Cell(write(row[name]), row[name]) for row in found]
            for name in ("valid", "test")
            if any(row[name] is not None for row in found)
        },
        "trainings": counts(row["trainings"] for row in found),
        "rounds that end with it": counts(row["rounds"] for row in found),
        "searches": texts("; ".join(row["searches"]) for row in found),
    }
    which = f"Best of {section['best']['of']} architectures that rounds end with, or a single round trained"
    title = f"{which} ({quantity['unit']})"
    notes = ["values: the mean of what was recorded of it in all trainings of all searches here"]
    return Table(title, list(columns), as_rows(*columns.values()), notes, "best")


def choices(section: Mapping[str, Any]) -> list[Table]:
    """Return what the best architectures have chosen, a table for each space without cells."""
    rows = [
        (rank, row) for rank, row in enumerate(section["best"]["architectures"], start=1) if row["choices"]
    ]
    made = []
    for space in dict.fromkeys(row["space"] for _, row in rows):
        chosen = {rank: dict(row["choices"]) for rank, row in rows if row["space"] == space}
        names = dict.fromkeys(name for each in chosen.values() for name in each)
        columns = [texts(names), *(texts(each.get(name) for name in names) for each in chosen.values())]
        head = ["choice", *(f"{rank}." for rank in chosen)]
        made.append(
            Table(f"Choices of the best architectures of {space}", head, as_rows(*columns), kind="choices")
        )
    return made


def models(found: Mapping[str, Any]) -> Table:
    """Return what a search has trained, a row for each model."""
    rows = found["models"]
    columns = {
        "model": [Cell(str(row["model"]), row["model"]) for row in rows],
        "architecture": texts(row["text"] for row in rows),
        "status": texts(row["status"] for row in rows),
        "validation accuracy": numbers([row["valid"] for row in rows]),
        "epochs": counts(row["epochs"] for row in rows),
        "seconds": numbers([row["seconds"] for row in rows], 2),
        "parameters": counts(row["params"] for row in rows),
        "FLOPs": counts(row["flops"] for row in rows),
        "latency (ms)": numbers([row["latency"] for row in rows]),
        "memory (bytes)": counts(row["memory"] for row in rows),
    }
    lacking = {name for name, cells in columns.items() if all(cell.text == "-" for cell in cells)}
    columns = {name: cells for name, cells in columns.items() if name not in lacking}
    return Table(
        "Trained models, in the order in which they were told", list(columns), as_rows(*columns.values())
    )


def failures(found: Mapping[str, Any]) -> Table | None:
    """Return the trainings that came to no network, or of which there is something to say; None where none."""
    rows = [row for row in found["models"] if row["status"] != "trained" or row["note"]]
    if not rows:
        return None
    columns = {
        "model": [Cell(str(row["model"]), row["model"]) for row in rows],
        "architecture": texts(row["text"] for row in rows),
        "status": texts(row["status"] for row in rows),
        "batch": texts(_batch(row) for row in rows),
        "what happened": texts(row["note"] for row in rows),
    }
    return Table(
        "Failures and notes of trainings", list(columns), as_rows(*columns.values()), kind="failures"
    )


def found_front(one: Mapping[str, Any]) -> Table:
    """Return the front that a search on a table found, all rounds together."""
    rows = one["rows"]
    columns = {"architecture": texts(row["text"] for row in rows)}
    for objective in one["objectives"]:
        values = [row[objective["name"]] for row in rows]
        columns[f"{objective['name']} ({objective['unit']})"] = numbers(values)
    return Table(f"Front: {one['label']}", list(columns), as_rows(*columns.values()), kind="front")


def _batch(row: Mapping[str, Any]) -> str | None:
    size, parts = row["batch_size"], row["accumulate"]
    return None if size is None else f"{size} in {parts} parts" if parts > 1 else str(size)


def front(found: Mapping[str, Any], one: Mapping[str, Any]) -> Table:
    """Return the models that no other is better than in accuracy and in a cost."""
    rows = [found["models"][model - 1] for model in one["front"]]
    columns = {
        "model": [Cell(str(row["model"]), row["model"]) for row in rows],
        "architecture": texts(row["text"] for row in rows),
        one["cost"]: numbers([row[one["cost"]] for row in rows]) if one["cost"] == "latency"
        else counts(row[one["cost"]] for row in rows),
        "validation accuracy": numbers([row["valid"] for row in rows]),
    }  # fmt: skip
    title = f"Front: models than which no other has both a better accuracy and fewer {one['unit']}"
    return Table(title, list(columns), as_rows(*columns.values()), kind="front")


def winner(found: Mapping[str, Any]) -> Table | None:
    """Return what a search came to; None where it has not ended."""
    won = found["winner"]
    if won is None:
        return None
    rows = [[Cell(name), _value(value)] for name, value in _flat(won).items()]
    return Table("The winner, as its file says", ["field", "value"], rows, kind="winner")


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= (
            _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
        )
    return found


def _value(value: Any) -> Cell:
    if isinstance(value, float):
        return Cell(exact(value), value)
    return Cell("-" if value is None else value if isinstance(value, str) else json.dumps(value))


def settings(section: Mapping[str, Any]) -> list[Table]:
    """Return what the searches of a section were asked for: what they have in common, and what differs."""
    searches = section["searches"]
    asked = [
        {
            "file": each["where"] or "-",
            "rounds there": _of(each),
            "package": each["package"],
            "data": each["data"],
            **each["settings"],
            **{f"code of the {part}": identity for part, identity in each["code"].items()},
        }
        for each in searches
    ]
    names = list(dict.fromkeys(name for each in asked for name in each))
    same = [name for name in names if len({each.get(name) for each in asked}) == 1]
    differ = [name for name in names if name not in same]
    title = "Settings" if len(searches) == 1 else "Settings that all have in common"
    found = [
        Table(title, ["setting", "value"], [texts([name, asked[0][name]]) for name in same], kind="settings")
    ]
    if differ:
        rows = [texts([name, *(each.get(name) for each in asked)]) for name in differ]
        found.append(
            Table(
                "Settings that differ",
                ["setting", *(each["label"] for each in searches)],
                rows,
                kind="settings",
            )
        )
    return found


def _of(search: Mapping[str, Any]) -> str:
    planned = search["rounds_planned"]
    ended = {True: ", ended", False: ", not ended", None: ""}[search["finished"]]
    return f"{search['rounds']}{f' of {planned}' if planned and planned > search['rounds'] else ''}{ended}"


def correlation(found: Mapping[str, Any]) -> str:
    """Say in a line how well a proxy ranks what was trained."""
    scored = f"{found['scored']} of {found['trained']} trained models have a score"
    if found["rho"] is None:
        return f"no rank correlation: it needs scores and accuracies that differ; {scored}"
    value, low, high = (("-" if each is None else f"{each:.3f}") for each in found["rho"])
    return f"rank correlation (Spearman) {value}, 95 % from {low} to {high}; {scored}"


def proxies(found: Sequence[Mapping[str, Any]]) -> Table:
    """Return what each proxy is worth on what was trained."""
    columns: dict[str, list[Cell]] = {"proxy": texts(one["proxy"] for one in found)}
    for key, name in (("rho", "Spearman rho"), ("tau", "Kendall tau")):
        for place, part in enumerate((name, f"{name}, 95 % from", f"{name}, 95 % to")):
            values = [None if one[key] is None else one[key][place] for one in found]
            columns[part] = [Cell("-" if value is None else f"{value:.3f}", value) for value in values]
    columns["coverage"] = [_coverage(one) for one in found]
    columns["scored"] = counts(one["scored"] for one in found)
    notes = [
        "of whole trainings; models without a score are left out of the correlations, and counted by coverage"
    ]
    return Table(
        "Proxies against validation accuracy", list(columns), as_rows(*columns.values()), notes, "proxies"
    )


def _coverage(one: Mapping[str, Any]) -> Cell:
    share = one["scored"] / one["trained"] if one["trained"] else None
    return Cell("-") if share is None else Cell(f"{share:.1%}", share)
