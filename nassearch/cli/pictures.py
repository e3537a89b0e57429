"""Options of the commands that draw, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from nassearch.cli.common import shared
from nassearch.errors import InvalidSetting, UnknownName

picture_options = shared(
    click.option("--label", "labels", multiple=True, metavar="OLD=NEW",
                 help="Another name in the picture for a search or a proxy; repeat it."),
    click.option("--xlim", metavar="LOW:HIGH", help="Ends of the horizontal axis; leave out an end that is open."),
    click.option("--ylim", metavar="LOW:HIGH", help="Ends of the vertical axis, such as 90: or 90:95."),
    click.option("--width", default=None, metavar="WIDTH",
                 help="column (3.25 inches) or page (6.75) of a paper, or inches.  [default: for a screen]"),
)  # fmt: skip


def view(xlim: str | None, ylim: str | None, width: str | None) -> dict[str, Any]:
    """Return limits and width as pictures take them; raise `InvalidSetting` where they cannot be."""
    from nassearch.reports.drawing.looks import check_limits, inches

    inches(width)
    given = {axis: text for axis, text in (("x", xlim), ("y", ylim)) if text is not None}
    return {"limits": check_limits({axis: _ends(axis, text) for axis, text in given.items()}), "width": width}


def _ends(axis: str, text: str) -> tuple[float | None, float | None]:
    """Read the ends of an axis, LOW:HIGH; either may be left out."""
    low, colon, high = text.partition(":")
    try:
        if colon:
            return float(low) if low.strip() else None, float(high) if high.strip() else None
    except ValueError:
        pass
    raise InvalidSetting(f"--{axis}lim is LOW:HIGH, such as 90:95 or 90:, not {text!r}")


def renames(texts: Sequence[str], kind: str, known: Mapping[str, str]) -> dict[str, str]:
    """Read new names, OLD=NEW, where both may hold "=": OLD is the longest name there is.

    Args:
        texts: as given.
        kind: of what is renamed, for messages.
        known: the present name of each thing, by what it may be called in OLD.

    Raises:
        InvalidSetting: there is no "=", or nothing behind it.
        UnknownName: OLD is nothing that is known.

    >>> renames(["ae, pool=8=a = b"], "search", {"ae": "ae", "ae, pool=8": "ae, pool=8"})
    {'ae, pool=8': 'a = b'}
    """
    found = {}
    for text in texts:
        places = [place for place, character in enumerate(text) if character == "="]
        old = next((text[:place] for place in reversed(places) if text[:place].strip() in known), None)
        if not places or not text[: places[0]].strip() or not text[places[-1] + 1 :].strip():
            raise InvalidSetting(f'--label is OLD=NEW, such as --label "ae=without a guide", not {text!r}')
        if old is None:
            raise UnknownName(kind, text[: places[-1]], known.values())
        found[known[old.strip()]] = text[len(old) + 1 :].strip()
    return found
