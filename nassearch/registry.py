"""Names to parts. Adding a part is one line here; third parties use the entry-point group of the same name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from nassearch.errors import UnknownName

BUILT_IN: dict[str, dict[str, str]] = {
    "strategies": {
        "ae": "nassearch.strategies.ae:AgingEvolution",
        "rand": "nassearch.strategies.rand:RandomSearch",
    },
    "proxies": {
        "epsilon": "nassearch.proxies.epsilon:epsilon",
        "flops": "nassearch.proxies.counts:flops",
        "params": "nassearch.proxies.counts:params",
        "synflow": "nassearch.proxies.synflow:synflow",
    },
    "benchmarks": {
        "nasbench201": "nassearch.benchmarks.nasbench201:NASBench201Benchmark",
    },
}
SINGULAR = {"strategies": "strategy", "proxies": "proxy", "benchmarks": "benchmark"}


@cache
def _known(kind: str) -> dict[str, str]:
    found = {point.name: point.value for point in entry_points(group=f"nassearch.{kind}")}
    return found | BUILT_IN[kind]


def names(kind: str) -> list[str]:
    """Return the known names of `strategies`, `proxies` or `benchmarks`, sorted."""
    return sorted(_known(kind))


def load(kind: str, name: str) -> Any:
    """Import the part of that name.

    Raises:
        UnknownName: there is none; the message offers the nearest.
    """
    known = _known(kind)
    if name not in known:
        raise UnknownName(SINGULAR[kind], name, known, f"(nassearch list {kind})")
    module, _, attribute = known[name].partition(":")
    return getattr(import_module(module), attribute)
