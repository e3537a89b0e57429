"""nassearch show"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import axis_option, echo, echo_json, json_option, table, view_options
from nassearch.cli.reading import read_one_subject, subject
from nassearch.errors import InvalidSetting


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--round", "number", type=int, default=None, help="Show this round alone. [default: all]")
@axis_option
@view_options
@json_option
def show(result: Path, number: int | None, x: str, show: str, choose: str, as_json: bool) -> None:
    """Show what a search tells of itself: revisits, and the report of its strategy.

    Over several rounds a number is the median with its quartiles, a text the most frequent one with its share.
    With --json the reports of the rounds are there as they were written.

    \b
    Examples:
      nassearch show results/nasbench201-mnist1d-rl-seed-0-budget-300.jsonl
      nassearch show result.jsonl --round 3 --json
    """
    from nassearch.reports.summary import gather_reports, summarise

    (found,) = read_one_subject((result,), show, choose, x)
    label, header, rounds, curve, quantity = *found[:4], found.quantity
    if number is not None:
        if not 0 <= number < len(rounds):
            raise InvalidSetting(f"{result} holds rounds 0 to {len(rounds) - 1}, not {number}")
        rounds = [rounds[number]]
        curve = replace(found.outcome, rounds=rounds).curve(show, choose, x)
    summary, reports = summarise(rounds, curve, None, quantity), gather_reports(rounds)
    if as_json:
        return echo_json(
            {
                "label": label,
                "experiment": dict(header.experiment),
                "revisits": [each.revisits for each in rounds],
                "shown": {
                    "metric": curve.show,
                    "quantity": quantity.name,
                    "unit": quantity.unit,
                    "lower_is_better": quantity.sign < 0,
                },
                "summary": summary,
                "report": reports,
                "rounds": [{"round": each.round, **each.report} for each in rounds],
            }
        )
    count = f"round {number}" if number is not None else f"{len(rounds)} round{'s' * (len(rounds) > 1)}"
    end = summary["median"][-1]
    when = "at the end" if x == "models" else f"after {curve.budget} different models"
    echo(
        f"{subject(header)}: {label}, {count}, budget {_budget(header, rounds[0])}",
        f"{quantity.titled(curve.show)} {when}: {quantity.writer([end])(end)}"
        f"{f' {quantity.unit}' if curve.is_further else ''}   revisits: {summary['revisits']:.1f}",
    )
    several = len(rounds) > 1
    for name, value in reports.items():
        if not isinstance(value, list):
            echo(f"{_words(name)}: {_cells([value], several)[0]}")
    for name, value in reports.items():
        if isinstance(value, list) and value:
            head = list(value[0])
            columns = [_cells([row[column] for row in value], several) for column in head[1:]]
            table(
                ["", _words(name), ""],
                [_words(column) for column in head],
                list(zip((row[head[0]] for row in value), *columns, strict=True)),
            )
    if not reports:
        echo(f"{header.experiment.get('strategy')} has nothing to tell of its own in this result")


def _budget(header: Any, one: Any) -> int:
    """Return the models of a round, shorter trainings as shares of them."""
    return len(one.archs) if one.shares is None else header.experiment["budget"]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cells(values: list[dict[str, Any]], several: bool) -> list[str]:
    """Write what belongs together with the same number of decimals."""
    from nassearch.statistics.digits import writer

    write = writer(
        [value[name] for value in values if "text" not in value for name in ("median", "q25", "q75")]
    )

    def cell(value: dict[str, Any]) -> str:
        if "text" in value:
            return f"{value['text']} ({value['share']:.0%})" if several else str(value["text"])
        middle = write(value["median"])
        if not several or value["median"] is None or value["q25"] == value["q75"]:
            return middle
        return f"{middle} ({write(value['q25'])} to {write(value['q75'])})"

    return [cell(value) for value in values]
