"""nassearch compare, nassearch plot"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import echo_json, json_option, table, view_options
from nassearch.errors import InvalidSetting

if TYPE_CHECKING:
    from nassearch.curves import Curve
    from nassearch.runner import Round
    from nassearch.store import Header

paths_argument = click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))


def read(paths: tuple[Path, ...], show: str, choose: str) -> list[tuple[str, Header, list[Round], Curve]]:
    """Read results, each under a label of its own: the search, and the file's name where that is not enough."""
    from nassearch.curves import Curve
    from nassearch.experiment import from_header
    from nassearch.store import read_result

    found = [read_result(path) for path in paths]
    data = {result.header.data for result in found}
    if len(data) > 1:
        raise InvalidSetting("these results are of different data sets and cannot stand in one table: give those of one")
    labels = [from_header(result.header).label for result in found]
    names = [
        label if labels.count(label) == 1 else f"{label} [{path.stem}]" for label, path in zip(labels, paths, strict=True)
    ]
    return [
        (name, result.header, result.rounds, Curve.from_rounds(result.rounds, show, choose))
        for name, result in zip(names, found, strict=True)
    ]


@click.command()
@paths_argument
@click.option("--baseline", default=None, metavar="LABEL", help="Search that speed-ups are over. [default: the first]")
@click.option("--target", type=float, default=None, metavar="ACC", help="[default: what the baseline reaches]")
@view_options
@json_option
def compare(
    results: tuple[Path, ...], baseline: str | None, target: float | None, show: str, choose: str, as_json: bool
) -> None:
    """Put searches side by side: values, models to a target, speed-up with its 95 % interval, revisits, regret.

    \b
    Example:
      nassearch compare results/*.jsonl --baseline rand --target 90
    """
    from nassearch.summary import compare as compare_searches

    searches = read(results, show, choose)
    rows = compare_searches(searches, baseline, target)
    if as_json:
        return echo_json({"show": show, "choose": choose, "baseline": baseline or searches[0][0], "rows": rows})
    at = list(rows[0]["at"])
    columns = ["search", *(f"at {m}" for m in at), f"models to {rows[0]['target']:.2f}", "speed-up", "95 %", "revisits", "regret"]
    table(
        f"{show} accuracy of the best by {choose}, median of rounds",
        columns,
        [
            [
                row["label"],
                *(row["at"][m] for m in at),
                "never" if row["models_to_target"] is None else row["models_to_target"],
                row["speedup"],
                _interval(row["speedup_low"], row["speedup_high"]),
                f"{row['revisits']:.1f}",
                row["regret"],
            ]
            for row in rows
        ],
    )


def _interval(low: float, high: float) -> str:
    return f"{low:.2f} to {high:.2f}"


@click.command()
@paths_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="PNG, SVG or PDF.")
@click.option("--x", type=click.Choice(["models", "seconds"]), default="models", show_default=True, help="Horizontal axis.")
@view_options
def plot(results: tuple[Path, ...], output: Path, x: str, show: str, choose: str) -> None:
    """Draw searches in one picture: median lines and quartile bands.

    \b
    Example:
      nassearch plot results/*.jsonl -o searches.svg --x seconds
    """
    from nassearch.plots import collect, draw_curves
    from nassearch.summary import best_value

    searches = read(results, show, choose)
    header: Any = searches[0][1]
    title = f"{header.experiment.get('benchmark')}, {header.experiment.get('dataset')}"
    curves = {label: curve for label, _, _, curve in searches}
    draw_curves(collect(curves, x=x, title=title, best=best_value(header, show)), output)
    click.echo(output)
