"""nassearch bench"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nassearch import registry
from nassearch.cli.common import assignments, echo_json, json_option, table, text, watching
from nassearch.errors import InvalidSetting

benchmark_option = click.option(
    "--benchmark", default="nasbench201", show_default=True, help="See: nassearch bench list."
)


@click.group()
def bench() -> None:
    """See, import and build benchmarks."""


@bench.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every data set of every benchmark, and which are installed.

    \b
    Example:
      nassearch bench list
    """
    rows = []
    for name in registry.names("benchmarks"):
        part = registry.load("benchmarks", name)
        installed = part.installed()
        for dataset in part.datasets().values():
            batch = part.find_batch(dataset.name)
            rows.append(
                {
                    "benchmark": name,
                    "dataset": dataset.name,
                    "installed": dataset.name in installed,
                    "batch": None if batch is None else len(batch.inputs),
                    "unit": dataset.unit,
                    "note": dataset.note,
                }
            )
    if as_json:
        return echo_json(rows)
    table(
        "",
        ["data set", "benchmark", "installed", "inputs in batch", "unit"],
        [
            [row["dataset"], row["benchmark"], "yes" if row["installed"] else "no", row["batch"], row["unit"]]
            for row in rows
        ],
    )
    click.echo(
        "What valid and test are: nassearch bench list --json. To get a data set: nassearch bench import FILE"
    )


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
    facts = registry.load("benchmarks", benchmark).open(dataset).info()
    if as_json:
        return echo_json(facts)
    for key, value in facts.items():
        if isinstance(value, dict):
            click.echo(f"{key}:")
            for name, item in value.items():
                click.echo(f"  {name}: {text(item)}")
        else:
            click.echo(f"{key}: {text(value)}")


@bench.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@benchmark_option
@click.option("--dataset", "datasets", multiple=True, help="Take this data set only; repeat for more.")
@click.option("--column", "mapping", multiple=True, callback=assignments, metavar="ROLE=COLUMN",
              help="Where to find arch, dataset, valid, test, seconds or seed; repeat for more.")  # fmt: skip
@click.option("--epochs", type=int, default=None, help="Which columns of a wide file. [default: the most]")
@click.option(
    "--scale", type=float, default=1.0, show_default=True, help="Factor on accuracies; 100 for fractions."
)
@click.option("--count", type=int, default=256, show_default=True, help="Images in a batch.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@json_option
def import_(
    file: Path,
    benchmark: str,
    datasets: tuple[str, ...],
    mapping: dict[str, Any],
    epochs: int | None,
    scale: float,
    count: int,
    force: bool,
    as_json: bool,
) -> None:
    """Check a table of trained accuracies (CSV or Parquet), or an .npz of images, and keep it.

    A table is long (columns arch, dataset, valid, test and perhaps seconds and seed) or wide (columns such as
    cifar10/valid/200). Images become the fixed batch of --dataset.

    \b
    Examples:
      nassearch bench import nasbench201.csv.gz
      nassearch bench import mine.csv --dataset cifar10 --column arch=cell --column valid=val_acc
      nassearch bench import cifar10.npz --dataset cifar10
    """
    from nassearch.benchmarks.importing import import_images, import_table

    part = registry.load("benchmarks", benchmark)
    if file.suffix == ".npz":
        if len(datasets) != 1:
            raise InvalidSetting("images belong to one data set: name it with --dataset")
        path = import_images(
            part.make_space(), part.importable(), file, datasets[0], count=count, force=force
        )
        return echo_json({"batch": str(path)}) if as_json else click.echo(f"batch of {count}: {path}")
    columns = {role: str(column) for role, column in mapping.items()}
    report = import_table(
        part.make_space(),
        part.importable(),
        file,
        columns,
        only=datasets,
        epochs=epochs,
        scale=scale,
        force=force,
    )
    if as_json:
        return echo_json(
            {
                "tables": [_table(t) for t in report.tables],
                "ignored": list(report.ignored),
                "source": str(report.source),
            }
        )
    for t in report.tables:
        state = "written" if t.written else "there already"
        epochs_ = f", {t.epochs} epochs" if t.epochs else ""
        click.echo(
            f"{t.dataset}: {t.trainings} trainings{epochs_}, best test {t.best_test:.2f}, {state}: {t.path}"
        )
    if report.ignored:
        click.echo(f"columns not used: {', '.join(report.ignored)}")


def _table(imported: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(imported), "path": str(imported.path)}


@bench.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("benchmarks_data"), show_default=True,
              help="Folder for the table, its batch, its datasheet and the work file.")  # fmt: skip
@click.option("--workers", type=int, default=1, show_default=True, help="Processes.")
@click.option("--executor", default="processes", show_default=True, help="processes, ray or dask.")
@click.option("--engine", type=click.Choice(["compiled", "grouped"]), default="compiled", show_default=True,
              help="Numba kernel, or one torch program for many networks.")  # fmt: skip
@click.option("--device", default="cpu", show_default=True, help="Of the grouped engine: cpu or cuda.")
@click.option(
    "--seeds", type=int, default=None, help="Trainings of each architecture. [default: those of the recipe]"
)
def build(out: Path, workers: int, executor: str, engine: str, device: str, seeds: int | None) -> None:
    """Train the embedded benchmark: every cell of NAS-Bench-201, up to isomorphism, on MNIST-1D.

    Killed at any moment, it goes on where it was. Needs: pip install 'nassearch[build]'.

    \b
    Example:
      nassearch bench build --workers 2
    """
    from nassearch.benchmarks.mnist1d import build_embedded

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
    click.echo("\n".join(map(str, paths)))
