"""Find a network for data of one's own: search, train the winner longer, and judge it once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.checks import a_path
from nassearch.errors import NassearchError
from nassearch.files.inert import inert
from nassearch.search.outcome import Outcome
from nassearch.search.store import Store
from nassearch.search.trained.asked import BUDGET, Search
from nassearch.search.trained.begin import begin
from nassearch.search.trained.clock import Clock
from nassearch.search.trained.driver import Driver, Trainer
from nassearch.search.trained.events import EventFile
from nassearch.search.trained.folder import EVENTS, RESULTS, SearchFolder
from nassearch.search.trained.opening import folder_name, open_folder
from nassearch.search.trained.winner import decide_final, finish, most_of_final, train_final
from nassearch.workers.apart import open_pool
from nassearch.workers.progress import Watch

ENDLESS = 10**7
"""Stands for the budget of a search that ends by the clock."""

Tell = Callable[[str], None]
Seen = Callable[[Driver], None]


@dataclass(frozen=True, repr=False)
class Found:
    """What a search came to.

    Attributes:
        folder: that holds all of it.
        outcome: the search as a result of one round.
        winner: what `winner.json` says; None where the search was stopped before.
        interruption: what stopped it, Ctrl-C or a signal; None where it has ended by itself.
    """

    folder: SearchFolder
    outcome: Outcome
    winner: dict[str, Any] | None
    interruption: KeyboardInterrupt | None = None

    @property
    def stopped(self) -> bool:
        """Return whether it was stopped before its end."""
        return self.interruption is not None

    def __repr__(self) -> str:
        best = self.folder.best
        what = "nothing trained" if best is None else f"{best.text}, validation {best.valid:.2f} percent"
        return inert(f"Found({what}, in {self.folder.path})")


def find_network(
    source: str | os.PathLike[str], *, out: str | os.PathLike[str] | None = None, **asked: Any
) -> Found:
    """Find a network for a data set, by training as few as possible.

        found = nassearch.find_network("my_images", hours=2)
        found.winner["text"], found.winner["test"], found.folder.path

    Args:
        source: a folder of images with a folder for each class, an `.npz` file, a sheet, or `module:function`; see
            `nassearch.datasets.open_dataset`.
        out: folder for all that comes of it; one that is there is gone on with. None for one in `results`.
        asked: the other attributes of `nassearch.search.trained.asked.Search`.

    Raises:
        NassearchError: one of its kinds, with what to do about it; before anything is trained, where that can be.
    """
    return run_search(Search(source, **asked), out)


def run_search(
    asked: Search,
    out: str | os.PathLike[str] | None = None,
    *,
    watch: Watch | None = None,
    tell: Tell = lambda line: None,
    seen: Seen = lambda driver: None,
) -> Found:
    """Search as asked; `tell` gets a line for each thing that is decided, `seen` the driver now and then."""
    path = None if out is None else a_path("out is the path of a folder, such as results/my_images", out)
    oracle = asked.oracle(watch)
    for note in oracle.data.notes:
        tell(f"data: {note}")
    path = path or Path("results") / folder_name(oracle.data)
    with ExitStack() as stack:
        folder, bench = open_folder(asked, oracle, path, tell)
        events = stack.enter_context(closing(EventFile(path / EVENTS)))
        folder.write()
        return _searched(asked, folder, bench, events, watch, tell, seen)


def _searched(
    asked: Search,
    folder: SearchFolder,
    bench: TrainedBenchmark,
    events: EventFile,
    watch: Watch | None,
    tell: Tell,
    seen: Seen,
) -> Found:
    models = asked.budget or (None if asked.hours else BUDGET)
    most, part = most_of_final(asked, bench.recipe.epochs)
    seconds = asked.hours and 3600 * asked.hours
    clock = Clock(models, seconds, folder.spent, most / bench.recipe.epochs, part)
    strategy, scorers, objectives = begin(asked.experiment(bench, models or ENDLESS), watch, asked.workers)
    driver = Driver(
        bench, strategy, events, clock, scorers, lambda driver: _seen(folder, driver, seen), objectives
    )
    interruption = None
    try:
        with open_pool(Trainer(bench), asked.workers, asked.executor, bench.threads) as pool:
            driver.run(pool)
        best = driver.best
        if best is None:
            raise NassearchError(_nothing(driver.told, folder))
        seen(driver)
        plan = decide_final(asked, folder, bench, best, clock.left)
        final = None
        if plan["epochs"]:
            tell(f"final: training {best.text} for {plan['epochs']} epochs")
            final = train_final(bench, best, plan, lambda: folder.write_spent(clock.spent))
        elif asked.by_the_clock:
            tell("final: no time is left for a training that is longer than those of the search")
        winner: dict[str, Any] | None = finish(bench, best, final, driver.told, folder.winner)
        assert winner is not None
        folder.write_winner(winner)
    except KeyboardInterrupt as error:
        if not driver.told:
            raise
        interruption, winner = error, None
    finally:
        folder.write_spent(clock.spent)
    return Found(folder, _outcome(asked, folder, bench, driver), winner, interruption)


def _outcome(asked: Search, folder: SearchFolder, bench: TrainedBenchmark, driver: Driver) -> Outcome:
    """Write the search as a result of one round, and return it."""
    done = driver.round()
    header = asked.experiment(bench, asked.budget or ENDLESS).header()
    header = replace(header, experiment={**header.experiment, "budget": len(done.archs)})
    path = folder.path / RESULTS
    with Store.open(path, header, overwrite=True) as store:
        store.append(done)
    return Outcome(header, [done], path=path, oracle=bench)


def _seen(folder: SearchFolder, driver: Driver, seen: Seen) -> None:
    folder.write_spent(driver.clock.spent)
    seen(driver)


def _nothing(told: list[Entry], folder: SearchFolder) -> str:
    if not told:
        return "nothing could be trained in the time there is: give more --hours"
    why = next((entry.note for entry in told if entry.status != TRAINED and entry.note), None)
    return f"none of {len(told)} architectures could be trained{f': {why}' if why else ''}; see {folder.path}"
