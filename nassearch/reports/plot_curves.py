"""Curves as pictures, in two steps: plain data is collected, then drawn."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.files.data_folder import write_whole
from nassearch.files.inert import inert
from nassearch.search.curves import Curve
from nassearch.search.quantity import METRIC, Quantity
from nassearch.types import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008): told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
TIMELESS: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""Suffixes that can be drawn, each with what keeps its bytes free of the clock."""
COUNTED = {"models": "models trained", "distinct": "different models trained"}
LONGEST_NAME = 90
"""Characters of a line of text, such as a search's name in a legend, which has to leave room for the curves."""
LEGEND_INSIDE = 4
"""Up to so many lines the legend has room within the axes."""
START = 0.03
"""Share of the budget that the value axis leaves out of account: there the curves still fall together."""


@dataclass(frozen=True, eq=False)
class Line:
    """One search: its label, then x, lower quartile, median and upper quartile, `[T]` each."""

    label: str
    x: Floats
    low: Floats
    median: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class PlotData:
    """All that a picture shows, as plain values.

    Attributes:
        best: level of the benchmark, or None.
        falling: whether lower is better.
    """

    lines: tuple[Line, ...]
    x_label: str
    y_label: str
    title: str = ""
    best: float | None = None
    falling: bool = False


def collect(
    curves: Mapping[str, Curve],
    *,
    x: str = "models",
    quantity: Quantity | None = None,
    title: str = "",
    best: float | None = None,
) -> PlotData:
    """Gather what a plot of curves shows.

    Args:
        curves: by label, in the order of the legend; all with one `show` and one `choose`.
        x: `models` as the curves count them, or `seconds` for the median training time of as many.
        quantity: what the values are; accuracy in percent where None.
        best: highest value of the benchmark, a loss negated as in the curves, or None.

    Raises:
        InvalidSetting: no curves, an unknown x, or curves of different quantities.
    """
    if not curves:
        raise InvalidSetting("a plot takes at least one curve")
    if x not in ("models", "seconds"):
        raise InvalidSetting(f"x is models or seconds, not {x!r}")
    quantity = quantity or Quantity()
    kinds = {(curve.show, curve.choose, curve.x) for curve in curves.values()}
    if len(kinds) > 1:
        raise InvalidSetting(f"one plot shows one quantity, not several (show, choose, x): {sorted(kinds)}")
    show, choose, counted = kinds.pop()
    lines = []
    scale, time_unit = time_scale(max(curve.time_axis()[-1] for curve in curves.values()))
    for label, curve in curves.items():
        axis = np.arange(1.0, curve.budget + 1) if x == "models" else curve.time_axis() / scale
        lines.append(Line(label, axis, *quantity.band(*curve.band())))
    of = "so far" if show == choose else f"of the best by {METRIC[choose]}"
    if not quantity.validated:
        of = "so far (no validation values)"
    best_ = "" if of.startswith("of") else "best "
    rounds = sorted({curve.rounds for curve in curves.values()})
    spread = f"median and quartiles of {' or '.join(map(str, rounds))} round{'s' if rounds != [1] else ''}"
    return PlotData(
        tuple(lines),
        COUNTED[counted] if x == "models" else f"training time ({time_unit})",
        f"{best_}{METRIC[show]} {quantity.name} {of} ({quantity.short_unit})",
        f"{title}\n{spread}" if title else spread,
        None if best is None else quantity.shown(best),
        quantity.sign < 0,
    )


def time_scale(longest: float) -> tuple[float, str]:
    """Return the unit in which so many seconds are easy to read: its length in seconds and its name."""
    units = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))
    return next(((length, name) for length, name in units if longest >= 3 * length), (1.0, "seconds"))


