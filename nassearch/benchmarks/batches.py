"""A batch is the fixed set of samples that proxies look at: read from a file, or made up where there are no images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.benchmarks.npz import Arrays, read_npz, write_npz
from nassearch.errors import BadData, InvalidSetting, NassearchError, UnknownName, Unreadable
from nassearch.types import Batch, Task

KINDS = ("grey", "normal", "uniform", "uniform_positive")
REMEDY = "delete it, or write it again with: nassearch bench import"


def save_batch(path: Path, batch: Batch) -> None:
    """Write a batch at once or not at all; equal batches give equal bytes."""
    write_npz(path, batch_arrays(batch))


def batch_arrays(batch: Batch) -> Arrays:
    """Return what the file of a batch holds."""
    arrays = {"inputs": np.asarray(batch.inputs)}
    return arrays if batch.labels is None else {**arrays, "labels": np.asarray(batch.labels)}


def keep_batch(path: Path, task: Task, batch: Batch, force: bool) -> Path:
    """Write a batch where it is to be found; return that place.

    Raises:
        InvalidSetting: a different batch is there already, and `force` is not set.
    """
    try:
        there = load_batch(path, task).digest()
    except Unreadable:
        raise  # it may be whole
    except NassearchError:
        there = None  # missing, or damaged: then importing again is the remedy
    if there not in (None, batch.digest()) and not force:
        raise InvalidSetting(f"{path} already holds a different batch; replace it by force=True (--force)")
    save_batch(path, batch)
    return path


def load_batch(path: Path, task: Task, remedy: str = REMEDY) -> Batch:
    """Read a batch for a task.

    Raises:
        MissingData: no such file.
        BadData: it is damaged, or its inputs and labels are not those of the task; `remedy` ends the message.
    """
    arrays = read_npz(path, remedy, ("inputs", "labels"))
    return check_batch(arrays.get("inputs"), arrays.get("labels"), task, str(path), remedy)


def check_batch(
    inputs: NDArray[Any] | None, labels: NDArray[Any] | None, task: Task, source: str, remedy: str
) -> Batch:
    """Return a batch of a task; `source` begins the message where it is none, and `remedy` ends it.

    Raises:
        BadData: inputs or labels are not those of the task.
    """
    kind = np.int64 if task.tokens else np.float32
    wanted = f"{kind.__name__} {['B', *task.input_shape]}"
    if inputs is None or inputs.dtype != kind or inputs.shape[1:] != task.input_shape or not inputs.size:
        raise BadData(f"{source}: inputs are {_describe(inputs)}, not {wanted}; {remedy}")
    if not np.isfinite(inputs).all():
        raise BadData(f"{source}: an input is not a finite number; {remedy}")
    if task.words is not None and not 0 <= inputs.min() <= inputs.max() < task.words:
        met = f"words are {inputs.min()} to {inputs.max()}"
        raise BadData(f"{source}: {met}, not within 0 to {task.words - 1}; {remedy}")
    if labels is not None:
        if labels.dtype != np.int64 or labels.shape != inputs.shape[:1]:
            raise BadData(f"{source}: labels are {_describe(labels)}, not int64 [{len(inputs)}]; {remedy}")
        low, high = labels.min(), labels.max()
        if low < 0 or high >= task.classes:
            raise BadData(
                f"{source}: labels are {low} to {high}, not within 0 to {task.classes - 1}; {remedy}"
            )
    return Batch(inputs, labels)


def synthetic_batch(kind: str, task: Task, count: int = 256, seed: int = 0) -> Batch:
    """Return a batch that needs no data, after appendix A.4 of the paper on epsilon, "Light and Accurate".

    Args:
        kind: `grey`: each input one solid value, from black (0) to white (1) in even steps;
            `normal`: N(0, 1); `uniform`: U(-1, 1); `uniform_positive`: U(0, 1). With grey, epsilon ranks
            nearly as it does with real images; with the random ones much worse (table 6 there). Words are uniform.
        task: gives the shape of an input.
        count: B.
        seed: of the random kinds.

    Returns:
        float32 inputs `[B, channels, *size]`, or words int64 `[B, T]`, and no labels.

    Raises:
        UnknownName: no such kind.
        InvalidSetting: count below 2, or another kind of words.
    """
    if kind not in KINDS:
        raise UnknownName("synthetic batch", kind, KINDS)
    if task.tokens and kind != "uniform":
        raise InvalidSetting(
            f"a synthetic batch of words is uniform, not {kind}: give --batch uniform or a file"
        )
    if count < 2:
        raise InvalidSetting(f"a batch needs at least 2 inputs for its batch statistics, not {count}")
    shape = (count, *task.input_shape)
    rng = np.random.default_rng(seed)
    if task.words is not None:
        return Batch(rng.integers(task.words, size=shape))
    if kind == "grey":
        shades = np.linspace(0, 1, count).reshape(-1, *(1 for _ in task.input_shape))
        inputs = np.broadcast_to(shades, shape)
    elif kind == "normal":
        inputs = rng.standard_normal(shape)
    else:
        inputs = rng.uniform(-1 if kind == "uniform" else 0, 1, shape)
    return Batch(np.ascontiguousarray(inputs, dtype=np.float32))


def _describe(array: NDArray[Any] | None) -> str:
    return "missing" if array is None else f"{array.dtype} {list(array.shape)}"
