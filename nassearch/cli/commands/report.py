"""nassearch report"""

from __future__ import annotations

from pathlib import Path

import click

from nassearch.cli.common import echo, echo_json, json_option
from nassearch.cli.reading import paths_argument
from nassearch.errors import InvalidSetting


@click.command()
@paths_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), default=None, help="The page: a file .html.")
@click.option(
    "--baseline",
    default=None,
    metavar="LABEL",
    help="Search that speed-ups are over, or its file.  [default: the first of each section]",
)
@click.option(
    "--target",
    type=float,
    default=None,
    metavar="ACC",
    help="Value to reach.  [default: the baseline's final one]",
)
@click.option(
    "--show",
    multiple=True,
    metavar="METRIC",
    help="A further metric that curves can be switched to: params, flops, memory, or one of the benchmark; repeat it.",
)
@click.option("--title", default=None, help="Title of the page.  [default: Search report]")
@json_option
def report(
    results: tuple[Path, ...],
    output: Path | None,
    baseline: str | None,
    target: float | None,
    show: tuple[str, ...],
    title: str | None,
    as_json: bool,
) -> None:
    """Put searches on one page that needs no network: curves, tables, trainings, cells, settings.

    RESULTS are files of `nassearch run` and folders of `nassearch search`; a folder stands for all in it. Searches of
    one data set share a section. With --json the data of the page is printed.

    \b
    Examples:
      nassearch report results/*.jsonl -o report.html
      nassearch report results/*.jsonl -o report.html --show edgegpu_latency --show params
      nassearch report results/my_images results/rand.jsonl -o report.html --baseline rand --title "My images"
    """
    from nassearch.reports.page.report import TITLE, check_path
    from nassearch.reports.page.report import report as make

    if output is None and not as_json:
        raise InvalidSetting("a page is written into a file: name it by -o report.html, or ask for --json")
    if output is not None:
        check_path(output)
    named = {"baseline": baseline, "title": TITLE if title is None else title}
    page = make(list(results), target=target, show=list(show), **named)  # type: ignore[arg-type]
    if output is not None:
        page.save(output)
    if as_json:
        return echo_json(page.data)
    assert output is not None
    echo(
        f"{output}: {output.stat().st_size / 1e6:.1f} MB, needs no network",
        *map(_told, page.data["sections"]),
    )


def _told(section: dict[str, object]) -> str:
    searches = section["searches"]
    assert isinstance(searches, list)
    return f"{section['subject']}: {'; '.join(each['label'] for each in searches)}"
