"""The winner: trained once more for longer, and shown the test part, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.training import evaluate

TIMES = 3
"""Epochs of the final training, as a multiple of those in the search."""

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
    trained = list({entry.key: entry for entry in told}.values())  # what was asked for twice is one
    same = bool(before) and before.get("weights") == kept.weights
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
        "found_after": 1 + [entry.key for entry in trained].index(best.key),
        "models": len(trained),
        "seconds_of_search": sum(entry.seconds for entry in trained),
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


def final_recipe(bench: TrainedBenchmark, epochs: int) -> Any:
    """Return the recipe of the final training."""
    return replace(bench.recipe, epochs=epochs, anneal=None)


def _valid(entry: Entry) -> float:
    return -1.0 if entry.status != TRAINED or entry.valid is None else entry.valid
