"""The operations of a tape of constant weights, compiled: float32 `[positions * B]`, samples side by side.

No fastmath: reordered sums, contracted products or flushed denormals would change which signals die by underflow.
Sums along the batch are kept one for each sample, side by side, which compiles to wide additions all the same.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

from nassearch.networks.collapsed_tape import (
    CONV,
    COPIES,
    FIRST,
    GATHER,
    HIGH,
    KERNEL,
    LAST,
    MEAN,
    NORM,
    OP,
    OUT_HIGH,
    OUT_WIDE,
    PADDING,
    POOL,
    STRIDE,
    WIDE,
    WRITE,
)

EPS, ZERO, QUARTER, ONE = np.float32(1e-5), np.float32(0), np.float32(0.25), np.float32(1)
LANES, PIECE = 256, 4096
TINY = np.float32(
    1e-10
)  # moves no variance that counts beside EPS, and keeps squares out of the slow denormals
DIES, SMALL = 7e-46, 1e-30  # below half the smallest float32; so small that it may be absorbed
FAST = njit(cache=True)


@FAST
def _evaluate(x, out, add, a):
    """Write, or add, the values of a term with the numbers of `_numbers`; denormals times one are slow, so left out."""
    mean0, scale0, floor, factor, mean1, scale1 = a
    plain = mean0 == 0 and scale0 == 1
    if plain and factor == 1 and mean1 == 0 and scale1 == 1:
        if add:
            for p in range(len(out)):
                out[p] += floor if x[p] < floor else x[p]
        else:
            for p in range(len(out)):
                out[p] = floor if x[p] < floor else x[p]
    elif plain and mean1 == 0 and scale1 == 1 and not add:
        for p in range(len(out)):
            out[p] = (floor if x[p] < floor else x[p]) * factor
    elif add:
        for p in range(len(out)):
            v = (x[p] - mean0) * scale0
            v = floor if v < floor else v
            out[p] += (v * factor - mean1) * scale1
    else:
        for p in range(len(out)):
            v = (x[p] - mean0) * scale0
            v = floor if v < floor else v
            out[p] = (v * factor - mean1) * scale1


@FAST
def _numbers(term, weight, norms):
    """Return the two norms of a term, the smallest number it lets through, and its factor."""
    mean0, scale0, mean1, scale1 = ZERO, ONE, ZERO, ONE
    if term[1] >= 0:
        mean0, scale0 = norms[term[1], 0], norms[term[1], 1]
    if term[4] >= 0:
        mean1, scale1 = norms[term[4], 0], norms[term[4], 1]
    floor = ZERO if term[2] else np.float32(-np.inf)
    factor = weight * np.float32(term[3]) if term[3] else ONE
    return mean0, scale0, floor, factor, mean1, scale1


@FAST
def _accumulate(x, sums):
    """Add to the sums of means, of their squares, and of squared distances from them, all of four numbers each."""
    whole = len(x) // (4 * LANES)
    for k in range(whole):
        group = x[4 * LANES * k : 4 * LANES * (k + 1)]
        x0, x1, x2, x3 = (
            group[:LANES],
            group[LANES : 2 * LANES],
            group[2 * LANES : 3 * LANES],
            group[3 * LANES :],
        )
        for p in range(LANES):
            mean = ((x0[p] + x1[p]) + (x2[p] + x3[p])) * QUARTER
            near = mean - TINY
            d0, d1, d2, d3 = x0[p] - near, x1[p] - near, x2[p] - near, x3[p] - near
            sums[0, p] += np.float64(mean)
            sums[1, p] += np.float64(mean) * np.float64(mean)
            sums[2, p] += np.float64((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3))
    for p in range(4 * LANES * whole, len(x)):
        v = np.float64(x[p])
        sums[0, 0] += v / 4
        sums[1, 0] += v * v / 4


@FAST
def _mean_and_scale(sums, count, weight):
    """Return mean and scale of batch norm, or (0, 0) where all numbers are zero."""
    means, squares, distances = sums[0].sum(), sums[1].sum(), sums[2].sum()
    if means == 0 and squares == 0:
        return ZERO, ZERO
    mean = 4 * means / count
    variance = np.float32(max((4 * squares + distances) / count - mean * mean, 0.0))
    return np.float32(mean), weight / np.sqrt(variance + EPS)


@FAST
def _norm(x, term, a, column, sums, weight):
    """Return mean and scale of batch norm on a term."""
    sums[:] = 0.0
    if term[1] < 0 and term[4] < 0 and not term[2] and not term[3]:
        _accumulate(x, sums)
    else:
        for start in range(0, len(x), PIECE):
            piece = column[: min(PIECE, len(x) - start)]
            _evaluate(x[start : start + PIECE], piece, False, a)
            _accumulate(piece, sums)
    return _mean_and_scale(sums, len(x), weight)


@FAST
def _join(y, x0, x1, x2, factor):
    for p in range(len(y)):
        y[p] = ((x0[p] + x1[p]) + x2[p]) * factor


@FAST
def _windows(x, y, a, op, scale, column, batch):
    """Sum over windows, along columns and then along rows, the window's own place first as the reference does."""
    high, wide, out_high, out_wide = op[HIGH], op[WIDE], op[OUT_HIGH], op[OUT_WIDE]
    kernel, stride, padding = op[KERNEL], op[STRIDE], op[PADDING]
    mean0, scale0, floor = a[0], a[1], a[2]
    line, out_line = wide * batch, out_wide * batch
    v = column[padding * batch : padding * batch + line]
    for i in range(out_high):
        above = i * stride - padding
        x0 = x[i * stride * line : (i * stride + 1) * line]
        if kernel == 3 and padding == 1 and above >= 0 and above + 2 < high:
            x1 = x[above * line : (above + 1) * line]
            x2 = x[(above + 2) * line : (above + 3) * line]
            if mean0 == 0 and scale0 == 1:
                for p in range(line):
                    v0, v1, v2 = x0[p], x1[p], x2[p]
                    v0 = floor if v0 < floor else v0
                    v1 = floor if v1 < floor else v1
                    v2 = floor if v2 < floor else v2
                    v[p] = (v0 + v1) + v2
            else:
                for p in range(line):
                    v0, v1, v2 = (x0[p] - mean0) * scale0, (x1[p] - mean0) * scale0, (x2[p] - mean0) * scale0
                    v0 = floor if v0 < floor else v0
                    v1 = floor if v1 < floor else v1
                    v2 = floor if v2 < floor else v2
                    v[p] = (v0 + v1) + v2
        else:
            _evaluate(x0, v, False, a)
            for k in range(kernel):
                if k != padding and 0 <= above + k < high:
                    _evaluate(x[(above + k) * line : (above + k + 1) * line], v, True, a)
        seen = min(above + kernel, high) - max(above, 0)
        whole = kernel == 3 and padding == 1 and stride == 1 and wide > 2
        j = 0
        while j < out_wide:
            left = j * stride - padding
            until = out_wide - 1 if whole and j == 1 else j + 1
            if op[OP] == POOL:
                scale = np.float32(1 / (seen * (min(left + kernel, wide) - max(left, 0))))
            out = y[i * out_line + j * batch : i * out_line + until * batch]
            many, start = len(out), (left + padding) * batch
            own = column[start + padding * batch : start + padding * batch + many]
            if kernel == 3 and padding == 1:
                _join(
                    out,
                    own,
                    column[start : start + many],
                    column[start + 2 * batch : start + 2 * batch + many],
                    scale,
                )
            else:
                out[:] = own
                for k in range(kernel):
                    if k != padding:
                        for p in range(many):
                            out[p] += column[start + k * batch + p]
                for p in range(many):
                    out[p] *= scale
            j = until


