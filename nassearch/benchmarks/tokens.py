"""A user's text as the fixed batch of a data set: words as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.batches import keep_batch
from nassearch.errors import BadData, InvalidSetting, MissingData, UnknownName
from nassearch.types import Batch, Task

END = "<eos>"
"""The word that stands for the end of a line."""
MOST_BYTES = 1 << 30
"""WikiText-2 has 13 MB, WikiText-103 half a gigabyte."""


def import_tokens(
    datasets: Mapping[str, Dataset],
    path: Path | str,
    dataset: str,
    target: Path,
    *,
    count: int = 256,
    force: bool = False,
) -> Path:
    """Make the fixed batch of a data set from a text, see `read_tokens`; return its path.

    Args:
        datasets: the data sets of a benchmark, by name.
        path: UTF-8 text, words between white space.
        dataset: name of the data set, which gives the length of a window and the vocabulary.
        target: where to write.
        count: B.
        force: replace a different batch that is there already.

    Raises:
        MissingData: no such file.
        BadData: it is not text, too short, or has more different words than the data set.
        UnknownName: no such data set, or none of words.
        InvalidSetting: count is below 2, or a different batch is there already.
    """
    known = [name for name, found in datasets.items() if found.task.tokens]
    if dataset not in known:
        raise UnknownName("data set of words", dataset, known)
    task = datasets[dataset].task
    return keep_batch(target, task, read_tokens(Path(path), task, count), force)


def read_tokens(path: Path, task: Task, count: int) -> Batch:
    """Return the first window of a text, as the authors of epsilon take it: int64 `[B, T]`.

    A word is numbered by its first appearance, ends of lines are words. The text is cut into B stretches of equal
    length, what is left over at its end is dropped, and each stretch gives its first T words. The published numbering
    runs over training, validation and test text in this order, so that of another file differs; with an embedding
    whose rows are drawn alike, that means another draw.
    """
    if not isinstance(count, int) or count < 2:
        raise InvalidSetting(f"count is the number of stretches of the text, at least 2, not {count!r}")
    if not path.is_file():
        raise MissingData(f"there is no file {path}; give a text such as ptb.train.txt")
    if path.stat().st_size > MOST_BYTES:
        raise BadData(f"{path} is larger than {MOST_BYTES >> 20} MB; give its beginning")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not text in UTF-8: {error}") from error
    if lines and not lines[-1]:
        lines.pop()
    numbers: dict[str, int] = {}
    words = [numbers.setdefault(word, len(numbers)) for line in lines for word in (*line.split(), END)]
    (steps,) = task.input_shape
    stretch = len(words) // count
    if stretch < steps:
        raise BadData(
            f"{path} has {len(words)} words; {count} stretches of {steps} need {count * steps}: give a longer text or "
            "a smaller count (--count)"
        )
    if task.words is not None and len(numbers) > task.words:
        raise BadData(f"{path} has {len(numbers)} different words, the data set has {task.words}")
    columns = np.array(words[: count * stretch], dtype=np.int64).reshape(count, stretch)
    return Batch(np.ascontiguousarray(columns[:, :steps]))
