"""nassearch plot"""

from __future__ import annotations

from pathlib import Path

import click

from nassearch.cli.common import echo, view_options
from nassearch.cli.pictures import picture_options, renames, view
from nassearch.cli.reading import paths_argument, read, subject


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
@picture_options
@click.option(
    "--order",
    metavar="ORDER",
    default="given",
    show_default=True,
    help="given, final (best last value first), name, or the name of the search that comes first.",
)
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
    "--front", is_flag=True, help="Draw the fronts of searches for two objectives, of their first rounds."
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
    front: bool,
    show: str,
    choose: str,
) -> None:
    """Draw searches in one picture: median lines, and quartiles where they have room.

    Results of several data sets are panels beside each other. For --label, a search is called by its label or its file.

    \b
    Examples:
      nassearch plot results/*.jsonl -o searches.svg --x seconds
      nassearch plot results/*.jsonl -o figure.pdf --width column --ylim 92: --order final
      nassearch plot rand.jsonl nsga.jsonl -o front.svg --front
      nassearch plot a.jsonl b.jsonl -o two.png --label "ae=alone" --label b.jsonl=guided --bands lines
    """
    from nassearch.files.bounded import refuse_special
    from nassearch.reports.curve_data import ORDERS, ordered, renamed
    from nassearch.reports.curve_figure import draw_curves
    from nassearch.reports.drawing.looks import check_suffix
    from nassearch.reports.plot import Item, panels
    from nassearch.reports.summary import best_value

    check_suffix(output)
    refuse_special(output, "choose another -o")
    frame = view(xlim, ylim, width)
    groups = read(results, show, choose, "models" if x == "seconds" else x)
    if front:
        from nassearch.reports.front_figure import draw_fronts

        given = [search for group in groups for search in group]
        new = renames(labels, "search", {str(search.path): search.label for search in given})
        drawn_fronts = [(new.get(s.label, s.label), s.header, s.rounds) for s in given]
        echo(draw_fronts(drawn_fronts, output, show=show, choose=choose, **frame))
        return
    best = {group[0].header.data: best_value(group[0].header, group[0].curve.show) for group in groups}
    items = [
        Item(
            search.label,
            str(search.path),
            (subject(search.header), search.header.data),
            search.quantity,
            best[search.header.data],
            search.curve,
        )
        for group in groups
        for search in group
    ]
    drawn = panels(items, x)
    names = [line.label for panel in drawn for line in panel.lines]
    files = {
        item.where: name
        for item in items
        for name in (item.label, f"{item.label} [{item.where}]")
        if name in names
    }
    new = renames(labels, "search", {**files, **{name: name for name in names}})
    drawn = ordered(renamed(drawn, new), order if order in ORDERS else [order])
    echo(draw_curves(drawn, output, bands=bands, legend=legend, **frame))
