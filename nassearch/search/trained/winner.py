"""The winner: trained once more for longer, and shown the test part, once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.errors import NassearchError
from nassearch.search.trained.asked import Search
from nassearch.search.trained.clock import RESERVE
from nassearch.search.trained.driver import SECONDS_BETWEEN_LOOKS
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.trial import seconds_of_its_epoch, usual_threads
from nassearch.training import evaluate
from nassearch.workers.apart import Apart

TIMES = 3
"""Epochs of the final training, as a multiple of those in the search, where models say how long a search is."""
PART = 1 / 2
"""Of the hours, for the final training, where nothing else says how long it is: so neither it nor the search has less
than half of what the best division would give it."""
MOST_EPOCHS = 200
"""Of a final training that takes the hours that are left: as many as the trainings of the tables have."""

JUDGED = ("test", "test_interval", "test_examples", "looks_at_test")


def finish(
    bench: TrainedBenchmark,
    best: Entry,
    final: Entry | None,
    told: list[Entry],
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what is written of a winner: of its trainings the better by validation, judged by the test part.

    Args:
        bench: the oracle.
        best: the best training of the search.
        final: the longer one, or None.
        told: all trainings of the search, in order.
        before: what was written of a winner before this search went on; one that still wins is not judged again.
    """
    kept = final if final is not None and _valid(final) >= _valid(best) else best
    before = before or {}
    same = before.get("weights") == kept.weights
    judged = {name: before.get(name) for name in JUDGED} if same else _judge(bench, kept, before)
    return {
        "arch": list(kept.arch),
        "text": kept.text,
        "recipe": dict(kept.recipe),
        "epochs": kept.recipe.get("epochs"),
        "seconds": kept.seconds,
        "valid": kept.valid,
        "valid_in_search": best.valid,
        **judged,
        "weights": kept.weights,
        "params": kept.params,
        "flops": best.flops,
        "latency": best.latency,
        "found_after": 1 + [entry.key for entry in told].index(best.key),
        "models": len(told),
        "seconds_of_search": sum(entry.seconds for entry in told),
    }


def _judge(bench: TrainedBenchmark, kept: Entry, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the test part says of a network, and how often it has been looked at for this search."""
    looks = before.get("looks_at_test", 0)
    if not len(bench.data.test) or kept.weights is None:
        return {**dict.fromkeys(JUDGED), "looks_at_test": looks}
    size = kept.recipe.get("size")
    module = bench.module(kept)
    found = evaluate(module, bench.data, "test", bench.device, size=size, threads=bench.threads)
    values = found.accuracy, list(found.interval), found.count, looks + 1
    return dict(zip(JUDGED, values, strict=True))


def most_of_final(asked: Search, epochs: int) -> tuple[float, float]:
    """Return what time is kept for: epochs of the final training at most, and a share of the hours at most.

    Args:
        asked: the search.
        epochs: of its trainings.
    """
    if asked.by_the_clock:
        return max(MOST_EPOCHS, TIMES * epochs), PART
    return TIMES * epochs if asked.final_epochs is None else asked.final_epochs, 1.0


def decide_final(
    asked: Search, folder: SearchFolder, bench: TrainedBenchmark, best: Entry, left: float
) -> dict[str, Any]:
    """Return epochs and threads of the final training, as they were decided before or are now, and write them down.

    The workers are idle by then, so it has all processors where the network is large enough for that.

    Args:
        asked: the search.
        folder: of it.
        bench: its oracle.
        best: the training whose architecture is trained for longer.
        left: seconds; infinity where there is no end.
    """
    about = {name: getattr(asked, name) for name in ("hours", "budget", "final_epochs")}
    about["arch"] = list(best.arch)
    before = folder.final
    if before is not None and about.items() <= before.items():
        return before
    threads = asked.threads or max(bench.threads, usual_threads(bench, 1, asked.seed))
    most, _ = most_of_final(asked, bench.recipe.epochs)
    epochs = int(most)
    if asked.by_the_clock:
        epoch = RESERVE * _seconds_of_an_epoch(bench.again(threads=threads), best)
        epochs = min(epochs, math.floor(max(0.0, left) / epoch))
        epochs = epochs if epochs > bench.recipe.epochs else 0
    final = {**about, "epochs": epochs, "threads": threads}
    folder.write_final(final)
    return final


def _seconds_of_an_epoch(bench: TrainedBenchmark, best: Entry) -> float:
    try:
        return seconds_of_its_epoch(bench, best.arch)
    except Exception:  # as where memory wanted smaller batches; training has its own remedies
        return best.seconds / bench.recipe.epochs


def train_final(
    bench: TrainedBenchmark, best: Entry, final: Mapping[str, Any], seen: Callable[[], None]
) -> Entry:
    """Train the best architecture as decided, in a process of its own, and record it.

    Raises:
        NassearchError: that process has died; what it had learnt is there for the next.
    """
    recipe = replace(bench.recipe, epochs=final["epochs"], anneal=None)
    known = bench.ledger.find(best.arch, bench.seed, recipe.as_dict())
    if known is not None:
        return known
    by = bench.again(threads=final["threads"])
    with Apart(lambda arch: by.train_by(arch, recipe)) as pool:
        pool.submit(best.arch)
        while not (found := pool.wait(SECONDS_BETWEEN_LOOKS)):
            seen()
    (done,) = found
    if done.error is not None:
        raise done.error
    if done.died is not None:
        raise NassearchError(f"the final training ended early: {done.died}; run again to go on with it")
    recorded: Entry = bench.record(done.result)
    return recorded


def _valid(entry: Entry) -> float:
    return -1.0 if entry.status != TRAINED or entry.valid is None else entry.valid
