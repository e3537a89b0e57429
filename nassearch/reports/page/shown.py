"""What a page says in words and tables, from its data: this is what the template lays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nassearch.reports.page import tables
from nassearch.reports.page.trainings import UNITS
from nassearch.statistics.digits import SIGNIFICANT, writer

FILLED = 3
"""Up to so many searches begin with their quartiles drawn; more would hide each other."""
NAMED = 8
"""Histories that have a colour each; the rest stand behind them in grey."""
LONGEST_NAME = 160
"""Characters of an architecture below its picture; tables have all."""


def shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template is given, beside the title."""
    sections = data["sections"]
    searches = [each for section in sections for each in section["searches"]]
    models = sum(each["models"] for each in searches)
    counted = _count(len(searches), "search", "searches"), _count(len(sections), "data set")
    about = f"{' of '.join(counted)}, {_count(models, 'training')} in all"
    return {
        "about": about,
        "left_out": data["left_out"],
        "sections": [_section(section) for section in sections],
    }


def charts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the data that the pictures are drawn from."""
    return {
        "sections": [
            {
                "several_rounds": _several_rounds(section),
                "views": [
                    {name: view[name] for name in ("words", "best_there_is", "lines", "quantity")}
                    for view in section["views"]
                ],
                "fronts": [one["picture"] for one in section["fronts"]],
                "trainings": [
                    {name: one[name] for name in ("histories", "proxies", "fronts")}
                    for one in section["trainings"]
                ],
            }
            for section in data["sections"]
        ]
    }


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or f'{one}s'}".replace(",", "\u2009")


def _several_rounds(section: Mapping[str, Any]) -> bool:
    return any(each["rounds"] > 1 for each in section["searches"])


def _section(section: Mapping[str, Any]) -> dict[str, Any]:
    labels = [each["label"] for each in section["searches"]]
    lines = [
        line[axis] for view in section["views"] for line in view["lines"] for axis in ("models", "distinct")
    ]
    axes = [("models", "models"), ("distinct", "different models")]
    if all(value is not None for line in lines for value in line["seconds"]):
        axes.append(("seconds", "seconds of training"))
    data = str(section["data"])
    quantity = section["quantity"]
    told = f"{section['subject']}, {quantity['name']}, data {data[:8]}"
    heading = told if section["twin"] else section["subject"]
    better = "lower" if quantity["lower_is_better"] else "higher"
    return {
        "heading": heading,
        "facts": f"{_rounds(section)}; {quantity['name']} in {quantity['unit']}, {better} is better; data {data}"
        + _about_data(section["about_data"]),
        "views": [view["words"] for view in section["views"]],
        "axes": axes,
        "banded": _several_rounds(section) and len(labels) <= FILLED,
        "several_rounds": _several_rounds(section),
        "read": ["lower quartile", "median", "upper quartile"] if _several_rounds(section) else ["value"],
        "labels": labels,
        "alt": f"Search curves: the {section['views'][0]['words']} against models trained, median of the rounds with "
        f"quartiles, of {'; '.join(labels)}. The table below has the values.",
        "notes": _curve_notes(section, lines),
        "leaderboards": [tables.leaderboard(section, view) for view in section["views"]],
        "cells": _cells(section),
        "cell_notes": section["best"]["notes"],
        "best": tables.best(section),
        "choices": tables.choices(section),
        "fronts": [_found_front(one) for one in section["fronts"]],
        "front_tables": [tables.found_front(one) for one in section["fronts"]],
        "trainings": [_trainings(one) for one in section["trainings"]],
        "settings": tables.settings(section),
    }


def _rounds(section: Mapping[str, Any]) -> str:
    rounds = sorted({each["rounds"] for each in section["searches"]})
    told = (
        f"{rounds[0]} to {rounds[-1]} rounds each"
        if len(rounds) > 1
        else f"{_count(rounds[0], 'round')} each"
    )
    return f"{_count(len(section['searches']), 'search', 'searches')} of {told}"


def _about_data(told: Mapping[str, Any]) -> str:
    """Say what is known of data of one's own, as far as the file says it."""
    sizes, shape, classes = (told.get(name) for name in ("sizes", "shape", "classes"))
    parts = [f"{len(classes)} classes"] if isinstance(classes, list) else []
    parts += [f"inputs of {'x'.join(map(str, shape))}"] if isinstance(shape, list) else []
    if isinstance(sizes, Mapping):
        parts.append(", ".join(f"{count} {part}" for part, count in sizes.items()))
    return f"; {'; '.join(parts)}" if parts else ""


