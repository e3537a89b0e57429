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

    FOLDER is that of nassearch search, or one of trainings that nassearch run keeps. Nothing in it is changed. With
    --json how far it is now is printed once.

    \b
    Examples:
      nassearch watch results/my_images
      nassearch watch results/my_images --json
    """
    from nassearch.search.trained.standing import Standing, is_driven

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


def _goes_on(standing: Standing, driven: bool) -> bool:
    """Say whether there is more to come; trainings of a run do not say whether it has ended, so Ctrl-C does."""
    return standing.winner is None and (driven or not standing.made)
