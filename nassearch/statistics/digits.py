"""How many digits of a number people are shown: as many as tell the values beside it apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

SIGNIFICANT = 3
"""Digits of a published value, at the least, such as 4.52 nats or a similarity of 0.585."""
STEPS = 10
"""The closer half of the values is spread over so many units of the last digit, or more."""
ROUNDING = 10
"""Values that agree in so many digits are the same value, computed on two ways."""
MOST = 8
"""Decimals; numbers that need more are written with an exponent."""
LARGE = 1e9

Writer = Callable[[float | None], str]


def decimals(values: Iterable[float | None], significant: int = 2) -> int:
    """Return how many decimals tell values apart: two, and more where they lie close or the largest has few digits.

    Close is judged by the narrowest range that holds half of the different values, so that one far off hides nothing.

    >>> decimals([92.45, 93.33, 94.45]), decimals([0.583, 0.585, 0.595]), decimals([0.1, 0.583, 0.585])
    (2, 4, 4)
    >>> decimals([0.585], significant=3)
    3
    """
    return max(2, _decimals(_different(values), significant))


def writer(values: Iterable[float | None], significant: int = 2) -> Writer:
    """Return what writes each of the values with the same number of decimals, and a dash for what is not there."""
    found = _different(values)
    number, largest = _decimals(found, significant), float(np.abs(found).max(initial=0.0))
    style = f".{max(2, number)}f"
    if largest and (number > MOST or largest >= LARGE):
        digits = number + math.floor(math.log10(largest))
        style = f".{min(max(significant - 1, digits), ROUNDING - 1)}e"

    def write(value: float | None) -> str:
        if value is None or math.isnan(value):
            return "-"
        written = format(value, style)
        return written.removeprefix("-") if float(written) == 0 else written

    return write


def fixed(decimals: int) -> Writer:
    """Return what writes each value with so many decimals, and a dash for what is not there.

    >>> fixed(1)(0.25), fixed(0)(1531258.0), fixed(2)(None)
    ('0.2', '1531258', '-')
    """

    def write(value: float | None) -> str:
        if value is None or math.isnan(value):
            return "-"
        written = f"{value:.{decimals}f}"
        return written.removeprefix("-") if float(written) == 0 else written

    return write


def exact(value: float, least: int = 0) -> str:
    """Write a number that was given, such as a target, with all digits that it was given with.

    >>> exact(0.585), exact(73.0), exact(93.5, least=2)
    ('0.585', '73', '93.50')
    """
    shortest = f"{value:.12g}"
    if "e" in shortest:
        return shortest
    return f"{value:.{max(least, len(shortest.partition('.')[2]))}f}"


def ratio(value: float) -> str:
    """Write how many times more one thing is than another, with two digits that are not 0.

    >>> ratio(1.0), ratio(12.345), ratio(1 / 300)
    ('1.00', '12.35', '0.0033')
    """
    return f"{value:.2f}" if value >= 0.1 or not value else f"{value:.2g}"


def _different(values: Iterable[float | None]) -> np.ndarray:
    known = (v for v in values if v is not None and math.isfinite(v))
    return np.unique(np.nan_to_num([float(f"{v:.{ROUNDING}g}") for v in known]))  # the largest rounds to inf


def _decimals(found: np.ndarray, significant: int) -> int:
    """Return the decimals that sorted values need, below zero where whole tens or hundreds would do."""
    if not found.any():
        return 0
    largest = float(np.abs(found).max())
    enough = significant - 1 - math.floor(math.log10(largest))
    half = max(2, math.ceil(len(found) / 2))
    if len(found) >= half:
        shares = found / largest  # of which differences cannot overflow, and may be 0
        narrowest = max(float(np.min(shares[half - 1 :] - shares[: len(found) - half + 1])), 5e-324)
        # Less a little, since 94.46 - 94.45 is less than 0.01.
        steps = math.log10(STEPS) - math.log10(narrowest) - math.log10(largest)
        enough = max(enough, math.ceil(steps - 1e-6))
    return enough
