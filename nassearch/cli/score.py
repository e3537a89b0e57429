"""nassearch score"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import (
    as_text,
    batch_option,
    benchmark_options,
    echo_json,
    json_option,
    split_specs,
    table,
    watching,
    work_options,
)
from nassearch.errors import InvalidSetting, NassearchError

SHOWN = 20


@click.command()
@click.argument("archs", nargs=-1, metavar="[ARCH]...")
@click.option("--sample", type=int, default=None, metavar="N", help="Score N random architectures.")
@click.option("--all", "whole", is_flag=True, help="Score the whole search space.")
@click.option("--proxies", required=True, metavar="A,B", help="Proxies, with options in brackets.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of --sample.")
@benchmark_options
@batch_option
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
    benchmark: str,
    dataset: str | None,
    batch: str | None,
    workers: int,
    executor: str,
    cache: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Score architectures without training; higher is better. One that cannot be scored has an empty value.

    An ARCH is a string, or its index in the benchmark's official order.

    \b
    Examples:
      nassearch score '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|' --proxies params
      nassearch score 6111 857 --proxies "params,synflow(estimator=sampled, seed=3)" --json
      nassearch score --all --proxies params,synflow,epsilon -o scores.csv --workers 2
    """
    from nassearch.scoring import score_table

    if sum([bool(archs), sample is not None, whole]) != 1:
        raise click.UsageError("give architectures, or --sample N, or --all: one of the three")
    if output is not None and output.suffix not in (".csv", ".json"):
        raise InvalidSetting(
            f"scores are written as .csv or .json, not as {output.name!r}: choose another -o"
        )
    with watching(not as_json) as watch:
        columns, rows = score_table(
            benchmark,
            dataset,
            split_specs(proxies),
            archs=archs,
            sample=sample,
            seed=seed,
            batch=batch,
            workers=workers,
            executor=executor,
            cache=cache,
            watch=watch,
        )
    if output is not None:
        _write(output, columns, rows)
    if as_json:
        return echo_json([dict(zip(columns, row, strict=True)) for row in rows])
    if output is None:
        table("", columns, [[_cell(value) for value in row] for row in rows[:SHOWN]])
        if len(rows) > SHOWN:
            click.echo(f"{SHOWN} of {len(rows)} shown; -o FILE writes all of them")
    else:
        click.echo(f"{len(rows)} architectures: {output}")


def _cell(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) and value == value else value


def _write(path: Path, columns: list[str], rows: list[list[Any]]) -> None:
    """Write all rows, or leave what was there; repr of a float loses no digit of it."""
    text = io.StringIO(newline="")
    if path.suffix == ".json":
        text.write(as_text([dict(zip(columns, row, strict=True)) for row in rows]) + "\n")
    else:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value != value else value for value in row] for row in rows])
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(text.getvalue(), encoding="utf-8", newline="")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise NassearchError(
            f"{path} cannot be written: {error.strerror or error}; choose another -o"
        ) from error
