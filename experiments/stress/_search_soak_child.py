"""A command that notes which phase it is in, what it trains and which files it touches, and can kill itself at one."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

EVERY = 0.1
"""Seconds after which a training keeps its state."""
OPERATIONS = ("open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "sqlite3.connect")
PHASES = {
    "reading": "search",
    "opening": "search",
    "warm-up": "search",
    "training": "search",
    "keeping state": "search",
    "keeping weights": "search",
    "final training": "search",
    "winner": "search",
    "page": "report",
    "export": "export",
    "ONNX": "export",
    "writing files": "export",
}
"""The phases of the way, by the command that goes through them; those of trainings are in workers."""
SEARCHING, LOOP = "nassearch.search.trained.searching", "nassearch.training.single.loop"
IN_COMMAND = [
    ("nassearch.search.trained.asked", "open_oracle", "reading"),
    (SEARCHING, "open_folder", "opening"),
    (SEARCHING, "begin", "warm-up"),
    ("nassearch.search.trained.driver", "Driver.run", "training"),
    (SEARCHING, "_final", "final training"),
    (SEARCHING, "finish", "winner"),
    ("nassearch.search.trained.folder", "SearchFolder.write_winner", "winner"),
    (SEARCHING, "_outcome", "winner"),
    ("nassearch.reports.page.report", "report", "page"),
    ("nassearch.reports.page.report", "Page.save", "page"),
    ("nassearch.export.writing", "export", "export"),
    ("nassearch.export.onnx_file", "onnx_bytes", "ONNX"),
    ("nassearch.export.writing", "write_together", "writing files"),
]
IN_WORKER = [
    ("nassearch.training.single.state", "Course.keep", "keeping state"),
    ("nassearch.benchmarks.trained.benchmark", "write_whole", "keeping weights"),
]


@dataclass(frozen=True)
class Plan:
    """When a process kills itself: at an operation on a file of a phase, counted from 1, alone or with its group."""

    phase: str
    die_at: int
    group: bool


class Notes:
    """Lines of (life, kind, of what, when) in a file that the processes of all lives add to."""

    def __init__(self, path: Path, life: int, place: Path, plan: Plan | None) -> None:
        self.path, self.life, self.place, self.plan, self.leader = path, life, str(place), plan, os.getpid()
        self.phase, self.seen, self.busy = "start", 0, False

    def add(self, kind: str, of: str) -> None:
        """Add a line in one go."""
        self.busy = True
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, json.dumps([self.life, kind, of, time.monotonic()]).encode() + b"\n")
        os.close(descriptor)
        self.busy = False

    def within(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that notes that it is a phase."""

        def noted(*args: Any, **options: Any) -> Any:
            before, self.phase = self.phase, phase
            self.add("phase", phase)
            try:
                return function(*args, **options)
            finally:
                self.phase = before
                self.add("phase", before)

        return noted

    def after(self, kind: str, function: Callable[..., Any], of: Callable[..., str]) -> Callable[..., Any]:
        """Return a function that notes what it has done."""

        def noted(*args: Any, **options: Any) -> Any:
            found = function(*args, **options)
            self.add(kind, of(*args, **options))
            return found

        return noted

    def watch(self, event: str, args: tuple[Any, ...]) -> None:
        """Note an operation on a file of the place, and die at the one that is planned."""
        if self.busy or event not in OPERATIONS or not args or not isinstance(args[0], str | os.PathLike):
            return
        if not os.path.abspath(os.fspath(args[0])).startswith(self.place):
            return
        self.add(f"operation of {os.getpid()}", self.phase)
        if self.plan is not None and self.phase == self.plan.phase:
            self.seen += 1
            if self.seen == self.plan.die_at:
                (os.killpg if self.plan.group else os.kill)(self.leader, signal.SIGKILL)

    def put_in(self, places: list[tuple[str, str, str]]) -> None:
        """Put noting functions in the place of those that are phases, and look at files."""
        for module, name, phase in places:
            owner, _, name = name.rpartition(".")
            home = getattr(import_module(module), owner) if owner else import_module(module)
            setattr(home, name, self.within(phase, getattr(home, name)))
        sys.addaudithook(self.watch)


class Noted:
    """What workers do, with notes."""

    def __init__(self, function: Callable[[Any], Any], notes: Notes) -> None:
        self.function, self.notes, self.ready = function, notes, False

    def __call__(self, item: Any) -> Any:
        if not self.ready:
            self.prepare()
            self.ready = True
        return self.function(item)

    def prepare(self) -> None:
        """Keep the state often, and note trainings and epochs."""
        from nassearch.benchmarks.trained.benchmark import TrainedBenchmark

        notes, loop = self.notes, import_module(LOOP)
        notes.phase = "training"
        notes.put_in(IN_WORKER)
        loop.EVERY = EVERY
        train_by = TrainedBenchmark.train_by

        def begun(bench: Any, arch: Any, recipe: Any, weights: bool = True) -> Any:
            notes.phase = "training" if recipe.epochs == bench.recipe.epochs else "final training"
            notes.add("begun", f"{arch} {recipe.epochs}")
            return train_by(bench, arch, recipe, weights)

        def epoch(training: Any, course: Any, loss: float) -> str:
            return f"{course.place.epoch} of {training.state.name}"

        TrainedBenchmark.train_by = begun  # type: ignore[method-assign]
        loop._Training._judge = notes.after("epoch", loop._Training._judge, epoch)


def command(args: list[str], trace: Path, life: int, plan: Plan | None) -> NoReturn:
    """Run a command in the current folder, with notes, and end this process with it."""
    from nassearch.benchmarks.trained.ledger import _File
    from nassearch.cli import main
    from nassearch.workers.apart import Apart

    notes = Notes(trace, life, Path.cwd(), plan)
    made = Apart.__init__

    def init(pool: Any, function: Callable[[Any], Any], workers: int = 1) -> None:
        made(pool, Noted(function, notes), workers)

    Apart.__init__ = init  # type: ignore[method-assign]
    recorded = notes.after(
        "recorded", _File.append, lambda file, entry: f"{entry.arch} {entry.recipe['epochs']}"
    )
    _File.append = recorded  # type: ignore[method-assign]
    notes.put_in(IN_COMMAND)
    sys.argv = ["nassearch", *args]
    status = 0
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    notes.add("phase", "end")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
