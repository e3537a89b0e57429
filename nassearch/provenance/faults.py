"""What an object must be to be a part of nassearch, and what is wrong with one that is none."""

from __future__ import annotations

import inspect
import keyword
from functools import reduce
from importlib import import_module
from typing import Any

from nassearch.errors import quoted

SINGULAR = {
    "strategies": "strategy",
    "proxies": "proxy",
    "combinations": "combination",
    "lookups": "lookup",
    "benchmarks": "benchmark",
    "spaces": "space",
}
BASES = {
    "strategies": "nassearch.strategies.base:Strategy",
    "proxies": "nassearch.proxies.base:Proxy",
    "combinations": "nassearch.scorers.combined:Combination",
    "lookups": "nassearch.scorers.lookups.base:Lookup",
    "benchmarks": "nassearch.benchmarks.base:Benchmark",
    "spaces": "nassearch.spaces.base:SearchSpace",
}
"""What a part is, or a subclass of what: looked at where it comes from another package."""
DATASET = "nassearch.benchmarks.base:Dataset"
SCORERS = ("proxies", "combinations", "lookups")
"""Kinds that are named in one place, so that what is built in of either keeps its name from both."""


def import_named(value: str) -> Any:
    """Import what an entry point names, `module:attribute`."""
    module, _, attribute = value.partition("[")[0].strip().partition(":")
    return reduce(getattr, filter(None, attribute.strip().split(".")), import_module(module.strip()))


def name_of(kind: str, part: Any) -> str:
    """Return what a part calls itself; a class that has the name of the one it builds on is called as the class is."""
    if kind in SCORERS:
        return str(part.name)
    own = part if isinstance(part, type) else type(part)
    return str(own.__dict__["name"] if "name" in own.__dict__ else own.__name__.lower())


def fault_of(kind: str, part: Any, name: str | None = None) -> str:
    """Say why an object is no part of this kind, under this name where one is given; "" where it is one."""
    base = import_named(BASES[kind])
    of_class = kind not in SCORERS
    if not (isinstance(part, type) and issubclass(part, base) if of_class else isinstance(part, base)):
        what = (
            f"a subclass of {base.__name__}" if of_class else f"a {base.__name__}, as its decorator makes one"
        )
        return f"it is a {part.__name__ if isinstance(part, type) else type(part).__name__}, not {what}"
    if of_class and inspect.isabstract(part):
        return f"it does not define {', '.join(sorted(part.__abstractmethods__))}"
    if of_class and not isinstance(getattr(part, "name", None), str):
        return "it has no name: give the class one"
    if kind == "benchmarks":
        known, dataset = part.datasets(), import_named(DATASET)
        if (
            not isinstance(known, dict)
            or not (known or getattr(part, "needs_data", False))
            or not all(isinstance(d, dataset) for d in known.values())
        ):
            return "its datasets() gives no data sets by name, as {'toy': Dataset('toy', ...)}"
    name = name_of(kind, part) if name is None else name
    if not isinstance(name, str) or not name:
        return f"its name is no text but {quoted(name)}"
    if not of_class and (not name.isidentifier() or keyword.iskeyword(name)):
        return "a scorer is named by letters, digits and underscores, so nobody can write this name"
    return ""
