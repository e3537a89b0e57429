"""The operations of a schedule of constant weights, compiled: float32, samples side by side.

A signal is stored tile by tile of samples, `[positions, samples of the tile]` each, so that a line of a tile is a few
kB. No fastmath: reordered sums, contracted products or flushed denormals would change which signals die by underflow.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

from nassearch.networks.constant.compiled.bounds import DIES, bound_of, rounded
from nassearch.networks.constant.compiled.moments import EPS, LANES, mean_and_scale, mean_of, moments
from nassearch.networks.constant.compiled.program import CONV, MEAN, NORM, POOL, SUM
from nassearch.networks.constant.compiled.schedule import (
    COPIES,
    FIRST,
    HIGH,
    KERNEL,
    KIND,
    LAG,
    LAST,
    OUT_HIGH,
    OUT_WIDE,
    PADDING,
    STRIDE,
    WIDE,
    WRITE,
)
from nassearch.networks.kernels import kernel

ZERO, ONE = np.float32(0), np.float32(1)
SMALL = 1e-30
"""A bound of numbers so small that another summand may absorb them."""
FAST = kernel(nogil=True)
INLINE = njit(nogil=True, forceinline=True)


@FAST
def _numbers(term, weight, norms, a):
    """Write the two norms of a term, the smallest number it lets through, and its factor."""
    a[0], a[1] = norms[term[1], 0], norms[term[1], 1]
    a[2] = ZERO if term[2] else np.float32(-np.inf)
    a[3] = weight * np.float32(term[4]) if term[4] else ONE
    a[4], a[5] = norms[term[5], 0], norms[term[5], 1]


@FAST
def _evaluate(m, x, y, many, add, numbers, t):
    """Write to y, or add, a term of what is at x, without its pooling; denormals times one are slow, so left out."""
    x, y = m[x : x + many], m[y : y + many]
    mean0, scale0, floor = numbers[t, 0], numbers[t, 1], numbers[t, 2]
    factor, mean1, scale1 = numbers[t, 3], numbers[t, 4], numbers[t, 5]
    bare, last = mean0 == 0 and scale0 == 1, factor == 1 and mean1 == 0 and scale1 == 1
    if bare and last:
        if add:
            for p in range(many):
                y[p] += floor if x[p] < floor else x[p]
        else:
            for p in range(many):
                y[p] = floor if x[p] < floor else x[p]
    elif last and add:
        for p in range(many):
            v = (x[p] - mean0) * scale0
            y[p] += floor if v < floor else v
    elif bare and mean1 == 0 and scale1 == 1 and not add:
        for p in range(many):
            y[p] = (floor if x[p] < floor else x[p]) * factor
    elif bare and add:
        for p in range(many):
            v = floor if x[p] < floor else x[p]
            y[p] += (v * factor - mean1) * scale1
    elif add:
        for p in range(many):
            v = (x[p] - mean0) * scale0
            v = floor if v < floor else v
            y[p] += (v * factor - mean1) * scale1
    else:
        for p in range(many):
            v = (x[p] - mean0) * scale0
            v = floor if v < floor else v
            y[p] = (v * factor - mean1) * scale1


@INLINE
def _vertical(m, x, v, numbers, t, i, high, line, kernel, stride, padding):
    """Sum the lines of x under the windows of output line i, the window's own first; return how many there are."""
    above, own = i * stride - padding, x + i * stride * line
    if kernel == 3 and padding == 1 and above >= 0 and above + 2 < high:
        mean0, scale0, floor = numbers[t, 0], numbers[t, 1], numbers[t, 2]
        y, x0 = m[v : v + line], m[own : own + line]
        x1, x2 = m[own - line : own], m[own + line : own + 2 * line]
        if mean0 == 0 and scale0 == 1 and floor != 0:
            for p in range(line):
                y[p] = (x0[p] + x1[p]) + x2[p]
        elif mean0 == 0 and scale0 == 1:
            for p in range(line):
                v0, v1, v2 = x0[p], x1[p], x2[p]
                v0 = ZERO if v0 < ZERO else v0
                v1 = ZERO if v1 < ZERO else v1
                v2 = ZERO if v2 < ZERO else v2
                y[p] = (v0 + v1) + v2
        else:
            for p in range(line):
                v0, v1 = (x0[p] - mean0) * scale0, (x1[p] - mean0) * scale0
                v2 = (x2[p] - mean0) * scale0
                v0 = floor if v0 < floor else v0
                v1 = floor if v1 < floor else v1
                v2 = floor if v2 < floor else v2
                y[p] = (v0 + v1) + v2
        return 3
    _evaluate(m, own, v, line, False, numbers, t)
    seen = 1
    for k in range(kernel):
        if k != padding and 0 <= above + k < high:
            _evaluate(m, x + (above + k) * line, v, line, True, numbers, t)
            seen += 1
    return seen