def _curve_notes(section: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = []
    if _several_rounds(section):
        notes.append(
            "Lines are medians over the rounds; half of the rounds lie between the quartiles. The value axis leaves "
            "the first models out of account."
        )
    else:
        notes.append("Each line is one round. The value axis leaves the first models out of account.")
    thinned = [line["thinned"] for line in lines if line["thinned"]]
    if thinned:
        kept = max(len(line["at"]) for line in lines)
        notes.append(
            f"Thinned: of up to {max(thinned)} steps of a line {kept} are drawn, evenly chosen; between them a line "
            "shows the value of the step before. The tables are of all."
        )
    budgets = {each["budget"] for each in section["views"][0]["leaderboard"]}
    if len(budgets) > 1:
        notes.append("The searches have different budgets: a line ends where its search does.")
    return notes


def _cells(section: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the best architectures whose cells are drawn; those of two searches may be of two spaces."""
    quantity, found = section["best"]["quantity"], []
    write = writer(
        [one[metric] for one in section["best"]["architectures"] for metric in ("valid", "test")], SIGNIFICANT
    )
    for rank, one in enumerate(section["best"]["architectures"], start=1):
        if one["cell"] is None:
            continue
        name = one["text"] if len(one["text"]) <= LONGEST_NAME else f"{one['text'][: LONGEST_NAME - 1]}…"
        name_of = {"valid": "validation", "test": "test"}
        values = [
            f"{name_of[metric]} {quantity['name']} {write(one[metric])}"
            for metric in ("valid", "test")
            if one[metric] is not None
        ]
        vertices = ", ".join(vertex["name"] for vertex in one["cell"]["vertices"])
        found.append(
            {
                "cell": one["cell"],
                "rank": f"{rank}.",
                "words": f"{', '.join(values)}; {name}",
                "alt": f"Cell of the architecture of rank {rank}, from input to output: {vertices}",
            }
        )
    return found


def _trainings(one: Mapping[str, Any]) -> dict[str, Any]:
    lines = one["histories"]["lines"]
    statuses = ", ".join(f"{count} {status}" for status, count in one["statuses"].items())
    asked = [front for front in one["fronts"] if front["wanted"]]
    heading = "Pareto front" if asked else "Accuracy against costs (the search looked at accuracy alone)"
    wall = f"; {one['wall_clock']:.0f} seconds by the clock" if one["wall_clock"] else ""
    return {
        "label": one["label"],
        "facts": f"{_count(len(one['models']), 'model')}: {statuses}{wall}; objectives: {', '.join(one['objectives'])}",
        "winner": tables.winner(one),
        "histories": [line["model"] for line in lines[:NAMED]],
        "others": max(0, len(lines) - NAMED),
        "columns": _columns(lines),
        "histories_alt": f"Histories of {len(lines)} models by epoch: loss and validation accuracy. The table of "
        "models has the best value of each.",
        "notes": _history_notes(one),
        "proxies": [
            {**_proxy(found), "number": n} for n, found in enumerate(one["proxies"]) if found["scored"]
        ],
        "proxy_table": tables.proxies(one["proxies"]),
        "fronts": [_front(front) for front in one["fronts"]],
        "front_heading": heading,
        "front_tables": [tables.front(one, front) for front in asked],
        "failures": tables.failures(one),
        "data_notes": one["notes"],
        "models": tables.models(one),
    }


def _columns(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    names = {"valid": "validation accuracy", "train_loss": "training loss", "valid_loss": "validation loss"}
    there = [(key, words) for key, words in names.items() if any(key in line for line in lines)]
    both = {"train_loss", "valid_loss"} <= {key for key, _ in there}
    return [("loss", "both losses"), *there] if both else there


def _history_notes(one: Mapping[str, Any]) -> list[str]:
    histories = one["histories"]
    lines = histories["lines"]
    notes = ["The best models by validation accuracy have a colour each."] if len(lines) > NAMED else []
    if histories["of"] > len(lines):
        notes.append(
            f"Thinned: of {histories['of']} histories those of the best {len(lines)} models are drawn; the table has "
            "all models."
        )
    longest = max((line["thinned"] or 0 for line in lines), default=0)
    if longest:
        kept = max(len(line["epoch"]) for line in lines)
        notes.append(
            f"Thinned: of up to {longest} epochs of a history {kept} are drawn, evenly chosen, and the last."
        )
    return notes


def _proxy(found: Mapping[str, Any]) -> dict[str, Any]:
    words = tables.correlation(found)
    return {
        "name": found["proxy"],
        "words": words,
        "alt": f"Scores of {found['proxy']} against validation accuracy: {words}",
    }


def _found_front(one: Mapping[str, Any]) -> dict[str, Any]:
    words = f"{one['label']}: {_count(len(one['rows']), 'architecture')} on the front of all rounds together"
    return {"words": words, "alt": f"Front of {words}. The table below has the values."}


def _front(one: Mapping[str, Any]) -> dict[str, Any]:
    counted = _count(len(one["models"]), "model")
    words = f"{one['cost']}: {counted}, {len(one['front'])} of them on the front (in colour)"
    return {
        "words": words,
        "alt": f"Validation accuracy against {one['cost']} ({UNITS[one['cost']]}): {words}",
    }
