"""nassearch compare, nassearch plot"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nassearch.cli.common import echo_json, json_option, table, text, view_options
from nassearch.errors import BadData, InvalidSetting

if TYPE_CHECKING:
    from nassearch.curves import Curve
    from nassearch.runner import Round
    from nassearch.store import Header

paths_argument = click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))


def read(paths: tuple[Path, ...], show: str, choose: str) -> list[tuple[str, Header, list[Round], Curve]]:
    """Read results of one data set, each under a label of its own."""
    from nassearch.curves import Curve
    from nassearch.scorers.guidance import label
    from nassearch.store import read_result

    paths = tuple(dict.fromkeys(paths))
    found = [read_result(path) for path in paths]
    for result in found:
        if result.header.data != found[0].header.data:
            raise InvalidSetting(
                f"{result.path} is about {subject(result.header)} and {found[0].path} about "
                f"{subject(found[0].header)}, from different data: give results of one data set"
            )
        if not result.rounds:
            raise BadData(
                f"{result.path} has no complete round yet: wait for it, or run the search again to go on"
            )
    names = unique([label(result.header.experiment) for result in found], paths)
    return [
        (name, result.header, result.rounds, Curve.from_rounds(result.rounds, show, choose))
        for name, result in zip(names, found, strict=True)
    ]


def unique(labels: list[str], paths: tuple[Path, ...]) -> list[str]:
    """Return the labels, with the file's name or, where that is not enough, its path after those that are not unique.

    >>> unique(["rand", "ae", "ae"], (Path("a/x"), Path("a/y"), Path("b/z")))
    ['rand', 'ae [y]', 'ae [z]']
    """
    for tail in (lambda path: path.stem, str):
        if len(set(labels)) < len(labels):
            labels = [
                text if labels.count(text) == 1 else f"{text.partition(' [')[0]} [{tail(path)}]"
                for text, path in zip(labels, paths, strict=True)
            ]
    return labels


def subject(header: Header) -> str:
    """Return what a result is about, in two words."""
    return f"{header.experiment.get('benchmark')}, {header.experiment.get('dataset')}"


@click.command()
@paths_argument
@click.option(
    "--baseline",
    default=None,
    metavar="LABEL",
    help="Search that speed-ups are over, or its file. [default: the first]",
)
@click.option(
    "--target",
    type=float,
    default=None,
    metavar="ACC",
    help="Value to reach. [default: the baseline's final one]",
)
@view_options
@json_option
def compare(
    results: tuple[Path, ...],
    baseline: str | None,
    target: float | None,
    show: str,
    choose: str,
    as_json: bool,
) -> None:
    """Put searches side by side: values, models to a target, speed-up with its 95 % interval, revisits, regret.

    \b
    Example:
      nassearch compare results/*.jsonl --baseline rand --target 90
    """
    from nassearch.quantity import METRIC, Quantity
    from nassearch.summary import compare as compare_searches

    if target is not None and not math.isfinite(target):
        raise InvalidSetting(f"target is a number that curves may reach, not {target}")
    searches = read(results, show, choose)
    by_path = {str(path): search[0] for path, search in zip(dict.fromkeys(results), searches, strict=True)}
    baseline = by_path.get(baseline or "", baseline) or searches[0][0]
    rows = compare_searches(searches, baseline, target)
    if as_json:
        return echo_json({"show": show, "choose": choose, "baseline": baseline, "rows": rows})
    at = list(rows[0]["at"])
    columns = [
        "search",
        *(f"at {m}" for m in at),
        f"models to {rows[0]['target']:.2f}",
        "speed-up",
        "95 %",
        "revisits",
        "regret",
    ]
    header = searches[0][1]
    quantity = Quantity.of_result(header)
    by = quantity.chosen_by(show, choose) or f" by {choose} {quantity.name}"
    table(
        f"{subject(header)}: {METRIC[show]} {quantity.name} ({quantity.unit}) of the best so far{by}, median of "
        f"{' or '.join(map(str, sorted({row['rounds'] for row in rows})))} rounds\n",
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
    click.echo(
        f"speed-up: models that {baseline} needs to reach {rows[0]['target']:.2f} in the median, over those "
        "needed here"
    )


def _interval(low: float, high: float) -> str:
    return f"{text(low)} to {text(high)}"


@click.command()
@paths_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="PNG, SVG or PDF.")
@click.option(
    "--x",
    type=click.Choice(["models", "seconds"]),
    default="models",
    show_default=True,
    help="Horizontal axis.",
)
@view_options
def plot(results: tuple[Path, ...], output: Path, x: str, show: str, choose: str) -> None:
    """Draw searches in one picture: median lines and quartile bands.

    \b
    Example:
      nassearch plot results/*.jsonl -o searches.svg --x seconds
    """
    from nassearch.plots import check_suffix, collect, draw_curves
    from nassearch.quantity import Quantity
    from nassearch.summary import best_value

    check_suffix(output)
    searches = read(results, show, choose)
    header = searches[0][1]
    curves = {label: curve for label, _, _, curve in searches}
    if x == "seconds" and any(math.isnan(curve.time_axis()[-1]) for curve in curves.values()):
        raise InvalidSetting("the data behind these results has no training times: leave --x at models")
    best = best_value(header, show)
    data = collect(curves, x=x, quantity=Quantity.of_result(header), title=subject(header), best=best)
    click.echo(draw_curves(data, output))
