"""How even the spectrum of a matrix is, seen at its deciles."""

from __future__ import annotations

import math

import torch
from torch import Tensor

DECILES = 9


def decile_entropy(matrix: Tensor) -> float:
    """Return the entropy of the nine deciles of the eigenvalues of a positive matrix, as shares in their sum, in nats.

    A decile between two eigenvalues lies on the line between them. It is log 9 where all eigenvalues are equal, the
    most there is. Eigenvalues 0, 0 and 1 have the deciles 0, 0, 0, 0, 0, 1/5, 2/5, 3/5 and 4/5:

    >>> decile_entropy(torch.eye(4)) == math.log(9)
    True
    >>> round(decile_entropy(torch.diag(torch.tensor([0.0, 0.0, 1.0]))), 4)
    1.2799
    >>> round(-sum(p * math.log(p) for p in (0.1, 0.2, 0.3, 0.4)), 4)
    1.2799

    Args:
        matrix: symmetric, positive but for rounding.

    Returns:
        A value from 0 to log 9; NaN where all deciles are 0, or a number is not finite.
    """
    if not bool(torch.isfinite(matrix).all()):
        return math.nan
    # Rounding makes eigenvalues that are 0 a little negative.
    values = sorted(max(0.0, v) for v in torch.linalg.eigvalsh(matrix.double()).tolist())
    deciles = [_at(values, n / (DECILES + 1) * (len(values) - 1)) for n in range(1, DECILES + 1)]
    total = math.fsum(deciles)
    if not total > 0:
        return math.nan
    return -math.fsum(d / total * math.log(d / total) for d in deciles if d > 0)


def _at(values: list[float], place: float) -> float:
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])
