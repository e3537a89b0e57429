"""The loop: ask a strategy, train on workers, tell, and write down every step before it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.errors import BadData
from nassearch.provenance.blame import blamed
from nassearch.search.pareto.asking import asked as ask_strategy
from nassearch.search.pareto.asking import tell
from nassearch.search.pareto.objectives import Objective, values_of
from nassearch.search.runner import METRICS, Round, share_of
from nassearch.search.trained.clock import Clock
from nassearch.search.trained.events import Event, EventFile
from nassearch.strategies.base import Strategy
from nassearch.types import Arch, Scorer
from nassearch.workers.done import Done, Pool

IN_VAIN = 200
"""Architectures in a row that are known already: then the strategy has nothing new to ask for."""
SECONDS_BETWEEN_LOOKS = 0.5

Asked = tuple[Arch, int | None]
"""An architecture, and the epochs of a shorter training or None."""


class Driver:
    """One search, from its first step or from wherever a kill has left it.

    A strategy is deterministic, so what it was asked and told, in order, brings it back to where it was. What was
    asked for and not told is trained first, from where its own state was kept. Nothing is trained twice.

    Args:
        bench: the oracle, whose ledger holds what was trained.
        strategy: of this search, warmed up.
        events: the file of its steps.
        clock: what may be trained.
        scorers: by role, whose scores of what is trained are recorded.
        objectives: of which the strategy is told all values; none where what is trained for is all.
        seen: called now and then, to show the search.

    Raises:
        BadData: the strategy asks for something else than the file says.
    """

    def __init__(
        self,
        bench: TrainedBenchmark,
        strategy: Strategy,
        events: EventFile,
        clock: Clock,
        scorers: Mapping[str, Scorer],
        seen: Callable[[Driver], None],
        objectives: Sequence[Objective] = (),
    ) -> None:
        self.bench, self.strategy, self.clock = bench, strategy, clock
        self._events, self._scorers, self._seen = events, scorers, seen
        self._objectives = objectives
        self.told: list[Entry] = []
        self.pending: list[Asked] = []
        self._about: dict[Asked, dict[str, Any]] = {}  # of what is in training: scores and latency
        self._over = False

    @property
    def best(self) -> Entry | None:
        """Return the best whole training so far, the first of equals."""
        whole = [entry for entry in self.told if entry.status == TRAINED and entry.share == 1.0]
        return max(whole, key=lambda entry: entry.valid or 0.0, default=None)

    def run(self, pool: Pool) -> None:
        """Train until the budget is used up, or the strategy has nothing new to ask for."""
        self._replay()
        while True:
            self._go_on(pool)
            self._ask(pool)
            if not self.pending:
                return
            for done in pool.wait(SECONDS_BETWEEN_LOOKS):
                self._finish(done)
            self._seen(self)

    def round(self) -> Round:
        """Return what was trained so far as a round."""
        answers = [self.bench.answer(entry) for entry in self.told]
        valid, test, seconds = (np.array([getattr(each, name) for each in answers]) for name in METRICS)
        shares = [entry.share for entry in self.told]
        archs = [entry.arch for entry in self.told]
        revisits = len(archs) - len(set(zip(archs, shares, strict=True)))
        with blamed(self.strategy):
            report = self.strategy.report()
        costs = None if set(shares) <= {1.0} else np.array(shares)
        further = {each.name: np.array([*map(each.cost, archs)]) for each in self._objectives if each.cost}
        return Round(0, archs, valid, test, seconds, revisits, report, costs, further)

    def _replay(self) -> None:
        for event in list(self._events.events):
            asked = event.arch, event.epochs
            if event.kind == "ask":
                if self._asked() != asked:
                    raise BadData(
                        f"{self._events.path} has steps that this search does not take: another version of a part "
                        "took them; go on with that, or give another --out"
                    )
                self._count(asked)
            elif asked in self.pending and (entry := self.bench.known(*asked)) is not None:
                self._tell(asked, entry)
            else:
                raise BadData(
                    f"{self._events.path} tells of a training that is not recorded: the ledger beside it was changed; "
                    "give another --out"
                )

    def _go_on(self, pool: Pool) -> None:
        """Begin with what was asked for before, as far as there are places."""
        for asked in dict.fromkeys(self.pending):
            if pool.free > 0 and asked not in self._about:
                self._begin(pool, asked)

    def _ask(self, pool: Pool) -> None:
        """Ask for as much as can be trained at once."""
        in_vain = 0
        while pool.free > 0 and in_vain < IN_VAIN and not self._over:
            self.strategy.pending = tuple(arch for arch, _ in self.pending)
            with blamed(self.strategy):
                if self.pending and self.strategy.waits:
                    return
            if not self.clock.allows(self._least_share(), self.told, self.best):
                return
            asked = self._asked()
            if not self.clock.allows(share_of(self.strategy, self.bench), self.told, self.best):
                self._over = True  # to ask for another would leave a step out, and nobody could replay that
                return
            self._events.append(Event("ask", *asked))
            self._count(asked)
            in_vain = 0 if self._begin(pool, asked) else in_vain + 1

    def _least_share(self) -> float:
        return min([1.0, *(self.bench.shorter[epochs] for epochs in self.strategy.shorter_epochs)])

    def _asked(self) -> Asked:
        self.strategy.pending = tuple(arch for arch, _ in self.pending)
        with blamed(self.strategy, self.bench.space):
            return ask_strategy(self.strategy, len(self._objectives)), self.strategy.asked_epochs

    def _count(self, asked: Asked) -> None:
        self.clock.asked += share_of(self.strategy, self.bench)
        self.pending.append(asked)

    def _begin(self, pool: Pool, asked: Asked) -> bool:
        """Tell what is known already; train what is not and is not in training, and say so.

        What is recorded beside a training is found out before it: a part of someone else's that fails costs none.
        """
        if asked in self._about:
            return False
        entry = self.bench.known(*asked)
        if entry is None:
            self._about[asked] = self._recorded_of(asked[0])
            pool.submit(asked)
            return True
        self._tell_and_write(asked, entry)
        return False

    def _finish(self, done: Done) -> None:
        asked: Asked = done.item
        if done.error is not None:
            raise done.error
        entry = done.result if done.died is None else self.bench.lost(asked[0], done.died, asked[1])
        recorded = self.bench.record(replace(entry, **self._about.pop(asked)))
        for _ in range(self.pending.count(asked)):
            self._tell_and_write(asked, recorded)

    def _recorded_of(self, arch: Arch) -> dict[str, Any]:
        scores = {role: _number(scorer([arch])[0]) for role, scorer in self._scorers.items()}
        latencies = [each.cost(arch) for each in self._objectives if each.name == "latency" and each.cost]
        return {"scores": scores, "latency": next(map(_number, latencies), None)}

    def _tell_and_write(self, asked: Asked, entry: Entry) -> None:
        self._events.append(Event("tell", *asked))
        self._tell(asked, entry)

    def _tell(self, asked: Asked, entry: Entry) -> None:
        self.pending.remove(asked)
        self.told.append(entry)
        with blamed(self.strategy):
            values = values_of(self._objectives, asked[0], self.bench.answer(entry).valid)
            tell(self.strategy, asked[0], values)


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


class Trainer:
    """What workers do: train what was asked for; the driving process records it."""

    def __init__(self, bench: TrainedBenchmark) -> None:
        self.bench = copy(bench)
        self.bench.folder = bench.folder and bench.folder.absolute()  # workers may be elsewhere

    def __call__(self, asked: Asked) -> Entry:
        return self.bench.train(*asked)
