"""What the files of a search may hold, and what of that has to stay where it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nassearch.errors import BadData
from nassearch.search import schema

NEEDED = ("strategy", "seed", "space", "skeleton", "data", "recipe", "device", "threads")


def _recipe(value: Any) -> None:
    """Take settings of a training by name, the epochs among them."""
    schema.named(value)
    schema.field("epochs", value.get("epochs"), schema.whole(1))


def _each(check: schema.Check) -> schema.Check:
    """Take a list of such values."""

    def each(value: Any) -> None:
        if not isinstance(value, list):
            raise ValueError(f"a list, not {schema.kind(value)}")
        for one in value:
            check(one)

    return each


def _data(value: Any) -> None:
    """Take what a data set says of itself, as far as it does."""
    schema.named(value)
    schema.check_fields(value, DATA, ())


def _limits(value: Any) -> None:
    """Take limits by name, and where latencies come from."""
    schema.named(value)
    for name, limit in value.items():
        schema.field(name, limit, schema.text if name == "latency_by" else schema.number)


DATA: dict[str, schema.Check] = {
    **{name: schema.text for name in ("source", "name", "kind", "digest", "path")},
    "classes": _each(schema.text),
    "shape": _each(schema.whole(1)),
    "sizes": schema.named,
    "mean": _each(schema.number),
    "std": _each(schema.number),
    "seed": schema.whole(0),
    "valid": schema.number,
    "test": schema.number,
    "notes": _each(schema.text),
}
"""Of the data of a search, by name."""
SEARCH: dict[str, schema.Check] = {
    "strategy": schema.text,
    "settings": schema.named,
    "scorer": schema.nullable(schema.text),
    "warmup": schema.whole(0),
    "move": schema.nullable(schema.text),
    "constraints": schema.nullable(_limits),
    "objectives": schema.nullable(_each(schema.text)),
    "latency_by": schema.text,
    "fidelity": _each(schema.whole(1)),
    "seed": schema.whole(0),
    "budget": schema.nullable(schema.whole(1)),
    "hours": schema.nullable(schema.number),
    "space": schema.text,
    "skeleton": schema.named,
    "data": _data,
    "recipe": _recipe,
    "final_epochs": schema.nullable(schema.whole(0)),
    "device": schema.text,
    "threads": schema.whole(1),
    "workers": schema.whole(1),
}
"""Of a search that trains: what was asked for, by name."""
FOLDER: dict[str, schema.Check] = {"package": schema.text, "code": schema.nullable(schema.named)}
"""Of the file of it, beside what was asked for."""
WINNER_FIELDS: dict[str, schema.Check] = {
    "arch": lambda value: schema.check_archs([value]),
    "text": schema.text,
    "recipe": _recipe,
    "epochs": schema.whole(1),
    "seconds": schema.number,
    "valid": schema.nullable(schema.number),
    "test": schema.nullable(schema.number),
    "test_interval": schema.nullable(schema.interval),
    "test_examples": schema.nullable(schema.whole(0)),
    "weights": schema.nullable(schema.text),
    "params": schema.nullable(schema.whole(0)),
    "flops": schema.nullable(schema.whole(0)),
    "latency": schema.nullable(schema.number),
    "found_after": schema.whole(1),
    "models": schema.whole(1),
    "seconds_of_search": schema.number,
}
"""Of what such a search came to, by name."""


def check(
    path: Path, found: Mapping[str, Any], known: Mapping[str, schema.Check], needed: Sequence[str]
) -> None:
    """Raise `BadData` where a file lacks a field that is needed, or one is none of its kind."""
    try:
        schema.check_fields(found, known, needed)
    except ValueError as error:
        raise BadData(f"{path} is damaged: {error}; move the folder away to begin anew") from None


def difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """Return the first thing in which two searches differ that can not be gone on with, and both values."""
    ours, theirs = _asked_of(found), _asked_of(json.loads(json.dumps(dict(wanted))))
    for name in {**theirs, **ours}:
        if ours.get(name) != theirs.get(name):
            return name, ours.get(name), theirs.get(name)
    return None


FREE = frozenset({"budget", "hours", "workers", "executor", "final_epochs"})
"""What a search that goes on may have anew."""
FREE_OF_DATA = frozenset({"path", "source", "name", "notes"})
"""Of its data: where they lie, and what was said of them; the digest says whether they are the same."""


def _asked_of(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to stay as it was, that of the data by names of its own."""
    found = {name: value for name, value in made.items() if name not in FREE and name != "data"}
    data = {f"data {name}": value for name, value in made["data"].items() if name not in FREE_OF_DATA}
    return data | found
