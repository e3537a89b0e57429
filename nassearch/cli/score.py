"""nassearch score"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import (
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
@click.option("-o", "--output", type=click.Path(path_type=Path), default=None, help="Write a .csv or .json file.")
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
    """Score architectures without training. An architecture without a score has an empty value.

    \b
    Examples:
      nassearch score '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|' --proxies synflow
      nassearch score --all --proxies params,synflow,epsilon -o scores.csv --workers 2
    """
    from nassearch.scoring import score_table

    if sum([bool(archs), sample is not None, whole]) != 1:
        raise InvalidSetting("give architectures, or --sample N, or --all: one of the three")
    if output is not None and output.suffix not in (".csv", ".json"):
        raise InvalidSetting(f"scores are written as .csv or .json, not as {output.name!r}")
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
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    if output is not None:
        _write(output, columns, rows, records)
    if as_json:
        return echo_json(records)
    if output is None:
        table("", columns, [[_cell(value) for value in row] for row in rows[:SHOWN]])
        if len(rows) > SHOWN:
            click.echo(f"{SHOWN} of {len(rows)} shown; -o FILE writes all of them")
    else:
        click.echo(f"{len(rows)} architectures: {output}")


def _cell(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) and value == value else value


def _write(path: Path, columns: list[str], rows: list[list[Any]], records: list[dict[str, Any]]) -> None:
    import csv
    import json

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            if path.suffix == ".json":
                plain = [{k: None if v != v else v for k, v in record.items()} for record in records]
                json.dump(plain, file, indent=1)
            else:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows([["" if value != value else value for value in row] for row in rows])
    except OSError as error:
        raise NassearchError(f"{path} cannot be written: {error.strerror or error}") from error
