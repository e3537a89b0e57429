"""nassearch correlate"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import (
    batch_option,
    benchmark_options,
    echo,
    echo_json,
    json_option,
    table,
    told,
    watching,
    work_options,
)
from nassearch.cli.files import check_output, write_rows
from nassearch.cli.pictures import picture_options, renames, view
from nassearch.errors import InvalidSetting

if TYPE_CHECKING:
    from nassearch.reports.agreement import Agreement
    from nassearch.reports.correlation import Correlation, Report
    from nassearch.statistics.intervals import Estimate

ABREAST = 4
"""Proxies in one table, so that it fits a terminal."""
NAMES = {
    "rho": "Spearman rho",
    "rho_top": "rho, top 10 %",
    "tau": "Kendall tau",
    "tau_top": "tau, top 10 %",
    "top_overlap": "top 10 % / top 10 %",
    "top_count": "top 64 / top 5 %",
    "ndcg": "nDCG, first 1,000",
    "weighted_tau": "weighted tau",
    "monotonicity": "monotonicity |tau-a|",
    "monotonicity_above": "monotonicity, above median score",
    "slope": "slope of log(1 - score)",
    "slope_above": "slope, above median score",
    "local_rho": "rho within a neighbourhood",
    "best_child": "best child is the best one",
    "chance": "a random child is",
}
TITLES = {
    "dropped": "Architectures without a score left out:",
    "last": "Architectures without a score last:",
}


@click.command()
@click.option(
    "--proxies", required=True, metavar="A,B", help="Proxies and combinations, with options in brackets."
)
@click.option(
    "--sample", type=int, default=None, metavar="N", help="Look at N different random architectures."
)
@click.option("--all", "everything", is_flag=True, help="Look at the whole search space.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of sample, neighbourhoods and intervals."
)
@click.option(
    "--metric",
    default="test",
    show_default=True,
    metavar="METRIC",
    help="What to judge by: test or valid accuracy, the mean over training seeds; params, flops, memory, or a metric "
    "of the benchmark, such as edgegpu_latency.",
)
@click.option(
    "--neighbourhoods",
    type=int,
    default=None,
    metavar="N",
    help="Random architectures to look around, one edit away. [default: 1000 with --all, else 0]",
)
@click.option(
    "--between", is_flag=True, help="Tell too how proxies rank alike, where all of them have a score."
)
@click.option("--draws", type=int, default=1000, show_default=True, help="Resamples for each interval.")
@benchmark_options
@batch_option
@work_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Write the figures, and every architecture's scores (as JSON in one file, as CSV beside it: NAME-scores.csv).",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Draw scores against accuracies: .png, .svg or .pdf.",
)
@picture_options
@click.option("--order", type=click.Choice(["given", "rho", "name"]), default="given", show_default=True,
              help="Of the panels of the picture: as --proxies, the best rho first, or by name.")  # fmt: skip
@json_option
def correlate(
    proxies: str,
    sample: int | None,
    everything: bool,
    seed: int,
    metric: str,
    neighbourhoods: int | None,
    between: bool,
    draws: int,
    benchmark: str,
    dataset: str | None,
    batch: str | None,
    workers: int | None,
    executor: str,
    cache: bool,
    output: Path | None,
    plot: Path | None,
    labels: tuple[str, ...],
    xlim: str | None,
    ylim: str | None,
    width: str | None,
    order: str,
    as_json: bool,
) -> None:
    """Judge proxies by accuracies of a benchmark, or another metric: how they rank all, the best, and neighbours.

    Each figure comes with a 95 % interval, and under two conventions for architectures without a score. Scores are
    kept as they are computed: interrupted, run the same command to go on.

    \b
    Examples:
      nassearch correlate --all --proxies synflow,params,flops
      nassearch correlate --sample 1000 --dataset cifar10 --proxies "epsilon,rank(epsilon, synflow)" -o out.csv
      nassearch correlate --all --proxies epsilon,synflow --plot scatter.png --json
      nassearch correlate --all --dataset cifar10 --proxies synflow,flops --metric edgegpu_latency
      nassearch correlate --all --proxies epsilon,synflow --plot a.pdf --width column --ylim 80: --order rho
    """
    from nassearch.reports.agreement import agreement
    from nassearch.reports.correlate import correlate as compare
    from nassearch.reports.correlate import parameters
    from nassearch.reports.correlation import nested
    from nassearch.scorers.spec import split_specs

    if (sample is not None) == everything:
        raise click.UsageError("give --sample N or --all: one of the two")
    check_output(output, "figures")
    frame, specs = view(xlim, ylim, width), split_specs(proxies)
    if between and len(specs) < 2:
        raise InvalidSetting(
            f"--between compares two proxies or more, not {specs[0]} alone: name another one"
        )
    names = renames(labels, "proxy", {spec: spec for spec in specs})
    if plot is None and (labels or xlim or ylim or width or order != "given"):
        raise InvalidSetting(
            "--label, --xlim, --ylim, --width and --order are for a picture: add --plot FILE"
        )
    if plot is not None:
        from nassearch.files.bounded import refuse_special
        from nassearch.reports.drawing.looks import check_suffix

        check_suffix(plot)
        refuse_special(plot, "choose another --plot")
    with watching(not as_json) as watch:
        found = compare(
            benchmark,
            specs,
            dataset=dataset,
            sample=sample,
            seed=seed,
            batch=batch,
            metric=metric,
            neighbourhoods=neighbourhoods,
            draws=draws,
            workers=workers,
            executor=executor,
            cache=cache,
            watch=watch,
        )
    alike = agreement(found) if between else None
    content = {**nested(found), **({"between": alike.as_dict()} if alike else {})}
    beside = output.with_name(f"{output.stem}-scores.csv") if output and output.suffix == ".csv" else None
    if output is not None:
        columns, rows = _each(found)
        each = [dict(zip(columns, row, strict=True)) for row in rows]
        figures = found.rows()
        flat = [list(row.values()) for row in figures]
        write_rows(output, list(figures[0]), flat, value={**content, "each": each})
        if beside is not None:
            write_rows(beside, columns, rows)
    if plot is not None:
        from nassearch.reports.plot_scores import arranged, collect_scatter, draw_scatter

        sizes = parameters(found, workers=workers, executor=executor, cache=cache)
        clouds = collect_scatter(found, sizes, quantity=found.quantity)
        draw_scatter(arranged(clouds, names, order), plot, **frame)
    if as_json:
        return echo_json(content)
    _tell(found)
    if alike is not None:
        _tell_between(alike)
    for path in (output, beside, plot):
        if path is not None:
            echo(f"written: {path}")


def _tell(found: Correlation) -> None:
    quantity = found.quantity
    known = sum(value == value for value in found.accuracies.tolist())
    echo(
        f"{found.benchmark} {found.dataset}: {len(found.archs)} architectures, {'' if quantity.trained else 'mean '}"
        f"{found.words}{', lower is better: a rho above 0 ranks well' if quantity.sign < 0 else ''}; "
        f"{found.how.level:.0%} intervals"
    )
    if known < len(found.archs):
        echo(f"{found.metric} is known of {known} of them; the others are left out")
    if found.neighbourhoods:
        echo(f"{found.neighbourhoods} neighbourhoods of {found.cluster:.1f} architectures, centre included")
    missing = any(report.coverage.value < 1 for report in found.reports)
    for nan in TITLES if missing else ("dropped",):
        for start in range(0, len(found.reports), ABREAST):
            part = found.reports[start : start + ABREAST]
            title = ["", TITLES[nan]] if missing and start == 0 else []
            table(title, ["", *(report.proxy for report in part)], _rows(part, nan))
    echo(f"scores: {told(found.counts)}")
    if not missing:
        echo("every architecture has every score, so both conventions for missing ones agree")


def _tell_between(alike: Agreement) -> None:
    echo(f"among the {alike.architectures} architectures that every proxy has a score for:")
    for start in range(0, len(alike.proxies), ABREAST):
        part = slice(start, start + ABREAST)
        rows = [[words, *map(_cell, figures[part])] for words, figures in alike.rows()]
        table([], ["", *alike.proxies[part]], rows)


def _rows(reports: list[Report], nan: str) -> list[list[str]]:
    rows = [["coverage", *(_cell(report.coverage) for report in reports)]]
    for name, words in NAMES.items():
        cells = [_cell(report.figures[nan][name], name.startswith("slope")) for report in reports]
        if set(cells) != {"-"}:
            rows.append([words, *cells])
    return [*rows, ["seconds per architecture", *map(_seconds, reports)]]


def _cell(estimate: Estimate, has_unit: bool = False) -> str:
    """Write a figure with its interval: a share or a correlation, a count, or what has the unit of the values."""
    from nassearch.statistics.digits import decimals

    if math.isnan(estimate.value):
        return "-"
    digits = 3 if abs(estimate.value) < 2 else 1
    if has_unit:
        digits = max(digits, decimals([estimate.value], significant=3))
    value, low, high = (f"{number:.{digits}f}" for number in estimate)
    return value if low == high else f"{value} [{low} {high}]"


def _seconds(report: Report) -> str:
    if report.seconds is None:
        return "known before"
    return f"{report.seconds:.2g}" + (f", shared with {report.shared}" if report.shared else "")


def _each(found: Correlation) -> tuple[list[str], list[list[Any]]]:
    """Return one row per architecture: its index, what it reaches as published, its scores (higher is better)."""
    space = found.space
    columns = ["arch", "index", found.column, *(r.proxy for r in found.reports)]
    scores = zip(*(report.scores.tolist() for report in found.reports), strict=True)
    return columns, [
        [space.format(arch), space.index(arch), found.quantity.shown(reached), *values]
        for arch, reached, values in zip(found.archs, found.accuracies.tolist(), scores, strict=True)
    ]