@FAST
def _rounded(bound):
    """Bound float32 numbers that were below a bound before rounding; 0 where all of them become zero."""
    return 0.0 if bound < DIES else bound * 1.000001 + 2 * DIES


@FAST
def _bound(term, a, largest, size, weight):
    """Return a number that no value of a term exceeds, 0 where all are zero."""
    normed = np.sqrt(size) * weight  # no number is further than that from the mean, in standard deviations
    bound = largest[term[0]]
    if term[1] >= 0:
        bound = min(_rounded((bound + abs(a[0])) * a[1]), normed)
    if term[3]:
        bound = _rounded(bound * a[3])
    if term[4] >= 0:
        bound = min(_rounded((bound + abs(a[4])) * a[5]), normed)
    return bound


@FAST
def _absorbs(y, bound):
    """Return whether adding numbers up to a bound changes none of these."""
    changed = 0
    for p in range(len(y)):
        changed += abs(y[p]) <= bound * 2**26
    return changed == 0


@FAST
def _gather(op, terms, memory, y, weight, norms, bounds):
    """Add terms piece by piece, small ones last: what a sum absorbs is not computed, as denormals are slow."""
    for start in range(0, len(y), PIECE):
        out, any_yet = y[start : start + PIECE], False
        for small in (False, True):
            for t in range(op[FIRST], op[LAST]):
                bound = bounds[t]
                if bound == 0 or (bound < SMALL) != small or (small and any_yet and _absorbs(out, bound)):
                    continue
                x = memory[terms[t, 0], start : start + len(out)]
                _evaluate(x, out, any_yet, _numbers(terms[t], weight, norms))
                any_yet = True


