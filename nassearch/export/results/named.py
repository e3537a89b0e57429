"""Architectures without weights: named by hand, or the best of a result of `nassearch run`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.benchmarks.given import dataset_of, space_of
from nassearch.errors import BadData, InvalidSetting
from nassearch.export.subject import CLASSES, IMAGE, Subject, reading
from nassearch.search.guidance import label
from nassearch.search.quantity import METRIC, Quantity
from nassearch.search.store import Result, read_result
from nassearch.spaces import open_space
from nassearch.spaces.base import SearchSpace
from nassearch.types import Task


def named(space: str, text: str, shape: str | None = None, classes: int | None = None) -> Subject:
    """Return an architecture of a space that is named by hand; nothing of it is trained.

    Args:
        space: see `nassearch.spaces.open_space`.
        text: of the architecture.
        shape: of one input, such as `3,32,32`; None for that.
        classes: number of logits; None for ten.

    Raises:
        UnknownName, InvalidSetting: no such space, or a setting of no meaning.
        InvalidArch: the architecture is none of it.
    """
    chosen = open_space(space)
    task = Task(shape_of(shape), _classes(classes), **chosen.skeleton)
    return Subject(chosen.space, chosen.space.parse(text), space, task, reading(task))


def shape_of(text: str | None) -> tuple[int, ...]:
    """Read a shape as people write it; raise `InvalidSetting` where it is none."""
    if text is None:
        return IMAGE
    if not re.fullmatch(r"\s*\d{1,6}(\s*[,x]\s*\d{1,6}){0,3}\s*", text) or "0" in re.split(
        r"\s*[,x]\s*", text.strip()
    ):
        raise InvalidSetting(f"--input is the shape of one input, such as 3,32,32, not {text!r}")
    return tuple(int(size) for size in re.split(r"[,x]", text))


def _classes(count: int | None) -> int:
    if count is not None and not 1 <= count <= 1_000_000:
        raise InvalidSetting(f"--classes is a whole number of at least 1, not {count}")
    return CLASSES if count is None else count


def of_table(path: Path, text: str | None = None) -> Subject:
    """Return the best architecture of a result of `nassearch run`, or another of its space; there are no weights.

    The best is the one that the result's curve would show at last, over all rounds.

    Raises:
        MissingData, BadData: there is no such result, it is damaged, or it has no complete round.
        UnknownName, BrokenPart: its benchmark is not there.
        InvalidArch: the text is none of the space.
    """
    found = read_result(path)
    said = found.header.experiment
    benchmark, dataset = str(said.get("benchmark")), str(said.get("dataset"))
    if "skeleton" in said:
        benchmark, space, task = _of_oracle(path, said)
    else:
        space, task = space_of(benchmark, dataset), dataset_of(benchmark, dataset).task
    if not found.rounds:
        raise BadData(f"{path} has no complete round yet: wait for it, or run the search again to go on")
    facts: dict[str, Any] = {}
    if text is None:
        arch, facts = _best(found)
    else:
        arch = space.parse(text)
    return Subject(space, arch, benchmark, task, reading(task), facts=facts)


def _of_oracle(path: Path, said: Mapping[str, Any]) -> tuple[str, SearchSpace, Task]:
    """Return the space that was searched by trainings, named and opened, and what its networks were built for."""
    try:
        given: dict[str, Any] = dict(said["skeleton"])
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        task = Task(**given)
    except (TypeError, ValueError) as error:
        raise BadData(
            f"{path} does not say what its networks are built for ({error}); run the search again"
        ) from None
    return str(said["space"]), open_space(str(said["space"])).space, task


def _best(found: Result) -> tuple[tuple[int, ...], dict[str, Any]]:
    said, quantity = found.header.experiment, Quantity.of_result(found.header)
    _, chosen = quantity.metrics(str(said.get("show", "test")), str(said.get("choose", "valid")))
    values = [np.nan_to_num(np.asarray(getattr(done, chosen)), nan=-np.inf) for done in found.rounds]
    number = int(np.argmax([each.max() for each in values]))
    done, place = found.rounds[number], int(np.argmax(values[number]))
    accuracy: dict[str, Any] = {"quantity": quantity.name, "unit": quantity.unit}
    for metric, known in (("valid", quantity.validated), ("test", quantity.tested)):
        if known:
            accuracy[metric] = quantity.shown(float(getattr(done, metric)[place]))
            accuracy[f"{metric}_note"] = "as the result says, of other weights than these"
    search = {
        "search": label(said),
        "on": f"{said.get('benchmark')}, {said.get('dataset')}",
        "found": f"in round {number} of {len(found.rounds)}, model {place + 1} of {len(done.archs)}",
        "chosen by": f"{METRIC[chosen]} {quantity.name}, over all rounds",
        "seed": said.get("seed"),
        "nassearch": found.header.package,
    }
    return done.archs[place], {"accuracy": accuracy, "search": search}
