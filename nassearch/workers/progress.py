"""Progress of long work: bars on a terminal and in a notebook, lines where there is neither."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from nassearch.files.inert import inert, tell

Progress = Callable[[int, int], None]
Watch = Callable[[str], Progress]
"""Makes a progress callback, called with (units done, units in all), for a piece of work with that title."""
PATIENCE = 2.0
"""Seconds after which work shows a progress bar."""
SECONDS_BETWEEN_LINES = 60.0
"""How often work tells of its progress where no bar can be shown."""


@contextmanager
def watching(enabled: bool = True, tell: Callable[[str], None] = tell) -> Iterator[Watch]:
    """Give what makes progress callbacks, which write to standard error, or below the cell of a notebook.

    On a terminal and in a notebook bars appear once the work takes longer than two seconds, unless not enabled;
    elsewhere, and in a notebook without ipywidgets, a line is told each minute.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    drawn = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
    start = told = time.monotonic()

    def watch(title: str) -> Progress:
        task: list[Any] = []

        def progress(done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if not drawn:
                if now - told >= SECONDS_BETWEEN_LINES:
                    tell(f"nassearch: {title}: {done} of {total}")
                    told = now
            elif enabled and now - start >= PATIENCE:
                bars.start()
                if not task:
                    task.append(bars.add_task(inert(title), total=total))
                bars.update(task[0], completed=done, total=total)

        return progress

    try:
        yield watch
    finally:
        if bars.live.is_started:  # stopping what never began would print an empty line
            bars.stop()


@contextmanager
def watched(watch: Watch | None, progress: bool) -> Iterator[Watch | None]:
    """Give `watch`, or bars where there is none and progress is asked for."""
    if watch is not None or not progress:
        yield watch
    else:
        with watching() as bars:
            yield bars
