"""How unlikely counts are if they follow the law that they should follow."""

from __future__ import annotations

import math
from collections.abc import Sequence

UNLIKELY = 7.0
"""A normal score that chance exceeds once in 10^12: what a contract lets pass."""


def unevenness(counts: Sequence[int], shares: Sequence[float] | None = None) -> float:
    """Return how far counts are from their shares, as a normal score: above 7 once in about 10^12 by chance.

    Pearson's chi-square, brought to a normal score by Wilson and Hilferty (1931): its cube root is nearly normal, to
    within a few percent of the exponent where every share expects ten and more.

    Args:
        counts: how often each of k >= 2 outcomes came.
        shares: what share of all each should have; None for equal ones.

    >>> unevenness([50, 52, 48, 50]) < 1 < 7 < unevenness([100, 100, 0, 0])
    True
    """
    total, k = sum(counts), len(counts)
    expected = [total * share for share in (shares or [1 / k] * k)]
    square = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True))
    freedom = k - 1
    spread = 2 / (9 * freedom)
    return float(((square / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread))


def draws_for_all(size: int) -> int:
    """Return how many uniform draws of `size` things meet every one: one is missed with probability below 1e-10.

    Each is missed with probability `exp(-draws / size)`, and one of them at most `size` times as often.
    """
    return math.ceil(size * (math.log(size) + 23.1))