@FAST
def run_tape(code, terms, memory, batch, norm_count, output, weight, entry):
    """Run a tape under one weight and return a number that nothing in its output exceeds, 0 if all of it is zero.

    `memory` is float32 `[slots, positions * batch]`; its first slot holds the input, in which nothing exceeds `entry`.
    What is zero everywhere is not computed, and an output that is zero is not written.
    """
    norms, bounds = np.zeros((norm_count, 2), np.float32), np.zeros(len(terms))
    largest = np.zeros(len(memory))
    largest[0] = entry
    longest = PIECE
    for op in code:
        longest = max(longest, (op[WIDE] + 2 * op[PADDING]) * batch)
    column, sums = np.empty(longest, np.float32), np.empty((3, LANES))
    for op in code:
        size, out_size, into = op[HIGH] * op[WIDE] * batch, op[OUT_HIGH] * op[OUT_WIDE] * batch, op[WRITE]
        total = 0.0
        for t in range(op[FIRST], op[LAST]):
            bounds[t] = _bound(terms[t], _numbers(terms[t], weight, norms), largest, size, weight)
            total += bounds[t]
        if op[OP] == GATHER:
            _gather(op, terms, memory, memory[into, :out_size], weight, norms, bounds)
            largest[into] = total
            continue
        term = terms[op[FIRST]]
        x, a = memory[term[0], :size], _numbers(term, weight, norms)
        if op[OP] == NORM:
            norms[into] = ZERO
            if not 2 * total * weight < DIES * np.sqrt(EPS):
                norms[into, 0], norms[into, 1] = _norm(x, term, a, column, sums, weight)
            continue
        y = memory[into, :out_size]
        if op[OP] == CONV:
            total = _rounded(total * (op[KERNEL] ** 2 * np.float64(weight) * op[COPIES]))
        largest[into] = total * 1.000001 + 2 * DIES if total != 0 else 0.0
        if total == 0:
            continue
        if op[OP] == MEAN:
            for start in range(0, size, batch):
                _evaluate(x[start : start + batch], y, start > 0, a)
            for b in range(batch):
                y[b] /= np.float32(op[HIGH] * op[WIDE])
        else:
            column[: op[PADDING] * batch] = ZERO
            column[(op[PADDING] + op[WIDE]) * batch : (2 * op[PADDING] + op[WIDE]) * batch] = ZERO
            _windows(x, y, a, op, weight * np.float32(op[COPIES]), column, batch)
    return largest[output]
