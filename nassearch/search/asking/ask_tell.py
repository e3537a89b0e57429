"""Ask for architectures, train them elsewhere, tell their values: any number of processes, over any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nassearch.checks import number, whole
from nassearch.errors import InvalidSetting, quoted
from nassearch.provenance.blame import blamed
from nassearch.search.asking.ask import Ask
from nassearch.search.asking.book import FORGOTTEN, PENDING, Key, Standing, Values
from nassearch.search.asking.calendar import age, now
from nassearch.search.asking.course import Course, published
from nassearch.search.asking.folder import AskedFolder
from nassearch.search.asking.steps import Step, StepFile, check_text
from nassearch.search.schema import LARGEST
from nassearch.types import Arch, is_number, plain

MOST = 1000
"""Asks at once."""
FAILED = "where a training came to nothing, tell --failed (from Python: failed=True)"
UNKNOWN = "leave out what is not known"


class Told(NamedTuple):
    """What became of a value.

    Attributes:
        id: of the ask; None for an architecture that was not asked for.
        text: the architecture.
        values: of all objectives, as published; None where the training came to nothing.
        new: whether it was not told before.
        learnt: whether the strategy learns from it. Where not, it is kept for when it is asked for.
    """

    id: int | None
    text: str
    values: Values
    new: bool
    learnt: bool


class AskTell(AskedFolder):
    """A search whose architectures are trained elsewhere.

        search = nassearch.AskTell.begin("results/mine", space="nasbench201", strategy="ae", budget=100)
        for ask in search.ask(2):
            search.tell(ask.id, train(ask.module()))

    All of it is in one file of the folder, a line a step, and its order decides: the strategy is deterministic, so the
    same steps lead to the same asks, in whatever process. Any number of processes may ask and tell at once. Each step
    is there in full or not at all, so that a kill at any moment loses none.

    What was asked for stays pending until it is told, failed or forgotten; no clock ends it. An architecture is never
    asked for twice: one that the strategy wants again is told again by itself, and counted, as in `Experiment`.

    Attributes:
        path: of the folder.
        wanted: what the search is for.
        why: why the last `ask` gave fewer than it was asked for; None where it did not.
        ended: whether it gave none, and nothing will come but by a larger budget or of what is forgotten.
    """

    why: str | None = None
    ended: bool = False

    def ask(self, count: int = 1, *, worker: str | None = None, again: float | None = None) -> list[Ask]:
        """Return architectures to train; fewer than asked for where there are no more, and `why` says why.

        Args:
            count: how many.
            worker: a name of whoever asks. What it was handed before and has not told comes first.
            again: seconds; what was handed out longer ago, and is pending, comes before what is new. None for new
                ones alone.

        Raises:
            InvalidSetting: one of these means nothing.
            BadData: the folder is damaged, or does not fit the code.
            Busy: another process has held it for ten minutes.
        """
        count = whole("count", count, most=MOST)
        worker = check_text("worker", worker)
        if worker == "":
            raise InvalidSetting(
                "worker is a name, not an empty text, which all without a name would share: give each its own, or none"
            )
        if again is not None:
            number("again", again)
        with self._held() as (file, course):
            given = self._handed_before(file, course, count, worker, again)
            self.why = None
            while len(given) < count and self.why is None:
                self.why = self._add_new(file, course, worker, given)
            self.ended = self.why is not None and not given and course.is_over(again is not None)
            return [self._ask(each) for each in given]

    def tell(
        self,
        what: int | str | Arch | Ask,
        value: float | None = None,
        *,
        failed: bool = False,
        metrics: Mapping[str, float] | None = None,
        seconds: float | None = None,
        note: str | None = None,
        epochs: int | None = None,
    ) -> Told:
        """Tell what a training reached, as published: a loss is not negated.

        What was told stays: the same value once more changes nothing, and another one is refused, since later asks
        follow from the first.

        Args:
            what: the id of an ask, or an architecture, also one that was never asked for.
            value: what was reached.
            failed: whether the training came to nothing, in the place of a value.
            metrics: further ones by name: told objectives have to be among them, and a cost that is an objective may.
            seconds: that the training took.
            note: what there is to say of it.
            epochs: of a shorter training, where `what` is no id.

        Raises:
            InvalidSetting: there is no such ask, the value is no finite number, or another one than was told.
            InvalidArch: not an architecture of the space.
        """
        metrics, seconds, note = self._checked(value, failed, metrics, seconds, note)
        with self._held() as (file, course):
            asked, key = self._meant(course, what, epochs)
            values = self._values(key[0], value, failed, metrics)
            there, text = course.known.get(key), self.space.format(key[0])
            ident = None if asked is None else asked.number
            if there is not None:
                self._refuse_change(text, there.values, values)
                return Told(ident, text, there.values, False, True)
            waiting = any(each.state == PENDING and each.key == key for each in course.asks)
            facts: dict[str, Any] = {"metrics": metrics, "seconds": seconds, "note": note}
            self._step(file, course, Step("tell", ident, *key, values=values, **facts))
            return Told(ident, text, values, True, waiting or course.learns(key))

    def forget(self, ident: int) -> bool:
        """Give up an ask that nobody will tell: the strategy takes it for one without a value, the budget has it back.

        Returns whether it was pending. Its value is taken all the same, should it come.

        Raises:
            InvalidSetting: there is no such ask, or it was told.
        """
        with self._held() as (file, course):
            asked = self._known(course, ident)
            if asked.state == FORGOTTEN:
                return False
            if asked.state != PENDING:
                raise InvalidSetting(f"ask {ident} was told already, and what was told stays")
            self._step(file, course, Step("forget", asked.number))
            return True

    @property
    def pending(self) -> list[Ask]:
        """Return what was asked for and not told, oldest first."""
        return [self._ask(each) for each in self.course().pending]

    def _ask(self, found: Standing) -> Ask:
        arch, epochs = found.key
        about = self.space, self.task, self.oracle.text
        return Ask(found.number, arch, self.space.format(arch), epochs, found.worker, *about)

    def _add_new(
        self, file: StepFile, course: Course, worker: str | None, given: list[Standing]
    ) -> str | None:
        """Add a new ask to those that are given; say why where there is none."""
        while (why := course.why_none()) is None:
            self._course = None  # until the step that is proposed is taken
            step = course.propose(len(course.asks) + 1, worker, now())
            if isinstance(step, str):
                return step
            file.append(step)
            self._go(course, step)
            self._course = course
            ask = course.asks[-1]
            if ask.state == PENDING and ask.first is None:
                given.append(ask)
                return None
        return why

    def _handed_before(
        self, file: StepFile, course: Course, count: int, worker: str | None, again: float | None
    ) -> list[Standing]:
        """Hand out what is pending: what this worker was handed before, then what is older than `again`."""
        own = [each for each in course.pending if worker is not None and each.worker == worker]
        old = [each for each in course.pending if again is not None and age(each.time) >= again]
        given = list({each.number: each for each in (*own, *old)}.values())[:count]
        for each in given:
            self._step(file, course, Step("again", each.number, worker=worker, time=now()))
        return given

    def _known(self, course: Course, ident: Any) -> Standing:
        ident = plain(ident)
        found = course.standing(ident) if type(ident) is int else None
        if found is None:
            there = f"they are 1 to {len(course.asks)}" if course.asks else "nothing was asked for yet"
            raise InvalidSetting(f"no ask of {self.path} has the id {quoted(ident)}: {there}")
        return found

    def _meant(self, course: Course, what: Any, epochs: int | None) -> tuple[Standing | None, Key]:
        """Return the ask that is meant, None for none, and the training."""
        if isinstance(what, Ask):
            return self._same(course, what, epochs)
        what = plain(what)
        if isinstance(what, str | tuple):
            space = self.space.unconstrained
            with blamed(space):
                arch = space.parse(what) if isinstance(what, str) else space.check(what)
                arch = tuple(map(int, arch))  # without truth values, which a file would keep as such
            epochs = None if epochs is None else whole("epochs", epochs)
            if epochs == self.wanted.epochs:
                epochs = None
            if epochs is not None and epochs not in self.oracle.shorter:
                known = ", ".join(map(str, (*self.oracle.shorter, self.wanted.epochs or "whole ones alone")))
                raise InvalidSetting(f"trainings of this search have epochs {known}, not {quoted(epochs)}")
            return next((each for each in course.pending if each.key == (arch, epochs)), None), (arch, epochs)
        if epochs is not None:
            raise InvalidSetting("the id of an ask says its epochs: leave them out")
        found = self._known(course, what)
        return found, found.key

    def _same(self, course: Course, what: Ask, epochs: int | None) -> tuple[Standing, Key]:
        """Return the ask that is meant; refuse one of another folder, whose number means another training here."""
        found, key = self._meant(course, what.id, epochs)
        if found is None or key != (what.arch, what.epochs):
            raise InvalidSetting(
                f"ask {what.id} of {self.path} is another one than this, {what.text}: tell the search that gave it, or "
                "tell its architecture"
            )
        return found, key

    @staticmethod
    def _checked(
        value: Any, failed: bool, metrics: Any, seconds: Any, note: Any
    ) -> tuple[dict[str, float], float | None, str | None]:
        if failed is not True and failed is not False:
            raise InvalidSetting(f"failed is true or false, not {quoted(failed)}")
        if failed == (value is not None):
            raise InvalidSetting(
                "a training has a value, or it failed: tell one of both, as in 93.1, or --failed (from Python: "
                "failed=True)"
            )
        if value is not None:
            _finite("the value", value)
        if metrics is not None and not isinstance(metrics, Mapping):
            raise InvalidSetting(
                f"metrics are numbers by name, such as {{'energy': 4.2}}, not {quoted(metrics)}"
            )
        found = {check_text("the name of a metric", name) or "": _finite(f"metric {name}", each, UNKNOWN)
                 for name, each in (metrics or {}).items()}  # fmt: skip
        if "" in found:
            raise InvalidSetting("a metric has a name, as in --metric energy=4.2")
        if seconds is not None:
            seconds = float(number("seconds", seconds, most=LARGEST))
        return found, seconds, check_text("note", note)

    def _values(self, arch: Arch, value: Any, failed: bool, metrics: Mapping[str, float]) -> Values:
        """Return what is told, of all objectives."""
        objectives = self.objectives
        if failed:
            return (None,) * max(1, len(objectives))
        missing = [each.name for each in objectives if each.told and each.name not in metrics]
        if missing:
            raise InvalidSetting(
                f"{missing[0]} is an objective that only you can tell: add it, as in --metric {missing[0]}=4.2 (from "
                f"Python: metrics={{{missing[0]!r}: 4.2}})"
            )
        return published(objectives, self.oracle, arch, _finite("the value", value), metrics)

    def _refuse_change(self, text: str, there: Values, here: Values) -> None:
        if there != here:
            before, now = (_told(each) for each in (there, here))
            raise InvalidSetting(
                f"{text} was told {before} before, and this says {now}: what was told stays, since later asks follow "
                "from it; if it was wrong, begin another folder and tell it all that is right"
            )


def _finite(name: str, value: Any, remedy: str = FAILED) -> float:
    value = plain(value)
    if not is_number(value) or not abs(value) <= LARGEST:
        raise InvalidSetting(f"{name} is a finite number, not {quoted(value)}: {remedy}")
    return float(value)


def _told(values: Values) -> str:
    return (
        "failed" if values[0] is None else " and ".join(f"{each:.10g}" for each in values if each is not None)
    )
