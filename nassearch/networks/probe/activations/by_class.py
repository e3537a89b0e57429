"""How alike the Jacobians of samples of one class are."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def class_scores(rows: Tensor, labels: Tensor, k: float) -> list[tuple[float, int]]:
    """Return for each class that is there the sum of log(|correlation| + k) over pairs of its samples, and how many.

    Pairs are ordered, and each sample is paired with itself too: n samples have n * n.

    >>> rows = torch.tensor([[1.0, 0.0, -1.0], [1.0, -2.0, 1.0], [3.0, 4.0, 5.0]])
    >>> (first, pairs), (alone, one) = class_scores(rows, torch.tensor([0, 0, 1]), k=0.5)
    >>> round(first, 6) == round(2 * math.log(1.5) + 2 * math.log(0.5), 6), pairs, one
    (True, 4, 1)

    Args:
        rows: `[B, D]`, one Jacobian per sample.
        labels: int64 `[B]`.
        k: what keeps the logarithm of 0 finite.

    Returns:
        NaN for a class with a sample whose values are all equal, which has no correlation.
    """
    found = []
    for label in torch.unique(labels).tolist():
        own = rows[labels == label].double()
        own = own - own.mean(1, keepdim=True)
        own = own / own.norm(dim=1, keepdim=True)
        correlation = (own @ own.T).clamp(-1, 1)
        logs = (correlation.abs() + k).log().flatten().tolist()
        found.append((math.fsum(logs) if all(map(math.isfinite, logs)) else math.nan, len(logs)))
    return found
