"""The batch on which a torch module is scored: read from a file, or made up."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nassearch.benchmarks.batches import KINDS, synthetic_batch
from nassearch.benchmarks.npz import read_npz
from nassearch.errors import BadData, InvalidSetting, UnknownName, excerpt
from nassearch.scorers.any_module import as_batch
from nassearch.scorers.spec import parse_spec
from nassearch.types import Batch, Task

COUNT = 256
"""Inputs of a batch that is made up: as many as the largest default of a proxy."""
LARGEST = 10**8
"""Numbers in one input: more are a slip of the hand."""
EXAMPLES = "such as --input 3,32,32 for images, 12 for vectors or words:35 for texts"
REMEDY = "give another --batch"


class Input(NamedTuple):
    """What people say of the inputs of a module; None for what is not said.

    Attributes:
        shape: of one input, `(channels, *size)`, `(features,)`, or `(T,)` words.
        words: whether inputs are words: whole numbers from 0.
        vocabulary: how many different words there are; the number of classes where it is not said.
        classes: number of logits.
    """

    shape: tuple[int, ...] | None = None
    words: bool = False
    vocabulary: int | None = None
    classes: int | None = None

    @property
    def text(self) -> str:
        """Return the shape as `--input` takes it."""
        return ("words:" if self.words else "") + ",".join(map(str, self.shape or ()))


def read_input(text: str | None, vocabulary: int | None = None, classes: int | None = None) -> Input:
    """Read `--input`: sizes between commas, or `words:T`.

    >>> read_input("3,32,32").shape, read_input("words:35", 1000)
    ((3, 32, 32), Input(shape=(35,), words=True, vocabulary=1000, classes=None))

    Raises:
        InvalidSetting: it is neither, or a number is out of range.
    """
    for name, words, value in (
        ("classes", "number of logits", classes),
        ("vocabulary", "number of different words", vocabulary),
    ):
        if value is not None and value < 2:
            raise InvalidSetting(f"a network needs its {words}, such as --{name} 10, not {value}")
    if text is None:
        return Input(None, vocabulary is not None, vocabulary, classes)
    head, colon, sizes = text.rpartition(":")
    of_words = head.strip() == "words"
    if (colon and not of_words) or not re.fullmatch(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*", sizes):
        raise InvalidSetting(
            f"a network needs the shape of one input, channels first, {EXAMPLES}, not {excerpt(text)}"
        )
    shape = tuple(map(int, sizes.split(",")))
    if not 1 <= math.prod(shape) <= LARGEST:
        raise InvalidSetting(f"one input holds from 1 to {LARGEST} numbers, not {excerpt(text)}: {EXAMPLES}")
    if of_words and len(shape) > 1:
        raise InvalidSetting(f"words stand in a row: --input words:T, not {excerpt(text)}")
    if vocabulary is not None and not of_words:
        raise InvalidSetting(
            f"--vocabulary {vocabulary} says how many words there are, and --input {text} is of numbers: "
            f"give --input words:{sizes.strip()}, or leave it out"
        )
    return Input(shape, of_words, vocabulary, classes)


def open_model_batch(text: str | None, given: Input, proxies: Sequence[str]) -> tuple[Batch, str]:
    """Return the batch that `--batch` names for a module, and what it is in words.

    A file holds what `nassearch.score` takes, `inputs` and perhaps `labels`; what it is need not be said then. A batch
    that is made up (None: normal noise, or uniform words) has random labels from a seed, and 256 inputs, or as many as
    the largest batch_size among the options of `proxies`; its first inputs are the same however many there are.

    Raises:
        UnknownName: no file and no kind is called so.
        InvalidSetting: a batch is to be made up, and shape or classes are not said.
        MissingData, BadData: the file is not there, or does not hold what was said.
    """
    kind = ("uniform" if given.words else "normal") if text is None else text
    if kind not in KINDS:
        path = Path(kind)
        if path.name == kind and not path.suffix and not path.exists():
            raise UnknownName("batch", kind, KINDS, "(or give an .npz file)")
        batch = _read(path, given)
        return batch, f"{len(batch.inputs)} inputs of {path}"
    if given.shape is None:
        raise InvalidSetting(
            f"--model needs the shape of one input, channels first, {EXAMPLES}, or inputs by --batch FILE.npz"
        )
    if given.classes is None:
        raise InvalidSetting(
            "--model needs its number of logits, such as --classes 10, for labels that are made up"
        )
    task = Task(
        given.shape, given.classes, words=(given.vocabulary or given.classes) if given.words else None
    )
    sizes = [parse_spec(spec)[2].get("batch_size") for spec in proxies]
    count = max([COUNT, *(size for size in sizes if isinstance(size, int))])
    inputs = synthetic_batch(kind, task, count).inputs
    labels = np.random.default_rng(0).integers(0, given.classes, count)
    what = f"{count} inputs made up ({kind}{' words' if given.words else ''})"
    return Batch(inputs, labels), f"{what}, random labels"


def _read(path: Path, given: Input) -> Batch:
    """Read a file and compare it with what was said of it."""
    arrays = read_npz(path, REMEDY, ("inputs", "labels"))
    if "inputs" not in arrays:
        raise BadData(f"{path} holds no array called inputs, and perhaps labels beside it; {REMEDY}")
    try:
        batch = as_batch(Batch(arrays["inputs"], arrays.get("labels")))
    except InvalidSetting as error:
        raise BadData(f"{path}: {error}; {REMEDY}") from error
    words, shape = batch.inputs.dtype.kind == "i", batch.inputs.shape[1:]
    there = Input(shape, words).text
    if given.text not in ("", "words:", there):
        raise BadData(
            f"{path}: its inputs are {there}, and --input is {given.text}: leave it out, or {REMEDY}"
        )
    if given.words and not words:
        raise BadData(f"{path}: its inputs are {there}, no words: leave --vocabulary out, or {REMEDY}")
    for what, most, numbers in (
        ("words", given.vocabulary, batch.inputs if words else None),
        ("labels", given.classes, batch.labels),
    ):
        if numbers is not None and not 0 <= numbers.min() <= numbers.max() < (most or math.inf):
            bound = f"0 to {most - 1}" if most else "numbers from 0"
            raise BadData(
                f"{path}: {what} are {numbers.min()} to {numbers.max()}, not within {bound}; {REMEDY}"
            )
    return batch
