"""The figure that plots return: the same picture is saved as the same bytes, and notebooks show it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from nassearch.reports.drawing.looks import SALT, TIMELESS


class Picture(Figure):
    """A matplotlib figure that belongs to no pyplot, whose files hold neither a date nor a random name."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save as `matplotlib.figure.Figure.savefig` does; what `metadata` says goes before what is left out."""
        named = Path(fname).suffix[1:] if isinstance(fname, str | os.PathLike) else ""
        kind = str(options.get("format") or named or matplotlib.rcParams["savefig.format"]).lower()
        timeless = TIMELESS.get(f".{kind}", {})
        if timeless:
            options["metadata"] = {**timeless, **(options.get("metadata") or {})}
        with matplotlib.rc_context({"svg.hashsalt": matplotlib.rcParams["svg.hashsalt"] or SALT}):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        """Return what a notebook shows where it has no way of its own to show figures."""
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def whole_figure(axes: Any) -> Figure:
    """Return the figure that axes are in, also where they are in a part of it."""
    figure = axes.figure
    while figure.figure is not None and figure.figure is not figure:
        figure = figure.figure
    return figure  # type: ignore[no-any-return]
