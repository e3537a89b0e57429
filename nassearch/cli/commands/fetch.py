"""nassearch bench fetch"""

from __future__ import annotations

import click

from nassearch.cli.common import echo, echo_json, json_option, table, watching


@click.command()
@click.argument("name")
@click.option(
    "--file", "which", default=None, help="One of its files; see --list. [default: those for import]"
)
@click.option("--url", default=None, help="Take the file from here instead.")
@click.option("--list", "listed", is_flag=True, help="Show the files of the benchmark and where they are.")
@json_option
def fetch(name: str, which: str | None, url: str | None, listed: bool, as_json: bool) -> None:
    """Download the published files of benchmark NAME into the data directory, to be imported from there.

    A fetch that broke off goes on where it was. Checksums are compared where they were published.

    \b
    Examples:
      nassearch bench fetch nasbench101
      nassearch bench fetch nasbench101 --list
      nassearch bench fetch nasbench201 --file NAS-Bench-201-v1_1-096897.pth
    """
    from dataclasses import asdict

    from nassearch.benchmarks.fetch.fetching import addresses_of
    from nassearch.benchmarks.fetch.fetching import fetch as download

    if listed:
        known = addresses_of(name)
        if as_json:
            return echo_json([asdict(address) for address in known])
        rows = [[a.file, "yes" if a.wanted else "no", a.about or None, a.note, a.url] for a in known]
        return table((), ["file", "by default", "size", "origin", "address"], rows)
    with watching(not as_json) as watch:
        path = download(
            name,
            url=url,
            which=which,
            progress=watch("bytes"),
            announce=lambda line: echo(line, err=True),
        )
    if as_json:
        return echo_json({"path": str(path)})
    echo(path, f"to read it: nassearch bench import {name} {path}")
