"""The folder of a search that is asked and told: begun, opened, held for a step, and followed by what others added."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from nassearch.errors import InvalidSetting, quoted
from nassearch.files.inert import inert
from nassearch.files.lines import once_free
from nassearch.search.asking.course import Course
from nassearch.search.asking.steps import FILE, Asked, Step, StepFile, read_asked
from nassearch.search.asking.wanted import FREE, UNBOUNDED, Wanted, try_out
from nassearch.search.pareto.objectives import Objective
from nassearch.search.trained.begin import begin
from nassearch.workers.progress import Watch

PATIENCE = 600.0
"""Seconds that an ask or a tell waits for another process that is at one."""
REMEDY = "give another folder"


class AskedFolder:
    """A search that others train for, and the course that it has taken by now.

    Args:
        path: of the folder.
        watch: told of the progress of scoring; None for nobody.
        workers: processes that score; None for this one alone.
        wanted: what the search is for; None to read it in the folder.
    """

    def __init__(self, path: Path, watch: Watch | None, workers: int | None, wanted: Wanted | None) -> None:
        self.path, self._watch, self._workers = path, watch, workers
        found = read_asked(self._file) if wanted is None else None
        self.wanted = Wanted.of(found.made) if found is not None else wanted or Wanted()
        self.oracle = self.wanted.oracle()
        self._experiment = self.wanted.experiment(self.oracle)
        self.space, self.task = self.oracle.space, self.oracle.dataset.task
        header = self._experiment.header()
        # In the file the budget may be followed by others, so that it tells no two searches apart.
        self._header = replace(header, experiment={**header.experiment, "budget": UNBOUNDED})
        self.objectives: tuple[Objective, ...] = self._experiment._objectives
        self._course: Course | None = None
        self._taken: list[Step] = []
        if found is not None:
            self._refuse_other(found)

    @classmethod
    def begin(
        cls,
        folder: str | os.PathLike[str],
        *,
        watch: Watch | None = None,
        workers: int | None = None,
        **wanted: Any,
    ) -> Self:
        """Begin a search in a folder, or go on with the same one; another `budget` takes the place of the one before.

        Args:
            folder: made where there is none.
            watch: told of the progress of scoring.
            workers: processes that score.
            wanted: see `nassearch.search.asking.wanted.Wanted`.

        Raises:
            NassearchError: one of its kinds, with what to do about it, before anything is written.
        """
        made = cls(Path(folder), watch, workers, Wanted(**wanted))
        made._begin()
        return made

    @classmethod
    def open(
        cls, folder: str | os.PathLike[str], *, watch: Watch | None = None, workers: int | None = None
    ) -> Self:
        """Open a search that was begun.

        Raises:
            MissingData: there is none.
            BadData: its file is damaged.
            InvalidSetting: the code, the space or the version of now is not that of then.
        """
        return cls(Path(folder), watch, workers, None)

    @property
    def made(self) -> dict[str, Any]:
        """Return what the search is for, as plain JSON values, without what is as usual."""
        return json.loads(json.dumps(self.wanted.made()))  # type: ignore[no-any-return]

    @property
    def label(self) -> str:
        """Return the search in words, such as "ae, warm-up 3000 by epsilon"."""
        return self._experiment.label

    def course(self) -> Course:
        """Return the course so far, what other processes have added included."""
        return self._followed(read_asked(self._file))

    def __repr__(self) -> str:
        return inert(f"{type(self).__name__}({self.path}: {self.label} in {self.oracle.text})")

    @property
    def _file(self) -> Path:
        return self.path / FILE

    def _begin(self) -> None:
        new = Asked(self.made, self._header, [])
        if not self._file.exists():
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise InvalidSetting(
                    f"{self.path} holds other things than a search: {REMEDY}, an empty or a new one"
                )
            try_out(self.space, self.task)
            self._course = self._fresh(self.wanted.budget)
        file = once_free(lambda: StepFile(self._file, new), PATIENCE)
        try:
            self._refuse_other(file.held)
            course = self._followed(file.held)
            if course.budget != self.wanted.budget:
                self._step(file, course, Step("budget", self.wanted.budget or 0))
        finally:
            file.close()

    def _refuse_other(self, found: Asked) -> None:
        """Raise `InvalidSetting` where the folder holds another search than this one, or one by other code."""
        made = self.made
        for name in sorted((made.keys() | found.made.keys()) - set(FREE)):
            there, here = (quoted(each.get(name)) for each in (found.made, made))
            if there != here:
                raise InvalidSetting(
                    f"{self.path} holds a search with {name} {there}, and this one has {here}: {REMEDY}"
                )
        difference = found.header.difference(self._header)
        if difference is not None:
            name, there, here = difference
            raise InvalidSetting(
                f"{self.path} holds asks by {name} {quoted(there)}, and here it is {quoted(here)}, which may ask for "
                f"others: go on with what began it, or {REMEDY}"
            )

    def _fresh(self, budget: int | None) -> Course:
        self._taken = []
        strategy, _, objectives = begin(self._experiment, self._watch, self._workers)
        return Course(strategy, self.oracle, objectives, budget, self.wanted.epochs)

    def _followed(self, found: Asked) -> Course:
        """Return the course after all steps of the file."""
        if self._course is None or found.steps[: len(self._taken)] != self._taken:
            self._course = self._fresh(found.made.get("budget"))
        course = self._course
        for step in found.steps[len(self._taken) :]:
            self._go(course, step)
        return course

    def _go(self, course: Course, step: Step) -> None:
        """Take a step; where it cannot be taken whole, the course is followed anew next time."""
        try:
            course.take(step)
        except BaseException:
            self._course = None
            raise
        self._taken.append(step)

    def _step(self, file: StepFile, course: Course, step: Step) -> None:
        """Write a step, and take it."""
        file.append(step)
        self._go(course, step)

    @contextmanager
    def _held(self) -> Iterator[tuple[StepFile, Course]]:
        """Hold the file, once the course has followed it: others wait for no more than what came meanwhile."""
        self.course()
        file = once_free(lambda: StepFile(self._file), PATIENCE)
        try:
            yield file, self._followed(file.held)
        finally:
            file.close()