def draw_curves(data: PlotData, path: str | os.PathLike[str]) -> Path:
    """Draw median lines with quartile bands; the suffix of path (.png, .svg, .pdf) decides the format.

    The same data gives the same bytes under one version of matplotlib.

    Raises:
        InvalidSetting: another suffix.
        NassearchError: the file cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    from matplotlib.figure import Figure

    inside = len(data.lines) <= LEGEND_INSIDE
    with looks():
        figure = Figure(figsize=(6.4 if inside else 8.4, 4.2), layout="constrained")
        axes = figure.add_subplot()
        _draw(axes, data)
        outside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
        corner = {"loc": "upper right" if data.falling else "lower right"}
        # By itself matplotlib leaves out names that begin with an underscore.
        names = [plain(str(line.get_label())) for line in axes.lines]
        axes.legend(axes.lines, names, frameon=False, **(corner if inside else outside))
        save(figure, path)
    return path


@contextmanager
def looks() -> Iterator[None]:
    """Set what all pictures are drawn under, whatever a matplotlibrc says; their bytes hold no random name."""
    import matplotlib

    settings: Any = {"font.size": 10, "svg.hashsalt": "nassearch", "svg.fonttype": "none", "pdf.fonttype": 42}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def plain(text: str) -> str:
    """Return a text as matplotlib shows it letter by letter: without formulas, which stand between dollars.

    All text from outside passes through here on its way into a picture. Lines that would leave no room for it are cut.
    """
    return "\n".join(_cut(inert(line)).replace("$", r"\$") for line in text.split("\n"))


def save(figure: Figure, path: Path) -> None:
    """Write a picture, its bytes free of the clock; raise `NassearchError` where it cannot be written."""
    suffix, picture = check_suffix(path), io.BytesIO()
    figure.savefig(picture, format=suffix[1:], dpi=200, metadata=TIMELESS[suffix])
    write_whole(path, picture.getbuffer(), "make room or choose another place for the plot")


def check_suffix(path: Path) -> str:
    """Return the suffix of a plot's path; raise `InvalidSetting` where it is none that can be drawn."""
    suffix = path.suffix.lower()
    if suffix not in TIMELESS:
        raise InvalidSetting(f"a plot is written as {', '.join(TIMELESS)}, not as {path.name!r}")
    return suffix


def _cut(name: str) -> str:
    """Leave out the middle of a long name: searches of one kind differ at either end."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[-half:]}"


def _draw(axes: Axes, data: PlotData) -> None:
    for number, line in enumerate(data.lines):
        colour = COLOURS[number % len(COLOURS)]
        axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.15, linewidth=0)
        style = STYLES[number // len(COLOURS) % len(STYLES)]
        axes.plot(line.x, line.median, color=colour, linestyle=style, linewidth=1.8, label=line.label)
    if data.best is not None:
        axes.axhline(data.best, color="0.45", linewidth=0.8, linestyle=(0, (2, 2)), label="best there is")
    axes.set(
        xlabel=plain(data.x_label),
        ylabel=plain(data.y_label),
        xlim=(0, max(line.x[-1] for line in data.lines)),
    )
    limits = value_limits(data)
    if limits is not None:
        axes.set_ylim(*limits)
    axes.ticklabel_format(
        axis="y", useOffset=False
    )  # the values themselves, with as many digits as they need
    axes.set_title(plain(data.title), fontsize=10, loc="left")
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def value_limits(data: PlotData) -> tuple[float, float] | None:
    """Return the ends of the value axis: from where the curves part to beyond the best; None if flat."""
    sign = -1.0 if data.falling else 1.0
    worst, best = [], [] if data.best is None else [sign * data.best]
    for line in data.lines:
        behind, ahead = (line.high, line.low) if data.falling else (line.low, line.high)
        worst.append(float(np.nanmin(sign * behind[min(len(behind) - 1, round(START * len(behind))) :])))
        best.append(float(np.nanmax(sign * ahead)))
    low, high = sorted((sign * min(worst), sign * max(best)))
    margin = 0.04 * (high - low)
    return (low - margin, high + margin) if np.isfinite(margin) and margin > 0 else None
