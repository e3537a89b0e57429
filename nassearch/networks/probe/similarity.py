"""How much alike vectors are: by the eigenvalues of their correlation, or by their cosines. All in float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nassearch.checks import check_positive


def eigen_score(rows: Tensor, k: float) -> float:
    """Return -sum(log(v + k) + 1 / (v + k)) over the eigenvalues v of the correlation of rows; higher is less alike.

    Up to a constant it is the negative KL divergence between an uncorrelated Gaussian and one with that correlation
    (Mellor et al., Neural architecture search without training, first version, 2020).

    Two uncorrelated rows have the eigenvalues 1 and 1, so the score is -2 * (log(1) + 1 / 1) = -2. Two rows of one
    direction have 2 and 0, and 1 / k decides: -(log(2) + 1 / 2) - (log(k) + 1 / k).

    >>> round(eigen_score(torch.tensor([[1.0, 0.0, -1.0], [1.0, -2.0, 1.0]]), k=1e-5), 4)
    -2.0
    >>> round(eigen_score(torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]), k=1e-5), 2)
    -99989.68

    Args:
        rows: `[n, D]`. Where D <= n the correlation is singular, and each eigenvalue 0 adds about -1 / k.
        k: small and positive; what keeps the logarithm of an eigenvalue 0 finite.

    Returns:
        A value within `eigen_range(n, k)`; NaN for fewer than two rows, for a row without variation (all values
        equal, which has no correlation) and for values that are not finite.

    Raises:
        InvalidSetting: k is not positive.
    """
    check_positive({"k": k}, "k")
    if len(rows) < 2:
        return math.nan
    correlation = torch.corrcoef(rows.double())
    if not bool(torch.isfinite(correlation).all()):
        return math.nan
    # Rounding alone makes an eigenvalue of a correlation negative.
    shifted = torch.linalg.eigvalsh(correlation).clamp_min(0) + k
    return -float((shifted.log() + shifted.reciprocal()).sum())


def eigen_range(n: int, k: float) -> tuple[float, float]:
    """Return the least and the greatest eigen-score of n rows.

    The least is that of rows which are multiples of one another, eigenvalues (n, 0, ..., 0); the greatest that of
    uncorrelated rows, all eigenvalues 1. It holds for k below 0.1 or so.
    """

    def term(v: float) -> float:
        return -(math.log(v + k) + 1 / (v + k))

    return term(n) + (n - 1) * term(0), n * term(1)


def cosine_score(rows: Tensor, root: float) -> float:
    """Return 1 - the mean over pairs of rows of |cosine| ** (1 / root); higher is less alike.

    The cosine of (3, 4) and (4, 3) is 24 / 25. With root 1 the score is 1 - 0.96:

    >>> round(cosine_score(torch.tensor([[3.0, 4.0], [4.0, 3.0]]), root=1), 4)
    0.04

    Args:
        rows: `[n, D]`; they are not centred.
        root: 20 in the paper; the larger, the more it tells small cosines apart.

    Returns:
        0 (all parallel, in either direction) to 1 (all orthogonal); NaN for fewer than two rows, for a row of zeros
        and for values that are not finite.

    Raises:
        InvalidSetting: root is not positive.
    """
    check_positive({"root": root}, "root")
    if len(rows) < 2:
        return math.nan
    rows = rows.double()
    directions = rows / rows.norm(dim=1, keepdim=True)
    cosines = (directions @ directions.T).abs().clamp_max(1)
    above = torch.triu_indices(len(rows), len(rows), offset=1)
    return 1 - float(cosines[above[0], above[1]].pow(1 / root).mean())


def varied(rows: Tensor) -> Tensor:
    """Return the rows of `[n, D]` whose values are not all equal."""
    return rows[(rows != rows[:, :1]).any(1)]
