"""The grouped interpreter's training loop as one compiled kernel for signals.

It computes the same numbers without a pass over main memory per layer. Every value of a network is a block of rows of
one array, a row for each channel and position, with the batch along it. `nassearch.training.compiled_program` writes
down the rows that each operation reads and writes, in the columns named here.
"""

from __future__ import annotations

import numpy as np

from nassearch.networks.kernels import kernel

COPY, ACCUMULATE, RELU, POOL, MEAN, NORM, CONV = range(7)
OP, READ, WRITE, IN, OUT, LENGTH_IN, LENGTH_OUT, KERNEL, STRIDE, PADDING, PARAMETER, BIAS, STATISTIC = range(
    13
)
EPS, MOMENTUM = np.float32(1e-5), np.float32(0.1)
BETA1, BETA2 = 0.9, 0.999
FAST = kernel()  # no fastmath: what is inlined would then decide how sums round


@FAST
def _forward(code, w, statistics, saved, values, columns, training):  # type: ignore[no-untyped-def]
    batch = values.shape[1]
    sums = np.zeros((2, batch), dtype=np.float32)
    for t in range(len(code)):
        op, read, write = code[t, OP], code[t, READ], code[t, WRITE]
        channels, out = code[t, IN], code[t, OUT]
        long, length = code[t, LENGTH_IN], code[t, LENGTH_OUT]
        kernel, stride, padding = code[t, KERNEL], code[t, STRIDE], code[t, PADDING]
        first = code[t, PARAMETER]
        if op == COPY:
            values[write : write + out * length] = values[read : read + out * length]
        elif op == ACCUMULATE:
            for r in range(out * length):
                for b in range(batch):
                    values[write + r, b] += values[read + r, b]
        elif op == RELU:
            for r in range(out * length):
                for b in range(batch):
                    values[write + r, b] = max(values[read + r, b], np.float32(0))
        elif op == POOL:
            for c in range(out):
                for j in range(length):
                    low = max(j * stride - padding, 0)
                    high = min(j * stride - padding + kernel, long)
                    share = np.float32(1) / np.float32(high - low)
                    y, x = write + c * length + j, read + c * long
                    for b in range(batch):
                        values[y, b] = share * values[x + low, b]
                    for i in range(low + 1, high):
                        for b in range(batch):
                            values[y, b] += share * values[x + i, b]
        elif op == MEAN:
            for c in range(out):
                share = np.float32(1) / np.float32(long)
                for b in range(batch):
                    values[write + c, b] = share * values[read + c * long, b]
                for i in range(1, long):
                    for b in range(batch):
                        values[write + c, b] += share * values[read + c * long + i, b]
        elif op == NORM:
            count = np.float32(length * batch)
            where = code[t, STATISTIC]
            for c in range(out):
                if training:
                    sums[:] = np.float32(0)  # side by side along the batch, which compiles to wide additions
                    for j in range(length):
                        for b in range(batch):
                            sums[0, b] += values[read + c * length + j, b]
                    mean = sums[0].sum() / count
                    for j in range(length):
                        for b in range(batch):
                            distance = values[read + c * length + j, b] - mean
                            sums[1, b] += distance * distance
                    squares = sums[1].sum()
                    variance = squares / count
                    statistics[0, where + c] += MOMENTUM * (mean - statistics[0, where + c])
                    unbiased = squares / (count - np.float32(1))
                    statistics[1, where + c] += MOMENTUM * (unbiased - statistics[1, where + c])
                else:
                    mean, variance = statistics[0, where + c], statistics[1, where + c]
                inverse = np.float32(1) / np.sqrt(variance + EPS)
                saved[0, where + c], saved[1, where + c] = mean, inverse
                gain, bias = w[first + c] * inverse, w[first + out + c]
                for j in range(length):
                    x, y = read + c * length + j, write + c * length + j
                    for b in range(batch):
                        values[y, b] = (values[x, b] - mean) * gain + bias
        else:
            width = channels * kernel
            weight = w[first : first + out * width].reshape(out, width)
            target = values[write : write + out * length].reshape(out, length * batch)
            if kernel == 1 and stride == 1:
                windows = values[read : read + channels * length]
            else:
                windows = columns[: width * length]
                _unfold(values, windows, read, channels, long, length, kernel, stride, padding)
            np.dot(weight, windows.reshape(width, length * batch), target)
            if code[t, BIAS]:
                for o in range(out):
                    for j in range(length):
                        for b in range(batch):
                            values[write + o * length + j, b] += w[first + out * width + o]


