"""The winner: trained once more for longer, and shown the test part, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.training import evaluate

TIMES = 3
"""Epochs of the final training, as a multiple of those in the search."""


def finish(bench: TrainedBenchmark, best: Entry, final: Entry | None, told: list[Entry]) -> dict[str, Any]:
    """Return what is written of a winner: of its trainings the better by validation, judged by the test part.

    Args:
        bench: the oracle.
        best: the best training of the search.
        final: the longer one, or None.
        told: all trainings of the search, in order.
    """
    kept = final if final is not None and _valid(final) >= _valid(best) else best
    answers = None
    if len(bench.data.test) and kept.weights is not None:
        module = bench.module(kept)
        answers = evaluate(
            module, bench.data, "test", bench.device, size=kept.recipe.get("size"), threads=bench.threads
        )
    return {
        "arch": list(kept.arch),
        "text": kept.text,
        "recipe": dict(kept.recipe),
        "epochs": kept.recipe.get("epochs"),
        "seconds": kept.seconds,
        "valid": kept.valid,
        "valid_in_search": best.valid,
        "test": None if answers is None else answers.accuracy,
        "test_interval": None if answers is None else list(answers.interval),
        "test_examples": None if answers is None else answers.count,
        "weights": kept.weights,
        "params": kept.params,
        "flops": kept.flops,
        "latency": kept.latency,
        "found_after": 1 + [entry.key for entry in told].index(best.key),
        "models": len(told),
        "seconds_of_search": sum(entry.seconds for entry in told),
    }


def final_recipe(bench: TrainedBenchmark, epochs: int) -> Any:
    """Return the recipe of the final training."""
    return replace(bench.recipe, epochs=epochs, anneal=None)


def _valid(entry: Entry) -> float:
    return -1.0 if entry.status != TRAINED or entry.valid is None else entry.valid
