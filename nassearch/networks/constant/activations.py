"""Activations number by number, the same bits on every processor: numpy's own exponential is not."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nassearch.types import Floats

F = TypeVar("F", np.float32, np.float64)
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
"""The logarithm of 2 in two parts; products of the first with whole numbers up to 2**20 are exact."""
TERMS = 14
"""Of the series of the exponential up to ln(2) / 2; the first left out is 1e-17 of the sum."""
FAR = 800.0
"""exp of minus this is 0."""


def sigmoid(x: NDArray[F]) -> Floats:
    """Return 1 / (1 + exp(-x)) in float64.

    >>> sigmoid(np.array([0.0, 1.0, -1.0, 40.0])).round(6)
    array([0.5     , 0.731059, 0.268941, 1.      ])
    """
    y = _exp_minus(np.minimum(np.abs(x.astype(np.float64)), FAR))
    return np.where(x < 0, y, 1.0) / (1 + y)


def _exp_minus(x: Floats) -> Floats:
    """Return exp(-x) for numbers from 0 to `FAR`; NaN stays."""
    whole = np.rint(x * LOG2_E)
    rest = whole * LN2_HIGH - x + whole * LN2_LOW
    y = np.ones_like(x)
    for term in range(TERMS, 0, -1):
        y *= rest / term
        y += 1
    return np.ldexp(y, -np.nan_to_num(whole).astype(np.intc))


def hard_sigmoid(x: NDArray[F]) -> NDArray[F]:
    """Return min(max(x + 3, 0), 6) / 6."""
    three, six, zero = x.dtype.type(3), x.dtype.type(6), x.dtype.type(0)
    return np.asarray(np.minimum(np.maximum(x + three, zero), six) / six)


def activate(op: str, x: NDArray[F]) -> NDArray[F]:
    """Return one of `nassearch.networks.graph.ACTIVATIONS` of numbers, of their kind."""
    kind = x.dtype.type
    if op == "relu6":
        return np.minimum(np.maximum(x, kind(0)), kind(6))
    if op == "hard_sigmoid":
        return hard_sigmoid(x)
    if op == "hard_swish":  # in this order, as torch does: what is largest overflows alike
        return np.asarray(x * np.minimum(np.maximum(x + kind(3), kind(0)), kind(6)) / kind(6))
    y = sigmoid(x)
    if op == "swish":
        y *= x
    return y.astype(x.dtype)


def slopes(op: str, x: Floats) -> tuple[Floats, Floats]:
    """Return f(x) / x and the derivative f'(x) of `swish` or `hard_swish`; of a sigmoid f(x) itself and f'(x).

    Infinite numbers have those of the largest.
    """
    x = np.clip(x, -FAR, FAR)
    if op in ("hard_swish", "hard_sigmoid"):
        y = hard_sigmoid(x)
        between = ((x > -3) & (x < 3)) / 6.0
    else:
        y = sigmoid(x)
        between = y * sigmoid(-x)
    return y, between if op.endswith("sigmoid") else y + x * between
