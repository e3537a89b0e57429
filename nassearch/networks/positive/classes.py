"""Linear window operations on signals that start as ones, with one number for each class of equal positions.

A signal is constant on a class of positions if it has one value there. It stays so under an operation that sends every
position of a class the same sum from each class. The coarsest such partition is found by refinement: start with one
class, and split classes until no operation tells two positions of a class apart. On a square of side s, for stride 1,
this leaves about s * s / 8 classes, because nothing tells a position from its mirror images. Nothing is approximated.

An example: sums over windows of 3 on 5 positions, padded with zeros. Ones become 2 3 3 3 2, then 5 8 9 8 5: the borders
are alike, and so are their neighbours. Three classes are left. `rows` says which classes each of them sums:

>>> three = Operation("sum", (5,), kernel=3, padding=1)
>>> found = PositionClasses([((5,), (5,))], [frozenset([(three,)])])
>>> found.shape(0)  # classes after and before
(3, 3)
>>> x = np.array([1.0, 1.0, 1.0, 0.0]).reshape(4, 1, 1)  # a 0 behind the last class
>>> for _ in range(2):
...     x = found.rows(0, (three,)).apply(x)
>>> x.ravel()
array([5., 8., 9., 0.])

The largest value under a window is linear too, if every window has a mirror image. Such a signal rises from each border
to the middle, along every axis, and so do its sums over windows. So the largest value is the innermost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.networks.constant.collapsed import box, shares
from nassearch.networks.graph import Layer
from nassearch.types import Floats

Size = tuple[int, ...]
Labels = NDArray[np.intp]
"""The class of every position, `[positions]`."""


class Operation(NamedTuple):
    """One operation: the `sum`, `mean` or `max` over windows, or the constant signal `scale` (`ones`).

    Attributes:
        kind: `frame_conv` is a `sum`, with `padding` zeros in front and behind as many as the size asks for.
        size: of what it gives out; `()` for the mean over everything.
    """

    kind: str
    size: Size
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    scale: float = 1.0
    dilation: int = 1


Word = tuple[Operation, ...]
"""Operations one after the other."""
MOST_OFTEN = 16
"""Up to so many summands, one that counts twice is summed twice, rather than each being multiplied by its count."""


class Rows(NamedTuple):
    """A matrix `[after, before]` of few entries, for signals that have a 0 behind their last class.

    Attributes:
        summed: `[most, after + 1]`, the classes that each class sums, filled up with that 0; a class may come again.
        weights: `[most, after + 1, 1, 1]` what each counts, or None for 1.
        scale: `[after + 1, 1, 1]` what the sum is worth, or None for 1.
    """

    summed: Labels
    weights: Floats | None
    scale: Floats | None

    @classmethod
    def of(cls, matrix: Floats) -> Rows:
        """Return a matrix as rows: entries that are small multiples of the least in their row come that often."""
        after, before = matrix.shape
        least = np.where(matrix > 0, matrix, np.inf).min(axis=1, keepdims=True, initial=np.inf)
        least[np.isinf(least)] = 1.0
        counts = np.rint(matrix / least)
        # Windows count positions: sums are whole, and a mean divides one row by one number. 1e-9 bridges rounding.
        whole = (
            np.allclose(matrix / least, counts, rtol=0, atol=1e-9) and counts.sum(axis=1).max() <= MOST_OFTEN
        )
        times = counts.astype(np.intp) if whole else (matrix != 0).astype(np.intp)
        lists = [np.repeat(np.arange(before), often) for often in times]
        index = np.full((max(map(len, lists)), after + 1), before)
        weights = np.zeros(index.shape)
        for row, classes in enumerate(lists):
            index[: len(classes), row] = classes
            weights[: len(classes), row] = matrix[row, classes]
        if not whole:
            return cls(index, weights[:, :, None, None], None)
        scale = np.append(least, 1.0)[:, None, None]
        return cls(index, None, None if np.all(scale == 1) else scale)

    def apply(self, x: Floats) -> Floats:
        """Return the image `[after + 1, 2, N]` of signals `[before + 1, 2, N]`, each summed in the same order."""
        terms = x.take(self.summed, axis=0)
        if self.weights is not None:
            terms *= self.weights
        y: Floats = np.add.reduce(terms, axis=0)
        if self.scale is not None:
            y *= self.scale
        return y


class PositionClasses:
    """The classes of positions along a chain of places, and the words of each place as matrices between classes.

    A place that keeps the size may stand in a row with itself: its classes are then closed under its operations.

    Args:
        sizes: size before and after each place.
        words: the operations at each place that keeps the size, the whole words elsewhere.

    Raises:
        InvalidSetting: there are maxima, and a window without a mirror image.
    """

    def __init__(self, sizes: Sequence[tuple[Size, Size]], words: Sequence[frozenset[Word]]) -> None:
        check_maxima(_windows(sizes, words))
        self.sizes = sizes
        self._entries: list[Labels] = []
        self._labels: list[tuple[Labels, Labels]] = []
        self._shapes: list[tuple[int, int]] = []
        self._keeps: list[bool] = []
        self._rows: dict[tuple[int, Word], Rows] = {}
        self._constants: dict[tuple[int, Word], Floats] = {}
        labels = np.zeros(prod(sizes[0][0]), np.intp)
        for (before, after), at_place in zip(sizes, words, strict=True):
            # A place that nothing passes has no operations, and may change the size all the same.
            self._keeps.append(before == after and _keeps(at_place, before))
            inner = _refine(labels, before, at_place) if self._keeps[-1] else labels
            self._entries.append(labels[_first(inner)])
            if inner is labels:
                images = [_apply(word, before, labels) for word in sorted(at_place)]
                labels = _unique(images or [np.zeros((prod(after), 1))])
            else:
                labels = inner
            self._labels.append((inner, labels))
            self._shapes.append((int(labels.max()) + 1, int(inner.max()) + 1))

    @classmethod
    def of(cls, places: tuple[tuple[Size, Size, frozenset[Word]], ...]) -> PositionClasses:
        """Return the classes of a chain, given size before, size after and operations of each place; made once."""
        return _cached(places)

    def entry(self, place: int) -> Labels:
        """Return the class before the place that each class inside it comes from."""
        return self._entries[place]

    def shape(self, place: int) -> tuple[int, int]:
        """Return the numbers of classes after and before."""
        return self._shapes[place]

    def keeps(self, place: int) -> bool:
        """Say whether all operations at a place keep the size, so that there are `rows` of each for itself."""
        return self._keeps[place]

    def constant(self, place: int, word: Word) -> Floats:
        """Return what a word that begins anew gives, by class, `[after, 1]`."""
        if (place, word) not in self._constants:
            self._constants[place, word] = self._matrix(place, word)
        return self._constants[place, word]

    def rows(self, place: int, word: Word) -> Rows:
        """Return what each class after the word sums of those before it."""
        if (place, word) not in self._rows:
            self._rows[place, word] = Rows.of(self._matrix(place, word))
        return self._rows[place, word]

    def _matrix(self, place: int, word: Word) -> Floats:
        inner, outer = self._labels[place]
        return _apply(word, self.sizes[place][0], inner)[_first(outer)]


@lru_cache(maxsize=64)
def _cached(places: tuple[tuple[Size, Size, frozenset[Word]], ...]) -> PositionClasses:
    return PositionClasses([(before, after) for before, after, _ in places], [words for *_, words in places])


@lru_cache(maxsize=1024)
def innermost(size: int, out: int, kernel: int, stride: int, padding: int) -> Labels:
    """Return for each window along an axis the input nearest to the middle of the axis; of two, that of the window."""
    middle = (size - 1) / 2

    def farness(place: int, start: int) -> tuple[float, float]:
        return abs(place - middle), abs(place - start - (kernel - 1) / 2)

    starts = (k * stride - padding for k in range(out))
    windows = ((start, range(max(0, start), min(size, start + kernel))) for start in starts)
    return np.array([min(window, key=lambda place: farness(place, start)) for start, window in windows])


Window = tuple[str, Size, int, int, int]
"""An operation's kind, the size it reads, kernel, stride and padding."""


