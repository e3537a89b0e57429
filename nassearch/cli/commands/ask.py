"""nassearch ask"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nassearch.cli.common import echo, echo_json, json_option, watching

if TYPE_CHECKING:
    from nassearch.search.asking.ask import Ask

ENDED, WAITS = 3, 4
"""Exit statuses of an ask that gives nothing: for ever, and for now."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--count", type=int, default=1, show_default=True, metavar="N", help="Architectures at once.")
@click.option("--worker", default=None, metavar="NAME",
              help="Who asks: what it was handed before and has not told comes first.")  # fmt: skip
@click.option("--again", type=float, default=None, metavar="SECONDS",
              help="What was handed out longer ago, and is not told, comes before what is new.")  # fmt: skip
@click.option("--code", type=click.Path(path_type=Path), default=None, metavar="FILE",
              help="Write the network as plain PyTorch, with weights beside it, as in model-{id}.py.")  # fmt: skip
@json_option
def ask(
    folder: Path, count: int, worker: str | None, again: float | None, code: Path | None, as_json: bool
) -> None:
    """Say what to train next for the search in FOLDER: a line for each, its id and the architecture.

    With --json there is also what its network is built of: the choices of your own space, or its layers. What was asked
    for stays pending until nassearch tell; no clock ends it. Where there is nothing to ask for, standard error says
    why, and the exit status is 4 where something may come once more is told, and 3 where nothing will.

    \b
    Examples:
      nassearch ask results/mine --json
      nassearch ask results/mine --count 8 --worker "$HOSTNAME"
      nassearch ask results/mine --again 7200 --code model.py
    """
    from nassearch.search.asking.ask_tell import AskTell

    if code is not None:
        check_code(code, count)
    with watching(not as_json) as watch:
        search = AskTell.open(folder, watch=watch)
        asks = search.ask(count, worker=worker, again=again)
    written = {each.id: write_code(each, code) for each in asks} if code is not None else {}
    if as_json:
        found = [each.as_dict() | ({"code": written[each.id]} if written else {}) for each in asks]
        echo_json({"folder": str(folder), "asks": found, "ended": search.ended, "why": search.why})
    else:
        echo(*(f"{each.id} {each.text}{_short(each)}" for each in asks)) if asks else None
    if len(asks) < count and not as_json:
        echo(f"nassearch: {search.why}", err=True)
    if not asks:
        raise click.exceptions.Exit(ENDED if search.ended else WAITS)


def _short(found: Ask) -> str:
    return "" if found.epochs is None else f" epochs={found.epochs}"


def check_code(path: Path, count: int) -> None:
    """Raise `InvalidSetting` where code cannot be written, before anything is asked for."""
    from nassearch.errors import InvalidSetting
    from nassearch.export.writing import paths_of

    if count > 1 and "{id}" not in path.name:
        raise InvalidSetting(
            f"--code is a file for each of {count}: put the id into its name, as in model_{{id}}.py"
        )
    paths_of(place_of(path, 0), False, "--code")


def place_of(path: Path, ident: int) -> Path:
    """Return the file of the code of an ask."""
    return path.with_name(path.name.replace("{id}", str(ident)))


def write_code(found: Ask, path: Path) -> str:
    """Write the network of an ask as plain PyTorch, and return where."""
    from nassearch.errors import NassearchError
    from nassearch.export.subject import Subject, reading
    from nassearch.export.writing import export

    place = place_of(path, found.id)
    try:
        export(
            Subject(found.space, found.arch, found.named, found.task, reading(found.task)), place, force=True
        )
    except NassearchError as error:
        raise NassearchError(
            f"ask {found.id} stands, {found.text}, and its code cannot be written: {error}; or tell it --failed"
        ) from error
    return str(place)
