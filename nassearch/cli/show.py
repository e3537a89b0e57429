"""nassearch show"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import echo_json, json_option, table, text, view_options
from nassearch.cli.results import read, subject
from nassearch.errors import InvalidSetting


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--round", "number", type=int, default=None, help="Show this round alone. [default: all]")
@view_options
@json_option
def show(result: Path, number: int | None, show: str, choose: str, as_json: bool) -> None:
    """Show what a search tells of itself: revisits, and the report of its strategy.

    Over several rounds a number is the median with its quartiles, a text the most frequent one with its share.
    With --json the reports of the rounds are there as they were written.

    \b
    Examples:
      nassearch show results/nasbench201-mnist1d-rl-seed-0-budget-300.jsonl
      nassearch show result.jsonl --round 3 --json
    """
    from nassearch.summary import gather_reports, summarise

    ((label, header, rounds, curve),) = read((result,), show, choose)
    if number is not None:
        if not 0 <= number < len(rounds):
            raise InvalidSetting(f"{result} holds rounds 0 to {len(rounds) - 1}, not {number}")
        rounds = [rounds[number]]
        curve = type(curve).from_rounds(rounds, show, choose)
    summary, reports = summarise(rounds, curve), gather_reports(rounds)
    if as_json:
        return echo_json(
            {
                "label": label,
                "experiment": dict(header.experiment),
                "revisits": [round.revisits for round in rounds],
                "summary": summary,
                "report": reports,
                "rounds": [{"round": round.round, **round.report} for round in rounds],
            }
        )
    count = f"round {number}" if number is not None else f"{len(rounds)} round{'s' * (len(rounds) > 1)}"
    click.echo(f"{subject(header)}: {label}, {count}, budget {curve.budget}")
    click.echo(
        f"{show} accuracy at the end: {summary['median'][-1]:.2f}   revisits: {summary['revisits']:.1f}"
    )
    several = len(rounds) > 1
    for name, value in reports.items():
        if not isinstance(value, list):
            click.echo(f"{_words(name)}: {_cell(value, several)}")
    for name, value in reports.items():
        if isinstance(value, list) and value:
            head = list(value[0])
            click.echo()
            table(
                f"{_words(name)}\n",
                [_words(column) for column in head],
                [[row[head[0]], *(_cell(row[column], several) for column in head[1:])] for row in value],
            )
    if not reports:
        click.echo(f"{header.experiment.get('strategy')} has nothing to tell of its own in this result")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: dict[str, Any], several: bool) -> str:
    if "text" in value:
        return f"{value['text']} ({value['share']:.0%})" if several else str(value["text"])
    middle = text(value["median"])
    if not several or value["median"] is None or value["q25"] == value["q75"]:
        return middle
    return f"{middle} ({text(value['q25'])} to {text(value['q75'])})"
