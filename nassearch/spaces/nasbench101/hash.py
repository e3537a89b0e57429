"""The published hash of NAS-Bench-101: equal for isomorphic cells, different for all others (Ying et al., 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import md5

Matrix = tuple[tuple[int, ...], ...]


def module_hash(matrix: Matrix, ops: Sequence[int], number: Callable[[int], int | float] = int) -> str:
    """Return the MD5 fingerprint of a pruned cell: matrix `[V, V]`, V - 2 operations by their published number.

    `number` is how degrees are written, which for NAS-Bench-ASR is as floats.

    Every vertex begins with the hash of its degrees and its operation; then, V times, each takes in those of its
    neighbours, before it and after it, so that in the end each has seen the whole graph.
    """
    around = _around(matrix)
    labels = (-1, *ops, -2) if matrix else ()
    hashes = [
        _digest(str((number(len(after)), number(len(before)), op)))
        for (before, after), op in zip(around, labels, strict=True)
    ]
    hashes = [_digest(text) for text in _texts(around, hashes)]  # few cells have first texts of their own
    for _ in range(len(matrix) - 1):
        hashes = [_md5(text) for text in _texts(around, hashes)]
    return _md5(str(sorted(hashes)))


def _texts(around: tuple[tuple[list[int], list[int]], ...], hashes: list[str]) -> list[str]:
    of = hashes.__getitem__
    return [
        f"{''.join(sorted(map(of, before)))}|{''.join(sorted(map(of, after)))}|{own}"
        for (before, after), own in zip(around, hashes, strict=True)
    ]


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


_digest = lru_cache(maxsize=1 << 14)(_md5)


@lru_cache(maxsize=1 << 12)
def _around(matrix: Matrix) -> tuple[tuple[list[int], list[int]], ...]:
    """Return what feeds each vertex and what it feeds."""
    vertices = range(len(matrix))
    return tuple(
        ([w for w in vertices if matrix[w][v]], [w for w in vertices if matrix[v][w]]) for v in vertices
    )
