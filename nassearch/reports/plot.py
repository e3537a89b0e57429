"""Pictures in one call, from what searches and correlations return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nassearch.errors import InvalidSetting
from nassearch.reports.curve_data import PlotData, collect, ordered, renamed
from nassearch.reports.curve_figure import draw
from nassearch.reports.drawing.looks import Limits
from nassearch.reports.summary import best_of, best_value
from nassearch.search.curves import Curve
from nassearch.search.outcome import Outcome
from nassearch.search.quantity import Quantity
from nassearch.types import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nassearch.reports.correlation import Correlation

XS = ("models", "distinct", "seconds")


class Item(NamedTuple):
    """One search as a picture takes it; results with equal subjects and quantities share a panel."""

    label: str
    where: str
    subject: tuple[str, str]
    quantity: Quantity
    best: float | None
    curve: Curve


def plot(
    results: Any,
    ax: Any = None,
    *,
    x: str = "models",
    show: str | None = None,
    choose: str | None = None,
    limits: Limits | None = None,
    labels: Mapping[str, str] | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    bands: str | None = None,
    legend: str | None = None,
    width: str | float | None = None,
) -> Figure:
    """Draw searches: the median over the rounds of the best so far, and its quartiles where they have room.

        nassearch.plot([result, other], width="column").savefig("searches.pdf")

    Results of several data sets are panels beside each other. Where searches have different numbers of rounds, each
    name says its own. A figure of its own belongs to no pyplot, and has the user's settings of matplotlib, but for
    the size of text where `width` is that of a paper; saved again, it is the same bytes. A notebook shows it.

    Args:
        results: outcomes of experiments, results that were read, or `Curve`s, as a sequence or by label; or one.
        ax: matplotlib axes to draw on, or as many as there are data sets. Names at the ends of lines stand to the
            right of them, for which a figure with `layout="constrained"` makes room.
        x: `models` trained, `distinct` ones, or median `seconds` of training. A `Curve` keeps what it counts.
        show, choose: as in `Outcome.curve`, where show may be a further metric such as "edgegpu_latency"; None for what
            each experiment says, test by validation.
        limits: ends of the axes, such as `{"x": (0, 100), "y": (90, None)}`; None for an end that is left open.
        labels: one for each result, or new ones by the present ones.
        order: of names, colours and styles: `given`, `final` (best last), `name`, or labels of those that come first.
        bands: quartiles as a `fill`, as thin `lines` or `none`; None for a fill of up to three searches.
        legend: names at the `ends` of the lines, `inside` the axes or `below` them. None for ends from five searches
            on, and where a legend inside would cover a line; below where panels share it.
        width: of a figure of its own: `column` (3.25 inches), `page` (6.75) or inches; None for a screen.

    Returns:
        The figure, which for given axes is theirs.

    Raises:
        InvalidSetting: nothing to draw, what cannot be drawn together, or an option that cannot be.
        UnknownName: `labels` or `order` name no search.
    """
    panels = gather(results, x, show, choose, None if isinstance(labels, Mapping) else labels)
    panels = ordered(renamed(panels, labels if isinstance(labels, Mapping) else {}), order)
    return draw(panels, ax, bands=bands, legend=legend, limits=limits, width=width)


def plot_scores(
    found: Correlation,
    ax: Any = None,
    *,
    limits: Limits | None = None,
    labels: Mapping[str, str] | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    width: str | float | None = None,
    sizes: Floats | None = None,
) -> Figure:
    """Draw what proxies say of architectures against what these reach, a panel for each proxy.

    Scores that span many powers of ten stand on a logarithmic axis with room for zero and for both signs. Points are
    coloured by the number of parameters.

    Args:
        found: what `correlate` returns.
        ax: matplotlib axes to draw on, as many as there are proxies.
        limits: ends of the axes of every panel, such as `{"y": (90, None)}`; x is the score.
        labels: one for each proxy, or new ones by the present ones.
        order: of panels: `given`, `name`, `rho` for the best first, or names of those that come first.
        width: as in `plot`.
        sizes: number of parameters of each architecture, `[N]`; None to count them, as the proxy `params` does.

    Raises:
        InvalidSetting: no proxy, or an option that cannot be.
        UnknownName: `labels` or `order` name no proxy.
    """
    from nassearch.reports.correlate import parameters
    from nassearch.reports.plot_scores import arranged, collect_scatter
    from nassearch.reports.plot_scores import draw as draw_scores

    counted = parameters(found) if sizes is None else sizes
    data = collect_scatter(found, counted, quantity=found.quantity)
    return draw_scores(arranged(data, labels, order), ax, limits=limits, width=width)


def gather(
    results: Any, x: str, show: str | None, choose: str | None, labels: Sequence[str] | None = None
) -> list[PlotData]:
    """Return a panel for each data set that results are of."""
    if x not in XS:
        raise InvalidSetting(f"x is {', '.join(XS)}, not {x!r}")
    if isinstance(results, Mapping):
        labels, results = list(results), list(results.values())
    results = (
        [results] if isinstance(results, Outcome | Curve) or not isinstance(results, Iterable) else [*results]
    )
    if not results:
        raise InvalidSetting("a plot takes at least one result")
    if isinstance(labels, str) or (labels is not None and len(labels) != len(results)):
        raise InvalidSetting(
            f"labels are one for each of {len(results)} results, or by label, not {labels!r}"
        )
    items = [_item(result, "models" if x == "seconds" else x, show, choose) for result in results]
    if labels is not None:
        items = [item._replace(label=str(name), where="") for item, name in zip(items, labels, strict=True)]
    return panels(items, x)


def panels(items: Sequence[Item], x: str) -> list[PlotData]:
    """Return a panel for each data set that searches are of; curves, which do not say theirs, join the first.

    Raises:
        InvalidSetting: there are curves, and searches of several data sets.
    """
    groups: dict[Any, list[Item]] = {}
    for item in items:
        groups.setdefault((item.subject, item.quantity), []).append(item)
    bare = [key for key in groups if key[0] == NOWHERE]
    if len(groups) - len(bare) > 1 and bare:
        raise InvalidSetting(
            "a Curve does not say which of several data sets it is of: plot one data set with it"
        )
    for key in bare if len(groups) > 1 else []:  # curves stand with what they are plotted beside
        rest = groups.pop(key)
        next(iter(groups.values())).extend(rest)
    return [_panel(group, x, len({key[0][0] for key in groups}) < len(groups)) for group in groups.values()]


NOWHERE = ("", "")
"""The subject of a curve, which does not say what it is of."""


def _panel(group: list[Item], x: str, twins: bool) -> PlotData:
    names = [item.label for item in group]
    curves: dict[str, Curve] = {}
    for number, item in enumerate(group, start=1):
        mark = f" [{item.where or number}]" if names.count(item.label) > 1 else ""
        if f"{item.label}{mark}" in curves:
            mark = f" [{number}]"
        curves[f"{item.label}{mark}"] = item.curve
    about, data = group[0].subject
    title = f"{about}, data {data[:8]}" if twins and data else about
    axis = "seconds" if x == "seconds" else "models"
    best = next((item.best for item in group if item.best is not None), None)
    return collect(curves, x=axis, quantity=group[0].quantity, title=title, best=best)


def _item(result: Any, counted: str, show: str | None, choose: str | None) -> Item:
    if isinstance(result, Curve):
        wanted = (show or result.show, choose or result.choose, result.x if counted == "models" else counted)
        if wanted != (result.show, result.choose, result.x):
            raise InvalidSetting(
                f"a Curve shows {result.show} by {result.choose} and counts {result.x}, not {wanted}: make another"
            )
        return Item("search", "", NOWHERE, Quantity(), None, result)
    if not isinstance(result, Outcome):
        raise InvalidSetting(
            f"plot takes outcomes, results that were read, or curves, not {type(result).__name__}"
        )
    curve = result.curve(show, choose, counted)
    best = (
        best_value(result.header, curve.show)
        if result.oracle is None
        else best_of(result.oracle, curve.show, result.header)
    )
    where = "" if result.path is None else str(result.path)
    quantity = result.quantity_of(show)
    return Item(result.label, where, (result.subject, result.header.data), quantity, best, curve)
