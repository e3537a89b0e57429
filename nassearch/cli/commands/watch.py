"""nassearch watch"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nassearch.cli.common import echo, echo_json, json_option
from nassearch.cli.live import SECONDS_BETWEEN_LOOKS, Live, ended, headline

if TYPE_CHECKING:
    from nassearch.search.trained.standing import Standing


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def watch(folder: Path, as_json: bool) -> None:
    """Watch a search that trains, from another terminal, until it ends.

    FOLDER is that of nassearch search, of nassearch begin, or one of trainings that nassearch run keeps. Nothing in it
    is changed. With --json how far it is now is printed once.

    \b
    Examples:
      nassearch watch results/my_images
      nassearch watch results/my_images --json
    """
    from nassearch.search.store import is_asked
    from nassearch.search.trained.standing import Standing, is_driven

    if is_asked(folder):
        return _watch_asked(folder, as_json)
    driven = is_driven(folder)
    standing = Standing.of(folder)
    if as_json:
        return echo_json({"folder": str(folder), "driven": driven, **standing.as_dict()})
    if _goes_on(standing, driven):
        with Live(folder, err=False):
            while _goes_on(standing, driven):
                time.sleep(SECONDS_BETWEEN_LOOKS)
                driven = is_driven(folder)
                standing = Standing.of(folder)
    echo(headline(standing))
    if standing.winner is not None:
        echo(*ended(standing.winner))
    else:
        echo("nobody is at it: run the same search again to go on")


def _watch_asked(folder: Path, as_json: bool) -> None:
    """Say how far a search is that is asked and told, whenever that changes, until its budget is used up."""
    from nassearch.search.asking.overview import Overview

    overview, said = Overview.of(folder), ""
    if as_json:
        return echo_json({"folder": str(folder), **overview.as_dict()})
    while True:
        if (line := overview.headline()) != said:
            echo(line)
            said = line
        if overview.over:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)
        overview = Overview.of(folder)


def _goes_on(standing: Standing, driven: bool) -> bool:
    """Say whether there is more to come; trainings of a run do not say whether it has ended, so Ctrl-C does."""
    return driven or not standing.made
