"""Determinants of matrices of whole numbers: log |det K|, or the rank of a K that is singular.

Rounding cannot tell a singular matrix from one that is nearly so. There the rank is computed modulo primes, and the
determinant in whole numbers, both exactly.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nassearch.types import Floats

Whole = NDArray[np.int64]
PRIMES = (2147483647, 2147483629, 2147483587)
"""Below 2^31, so that products fit into int64."""


def log_determinant(matrix: Floats) -> float | int:
    """Return the natural logarithm of the determinant of a Gram matrix of whole numbers, or its rank if it is singular.

    >>> round(log_determinant(np.array([[3.0, 1.0], [1.0, 3.0]])), 12)  # log(9 - 1)
    2.07944154168
    >>> log_determinant(np.array([[3.0, 3.0], [3.0, 3.0]]))
    1

    Args:
        matrix: symmetric, positive semidefinite `[n, n]`; whole numbers below 2^53.

    Returns:
        float where the rank is n, else the rank as an int. Neither depends on the order of rows but for rounding.
    """
    size, values = len(matrix), np.linalg.eigvalsh(matrix)
    # Computed eigenvalues are off by some n roundings of the largest: beyond ten times that the least is no zero.
    if values[0] > 10 * size * np.finfo(np.float64).eps * values[-1]:
        return float(np.linalg.slogdet(matrix)[1])
    whole = matrix.astype(np.int64)
    found = rank(whole)
    return math.log(_determinant(whole)) if found == size else found


def rank(matrix: Whole) -> int:
    """Return the rank of a matrix of whole numbers `[m, n]`.

    >>> rank(np.array([[1, 2, 3], [2, 4, 6], [0, 1, 1]]))  # the second row is twice the first
    2

    Over the field of a prime it is never above the true one, and below it only where the prime divides all minors of
    that size: for all three primes at once by a chance of about 1e-27.
    """
    return max(_rank_modulo(matrix, prime) for prime in PRIMES)


def _rank_modulo(matrix: Whole, prime: int) -> int:
    left, found = matrix % prime, 0
    for column in range(left.shape[1]):
        pivots = np.flatnonzero(left[found:, column])
        if not len(pivots):
            continue
        left[[found, found + pivots[0]]] = left[[found + pivots[0], found]]
        row = left[found, column:] * pow(int(left[found, column]), -1, prime) % prime
        below = left[found + 1 :, column:]
        below[:] = (below - below[:, :1] * row) % prime
        found += 1
        if found == len(left):
            break
    return found


def _determinant(matrix: Whole) -> int:
    """Return the determinant exactly (Bareiss, 1968): every division there is without remainder."""
    rows, before = [[int(value) for value in row] for row in matrix], 1
    for k in range(len(rows) - 1):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], [-value for value in rows[k]]
        first, head = rows[k], rows[k][k]
        for i in range(k + 1, len(rows)):
            row, lead = rows[i], rows[i][k]
            rows[i] = [(head * x - lead * y) // before for x, y in zip(row, first, strict=True)]
        before = head
    return rows[-1][-1]