@INLINE
def _join(m, y, left, own, right, many, factor, add):
    y, x0 = m[y : y + many], m[own : own + many]
    x1, x2 = m[left : left + many], m[right : right + many]
    if add:
        for p in range(many):
            y[p] += ((x0[p] + x1[p]) + x2[p]) * factor
    else:
        for p in range(many):
            y[p] = ((x0[p] + x1[p]) + x2[p]) * factor


@INLINE
def _horizontal(m, v, y, add, factor, seen, batch, wide, out_wide, kernel, stride, padding):
    """Sum a line v of sums, zeros around it, over windows, times the factor or over how many inputs are seen."""
    if kernel == 3 and padding == 1 and stride == 1 and wide > 2:
        for j, until in ((0, 1), (1, wide - 1), (wide - 1, wide)):
            scale = np.float32(1 / (seen * (3 if j == 1 else 2))) if seen else factor
            own, many = v + j * batch, (until - j) * batch
            _join(m, y + j * batch, own - batch, own, own + batch, many, scale, add)
        return
    for j in range(out_wide):
        left, out, own = j * stride - padding, y + j * batch, v + j * stride * batch
        scale = np.float32(1 / (seen * (min(left + kernel, wide) - max(left, 0)))) if seen else factor
        for p in range(batch):
            total = m[own + p]
            for k in range(kernel):
                if k != padding:
                    total += m[own + (k - padding) * batch + p]
            m[out + p] = m[out + p] + total * scale if add else total * scale


@INLINE
def _window(m, x, y, add, numbers, t, i, op, window, factor, mean, scratch, batch):
    """Write or add output line i of sums over windows times a factor, or of their means."""
    kernel, stride, padding = window
    line = op[WIDE] * batch
    v = scratch + padding * batch
    for p in range(padding * batch):
        m[scratch + p] = ZERO
        m[v + line + p] = ZERO
    seen = _vertical(m, x, v, numbers, t, i, op[HIGH], line, kernel, stride, padding)
    seen = seen if mean else 0
    _horizontal(m, v, y, add, factor, seen, batch, op[WIDE], op[OUT_WIDE], kernel, stride, padding)


@FAST
def _absorbs(m, y, many, bound):
    """Return whether adding numbers up to a bound changes none of these."""
    changed = 0
    for x in m[y : y + many]:
        changed += abs(x) <= bound * 2**26
    return changed == 0


@INLINE
def _sum(m, op, i, terms, room, y, at, batch, numbers, bounds, scratch):
    """Add the terms of line i, small ones last: what a sum absorbs is not computed, as denormals are slow."""
    line, any_yet, some_small = op[WIDE] * batch, False, False
    for small in (False, True):
        if small and not some_small:
            return
        for t in range(op[FIRST], op[LAST]):
            bound = bounds[t]
            if bound == 0:
                continue
            if (bound < SMALL) != small:
                some_small = True
                continue
            if small and any_yet and _absorbs(m, y, line, bound):
                continue
            x = terms[t, 0] * room + at * op[HIGH] * op[WIDE]
            if terms[t, 3]:
                _window(m, x, y, any_yet, numbers, t, i, op, (3, 1, 1), ONE, True, scratch, batch)
            else:
                _evaluate(m, x + i * line, y, line, any_yet, numbers, t)
            any_yet = True