def check_maxima(windows: Iterable[Window]) -> None:
    """Raise `InvalidSetting` where there are maxima, and the innermost input of a window may not be one."""
    if (found := unmirrored(windows)) is not None:
        kernel, stride, size = found
        raise InvalidSetting(
            f"a window of {kernel} with stride {stride} on size {size} has no mirror image, and this network "
            "takes maxima: its expectation is unknown, use estimator=sampled"
        )


def unmirrored(windows: Iterable[Window]) -> tuple[int, int, int] | None:
    """Return kernel, stride and size of a window without a mirror image where there are maxima, None for none."""
    distinct = set(windows)
    if all(kind != "max" for kind, *_ in distinct):
        return None
    for kind, sizes, kernel, stride, padding in distinct:
        for size in sizes:
            if kind in ("frame_conv", "shift") or (size + 2 * padding - kernel) % stride:
                return kernel, stride, size
    return None


def _windows(sizes: Sequence[tuple[Size, Size]], words: Sequence[frozenset[Word]]) -> Iterator[Window]:
    for (size, _), at_place in zip(sizes, words, strict=True):
        for word in at_place:
            for op, before in zip(word, [size, *(op.size for op in word)], strict=False):
                if op.size and op.kind != "ones":
                    yield op.kind, before, op.kernel, op.stride, op.padding


