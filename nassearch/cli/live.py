"""A search that trains, while it goes on: a table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nassearch.cli.common import echo, text
from nassearch.errors import NassearchError
from nassearch.files.inert import inert

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nassearch.search.trained.standing import Standing
    from nassearch.types import Progress  # it brings numpy, which --help does without

ROWS = 8
"""Trainings in the table: the last ones."""
OTHER_COLUMNS = 62
"""Characters of a row beside the architecture."""
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_LINES = 60.0


class Live:
    """Shows what the folder of a search says, once a second, from a thread of its own.

        with Live() as live:
            run_search(asked, out, watch=live.watch, tell=live.tell, seen=live.seen)

    Args:
        path: of the folder; None until `seen` says it.
        shown: whether anything is shown at all.
        err: whether on standard error.
    """

    def __init__(self, path: Path | None = None, *, shown: bool = True, err: bool = True) -> None:
        self.path, self._shown, self._err = path, shown, err
        self._work: dict[str, tuple[int, int]] = {}
        self._end, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._last: tuple[Any, float] = (None, time.monotonic())
        self._display: Any = None

    def __enter__(self) -> Live:
        from rich.console import Console
        from rich.live import Live as Display

        console = Console(stderr=self._err)
        if self._shown and console.is_terminal:
            self._display = Display(console=console, auto_refresh=False, transient=True)
            self._display.start()
        if self._shown:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(5 * SECONDS_BETWEEN_LOOKS)
        if self._display is not None:
            self._display.stop()

    def watch(self, title: str) -> Progress:
        """Return a callback for the progress of a piece of work, which is a line of the table while it lasts."""

        def progress(done: int, total: int) -> None:
            self._work[title] = (done, total)
            if done >= total:
                del self._work[title]

        return progress

    def tell(self, line: str) -> None:
        """Say a line, above the table."""
        if not self._shown:
            return
        with self._lock:
            if self._display is not None:
                self._display.console.print(inert(line), markup=False, highlight=False, emoji=False)
            else:
                echo(f"nassearch: {line}", err=self._err)

    def seen(self, driver: Any) -> None:
        """Take note of where the search is kept."""
        self.path = driver.bench.folder

    def look(self, standing: Standing | None) -> None:
        """Show it now."""
        with self._lock:
            if self._display is not None:
                self._display.update(
                    drawn(standing, dict(self._work), self._display.console.width), refresh=True
                )
            else:
                self._line(standing)

    def _go_on(self) -> None:
        from nassearch.search.trained.standing import Standing

        while not self._end.wait(SECONDS_BETWEEN_LOOKS):
            try:
                standing = None if self.path is None else Standing.of(self.path)
            except (NassearchError, OSError):  # what is wrong with it the search itself finds out
                continue
            self.look(standing)

    def _line(self, standing: Standing | None) -> None:
        """Say in a line how far it is, where the best is another, and else once a minute."""
        now, best = time.monotonic(), None
        if standing is not None and standing.best is not None:
            best = standing.best.key
        last, when = self._last
        if (best is not None and best != last) or now - when >= SECONDS_BETWEEN_LINES:
            lines = [f"{title}: {done} of {total}" for title, (done, total) in list(self._work.items())]
            lines += [] if standing is None else [headline(standing)]
            echo(*(f"nassearch: {line}" for line in lines), err=self._err) if lines else None
            self._last = best or last, now


def headline(standing: Standing) -> str:
    """Return in one line what is trained, what is best, and how long it may still take."""
    of = "" if standing.budget is None else f" of {standing.budget}"
    parts = [
        f"{standing.models:g}{of} model{'' if (standing.budget or standing.models) == 1 else 's'} trained"
    ]
    if (best := standing.best) is not None:
        parts.append(
            f"best validation accuracy {best.valid:.2f} percent, of model {1 + standing.told.index(best)}"
        )
    if standing.finishing:
        parts.append("final training of the winner")
    if standing.made:
        parts.append(f"{duration(standing.spent)} spent")
    if standing.left and standing.winner is None:
        parts.append(f"about {duration(standing.left)} left")
    return "; ".join(parts)


def drawn(standing: Standing | None, work: dict[str, tuple[int, int]], width: int) -> RenderableType:
    """Return what a terminal of a width shows: other work in progress, the line of `headline`, the last trainings."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    lines: list[RenderableType] = [
        Text(inert(f"{title}: {done} of {all_}")) for title, (done, all_) in work.items()
    ]
    if standing is None:
        return Group(*lines)
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("model", "validation %", "seconds", "parameters", "", "architecture"):
        grid.add_column(name, justify="left" if name in ("", "architecture") else "right", no_wrap=True)
    room = max(10, width - OTHER_COLUMNS)
    numbered = list(enumerate(standing.told, start=1))
    shown = numbered[-ROWS:]
    best = standing.best
    if best is not None and all(entry is not best for _, entry in shown):
        shown = [each for each in numbered if each[1] is best] + shown[1:]
    for number, entry in shown:
        said = "best so far" if entry is best else "" if entry.status == "trained" else entry.status
        arch = inert(entry.text)
        arch = arch if len(arch) <= room else f"{arch[: room - 3]}..."
        cells = [text(number), text(entry.valid), f"{entry.seconds:.1f}", text(entry.params), said, arch]
        grid.add_row(*(Text(inert(cell)) for cell in cells), style="bold" if entry is best else "")
    running = f"{standing.running} in training" if standing.running else ""
    lines += [Text(inert(headline(standing))), *([Text(running)] if running else []), Text("")]
    return Group(*lines, *([grid] if shown else []))


def duration(seconds: float) -> str:
    """Write a time as people say it.

    >>> duration(12.4), duration(200), duration(7505)
    ('12 s', '3 min 20 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(count: int, what: str) -> str:
    """Write how many there are.

    >>> counted(1, "epoch"), counted(3, "epoch")
    ('1 epoch', '3 epochs')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def ended(winner: Mapping[str, Any]) -> list[str]:
    """Return what a search came to, in lines."""
    lines = [f"winner: {winner['text']}"]
    if (valid := winner.get("valid")) is not None:
        lines.append(
            f"validation accuracy: {valid:.2f} percent, after {counted(winner['recipe']['epochs'], 'epoch')}"
        )
    if (test := winner.get("test")) is not None:
        interval = winner.get("test_interval")
        within = "" if interval is None else f", 95 % {interval[0]:.2f} to {interval[1]:.2f}"
        lines.append(f"test accuracy: {test:.2f} percent{within}, of {winner.get('test_examples')} examples")
    return lines
