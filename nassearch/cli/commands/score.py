"""nassearch score"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.commands.model import model_options, model_table
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
from nassearch.cli.limits import limit_options, limits_of
from nassearch.cli.own_space import own_space_options, space_to_score

if TYPE_CHECKING:
    from nassearch.scorers.compute import Tally

SHOWN = 20
WHOLE = 1e15
"""Up to here counts, such as those of params and flops, are written whole."""


@click.command()
@click.argument("archs", nargs=-1, metavar="[ARCH]...")
@click.option("--sample", type=int, default=None, metavar="N", help="Score N random architectures.")
@click.option("--all", "whole", is_flag=True, help="Score the whole search space.")
@click.option("--proxies", required=True, metavar="A,B", help="Proxies, with options in brackets.")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Of --sample, or of --model's weights.",
)
@model_options
@own_space_options
@benchmark_options
@batch_option
@limit_options
@work_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=None, help="Write a .csv or .json file."
)
@json_option
def score(
    archs: tuple[str, ...],
    sample: int | None,
    whole: bool,
    proxies: str,
    seed: int,
    model: str | None,
    input_shape: str | None,
    vocabulary: int | None,
    classes: int | None,
    space: str | None,
    data: str | None,
    benchmark: str,
    dataset: str | None,
    batch: str | None,
    workers: int | None,
    executor: str,
    cache: bool,
    output: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Score architectures without training; higher is better. One that cannot be scored has an empty value.

    An ARCH is a string, or its index in the benchmark's official order where there is one (not in transnas and
    nasbench-macro, whose strings are digits), which -o and --json write too. With
    --model it is one torch module of any make that is scored, on 256 inputs of normal noise with random labels unless
    --batch says otherwise. With --space they are architectures of a space, which need be of no benchmark.

    \b
    Examples:
      nassearch score '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|' --proxies params
      nassearch score 6111 857 --proxies "params,synflow(estimator=sampled, seed=3)" --json
      nassearch score --sample 100 --proxies synflow --max-params 500k
      nassearch score --all --proxies params,synflow,epsilon -o scores.csv --workers 2
      nassearch score --model models:small --input 3,32,32 --classes 10 --proxies params,synflow,naswot
      nassearch score --space mymodels:space --data ./my_images --sample 100 --proxies params,synflow,naswot
    """
    if sum([bool(archs), sample is not None, whole, model is not None]) != 1:
        raise click.UsageError("give architectures, or --sample N, or --all, or --model: one of the four")
    if model is None and space is None and (input_shape, vocabulary, classes) != (None, None, None):
        raise click.UsageError(
            "--input, --vocabulary and --classes describe a --model or what a --space is for, and there is neither"
        )
    if space is None and data is not None:
        raise click.UsageError("--data is what a --space is for, and there is none")
    if space is not None and (model is not None or dataset is not None):
        raise click.UsageError("a --space is of no --dataset and no --model: leave them out")
    if model is not None and dataset is not None:
        raise click.UsageError("a --model is of no --dataset: leave it out; its data come from --batch")
    limits = limits_of(flags)
    if model is not None and limits:
        raise click.UsageError(
            "limits choose among a benchmark's architectures, and --model is one: leave them out"
        )
    check_output(output, "scores")
    reasons: dict[str, str] = {}
    each: list[dict[str, str]] = []
    tallies: list[Tally] = []
    from nassearch.scorers.spec import split_specs

    with watching(not as_json) as watch:
        if model is not None:
            columns, rows, reasons = model_table(
                model, input_shape, vocabulary, classes, split_specs(proxies), batch, seed
            )
        else:
            from nassearch.scorers.table import score_table

            split = split_specs(proxies)
            scored: Any = benchmark
            if space is not None:
                scored = space_to_score(space, data, input_shape, vocabulary, classes, batch, split)
                batch = None  # its own
            columns, rows = score_table(
                scored,
                dataset,
                split,
                archs=archs,
                sample=sample,
                seed=seed,
                batch=batch,
                constraints=limits,
                workers=workers,
                executor=executor,
                cache=cache,
                watch=watch,
                tell=tallies.append,
                explain=each.extend,
            )
    if output is not None:
        write_rows(output, columns, rows)
    if output is not None or as_json:  # the table has a place for them
        for spec, reason in reasons.items():
            echo(f"nassearch: {spec} has no score: {reason}", err=True)
    if as_json:
        for tally in tallies:  # a list of rows has no place for it
            echo(f"scores: {told(tally)}", err=True)
        return echo_json(
            [
                {**dict(zip(columns, row, strict=True)), **({"reasons": why} if why else {})}
                for row, why in zip(rows, each or [reasons], strict=True)
            ]
        )
    if output is not None:
        echo(f"{len(rows)} {'architectures' if model is None else 'model'}: {output}")
    elif model is not None:
        title = [f"{model}: {rows[0][1]}; higher is better"]
        table(
            title, ["proxy", "score"], [[c, _cell(v)] for c, v in zip(columns[2:], rows[0][2:], strict=True)]
        )
        for spec, reason in reasons.items():
            echo(f"{spec} has no score: {reason}")
    else:
        shown = [[row[0], *map(_cell, row[2:])] for row in rows[:SHOWN]]
        table((), [columns[0], *columns[2:]], shown)
        if len(rows) > SHOWN:
            echo(f"{SHOWN} of {len(rows)} shown; -o FILE writes all of them")
    for tally in tallies:
        echo(f"scores: {told(tally)}")


def _cell(value: Any) -> Any:
    if not isinstance(value, float) or value != value:
        return value
    return f"{value:.0f}" if value.is_integer() and abs(value) < WHOLE else f"{value:.6g}"
