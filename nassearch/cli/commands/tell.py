"""nassearch tell"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import assignments, echo, echo_json, json_option, watching

if TYPE_CHECKING:
    from nassearch.search.asking.ask_tell import Told


@click.command(context_settings={"ignore_unknown_options": True})  # values may be negative
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("numbers", nargs=-1, metavar="[ID] [VALUE]")
@click.option(
    "--arch", default=None, metavar="TEXT", help="In the place of ID: an architecture, asked for or not."
)
@click.option("--failed", is_flag=True, help="In the place of VALUE: the training came to nothing.")
@click.option(
    "--forget", is_flag=True, help="In the place of VALUE: nobody will tell it, as its worker is gone."
)
@click.option("--metric", "metrics", multiple=True, callback=assignments, metavar="NAME=VALUE",
              help="A further number: kept, and an objective where it is one; repeat for more.")  # fmt: skip
@click.option("--seconds", type=float, default=None, help="That the training took.")
@click.option("--epochs", type=int, default=None, help="With --arch: of a shorter training.")
@click.option("--note", default=None, metavar="TEXT", help="What there is to say of it.")
@json_option
def tell(
    folder: Path,
    numbers: tuple[str, ...],
    arch: str | None,
    failed: bool,
    forget: bool,
    as_json: bool,
    **facts: Any,
) -> None:
    """Tell the search in FOLDER the VALUE that the training of ask ID has reached.

    Values are as published: a loss is not negated. To tell the same again changes nothing, and another value is
    refused. Architectures that were not asked for are told by --arch, such as those of an earlier search.

    \b
    Examples:
      nassearch tell results/mine 7 93.1 --seconds 340
      nassearch tell results/mine 8 --failed --note "out of memory"
      nassearch tell results/mine 9 --forget
      nassearch tell results/mine --arch "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|" 71.5
      nassearch tell results/mine 10 92.4 --metric energy=3.1
    """
    from nassearch.search.asking.ask_tell import AskTell

    ident, value = read_numbers(numbers, arch, failed or forget)
    if forget and (failed or arch is not None or any(each not in (None, {}) for each in facts.values())):
        raise click.UsageError("--forget is about one ID, and says all there is to say")
    with watching(not as_json) as watch:
        search = AskTell.open(folder, watch=watch)
        if forget:
            assert ident is not None
            new = search.forget(ident)
            return _forgotten(ident, new, as_json)
        what: Any = ident if arch is None else arch
        told = search.tell(what, value, failed=failed, **facts)
    if as_json:
        return echo_json({"folder": str(folder), **told._asdict()})
    _say(told)


def read_numbers(
    numbers: tuple[str, ...], arch: str | None, valueless: bool
) -> tuple[int | None, float | None]:
    """Return the id, None with --arch, and the value, None where there is to be none.

    Raises:
        UsageError: they are too many, too few, or no numbers.
    """
    for each in numbers:
        if each.startswith("-") and not each[1:2].isdigit() and each[1:2] != "." and each != "-inf":
            raise click.NoSuchOption(each)
    wanted = [*(["ID"] if arch is None else []), *([] if valueless else ["VALUE"])]
    if len(numbers) != len(wanted):
        rule = "ID VALUE, or ID --failed, ID --forget, --arch TEXT VALUE"
        met = " ".join(numbers) or "nothing"
        raise click.UsageError(f"tell takes FOLDER and {rule}; behind FOLDER there is {met}")
    found = dict(zip(wanted, numbers, strict=True))
    try:
        ident = int(found["ID"]) if "ID" in found else None
    except ValueError:
        raise click.UsageError(f"ID is the number that nassearch ask printed, not {found['ID']!r}") from None
    try:
        return ident, float(found["VALUE"]) if "VALUE" in found else None
    except ValueError:
        raise click.UsageError(f"VALUE is a number, such as 93.1, not {found['VALUE']!r}") from None


def _forgotten(ident: int, new: bool, as_json: bool) -> None:
    if as_json:
        return echo_json({"id": ident, "forgotten": True, "new": new})
    echo(f"{ident} forgotten" if new else f"{ident} was forgotten before")


def _say(told: Told) -> None:
    name = told.text if told.id is None else f"{told.id} {told.text}"
    values = [f"{each:.10g}" for each in told.values if each is not None] or ["failed"]
    echo(f"{name}: {', '.join(values)}" + ("" if told.new else ", as it was told before"))
    if not told.learnt:
        echo("nassearch: the strategy learns from what it asks for alone: kept for then", err=True)