@FAST
def _backward(code, w, saved, values, grads, columns, gw):  # type: ignore[no-untyped-def]
    batch = values.shape[1]
    sums = np.zeros((2, batch), dtype=np.float32)
    for t in range(len(code) - 1, -1, -1):
        op, read, write = code[t, OP], code[t, READ], code[t, WRITE]
        channels, out = code[t, IN], code[t, OUT]
        long, length = code[t, LENGTH_IN], code[t, LENGTH_OUT]
        kernel, stride, padding = code[t, KERNEL], code[t, STRIDE], code[t, PADDING]
        first = code[t, PARAMETER]
        if op in (COPY, ACCUMULATE):
            for r in range(out * length):
                for b in range(batch):
                    grads[read + r, b] += grads[write + r, b]
        elif op == RELU:
            for r in range(out * length):
                for b in range(batch):
                    if values[read + r, b] > 0:
                        grads[read + r, b] += grads[write + r, b]
        elif op == POOL:
            for c in range(out):
                for j in range(length):
                    low = max(j * stride - padding, 0)
                    high = min(j * stride - padding + kernel, long)
                    share = np.float32(1) / np.float32(high - low)
                    y, x = write + c * length + j, read + c * long
                    for i in range(low, high):
                        for b in range(batch):
                            grads[x + i, b] += share * grads[y, b]
        elif op == MEAN:
            share = np.float32(1) / np.float32(long)
            for c in range(out):
                for i in range(long):
                    for b in range(batch):
                        grads[read + c * long + i, b] += share * grads[write + c, b]
        elif op == NORM:
            count = np.float32(length * batch)
            where = code[t, STATISTIC]
            for c in range(out):
                mean, inverse = saved[0, where + c], saved[1, where + c]
                sums[:] = np.float32(0)
                for j in range(length):
                    x, y = read + c * length + j, write + c * length + j
                    for b in range(batch):
                        sums[0, b] += grads[y, b]
                        sums[1, b] += grads[y, b] * (values[x, b] - mean)
                total, product = sums[0].sum(), sums[1].sum() * inverse
                gw[first + c] += product
                gw[first + out + c] += total
                scale = w[first + c] * inverse
                shift, slope = total / count, product * inverse / count
                for j in range(length):
                    x, y = read + c * length + j, write + c * length + j
                    for b in range(batch):
                        grads[x, b] += scale * (grads[y, b] - shift - slope * (values[x, b] - mean))
        else:
            width = channels * kernel
            plain = kernel == 1 and stride == 1
            weight = w[first : first + out * width].reshape(out, width)
            above = grads[write : write + out * length].reshape(out, length * batch)
            if plain:
                windows = values[read : read + channels * length]
            else:
                windows = columns[: width * length]
                _unfold(values, windows, read, channels, long, length, kernel, stride, padding)
            product = np.dot(above, windows.reshape(width, length * batch).T)
            for o in range(out):
                for c in range(width):
                    gw[first + o * width + c] += product[o, c]
            if code[t, BIAS]:
                for o in range(out):
                    total = np.float32(0)
                    for r in range(length * batch):
                        total += above[o, r]
                    gw[first + out * width + o] += total
            if read > 0:  # row 0 is the input of the network
                below = columns[: width * length]
                np.dot(weight.T, above, below.reshape(width, length * batch))
                if plain:
                    for r in range(width * length):
                        for b in range(batch):
                            grads[read + r, b] += below[r, b]
                else:
                    _fold(grads, below, read, channels, long, length, kernel, stride, padding)


