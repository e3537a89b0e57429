"""nassearch compare"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import axis_option, echo, echo_json, json_option, table, view_options
from nassearch.cli.reading import Search, paths_argument, read, subject
from nassearch.errors import InvalidSetting, UnknownName

if TYPE_CHECKING:
    from nassearch.search.quantity import Quantity

WORDS = {"exactly": "", "more than": "more than ", "less than": "less than "}
SIGNS = {"exactly": "", "more than": ">", "less than": "<"}


@click.command()
@paths_argument
@click.option(
    "--baseline",
    default=None,
    metavar="LABEL",
    help="Search that speed-ups are over, or its file. [default: the first of each table]",
)
@click.option(
    "--target",
    type=float,
    default=None,
    metavar="ACC",
    help="Value to reach. [default: the baseline's final one]",
)
@axis_option
@view_options
@json_option
def compare(
    results: tuple[Path, ...],
    baseline: str | None,
    target: float | None,
    x: str,
    show: str,
    choose: str,
    as_json: bool,
) -> None:
    """Put searches side by side: values, models to a target, speed-up with its 95 % interval, revisits, regret.

    Results of several data sets make a table each. Models to a target are counted to where the median first reaches
    it; a search that does not within its budget leaves the speed-up known on one side, "more than" or "less than".

    \b
    Example:
      nassearch compare results/*.jsonl --baseline rand --target 90
    """
    from nassearch.reports.summary import compare as compare_searches

    if target is not None and not math.isfinite(target):
        raise InvalidSetting(f"target is a number that curves may reach, not {target}")
    groups = read(results, show, choose, x)
    wanted = [_labelled(group, baseline) for group in groups]
    if baseline is not None and not any(wanted):
        raise UnknownName("result", baseline, [search.label for group in groups for search in group])
    bases = [found or group[0].label for found, group in zip(wanted, groups, strict=True)]
    tables = [
        compare_searches([search[:4] for search in group], base, target, quantity=group[0].quantity)
        for group, base in zip(groups, bases, strict=True)
    ]
    if as_json:
        rows = [
            {**group[0].about(), "baseline": base, **row}
            for group, base, found in zip(groups, bases, tables, strict=True)
            for row in found
        ]
        return echo_json({"show": show, "choose": choose, "x": x, "baseline": bases[0], "rows": rows})
    names = [subject(group[0].header) for group in groups]
    for number, (group, base, rows) in enumerate(zip(groups, bases, tables, strict=True)):
        data = f", data {group[0].header.data[:8]}" if names.count(names[number]) > 1 else ""
        _tell(f"{names[number]}{data}", group, base, rows, target, (show, choose))
        if number < len(groups) - 1:
            echo("")


def _labelled(group: Sequence[Search], wanted: str | None) -> str | None:
    """Return the label of the search that is wanted by its label or its path, None where it is not among these."""
    return next((search.label for search in group if wanted in (search.label, str(search.path))), None)


def _tell(
    name: str,
    group: Sequence[Search],
    baseline: str,
    rows: Sequence[dict[str, Any]],
    target: float | None,
    view: tuple[str, str],
) -> None:
    """Print one table."""
    from nassearch.search.quantity import METRIC
    from nassearch.statistics.digits import decimals, exact

    quantity, curve = group[0].quantity, group[0].curve
    at = list(rows[0]["at"])
    values = [value for row in rows for value in row["at"].values()]
    write = quantity.writer(values)
    least = decimals(values) if quantity.decimals is None else quantity.decimals
    reach = write(rows[0]["target"]) if target is None else exact(target, least)
    by = quantity.chosen_by(*view) or f" by {METRIC[view[1]]} {quantity.name}"
    further = curve.is_further
    counted = "models" if curve.x == "models" else "different models"
    rounds = " or ".join(map(str, sorted({row["rounds"] for row in rows})))
    table(
        [
            f"{name}: {quantity.titled(curve.show)} ({quantity.unit}) of the best so far{by}, median of "
            f"{rounds} rounds",
            *([direction(quantity)] if further else []),
            "",
        ],
        [
            "search",
            *(f"at {m}" for m in at),
            f"{counted} to {reach}",
            "speed-up",
            "95 %",
            "revisits",
            *([] if further else ["regret"]),
        ],
        [
            [
                row["label"],
                *(write(row["at"][m]) for m in at),
                row["models_to_target"] or f"not in {row['budget']}",
                _bounded(row, "speedup"),
                f"{_bounded(row, 'speedup_low', SIGNS)} to {_bounded(row, 'speedup_high', SIGNS)}",
                f"{row['revisits']:.1f}",
                *([] if further else [write(row["regret"])]),
            ]
            for row in rows
        ],
    )
    echo(
        f"{counted} to {reach}: where the median first reaches it{'; it may leave it again' if further else ''}",
        f"speed-up: those that {baseline} needs, over those needed here",
    )
    for row in rows if further else []:
        if row["known"] < row["rounds"]:
            echo(
                f"{row['label']}: at the end of the {row['known']} of {row['rounds']} rounds where it is known"
            )
    if len({row["budget"] for row in rows}) > 1 and not further:
        echo("regret: at the end of each search, after as many models as it has")


def direction(quantity: Quantity) -> str:
    """Say which way is better of what the table shows."""
    return f"{'higher' if quantity.sign > 0 else 'lower'} is better"


def _bounded(row: dict[str, Any], name: str, words: Mapping[str, str] = WORDS) -> str:
    from nassearch.statistics.digits import ratio

    return "-" if row[name] is None else f"{words[row[f'{name}_bound']]}{ratio(row[name])}"
