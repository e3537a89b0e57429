"""What the files in the folder of a search hold, by name: fields that are others are damage."""

from __future__ import annotations

from typing import Any

from nassearch.search import schema

NEEDED = ("strategy", "seed", "space", "skeleton", "data", "recipe", "device", "threads")


def _recipe(value: Any) -> None:
    """Take settings of a training by name, the epochs among them."""
    schema.named(value)
    schema.field("epochs", value.get("epochs"), schema.whole(1))


def _each(check: schema.Check) -> schema.Check:
    def check_all(value: Any) -> None:
        if not isinstance(value, list):
            raise ValueError(f"a list, not {schema.kind(value)}")
        for each in value:
            check(each)

    return check_all


def _sizes(value: Any) -> None:
    schema.named(value)
    for name, size in value.items():
        schema.field(name, size, schema.whole(0))


def _size(value: Any) -> None:
    _each(schema.whole(1))(value if isinstance(value, list) else [value])


def _data(value: Any) -> None:
    schema.named(value)
    if lacking := next((name for name in _DATA if name not in value), None):
        raise ValueError(f"without {lacking}")
    schema.check_fields(value, _DATA, ())


_DATA: dict[str, schema.Check] = {
    **dict.fromkeys(("path", "source", "name", "kind", "digest"), schema.text),
    **dict.fromkeys(("classes", "notes"), _each(schema.text)),
    **dict.fromkeys(("mean", "std"), _each(schema.number)),
    **dict.fromkeys(("valid", "test"), schema.number),
    "shape": _each(schema.whole(1)),
    "sizes": _sizes,
    "seed": schema.whole(0),
    "size": schema.nullable(_size),
}
SEARCH: dict[str, schema.Check] = {
    "strategy": schema.text,
    "settings": schema.named,
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
WINNER: dict[str, schema.Check] = {
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
FINAL: dict[str, schema.Check] = {
    "arch": lambda value: schema.check_archs([value]),
    "epochs": schema.whole(0),
    "threads": schema.whole(1),
    **{name: SEARCH[name] for name in ("hours", "budget", "final_epochs")},
}
"""Of the training of its winner, as it was decided, by name."""
