"""Numbers beyond float64: a float, and the power of two by which it is to be multiplied.

A synflow can be beyond 1e308, or below 1e-308. It is kept as::

    mantissa * 2 ** exponent,    log = log(mantissa) + exponent * log(2)
"""

from __future__ import annotations

import math
from typing import NamedTuple

LN2 = math.log(2)
LIMIT = 400
"""Signals whose exponents pass this, up or down, are scaled: products of two of them are still in range."""


class Scaled(NamedTuple):
    """The number `mantissa * 2 ** exponent`, not negative; the mantissa is any float.

    >>> Scaled(3.0, 2).value
    12.0
    >>> Scaled(1.0, 2000).value
    inf
    >>> round(Scaled(1.0, 2000).log, 6)
    1386.294361
    """

    mantissa: float
    exponent: int = 0

    @property
    def value(self) -> float:
        """The number as a float: infinite, or 0, where it is out of range."""
        try:
            return math.ldexp(self.mantissa, self.exponent)
        except OverflowError:
            return math.inf

    @property
    def log(self) -> float:
        """The natural logarithm, -inf of 0."""
        return math.log(self.mantissa) + self.exponent * LN2 if self.mantissa else -math.inf


def surplus(largest: float) -> int:
    """Return the exponent of the largest of some signals where it passes `LIMIT`, and otherwise 0.

    >>> surplus(2.0**500), surplus(1e-3), surplus(0.0)
    (501, 0, 0)
    """
    exponent = math.frexp(largest)[1]
    return exponent if abs(exponent) > LIMIT else 0


def root(above: int, below: int, halvings: int) -> Scaled:
    """Return the square root of a fraction, halved so often.

    >>> root(9, 4, 1)
    Scaled(mantissa=0.75, exponent=0)
    >>> root(2**3000, 1, 0).log == 1500 * LN2
    True
    """
    shift = (above.bit_length() - below.bit_length()) // 2
    if max(abs(shift), halvings) <= LIMIT:
        return Scaled(math.sqrt(above / below) / 2**halvings)
    quotient = above / (below << 2 * shift) if shift > 0 else (above << -2 * shift) / below
    return Scaled(math.sqrt(quotient), shift - halvings)


def total(terms: list[Scaled], exponent: int) -> float:
    """Return the exact sum of terms, rounded once, in units of `2 ** exponent`."""
    return math.fsum(math.ldexp(term.mantissa, term.exponent - exponent) for term in terms)


def times(count: float, number: Scaled) -> Scaled:
    """Return a product; the count, of paths, is any whole number or a float."""
    if isinstance(count, int) and count.bit_length() > LIMIT:
        more = count.bit_length() - 64  # a float keeps 53 bits
        return Scaled((count >> more) * number.mantissa, number.exponent + more)
    return Scaled(count * number.mantissa, number.exponent)


def largest(groups: list[list[Scaled]]) -> int:
    """Return the exponent of the largest of some numbers, 0 where there is none."""
    return max((math.frexp(m)[1] + e for terms in groups for m, e in terms if m), default=0)
