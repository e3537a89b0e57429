"""nassearch list"""

from __future__ import annotations

from typing import Any

import click

from nassearch import registry
from nassearch.cli.common import as_text, echo_json, json_option, paragraphs, tell_faults

RELATIVE = (
    "scores compare architectures scored together, and no others; among=M compares all with M random ones"
)


@click.command("list")
@click.argument("kind", type=click.Choice([*registry.BUILT_IN]))
@json_option
def listing(kind: str, as_json: bool) -> None:
    """Show the strategies, proxies, combinations of proxies, lookups, benchmarks or search spaces there are.

    Lookups are scorers that look at the architecture and not at its network, such as a table of published scores.

    What is wrong with parts of other packages that cannot be used is told beside, on standard error.

    \b
    Examples:
      nassearch list proxies
      nassearch list strategies --json
    """
    describe, tell = KINDS[kind]
    found, faults = registry.parts(kind)
    rows, told = [], []
    for name, part in found.items():
        try:
            row = describe(name, part)
            as_text(row)  # what JSON has no place for is a fault of the part, too
            told.append((name, [line for line in tell(row) if line]))
            rows.append(row)
        except Exception as error:  # whatever a part of someone else's raises when it is asked what it is
            if registry.is_built_in(kind, name):
                raise
            faults.append(str(registry.broken(kind, name, error)))
    tell_faults(faults)
    if as_json:
        return echo_json(rows)
    paragraphs(told)


def _what(part: Any) -> str:
    return " ".join((part.__doc__ or "").strip().partition("\n\n")[0].split())


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"{key}={'none' if value is None else value}" for key, value in values.items())


def _strategy(name: str, part: Any) -> dict[str, Any]:
    return {
        "name": name,
        "what": _what(part),
        "settings": part.settings(),
        "scorer_settings": list(part.guidance.settings),
        "scorer_lists": list(part.guidance.lists),
        "guides": None if part.guidance.guides is None else list(part.guidance.guides),
        "moves": list(part.guidance.moves),
        "move_ratio": part.guidance.ratio,
    }


def _tell_strategy(row: dict[str, Any]) -> list[str]:
    usual = ", ".join(row["guides"] or ()) or "none"
    many = "proxies, with commas" + ("" if row["guides"] is None else f"; unless given: {usual}")
    kinds = {"a proxy": row["scorer_settings"], many: row["scorer_lists"]}
    told = [f"{', '.join(names)}: {what}" for what, names in kinds.items() if names]
    ratio = f"; scores per model trained (--move-ratio): {row['move_ratio']}" if row["move_ratio"] else ""
    named = f" ({'; '.join(told)})" if told else ""
    return [
        row["what"],
        f"settings (--set): {_values(row['settings'])}{named}" if row["settings"] else "",
        f"moves (--move-at): {', '.join(row['moves'])}{ratio}"
        if row["moves"]
        else "takes no move, only a warm-up",
    ]


def _proxy(name: str, part: Any) -> dict[str, Any]:
    return {
        "name": name,
        "what": _what(part),
        "higher_is_better": part.higher_is_better,
        "needs": sorted(part.needs),
        "options": part.options,
        "reference": part.reference,
    }


def _tell_proxy(row: dict[str, Any]) -> list[str]:
    return [
        row["what"],
        f"options: {row['name']}({_values(row['options'])})" if row["options"] else "",
        f"looks at data: {', '.join(row['needs'])}" if row["needs"] else "",
        f"reference: {row['reference']}",
    ]


def _combination(name: str, part: Any) -> dict[str, Any]:
    return {
        "name": name,
        "what": _what(part),
        "parts": {"default": list(part.default), "least": part.least, "most": part.most},
        "options": part.options,
        "reference": part.reference,
    }


def _tell_combination(row: dict[str, Any]) -> list[str]:
    default, least = row["parts"]["default"], row["parts"]["least"]
    scorers = ", ".join(default) or ", ".join(["scorer"] * least) + ", ..."
    return [
        row["what"],
        f"as a scorer: {row['name']}({scorers})" + (f", or {row['name']} for short" if default else ""),
        f"options: {row['name']}(..., {_values(row['options'])})",
        RELATIVE,
        f"reference: {row['reference']}",
    ]


def _lookup(name: str, part: Any) -> dict[str, Any]:
    return {
        "name": name,
        "what": _what(part),
        "texts": part.texts,
        "options": part.options,
        "reference": part.reference,
    }


def _tell_lookup(row: dict[str, Any]) -> list[str]:
    texts = f"({', '.join(row['texts']).upper()})" if row["texts"] else ""
    inside = ", ".join([*row["texts"], _values(row["options"])])
    return [
        row["what"],
        f"as a scorer: {row['name']}{texts}",
        f"options: {row['name']}({inside})",
        f"reference: {row['reference']}",
    ]


def _benchmark(name: str, part: Any) -> dict[str, Any]:
    return {
        "name": name,
        "what": _what(part),
        "datasets": list(part.datasets()),
        "installed": part.installed(),
    }


def _tell_benchmark(row: dict[str, Any]) -> list[str]:
    return [
        row["what"],
        f"data sets: {', '.join(row['datasets'])}",
        f"installed: {', '.join(row['installed']) or 'none'} (nassearch bench list says more)",
    ]


def _space(name: str, part: Any) -> dict[str, Any]:
    space = part()
    return {
        "name": name,
        "what": _what(part),
        "size": space.size,
        "options": part.skeleton,
        "example": space.format(next(iter(space.all()))),
    }


def _tell_space(row: dict[str, Any]) -> list[str]:
    return [
        row["what"],
        f"options: {row['name']}({_values(row['options'])})" if row["options"] else "",
        f"architectures: {row['size']:,}, such as {row['example']}",
    ]


KINDS = {
    "strategies": (_strategy, _tell_strategy),
    "proxies": (_proxy, _tell_proxy),
    "combinations": (_combination, _tell_combination),
    "lookups": (_lookup, _tell_lookup),
    "benchmarks": (_benchmark, _tell_benchmark),
    "spaces": (_space, _tell_space),
}
