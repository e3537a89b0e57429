"""What all pictures share: their looks and sizes, text that does nothing, and files free of the clock."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nassearch.errors import InvalidSetting
from nassearch.files.data_folder import write_whole
from nassearch.files.inert import inert

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIMELESS: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""Suffixes that can be drawn, each with what keeps its bytes free of the clock."""
SALT = "nassearch"
"""What the names of elements of an SVG file are made from, so that they are not random."""
WIDTHS = {"column": 3.25, "page": 6.75}
"""Inches of one column and of the text of a page of two columns; other papers are wider, never narrower."""
NARROWEST, WIDEST = 2.0, 40.0
PRINTED = 8.0
"""Points of the text in a figure that is made for a paper: a little less than in its captions."""
ON_SCREEN = 10.0
LONGEST_NAME = 90
"""Characters of a line of text, such as a search's name in a legend, which has to leave room for the curves."""

Limits = Mapping[str, tuple[float | None, float | None]]
"""Ends of the axes `x` and `y`; None for an end that is left open."""


@contextmanager
def looks(size: float = ON_SCREEN) -> Iterator[None]:
    """Set what all pictures are drawn under, whatever a matplotlibrc says; their bytes hold no random name.

    size: of the text, in points.
    """
    import matplotlib

    settings: Any = {"font.size": size, "svg.hashsalt": SALT, "svg.fonttype": "none", "pdf.fonttype": 42}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def inches(width: str | float | None) -> float | None:
    """Return the width of a figure in inches, None for that of a screen.

    Args:
        width: `column`, `page`, a number of inches or its text, or None.

    Raises:
        InvalidSetting: anything else, or a width that no paper has.
    """
    if width is None or width in WIDTHS:
        return None if width is None else WIDTHS[str(width)]
    try:
        found = math.nan if isinstance(width, bool) else float(width)
    except (TypeError, ValueError):
        found = math.nan
    if not NARROWEST <= found <= WIDEST:
        raise InvalidSetting(
            f"width is {' or '.join(WIDTHS)}, or {NARROWEST:g} to {WIDEST:g} inches, not {width!r}"
        )
    return found


def text_size(width: str | float | None) -> float:
    """Return the points of text in a figure of this width."""
    return ON_SCREEN if width is None else PRINTED


def check_limits(limits: Limits | None) -> dict[str, tuple[float | None, float | None]]:
    """Return the limits of both axes, (None, None) where nothing is said.

    Raises:
        InvalidSetting: an axis that is neither x nor y, no two ends, or ends that are equal or no finite numbers.
    """
    found: dict[str, tuple[float | None, float | None]] = {"x": (None, None), "y": (None, None)}
    if limits is not None and not isinstance(limits, Mapping):
        raise InvalidSetting(f"limits are ends by axis, such as {{'y': (90, None)}}, not {limits!r}")
    for axis, ends in (limits or {}).items():
        if axis not in found:
            raise InvalidSetting(f"limits are those of x and y, not of {axis!r}")
        try:
            low, high = (None if end is None else float(end) for end in ends)
        except (TypeError, ValueError):
            raise InvalidSetting(f"limits of {axis} are two numbers, or None for one, not {ends!r}") from None
        if any(end is not None and not math.isfinite(end) for end in (low, high)) or (
            low is not None and low == high
        ):
            raise InvalidSetting(f"limits of {axis} are two different finite numbers, not {ends!r}")
        found[axis] = low, high
    return found


def set_limits(axes: Axes, limits: Limits) -> None:
    """Set the ends that are given, and leave the others as they are."""
    axes.set_xlim(*limits["x"])
    axes.set_ylim(*limits["y"])


def plain(text: str) -> str:
    """Return a text as matplotlib shows it letter by letter: without formulas, which stand between dollars.

    All text from outside passes through here on its way into a picture. Lines that would leave no room for it are cut.
    """
    return "\n".join(_cut(inert(line)).replace("$", r"\$") for line in text.split("\n"))


def _cut(name: str) -> str:
    """Leave out the middle of a long name: searches of one kind differ at either end."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[-half:]}"


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a picture, its bytes free of the clock; raise `NassearchError` where it cannot be written."""
    path = Path(path)
    suffix, picture = check_suffix(path), io.BytesIO()
    figure.savefig(picture, format=suffix[1:], dpi=200, metadata=TIMELESS[suffix])
    write_whole(path, picture.getbuffer(), "make room or choose another place for the plot")
    return path


def check_suffix(path: Path) -> str:
    """Return the suffix of a plot's path; raise `InvalidSetting` where it is none that can be drawn."""
    suffix = path.suffix.lower()
    if suffix not in TIMELESS:
        raise InvalidSetting(f"a plot is written as {', '.join(TIMELESS)}, not as {path.name!r}")
    return suffix
