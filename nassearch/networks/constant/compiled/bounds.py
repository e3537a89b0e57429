"""How large the numbers of a signal can be, compiled, so that what is zero everywhere need not be computed."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from nassearch.networks.kernels import kernel

DIES = 7e-46
"""Below half the smallest float32: what is smaller becomes zero."""
FAST = kernel(nogil=True)


@FAST
def rounded(bound):
    """Bound float32 numbers that were below a bound before rounding; 0 where all of them become zero."""
    return 0.0 if bound < DIES else bound * 1.000001 + 2 * DIES


@FAST
def bound_of(term, a, largest, size, weight):
    """Return a number that no value of a term exceeds, 0 where all are zero.

    `a` are the term's numbers, `largest` a bound of the `size` numbers of its slot.
    """
    normed = np.sqrt(size) * weight  # no number is further than that from the mean, in standard deviations
    bound = largest
    if term[1]:
        bound = min(rounded((bound + abs(a[0])) * a[1]), normed)
    if term[4]:
        bound = rounded(bound * a[3])
    if term[5]:
        bound = min(rounded((bound + abs(a[4])) * a[5]), normed)
    return bound
