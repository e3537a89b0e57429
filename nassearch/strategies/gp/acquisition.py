"""Expected improvement, in logarithms, and the first of those that have the most of it."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx, ndtr

from nassearch.types import Floats

DIGITS = 4
"""Logarithms of expected improvement are compared after rounding to so many: candidates whose inputs are equal differ
in the last bits of a matrix product, which depend on the make of processor and on the number of threads."""


def log_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Return log E[max(0, f - best)] for f of normal distributions `[M]`.

    log h(z) + log deviation for z = (mean - best) / deviation and h(z) = phi(z) + z Phi(z). Below z = -1 both terms are
    nearly the same, and h = phi(z) (1 + z Phi(z) / phi(z)) (Ament et al., 2023, arXiv 2310.20708, equation 9).
    """
    z = np.maximum((mean - best) / deviation, -1e4)
    found: Floats = -z * z / 2 - math.log(2 * math.pi) / 2  # log phi
    high = z > -1
    low = z[~high]
    found[~high] += np.log1p(low * math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2)))
    found[high] = np.log(z[high] * ndtr(z[high]) + np.exp(found[high]))
    found += np.log(deviation)
    return found


def first_best(values: Floats) -> int:
    """Return the place of the highest value after rounding, the first of those that have it."""
    return int(np.round(values, DIGITS).argmax())