@lru_cache(maxsize=4096)
def alphabet(words: frozenset[Word], size: Size) -> frozenset[Word]:
    """Return the operations of words that keep the size, each a word for itself, or the words."""
    return frozenset((op,) for word in words for op in word) if _keeps(words, size) else words


def _keeps(words: frozenset[Word], size: Size) -> bool:
    return all(op.size == size for word in words for op in word)


def _first(labels: Labels) -> Labels:
    """Return one position of each class."""
    return np.unique(labels, return_index=True)[1]


def _refine(labels: Labels, size: Size, words: frozenset[Word]) -> Labels:
    """Split classes until every operation sends all positions of a class the same from each class."""
    while True:
        images = [_apply(word, size, labels) for word in sorted(words)]
        finer = _unique([labels[:, None], *images])
        if finer.max() == labels.max():
            return finer
        labels = finer


def _unique(columns: Sequence[Floats | Labels]) -> Labels:
    """Return for each row which of the different rows it is, numbered as they come."""
    # Sums over windows are whole numbers, and a mean divides one: 1e-9 only bridges rounding.
    rows = np.round(np.concatenate(columns, axis=1), 9)
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows])


def _apply(word: Word, size: Size, labels: Labels) -> Floats:
    """Return the images of the indicators of all classes, `[positions, classes]`."""
    classes = int(labels.max()) + 1
    x = (labels[:, None] == np.arange(classes)).astype(np.float64).reshape(1, *size, classes)
    for op in word:
        if op.kind == "ones":
            x = np.full((1, *op.size, 1), op.scale)
        elif not op.size:
            x = x.reshape(1, -1, x.shape[-1]).mean(axis=1)
        elif op.kind == "max":
            for axis, out in enumerate(op.size, start=1):
                x = x.take(innermost(x.shape[axis], out, op.kernel, op.stride, op.padding), axis)
        else:
            layer = Layer(op.kind, (), 1, op.size, op.kernel, op.stride, op.padding, dilation=op.dilation)
            share = shares(layer, x.shape[1:-1]) if op.kind == "mean" else 1.0
            x = box(x, layer) * share
    return np.asarray(x.reshape(-1, x.shape[-1]))
