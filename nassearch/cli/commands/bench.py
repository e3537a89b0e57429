"""nassearch bench"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nassearch import registry
from nassearch.cli.commands.fetch import fetch
from nassearch.cli.common import (
    assignments,
    echo,
    echo_json,
    json_option,
    spread_options,
    table,
    tell_faults,
    text,
    watching,
)
from nassearch.cli.imported import metric_told, tell_metrics, tell_table
from nassearch.errors import InvalidSetting, NassearchError

benchmark_option = click.option(
    "--benchmark", default="nasbench201", show_default=True, help="See: nassearch bench list."
)


@click.group()
def bench() -> None:
    """See, fetch, import and build benchmarks."""


bench.add_command(fetch)


@bench.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every data set of every benchmark, and which are installed.

    \b
    Example:
      nassearch bench list
    """
    rows: list[dict[str, Any]] = []
    found, faults = registry.parts("benchmarks")
    for name, part in found.items():
        try:
            rows += _data_sets(name, part, faults)
        except Exception as error:
            if registry.is_built_in("benchmarks", name):
                raise
            faults.append(str(registry.broken("benchmarks", name, error)))
    tell_faults(faults)
    if as_json:
        return echo_json(rows)
    table(
        (),
        ["data set", "benchmark", "installed", "inputs in batch", "quantity", "unit"],
        [
            [
                row["dataset"],
                row["benchmark"],
                "yes" if row["installed"] else "no",
                *(row[name] for name in ("batch", "quantity", "unit")),
            ]
            for row in rows
        ],
    )
    echo(
        "What valid and test are: nassearch bench list --json. To get a data set: nassearch bench import BENCHMARK FILE"
    )


def _data_sets(name: str, part: Any, faults: list[str]) -> list[dict[str, Any]]:
    rows, installed = [], part.installed()
    for dataset in part.datasets().values():
        try:
            batch = part.find_batch(dataset.name)
        except NassearchError as error:  # a damaged file
            batch = None
            faults.append(str(error))
        rows.append(
            {
                "benchmark": name,
                "dataset": dataset.name,
                "installed": dataset.name in installed,
                "batch": None if batch is None else len(batch.inputs),
                "quantity": dataset.quantity,
                "unit": dataset.unit,
                "better": "higher" if dataset.higher_is_better else "lower",
                "note": dataset.note,
                "metrics": {each.name: each.as_dict() for each in dataset.metrics},
            }
        )
    return rows


@bench.command()
@click.argument("dataset", required=False)
@benchmark_option
@json_option
def info(dataset: str | None, benchmark: str, as_json: bool) -> None:
    """Show what is known of one installed data set: files, counts, distribution, origin.

    \b
    Example:
      nassearch bench info cifar100
    """
    part = registry.load("benchmarks", benchmark)
    facts = part.open(part.find(dataset).name).info()
    if as_json:
        return echo_json(facts)
    for key, value in facts.items():
        if key == "metrics":
            echo(f"{key}:", *(f"  {name}: {metric_told(each)}" for name, each in value.items()))
        elif isinstance(value, dict):
            echo(f"{key}:")
            for name, item in value.items():
                echo(f"  {name}: {text(item)}")
        else:
            echo(f"{key}: {text(value)}")


@bench.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dataset", "datasets", multiple=True, help="Take this data set only; repeat for more.")
@click.option("--column", "mapping", multiple=True, callback=assignments, metavar="ROLE=COLUMN",
              help="Where to find arch, dataset, valid, test, seconds or seed; repeat for more.")  # fmt: skip
