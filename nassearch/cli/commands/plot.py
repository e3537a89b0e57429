"""nassearch plot"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from nassearch.cli.common import echo, view_options
from nassearch.cli.reading import paths_argument, read, subject
from nassearch.errors import InvalidSetting


@click.command()
@paths_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="PNG, SVG or PDF.")
@click.option(
    "--x",
    type=click.Choice(["models", "distinct", "seconds"]),
    default="models",
    show_default=True,
    help="Horizontal axis: models trained, different ones among them, or the time of training.",
)
@click.option(
    "--label", "labels", multiple=True, metavar="OLD=NEW", help="Another name for a search; repeat it."
)
@click.option(
    "--order",
    metavar="ORDER",
    default="given",
    show_default=True,
    help="given, final (best last value first), name, or the name of the search that comes first.",
)
@click.option(
    "--xlim", metavar="LOW:HIGH", help="Ends of the horizontal axis; leave out an end that is open."
)
@click.option("--ylim", metavar="LOW:HIGH", help="Ends of the vertical axis, such as 90: or 90:95.")
@click.option(
    "--bands",
    type=click.Choice(["fill", "lines", "none"]),
    default=None,
    help="Quartiles as a filled band, as thin lines, or none.  [default: fill for up to three searches]",
)
@click.option(
    "--legend",
    type=click.Choice(["ends", "inside", "below"]),
    default=None,
    help="Names at the ends of lines, within the axes, or below.  [default: at the ends for five searches or more]",
)
@click.option(
    "--width",
    default=None,
    metavar="WIDTH",
    help="column (3.25 inches) or page (6.75) of a paper, or inches.  [default: for a screen]",
)
@view_options
def plot(
    results: tuple[Path, ...],
    output: Path,
    x: str,
    labels: tuple[str, ...],
    order: str,
    xlim: str | None,
    ylim: str | None,
    bands: str | None,
    legend: str | None,
    width: str | None,
    show: str,
    choose: str,
) -> None:
    """Draw searches in one picture: median lines, and quartiles where they have room.

    Results of several data sets are panels beside each other.

    \b
    Examples:
      nassearch plot results/*.jsonl -o searches.svg --x seconds
      nassearch plot results/*.jsonl -o figure.pdf --width column --ylim 92: --order final
      nassearch plot a.jsonl b.jsonl -o two.png --label "ae=without a guide" --bands lines
    """
    from nassearch.files.bounded import refuse_special
    from nassearch.reports.curve_figure import draw_curves
    from nassearch.reports.drawing.looks import check_limits, check_suffix, inches
    from nassearch.reports.plot import Item, panels
    from nassearch.reports.plot_curves import ORDERS, ordered, renamed
    from nassearch.reports.summary import best_value
    from nassearch.search.quantity import Quantity

    check_suffix(output)
    refuse_special(output, "choose another -o")
    limits = check_limits({name: _ends(name, text) for name, text in (("x", xlim), ("y", ylim)) if text})
    inches(width)
    items = [
        Item(
            search.label,
            str(search.path),
            (subject(search.header), search.header.data),
            Quantity.of_result(search.header),
            best_value(search.header, search.curve.show),
            search.curve,
        )
        for group in read(results, show, choose, "models" if x == "seconds" else x)
        for search in group
    ]
    drawn = ordered(renamed(panels(items, x), _renames(labels)), order if order in ORDERS else [order])
    echo(draw_curves(drawn, output, bands=bands, legend=legend, limits=limits, width=width))


def _ends(axis: str, text: str) -> tuple[float | None, float | None]:
    """Read the ends of an axis, LOW:HIGH; either may be left out."""
    low, colon, high = text.partition(":")
    try:
        if colon:
            return tuple(float(end) if end.strip() else None for end in (low, high))  # type: ignore[return-value]
    except ValueError:
        pass
    raise InvalidSetting(f"--{axis}lim is LOW:HIGH, such as 90:95 or 90:, not {text!r}")


def _renames(texts: Sequence[str]) -> dict[str, str]:
    """Read new names of searches, OLD=NEW; a name that holds = itself is split at the last one."""
    found = {}
    for text in texts:
        old, equals, new = text.rpartition("=")
        if not equals or not old.strip() or not new.strip():
            raise InvalidSetting(f'--label is OLD=NEW, such as --label "ae=without a guide", not {text!r}')
        found[old.strip()] = new.strip()
    return found
