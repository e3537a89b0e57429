"""NAS-Bench-201 and NATS-Bench keep a dictionary of trainings per architecture, by data set and seed."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

from nassearch.benchmarks.read.formats.base import Reading, Training
from nassearch.errors import BadData, InvalidArch, InvalidSetting, quoted

RESULT = "eval_acc1es"
"""A key that tells the dictionary of one training, of the published class ResultsCount."""
ARCHITECTURE = "all_results"
"""A key that tells the dictionary of the trainings of one architecture with one budget, of ArchResults."""
EPOCHS = {"tss": (12, 200), "sss": (1, 12, 90)}
"""Budgets of the trainings of the topology and of the size space; for each one network was trained anew."""
CIFAR10 = ("cifar10-valid", "cifar10")
"""CIFAR-10 was trained on twice: on half of the training images, to choose, and on all of them, to show."""


class Result(NamedTuple):
    """The numbers of one training: percent after the last epoch by set of images, and the seconds it took."""

    epochs: int
    accuracies: dict[str, float]
    seconds: float


def wanted_epochs(kind: str, epochs: int | None) -> int:
    """Return the budget to read, by default the longest.

    Raises:
        InvalidSetting: no training has that budget.
    """
    known = EPOCHS[kind]
    if epochs is None:
        return known[-1]
    if epochs not in known:
        raise InvalidSetting(f"the trainings have {', '.join(map(str, known))} epochs, none has {epochs!r}")
    return epochs


def reduce(state: dict[Any, Any]) -> None:
    """Put a `Result` in the place of everything in the dictionary of a training: its curves and its weights.

    Raises:
        BadData: the dictionary is not that of a training.
    """
    try:
        epochs, accuracies, times = state["epochs"], state[RESULT], state.get("train_times")
        last = {name: accuracies.get(f"{name}@{epochs - 1}") for name in ("x-valid", "x-test", "ori-test")}
        found = {name: float(value) for name, value in last.items() if value is not None}
        seconds = float(sum(times[epoch] for epoch in range(epochs))) if times else math.nan
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise BadData(f"the results of a training are not those of NAS-Bench-201: {quoted(error)}") from error
    state.clear()
    state[RESULT] = Result(epochs, found, seconds)


def trainings(state: dict[Any, Any], epochs: int, reading: Reading) -> tuple[str, list[Training]]:
    """Return the index of an architecture as text, and its trainings with so many epochs.

    CIFAR-10 takes `x-valid` of its half-set training and `ori-test` of its full-set training, and the seconds of the
    first; the other data sets take `x-valid` and `x-test` of one training. What has no pair is counted as dropped.

    Raises:
        BadData: the architecture is not of the space or not in its place, or the dictionary is something else.
    """
    try:
        text, index, results = state["arch_str"], state["arch_index"], state[ARCHITECTURE]
        arch = reading.space.parse(text)
        taken: dict[str, dict[int, Result]] = {}
        for (dataset, seed), content in results.items():
            if RESULT not in content:
                raise BadData("a training without results")
            if not isinstance(content[RESULT], Result):
                reduce(content)
            result = content[RESULT]
            if result.epochs == epochs:
                taken.setdefault(dataset, {})[int(seed)] = result
            else:
                reading.dropped[f"trainings of {result.epochs} epochs"] += 1
    except (AttributeError, InvalidArch, LookupError, OverflowError, TypeError, ValueError) as error:
        raise BadData(
            f"the results of an architecture are not those of {reading.space.name}: {error}"
        ) from error
    if type(index) is not int or reading.space.index(arch) != index:
        raise BadData(
            f"{text} stands at {quoted(index)}; in {reading.space.name} it is {reading.space.index(arch)}"
        )
    half, full = (taken.pop(name, {}) for name in CIFAR10)
    found = _cifar10(arch, half, full, reading.dropped)
    for dataset, by_seed in taken.items():
        for seed, result in sorted(by_seed.items()):
            sets = result.accuracies
            if "x-valid" in sets and "x-test" in sets:
                found.append(Training(arch, dataset, seed, sets["x-valid"], sets["x-test"], result.seconds))
            else:
                reading.dropped[f"{dataset} trainings without x-valid or x-test"] += 1
    return f"{index:06d}", found


def _cifar10(
    arch: tuple[int, ...], half: dict[int, Result], full: dict[int, Result], dropped: Counter[str]
) -> list[Training]:
    """Pair trainings of equal seeds; where an architecture has none of these, in the order of the seeds."""
    valid = {seed: result for seed, result in sorted(half.items()) if "x-valid" in result.accuracies}
    test = {seed: result for seed, result in sorted(full.items()) if "ori-test" in result.accuracies}
    pairs = [(seed, seed) for seed in valid if seed in test]
    if not pairs and valid and test:
        pairs = list(zip(valid, test, strict=False))
        dropped["cifar10 seeds: none in common, paired in their order"] += 1
    for name, there in zip(CIFAR10, (half, full), strict=True):
        if len(there) > len(pairs):
            dropped[f"{name} trainings of a seed without the other half"] += len(there) - len(pairs)
    return [
        Training(
            arch,
            "cifar10",
            seed,
            valid[seed].accuracies["x-valid"],
            test[other].accuracies["ori-test"],
            valid[seed].seconds,
        )
        for seed, other in pairs
    ]
