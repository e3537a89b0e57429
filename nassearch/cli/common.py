"""What the commands share: progress on the terminal, tables, JSON."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

from nassearch.files.inert import inert, inert_json
from nassearch.files.plain_json import read_json

if TYPE_CHECKING:
    from nassearch.scorers.compute import Tally
    from nassearch.types import Progress  # it brings numpy, which --help does without

NUMBER = re.compile(r"[-<>]?\d|-$")
"""How a cell begins that stands to the right."""


def echo(*lines: object, err: bool = False) -> None:
    """Print lines, each made inert: the way of all text to the terminal, besides tables and progress bars."""
    click.echo("\n".join(map(inert, lines)), err=err)


def watching(enabled: bool = True) -> AbstractContextManager[Callable[[str], Progress]]:
    """Give what makes progress callbacks, see `nassearch.workers.progress.watching`."""
    from nassearch.workers import progress

    return progress.watching(enabled, lambda line: echo(line, err=True))


def table(title: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print lines of a title and a table, numbers to the right; cut to no width where that is not a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if title:
        echo(*title)
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for position, column in enumerate(columns):
        words = all(isinstance(row[position], str) and not NUMBER.match(row[position]) for row in rows)
        grid.add_column(Text(inert(column)), justify="left" if words else "right", overflow="fold")
    for row in rows:  # a Text is not looked through for markup, emoji codes and links, as a str would be
        grid.add_row(*(Text(inert(text(value))) for value in row))
    width = None if sys.stdout.isatty() else max(100, Console(width=10_000).measure(grid).maximum)
    Console(width=width).print(grid)


def paragraphs(rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Print names, each with lines beside it that are wrapped to the terminal."""
    rows = [(inert(name), [inert(line) for line in lines]) for name, lines in rows]
    indent = max(len(name) for name, _ in rows) + 2
    width = min(shutil.get_terminal_size((100, 24)).columns, 110)
    for name, lines in rows:
        first = name.ljust(indent)
        for line in lines:
            wrapped = click.wrap_text(line, width, initial_indent=first, subsequent_indent=" " * (indent + 2))
            echo(*wrapped.split("\n"))
            first = " " * indent


def text(value: Any) -> str:
    """Write a cell by itself, a dash for what is not there."""
    if value is None:
        return "-"
    if isinstance(value, float):
        from nassearch.statistics.digits import SIGNIFICANT, writer

        return writer([value], SIGNIFICANT)(value)
    return str(value)


def echo_json(value: Any) -> None:
    """Print JSON; what is not a finite number is null."""
    click.echo(as_text(value))


def as_text(value: Any) -> str:
    """Return JSON; what is not a finite number is null."""
    return inert_json(json.dumps(_plain(value), indent=1, allow_nan=False, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def tell_faults(faults: Sequence[str]) -> None:
    """Say what is wrong with parts that are left out, beside the output of a command."""
    for fault in faults:
        echo(f"nassearch: {fault}", err=True)


def told(scores: Tally) -> str:
    """Say how many scores were read rather than computed."""
    return f"{scores.read} read from the cache, {scores.computed} computed now"


def assignments(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
    """Read KEY=VALUE options; a value that is JSON is that value, any other is text."""
    found: dict[str, Any] = {}
    for value in values:
        key, equals, right = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r} is not of the form {param.metavar}", ctx, param)
        try:
            found[key.strip()] = read_json(right, constants=True)
        except ValueError:
            found[key.strip()] = right
    return found


def shared(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Put several options on a command at once."""

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


benchmark_options = shared(
    click.option(
        "--benchmark", default="nasbench201", show_default=True, help="See: nassearch list benchmarks."
    ),
    click.option("--dataset", default=None, help="Data set of the benchmark. [default: its first, mnist1d]"),
)
batch_option = click.option(
    "--batch",
    default=None,
    metavar="FILE|KIND",
    help="What proxies look at: an .npz file, grey, normal, uniform or uniform_positive. "
    "[default: the data set's own]",
)
spread_options = shared(
    click.option(
        "--workers",
        type=int,
        default=None,
        help="Processes; they change no result. [default: 1, or every processor of a cluster]",
    ),
    click.option("--executor", default="processes", show_default=True,
                 help="processes or ray; with the address of a cluster as in ray:HOST:6379."),
)  # fmt: skip
work_options = shared(
    spread_options,
    click.option(
        "--cache/--no-cache", default=True, help="Keep scores in the data directory. [default: --cache]"
    ),
)


class Chooses(click.Choice[str]):
    """The metric by which a model is the best so far: it has to be one that is trained for."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            from nassearch.search.curves import NO_CHOICE

            self.fail(
                f"{value!r} is not one of {', '.join(map(repr, self.choices))}: {NO_CHOICE}", param, ctx
            )
        return str(super().convert(value, param, ctx))


view_options = shared(
    click.option("--show", default="test", show_default=True, metavar="METRIC",
                 help="What curves show of the best so far: test, valid, or what it costs: params, flops, memory, or a "
                 "metric of the benchmark, such as edgegpu_latency."),
    click.option("--choose", type=Chooses(["valid", "test"]), default="valid", show_default=True,
                 help="Metric that makes a model the best so far; papers mostly use test."),
)  # fmt: skip
axis_option = click.option(
    "--x",
    type=click.Choice(["models", "distinct"]),
    default="models",
    show_default=True,
    help="What curves count: models trained, or different ones among them.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