@FAST
def _unfold(values, windows, read, channels, long, length, kernel, stride, padding):  # type: ignore[no-untyped-def]
    row = 0
    for c in range(channels):
        for k in range(kernel):
            for j in range(length):
                i = j * stride + k - padding
                if 0 <= i < long:
                    for b in range(values.shape[1]):
                        windows[row, b] = values[read + c * long + i, b]
                else:
                    for b in range(values.shape[1]):
                        windows[row, b] = np.float32(0)
                row += 1


@FAST
def _fold(grads, windows, read, channels, long, length, kernel, stride, padding):  # type: ignore[no-untyped-def]
    row = 0
    for c in range(channels):
        for k in range(kernel):
            for j in range(length):
                i = j * stride + k - padding
                if 0 <= i < long:
                    for b in range(grads.shape[1]):
                        grads[read + c * long + i, b] += windows[row, b]
                row += 1


@FAST
def _widest(code):  # type: ignore[no-untyped-def]
    widest = 1
    for t in range(len(code)):
        widest = max(widest, code[t, IN] * code[t, KERNEL] * code[t, LENGTH_OUT])
    return widest


@FAST
def train_program(code, w, statistics, rows, inputs, labels, order, rates, decay):  # type: ignore[no-untyped-def]
    """Train in place: AdamW, one step per row of `order` and entry of `rates`.

    `inputs` is float32 `[E, channels, length]`, `order` int64 `[steps, B]`.
    """
    batch, classes = order.shape[1], code[-1, OUT]
    channels, length = inputs.shape[1], inputs.shape[2]
    values = np.zeros((rows, batch), dtype=np.float32)
    grads = np.zeros((rows, batch), dtype=np.float32)
    saved = np.zeros_like(statistics)
    columns = np.zeros((_widest(code), batch), dtype=np.float32)
    gw, m, v = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    logits = code[-1, WRITE]
    memory1, memory2 = 1.0, 1.0
    for step in range(len(order)):
        for b in range(batch):
            example = inputs[order[step, b]]
            for c in range(channels):
                for i in range(length):
                    values[c * length + i, b] = example[c, i]
        _forward(code, w, statistics, saved, values, columns, True)
        grads[:] = np.float32(0)
        gw[:] = np.float32(0)
        for b in range(batch):
            highest = values[logits, b]
            for k in range(1, classes):
                highest = max(highest, values[logits + k, b])
            total = np.float32(0)
            for k in range(classes):
                total += np.exp(values[logits + k, b] - highest)
            for k in range(classes):
                share = np.exp(values[logits + k, b] - highest) / total
                right = np.float32(1) if k == labels[order[step, b]] else np.float32(0)
                grads[logits + k, b] = (share - right) / np.float32(batch)
        _backward(code, w, saved, values, grads, columns, gw)
        rate = rates[step]
        memory1 *= BETA1
        memory2 *= BETA2
        for p in range(len(w)):
            w[p] -= np.float32(rate * decay) * w[p]
            m[p] += np.float32(1 - BETA1) * (gw[p] - m[p])
            v[p] += np.float32(1 - BETA2) * (gw[p] * gw[p] - v[p])
            slope = np.sqrt(v[p]) / np.float32(np.sqrt(1 - memory2)) + np.float32(1e-8)
            w[p] -= np.float32(rate / (1 - memory1)) * m[p] / slope


@FAST
def count_right(code, w, statistics, rows, inputs, labels, batch):  # type: ignore[no-untyped-def]
    """Return how many examples a trained program classifies rightly."""
    classes, logits = code[-1, OUT], code[-1, WRITE]
    channels, length = inputs.shape[1], inputs.shape[2]
    values = np.zeros((rows, batch), dtype=np.float32)
    saved = np.zeros_like(statistics)
    columns = np.zeros((_widest(code), batch), dtype=np.float32)
    right = 0
    for start in range(0, len(inputs), batch):
        here = min(batch, len(inputs) - start)
        for b in range(here):
            for c in range(channels):
                for i in range(length):
                    values[c * length + i, b] = inputs[start + b, c, i]
        _forward(code, w, statistics, saved, values, columns, False)
        for b in range(here):
            best = 0
            for k in range(1, classes):
                if values[logits + k, b] > values[logits + best, b]:
                    best = k
            right += best == labels[start + b]
    return right
