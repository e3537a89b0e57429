"""nassearch list"""

from __future__ import annotations

from typing import Any

import click

from nassearch import registry
from nassearch.cli.common import echo_json, json_option, table


@click.command("list")
@click.argument("kind", type=click.Choice(["strategies", "proxies", "benchmarks"]))
@json_option
def listing(kind: str, as_json: bool) -> None:
    """Show the strategies, proxies or benchmarks there are.

    \b
    Example:
      nassearch list proxies
    """
    rows = [DESCRIBE[kind](name, registry.load(kind, name)) for name in registry.names(kind)]
    if as_json:
        return echo_json(rows)
    table("", list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "-"
    return ", ".join(map(str, value)) or "-" if isinstance(value, list) else str(value)


def _first_line(part: Any) -> str:
    return (part.__doc__ or "").strip().splitlines()[0]


def _strategy(name: str, part: Any) -> dict[str, Any]:
    return {"name": name, "settings": part.settings(), "moves": list(part.moves), "what": _first_line(part)}


def _proxy(name: str, part: Any) -> dict[str, Any]:
    return {
        "name": name,
        "better": "higher" if part.higher_is_better else "lower",
        "needs": sorted(part.needs),
        "options": part.options,
        "what": _first_line(part),
        "reference": part.reference,
    }


def _benchmark(name: str, part: Any) -> dict[str, Any]:
    return {
        "name": name,
        "datasets": list(part.datasets()),
        "installed": part.installed(),
        "what": _first_line(part),
    }


DESCRIBE = {"strategies": _strategy, "proxies": _proxy, "benchmarks": _benchmark}
