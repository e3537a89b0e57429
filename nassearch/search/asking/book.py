"""What the steps of a search say without its strategy: who was handed what, what was told, what is left."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from nassearch.errors import BadData
from nassearch.search.asking.steps import REMEDY, Step
from nassearch.types import Arch

Key = tuple[Arch, int | None]
"""A training: an architecture, and the epochs of a shorter one or None."""
Values = tuple[float | None, ...]
"""Of all objectives, as published; None where a training came to nothing."""
PENDING, TOLD, FORGOTTEN = "pending", "told", "forgotten"


@dataclass
class Standing:
    """How an ask stands.

    Attributes:
        number: its id.
        key: what it asks for.
        share: what that costs of a whole training.
        worker, time: whom it was handed to last, and when.
        first: the ask that was pending for the same training before, and is told together with this one; None for
            none.
        state: `pending`, `told` or `forgotten`.
    """

    number: int
    key: Key
    share: float
    worker: str | None
    time: int
    first: int | None = None
    state: str = PENDING


@dataclass
class Model:
    """What was told of a training, or was known already when it was asked for."""

    key: Key
    share: float
    values: Values
    seconds: float


@dataclass
class Book:
    """The asks and what was told, after some steps.

    Args:
        budget: models that may be asked for; None for no end.
        whole: epochs of a whole training, where there are shorter ones.
        width: objectives.
    """

    budget: int | None
    whole: int | None
    width: int
    asks: list[Standing] = field(default_factory=list)
    known: dict[Key, Step] = field(default_factory=dict)
    models: list[Model] = field(default_factory=list)
    vain: int = 0
    """Asks in a row, up to now, for what was known or pending already."""

    @property
    def pending(self) -> list[Standing]:
        """Return the asks that somebody has to train, oldest first."""
        return [each for each in self.asks if each.state == PENDING and each.first is None]

    @property
    def spent(self) -> float:
        """Return the models that were asked for, shorter trainings at their share, and without those forgotten."""
        return math.fsum(each.share for each in self.asks if each.state != FORGOTTEN)

    def standing(self, number: int) -> Standing | None:
        """Return how an ask stands; None where there is none of this number."""
        return self.asks[number - 1] if 1 <= number <= len(self.asks) else None

    def take(self, step: Step) -> None:
        """Go one step on.

        Raises:
            BadData: it cannot follow on those before it.
        """
        match step.kind:
            case "ask":
                self.take_ask(step)
            case "tell":
                self._take_tell(step)
            case "again":
                ask = self._of(step)
                ask.worker, ask.time = step.worker, step.time or 0
            case "forget":
                self._take_forget(step)
            case _:
                self.budget = step.number or None
        if step.kind != "ask":
            self.vain = 0

    def take_ask(self, step: Step) -> None:
        """Take an ask: what is known already is told at once."""
        assert step.arch is not None
        key = step.arch, step.epochs
        first = next((each.number for each in self.pending if each.key == key), None)
        ask = Standing(len(self.asks) + 1, key, self.share(step.epochs), step.worker, step.time or 0, first)
        self.asks.append(ask)
        self.vain = self.vain + 1 if first is not None or key in self.known else 0
        if (known := self.known.get(key)) is not None:
            ask.state = TOLD
            self._note(key, known.values, 0.0)
            self.learn(key, known.values)

    def share(self, epochs: int | None) -> float:
        """Return what a training costs of a whole one."""
        if epochs is None:
            return 1.0
        if self.whole is None or epochs >= self.whole:
            raise BadData(f"the folder asks for {epochs} epochs, and has no such shorter trainings; {REMEDY}")
        return epochs / self.whole

    def learn(self, key: Key, values: Values, asked: bool = True) -> None:
        """Let a strategy learn what was told; here there is none."""

    def _take_tell(self, step: Step) -> None:
        assert step.arch is not None
        key = step.arch, step.epochs
        if key in self.known:
            raise BadData(f"the folder tells twice of {list(step.arch)}; {REMEDY}")
        if len(step.values) != self.width:
            raise BadData(
                f"the folder tells {len(step.values)} values, and has {self.width} objectives; {REMEDY}"
            )
        self.known[key] = step
        waiting = [each for each in self.asks if each.state == PENDING and each.key == key]
        for ask in waiting:
            ask.state = TOLD
            self._note(key, step.values, (step.seconds or 0.0) if ask.first is None else 0.0)
            self.learn(key, step.values)
        if not waiting:
            self._note(key, step.values, step.seconds or 0.0)
            self.learn(key, step.values, asked=False)

    def _take_forget(self, step: Step) -> None:
        key = self._of(step).key
        for ask in self.asks:
            if ask.state == PENDING and ask.key == key:
                ask.state = FORGOTTEN
                self.learn(key, (None,) * self.width)

    def _note(self, key: Key, values: Values, seconds: float) -> None:
        self.models.append(Model(key, self.share(key[1]), values, seconds))

    def _of(self, step: Step) -> Standing:
        found = self.standing(step.number or 0)
        if found is None or found.state != PENDING:
            raise BadData(f"the folder says {step.kind} of ask {step.number}, which is not pending; {REMEDY}")
        return found
