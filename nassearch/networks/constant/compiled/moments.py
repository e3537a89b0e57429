"""Mean and variance line by line, compiled: the same sums whatever the compiler makes of them.

Numbers of a line are added in float32 in a fixed number of lanes, side by side, which compiles to wide additions; lines
in float64. What is squared are distances from the mean of the first line, which is part of the whole: so it is no
further from the mean than some standard deviations, and no digits are lost.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from nassearch.networks.kernels import kernel

EPS = np.float32(1e-5)
LANES = L = 32
GROUP = 8 * LANES
ZERO = np.float32(0)
FAST = kernel(nogil=True)


@FAST
def mean_of(m, x, many):
    """Return the mean of a line."""
    total = 0.0
    for p in range(x, x + many):
        total += np.float64(m[p])
    return np.float64(np.float32(total / many))


@FAST
def moments(m, x, many, totals, o, squares, lanes):
    """Add a line to the sums of distances from `totals[o, 0]` and, where asked, of their squares."""
    shift, whole = np.float32(totals[o, 0]), many // GROUP * GROUP
    for p in range(LANES):
        lanes[0, p] = lanes[1, p] = ZERO
    for start in range(x, x + whole, GROUP):
        g = m[start : start + GROUP]
        for p in range(LANES):
            d0, d1, d2, d3 = g[p] - shift, g[p + L] - shift, g[p + 2 * L] - shift, g[p + 3 * L] - shift
            d4, d5, d6, d7 = (
                g[p + 4 * L] - shift,
                g[p + 5 * L] - shift,
                g[p + 6 * L] - shift,
                g[p + 7 * L] - shift,
            )
            lanes[0, p] += ((d0 + d1) + (d2 + d3)) + ((d4 + d5) + (d6 + d7))
            if squares:
                low, high = (
                    (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3),
                    (d4 * d4 + d5 * d5) + (d6 * d6 + d7 * d7),
                )
                lanes[1, p] += low + high
    first, second = 0.0, 0.0
    for p in range(LANES):
        first += np.float64(lanes[0, p])
        second += np.float64(lanes[1, p])
    for p in range(x + whole, x + many):
        d = np.float64(m[p] - shift)
        first += d
        second += d * d
    totals[o, 1] += first
    totals[o, 2] += second


@FAST
def mean_and_scale(totals, o, count, weight):
    """Return mean and scale of batch norm from the sums over `count` numbers."""
    away = totals[o, 1] / count
    variance = max(totals[o, 2] / count - away * away, 0.0)
    return np.float32(totals[o, 0] + away), weight / np.sqrt(np.float32(variance) + EPS)
