"""Turn a user's text into the batch of a data set: words become numbers."""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.batches import keep_batch
from nassearch.errors import BadData, InvalidSetting, UnknownName
from nassearch.files.bounded import CHUNK, Bounded, guarded
from nassearch.files.limits import TEXT
from nassearch.types import Batch, Task

END = "<eos>"
"""The word that stands for the end of a line."""
LONGEST_WORD = 1 << 16
SPACE = re.compile(r"\s")


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
        Unreadable: the system does not give it.
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
    numbers: dict[str, int] = {}
    words = array("q")
    with guarded(path, missing="give a text such as ptb.train.txt"), Bounded(path, TEXT) as file:
        for word in _words(path, file):
            words.append(numbers.setdefault(word, len(numbers)))
            if len(numbers) > (task.words or task.classes):
                raise BadData(
                    f"{path} has more than {task.words or task.classes} different words, those that the data set has"
                )
    (steps,) = task.input_shape
    stretch = len(words) // count
    if stretch < steps:
        raise BadData(
            f"{path} has {len(words)} words; {count} stretches of {steps} need {count * steps}: give a longer text or "
            "a smaller count (--count)"
        )
    columns = np.frombuffer(words, dtype=np.int64)[: count * stretch].reshape(count, stretch)
    return Batch(np.ascontiguousarray(columns[:, :steps]))


def _words(path: Path, file: Bounded) -> Iterator[str]:
    """Yield the words of a text, a piece of which is held at a time."""
    decoder, rest, last = codecs.getincrementaldecoder("utf-8")(), "", "\n"
    while data := file.read(CHUNK):
        text = rest + _decoded(path, decoder, data)
        last = text[-1:] or last
        *whole, rest = SPACE.split(text.replace("\n", f" {END} "))
        yield from filter(None, whole)
        if len(rest) > LONGEST_WORD:
            raise BadData(f"{path} has a word of more than {LONGEST_WORD} characters; is it a text?")
    _decoded(path, decoder, b"")
    yield from filter(None, [rest])
    if last != "\n":
        yield END


def _decoded(path: Path, decoder: codecs.IncrementalDecoder, data: bytes) -> str:
    try:
        return decoder.decode(data, not data)
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not text in UTF-8: {error}") from error
