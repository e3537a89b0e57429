"""Labels become classes: numbers or texts as they come, in an order that depends on them alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.datasets.sentences import counted, whole
from nassearch.errors import BadData, excerpt

NO_NUMBER = {"na", "n/a", "#n/a", "<na>", "nan", "null"}
"""What programs write where a number is missing."""
NO_LABEL = NO_NUMBER | {"-1", "nil", "none"}
"""What is written where there is no label, and where that is a class."""
LONGEST = 1000
"""Characters of a name of a class."""
MOST = 100_000
"""Classes; more are a slip, such as a number for each example."""


def classes_of(
    labels: Sequence[Any], names: tuple[str, ...] | None, source: str
) -> tuple[tuple[str, ...], NDArray[np.int64], list[str]]:
    """Return the names of the classes, the class of each example (-1 where it has no label), and notes.

    Whole numbers, also as texts, are in the order of numbers, texts in that of their characters. Where there are both,
    a number is the text that it is written as.

    Raises:
        BadData: there are fewer than two classes, or far too many.
    """
    if len({type(label) for label in labels if label is not None}) > 1:
        labels = [None if label is None else str(label) for label in labels]
    met = Counter(label for label in labels if label is not None)
    numbers = {label: number for label in met if (number := whole_of(label)) is not None}
    if len(numbers) == len(met):
        order = sorted(met, key=lambda label: (numbers[label], str(label)))
    else:
        order = sorted(met, key=str)
    if len(order) < 2:
        what = f"one class, {excerpt(str(order[0]))}" if order else "no example with a label"
        raise BadData(f"{source} has {what}: a network learns to tell two classes or more apart")
    if len(order) > MOST:
        raise BadData(f"{source} has {len(order)} classes; at most {MOST} are taken: are these labels?")
    notes = []
    values = [numbers[label] for label in order] if len(numbers) == len(met) else []
    if names is not None and (values or not set(order) <= set(names)):
        if not values or values[0] < 0 or values[-1] >= len(names):
            raise BadData(
                f"{source} has names of {len(names)} classes, and labels {order[0]} to {order[-1]}: labels are places "
                "in that list, from 0"
            )
        texts = tuple(names[number] for number in values)
        if twice := sorted(name for name, count in Counter(texts).items() if count > 1):
            raise BadData(f"{source} calls several classes {excerpt(twice[0])}: give each a name of its own")
    else:
        texts = tuple(whole(str(label)) for label in order)
    if long := next((text for text in texts if len(text) > LONGEST), None):
        raise BadData(
            f"{source} has a class {excerpt(long)}; names have at most {LONGEST}: are these labels?"
        )
    if all(isinstance(label, int) for label in order) and values != list(range(len(values))):
        notes.append(
            f"Labels are {_shown(values)}, not 0 to {len(values) - 1}: class 0 is label {values[0]}, and so on."
        )
    for label in (label for label in map(str, order) if label.lower() in NO_LABEL):
        notes.append(
            f"Label {label} is a class like the others: leave its examples out where it means no label."
        )
    place = {label: number for number, label in enumerate(order)}
    found = np.array([-1 if label is None else place[label] for label in labels], np.int64)
    if missing := int((found < 0).sum()):
        told = f"{counted(missing, 'example')} of {len(labels)}"
        notes.insert(0, f"Left out, as without a label: {told}.")
    return texts, found, notes


def whole_of(label: Any) -> int | None:
    """Return the number that a label is or writes, None where it is a text such as 007 or cat."""
    if isinstance(label, int):
        return label
    try:
        number = int(label)
    except ValueError:
        return None
    return number if str(number) == label else None


def _shown(values: Sequence[int]) -> str:
    shown = [str(value) for value in values]
    return ", ".join(shown if len(shown) <= 6 else [*shown[:4], "...", shown[-1]])
