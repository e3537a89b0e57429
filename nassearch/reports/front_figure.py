"""Fronts as a picture: what a round of each search trained, and what no other of its models dominates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.reports.curve_figure import look
from nassearch.reports.drawing.looks import (
    Limits,
    check_limits,
    check_suffix,
    inches,
    looks,
    plain,
    save,
    set_limits,
    text_size,
)
from nassearch.search.pareto.curve import points_of
from nassearch.search.quantity import METRIC
from nassearch.search.records import Header
from nassearch.search.runner import Round
from nassearch.statistics.hypervolume import nondominated
from nassearch.types import Floats

SMALL = 6.0
"""Points, of a model."""


@dataclass(frozen=True, eq=False)
class FrontData:
    """One search: its label, what its models cost and reached as published, `[T]`, and which are on the front."""

    label: str
    costs: Floats
    reached: Floats
    on_front: np.ndarray


def collect_fronts(
    searches: Sequence[tuple[str, Header, Sequence[Round]]],
    number: int = 0,
    show: str = "test",
    choose: str = "valid",
) -> tuple[list[FrontData], str, str, str]:
    """Gather what a picture of fronts shows: the searches, what both axes are, and a title.

    Args:
        searches: label, header and rounds of each.
        number: of the round that is drawn of each.
        show, choose: metric that is drawn, and metric by which models are on the front.

    Raises:
        InvalidSetting: a search has one objective or more than two, or no such round; or objectives differ.
    """
    if show not in METRIC:
        raise InvalidSetting(f"a picture of fronts shows what is trained for by test or valid, not {show!r}")
    several = [header.experiment.get("objectives") or [] for _, header, _ in searches]
    if any(len(each) != 2 for each in several) or any(each != several[0] for each in several):
        raise InvalidSetting(
            "a picture of fronts takes searches for the same two objectives: run them with, say, --objectives "
            "accuracy,params, and draw others without --front"
        )
    trained = next(place for place, each in enumerate(several[0]) if each["trained"])
    signs = [-1.0 if each["lower_is_better"] else 1.0 for each in several[0]]
    found = []
    for label, _, rounds in searches:
        if not 0 <= number < len(rounds):
            raise InvalidSetting(f"{label} has rounds 0 to {len(rounds) - 1}, and no round {number}")
        shown, chosen = (points_of(rounds[number], several[0], by) for by in (show, choose))
        published = shown * np.array(signs)
        found.append(FrontData(label, published[:, 1 - trained], published[:, trained], nondominated(chosen)))
    names = [f"{each['quantity']} ({each['unit']})" for each in several[0]]
    header = searches[0][1].experiment
    about = f"{header.get('benchmark')}, {header.get('dataset')}"
    title = f"{about}: round {number} of each search, fronts by {METRIC[choose]}"
    return found, names[1 - trained], f"{METRIC[show]} {names[trained]}", title


def draw_fronts(
    searches: Sequence[tuple[str, Header, Sequence[Round]]],
    path: str | os.PathLike[str],
    *,
    number: int = 0,
    show: str = "test",
    choose: str = "valid",
    limits: Limits | None = None,
    width: str | float | None = None,
) -> Path:
    """Draw fronts into a file; the suffix of path (.png, .svg, .pdf) decides the format.

    Args:
        searches, number, show, choose: see `collect_fronts`.
        limits: ends of the axes `x`, the cost, and `y`.
        width: of the figure: `column` or `page` of a paper, or inches; None for the screen.

    Raises:
        InvalidSetting: another suffix, or what cannot be drawn.
        NassearchError: the file cannot be written.
    """
    from nassearch.reports.drawing.canvas import describe, new_axes

    check_suffix(Path(path))
    found, x_label, y_label, title = collect_fronts(searches, number, show, choose)
    ends, across = check_limits(limits), inches(width)
    with looks(text_size(width)):
        (axes,) = new_axes(1, across, 0, 0)
        for place, each in enumerate(found):
            style = look(place)
            axes.scatter(each.costs, each.reached, s=SMALL, color=style["color"], alpha=0.3, linewidths=0)
            order = np.flatnonzero(each.on_front)[np.argsort(each.costs[each.on_front], kind="stable")]
            axes.plot(
                each.costs[order],
                each.reached[order],
                **style,
                drawstyle="steps-post",  # what lies below it is dominated
                marker="o",
                markersize=3.0,
                label=plain(each.label),
            )
        set_limits(axes, ends)
        describe(axes, x_label, y_label, title)
        axes.legend(loc="lower right", fontsize="small")
        return save(axes.figure, path)  # type: ignore[arg-type]