@click.option(
    "--epochs", type=int, default=None, help="Which trainings, by their length. [default: the longest]"
)
@click.option(
    "--scale", type=float, default=1.0, show_default=True, help="Factor on accuracies; 100 for fractions."
)
@click.option("--count", type=int, default=256, show_default=True, help="Images in a batch.")
@click.option("--force", is_flag=True, help="Replace what is there; take a file of another checksum.")
@json_option
def import_(
    name: str,
    file: Path,
    datasets: tuple[str, ...],
    mapping: dict[str, Any],
    epochs: int | None,
    scale: float,
    count: int,
    force: bool,
    as_json: bool,
) -> None:
    """Check what trainings of benchmark NAME reached, or data for its proxies, and keep it.

    FILE is a published file or folder of the benchmark, read without running anything in it; or a table (CSV or
    Parquet), long (columns arch, dataset, valid, test and perhaps seconds and seed) or wide (columns such as
    cifar10/valid/200); or a table of further metrics, such as latencies on devices, of --dataset; or an .npz of
    images, which become its fixed batch. Killed, it is run again.

    \b
    Examples:
      nassearch bench import nasbench201 nasbench201.csv.gz
      nassearch bench import nasbench201 NATS-tss-v1_0-3ffb9-simple.tar
      nassearch bench import nasbench101 nasbench_only108.tfrecord
      nassearch bench import nasbench201 mine.csv --dataset cifar10 --column arch=cell --column valid=val_acc
      nassearch bench import nasbench201 cifar10.npz --dataset cifar10
      nassearch bench import nasbench201 hw_cifar10.csv.gz --dataset cifar10
    """
    from dataclasses import asdict

    from nassearch.benchmarks.read.further import holds_metrics, import_metrics
    from nassearch.benchmarks.read.importing import import_file
    from nassearch.benchmarks.read.official import recognise
    from nassearch.benchmarks.tabular import TabularBenchmark

    part = registry.load("benchmarks", name)
    if not issubclass(part, TabularBenchmark):
        raise InvalidSetting(f"{name} is no table: there is nothing to import for it, it answers as it is")
    if part.is_batch(file) and recognise(part.formats, file) is None:
        if len(datasets) != 1:
            raise InvalidSetting(
                f"{file} becomes the batch of one data set: name it with --dataset, of {', '.join(part.datasets())}"
            )
        path = part.import_batch(file, datasets[0], count=count, force=force)
        return echo_json({"batch": str(path)}) if as_json else echo(f"batch of {count}: {path}")
    columns = {role: str(column) for role, column in mapping.items()}
    if holds_metrics(part, file):
        if len(datasets) != 1:
            raise InvalidSetting(
                f"{file} holds metrics of one data set: name it with --dataset, of {', '.join(part.datasets())}"
            )
        made = import_metrics(part, file, datasets[0], columns, force)
        return echo_json({**asdict(made), "path": str(made.path)}) if as_json else tell_metrics(part, made)
    with watching(not as_json) as watch:
        report = import_file(
            part,
            file,
            columns,
            only=datasets or None,
            epochs=epochs,
            scale=scale,
            force=force,
            progress=watch(f"reading {file.name}"),
        )
    if as_json:
        return echo_json(
            {
                "source": str(report.source),
                "format": report.format,
                "checksum": report.checksum,
                "tables": [{**asdict(t), "path": str(t.path)} for t in report.tables],
                "ignored": list(report.ignored),
                "dropped": dict(report.dropped),
            }
        )
    for t in report.tables:
        tell_table(part, t)
    if report.checksum:
        echo(f"checksum as published: {report.checksum}")
    if report.ignored:
        echo(f"columns not used: {', '.join(report.ignored)}")
    for reason, times in report.dropped.items():
        echo(f"left out: {times} x {reason}")


@bench.command()
@click.option("--out", type=click.Path(path_type=Path), default="benchmarks_data", show_default=True,
              help="Folder for the table, its batch, its datasheet and the work file.")  # fmt: skip
@spread_options
@click.option("--engine", type=click.Choice(["compiled", "grouped"]), default="compiled", show_default=True,
              help="Numba kernel, or one torch program for many networks.")  # fmt: skip
@click.option("--device", default="cpu", show_default=True, help="Of the grouped engine: cpu or cuda.")
@click.option(
    "--seeds", type=int, default=None, help="Trainings of each architecture. [default: those of the recipe]"
)
def build(out: Path, workers: int | None, executor: str, engine: str, device: str, seeds: int | None) -> None:
    """Train the embedded benchmark: every cell of NAS-Bench-201, up to isomorphism, on MNIST-1D.

    Killed at any moment, it goes on where it was. Needs: pip install 'nassearch[build]'.

    \b
    Example:
      nassearch bench build --workers 2
    """
    from nassearch.benchmarks.build.mnist1d import build_embedded

    with watching() as watch:
        paths = build_embedded(
            out,
            workers=workers,
            executor=executor,
            engine=engine,
            device=device,
            seeds=seeds,
            progress=watch("training"),
        )
    echo(*paths)