@INLINE
def _line(m, code, i, terms, room, at, batch, numbers, bounds, scratch, weight, totals, o, squares, lanes):
    """Compute output line i of an operation for a tile of so many samples, from sample `at` on."""
    op = code[o]
    kind, t, size = op[KIND], op[FIRST], op[HIGH] * op[WIDE]
    line = op[OUT_WIDE] * batch
    y = op[WRITE] * room + at * op[OUT_HIGH] * op[OUT_WIDE] + i * line
    if kind == SUM:
        _sum(m, op, i, terms, room, y, at, batch, numbers, bounds, scratch)
        return
    x = terms[t, 0] * room + at * size
    if kind == NORM:
        part = x + i * line
        if terms[t, 1] or terms[t, 2] or terms[t, 4]:
            _evaluate(m, part, scratch, line, False, numbers, t)
            part = scratch
        if squares and i == 0 and at == 0:
            totals[o, 0] = mean_of(m, part, line)
        moments(m, part, line, totals, o, squares, lanes)
    elif kind == MEAN:
        for position in range(size):
            _evaluate(m, x + position * batch, y, batch, position > 0, numbers, t)
        for b in range(batch):
            m[y + b] /= np.float32(size)
    else:
        window = op[KERNEL], op[STRIDE], op[PADDING]
        factor = weight * np.float32(op[COPIES])
        _window(m, x, y, False, numbers, t, i, op, window, factor, kind == POOL, scratch, batch)


@FAST
def run(code, terms, groups, m, room, slots, batch, tile, norm_count, weight, entry):
    """Run a schedule under one weight; return for each slot a number that nothing in it exceeds, 0 if all is zero.

    `m` is float32, `slots` times `room` numbers and some more for a line; the first slot holds the input, in which
    nothing exceeds `entry`. What is zero everywhere is not computed and not written.
    """
    norms, bounds = np.zeros((norm_count, 2), np.float32), np.zeros(len(terms))
    norms[0, 1] = ONE
    numbers, totals = np.zeros((len(terms), 6), np.float32), np.zeros((len(code), 3))
    active, squares = np.zeros(len(code), np.bool_), np.zeros(len(code), np.bool_)
    largest, lanes = np.zeros(slots), np.empty((2, LANES), np.float32)
    largest[0] = entry
    scratch = slots * room
    for g in range(len(groups)):
        steps = 0
        for o in range(groups[g, 0], groups[g, 1]):
            op, total = code[o], 0.0
            size = op[HIGH] * op[WIDE] * batch
            for t in range(op[FIRST], op[LAST]):
                _numbers(terms[t], weight, norms, numbers[t])
                bounds[t] = bound_of(terms[t], numbers[t], largest[terms[t, 0]], size, weight)
                total += bounds[t]
            if op[KIND] == NORM:
                active[o] = not 2 * total * weight < DIES * np.sqrt(EPS)
                squares[o] = not total * total < EPS * 2**-26
            else:
                if op[KIND] == CONV:
                    total = rounded(total * (op[KERNEL] ** 2 * np.float64(weight) * op[COPIES]))
                largest[op[WRITE]] = total * 1.000001 + 2 * DIES if total != 0 else 0.0
                active[o] = total != 0
            if active[o]:
                steps = max(steps, op[OUT_HIGH] + op[LAG])
        for at in range(0, batch, tile):
            many = min(tile, batch - at)
            for step in range(steps):
                for o in range(groups[g, 0], groups[g, 1]):
                    i = step - code[o, LAG]
                    if active[o] and 0 <= i < code[o, OUT_HIGH]:
                        _line(
                            m, code, i, terms, room, at, many, numbers, bounds, scratch, weight, totals, o,
                            squares[o], lanes,
                        )  # fmt: skip
        for o in range(groups[g, 0], groups[g, 1]):
            op = code[o]
            if op[KIND] == NORM and active[o]:
                count = op[HIGH] * op[WIDE] * batch
                norms[op[WRITE], 0], norms[op[WRITE], 1] = mean_and_scale(totals, o, count, weight)
    return largest
