"""Linear window operations on signals that start as ones, with one number for all positions that must be equal.

A signal that is constant on classes of positions stays so under an operation that sends every position of a class
the same sum from each class. The coarsest such partition is found by refinement: on a square of side s, for
stride 1, it has about s * s / 8 classes, because nothing can tell a position from its mirror images. Nothing is
approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.collapsed import box, shares
from nassearch.networks.graph import Layer
from nassearch.types import Floats

Size = tuple[int, ...]
Labels = NDArray[np.intp]
"""The class of every position, `[positions]`."""


class Op(NamedTuple):
    """One operation: the `sum` or `mean` over windows, or the constant signal `scale` (`ones`).

    Attributes:
        size: of what it gives out; `()` for the mean over everything.
    """

    kind: str
    size: Size
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    scale: float = 1.0


Word = tuple[Op, ...]
"""Operations one after the other."""


class Lumping:
    """The classes of positions along a chain of places, and the words of each place as matrices between classes.

    A place that keeps the size may stand in a row with itself: its classes are then closed under its operations.

    Args:
        sizes: size before and after each place.
        words: the operations at each place that keeps the size, the whole words elsewhere.
    """

    def __init__(self, sizes: Sequence[tuple[Size, Size]], words: Sequence[frozenset[Word]]) -> None:
        self.sizes = sizes
        self._entries: list[Labels] = []
        self._labels: list[tuple[Labels, Labels]] = []
        self._shapes: list[tuple[int, int]] = []
        self._matrices: dict[tuple[int, Word], Floats] = {}
        labels = np.zeros(prod(sizes[0][0]), np.intp)
        for (before, after), at_place in zip(sizes, words, strict=True):
            inner = _refine(labels, before, at_place) if _keeps(at_place, before) else labels
            self._entries.append(labels[_first(inner)])
            if inner is labels:
                images = [_apply(word, before, labels) for word in sorted(at_place)]
                labels = _unique(images or [np.zeros((prod(after), 1))])
            else:
                labels = inner
            self._labels.append((inner, labels))
            self._shapes.append((int(labels.max()) + 1, int(inner.max()) + 1))

    @classmethod
    def of(cls, sizes: tuple[tuple[Size, Size], ...], words: Sequence[frozenset[Word]]) -> Lumping:
        """Return the lumping of a chain; chains with the same operations share it."""
        alphabets = tuple(
            frozenset((op,) for word in at_place for op in word) if _keeps(at_place, before) else at_place
            for (before, _), at_place in zip(sizes, words, strict=True)
        )
        return _cached(sizes, alphabets)

    def entry(self, place: int) -> Labels:
        """Return the class before the place that each class inside it comes from."""
        return self._entries[place]

    def shape(self, place: int) -> tuple[int, int]:
        """Return the numbers of classes after and before."""
        return self._shapes[place]

    def matrix(self, place: int, word: Word) -> Floats:
        """Return what the word does to signals given by class, `[after, before]`; `[after, 1]` if it begins anew."""
        if (place, word) not in self._matrices:
            inner, outer = self._labels[place]
            image = _apply(word, self.sizes[place][0], inner)
            self._matrices[place, word] = np.ascontiguousarray(image[_first(outer)])
        return self._matrices[place, word]


@lru_cache(maxsize=64)
def _cached(sizes: tuple[tuple[Size, Size], ...], alphabets: tuple[frozenset[Word], ...]) -> Lumping:
    return Lumping(sizes, alphabets)


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
    # Sums over windows are whole numbers, and a mean divides one: 1e-9 only bridges rounding.
    rows = np.round(np.concatenate(columns, axis=1), 9)
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _apply(word: Word, size: Size, labels: Labels) -> Floats:
    """Return the images of the indicators of all classes, `[positions, classes]`."""
    classes = int(labels.max()) + 1
    x = (labels[:, None] == np.arange(classes)).astype(np.float64).reshape(1, *size, classes)
    for op in word:
        if op.kind == "ones":
            x = np.full((1, *op.size, 1), op.scale)
        elif not op.size:
            x = x.reshape(1, -1, x.shape[-1]).mean(axis=1)
        else:
            layer = Layer("avg_pool", (), 1, op.size, op.kernel, op.stride, op.padding)
            share = shares(layer, x.shape[1:-1]) if op.kind == "mean" else 1.0
            x = box(x, layer) * share
    return np.asarray(x.reshape(-1, x.shape[-1]))
