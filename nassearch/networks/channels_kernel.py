"""The passes of `channels` over images, compiled: each reads what it needs once, where torch goes over it by operation.

Memory is channels last, so neighbouring positions are put side by side until rows are long enough for wide
instructions; a column then is a channel, some columns are the same one. Sums are float32 over at most 64 rows, and
float64 beyond. No fastmath: bits do not depend on how a compiler may reorder.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from nassearch.networks.channels import Channels, last

WIDTH, ROWS = 512, 64
"""The longest row that is made of several positions, and rows that are added in the tensor's own type."""
FAST = njit(cache=True, nogil=True)


class CompiledChannels(Channels):
    """`Channels` by one pass over memory each; what is no image goes to the reference."""

    def sums(self, x: Tensor, *others: Tensor) -> list[Tensor]:
        if x.dim() != 4 or not 1 <= len(others) <= 2:
            return super().sums(x, *others)
        first, second = _rows(x), _rows(others[0])
        found = np.zeros((3, first.shape[1]))
        _sums(first, second, _rows(others[-1]), len(others) == 2, found)
        folded = found[: 1 + len(others)].reshape(1 + len(others), -1, x.shape[1]).sum(1)
        return list(torch.from_numpy(folded))

    def combined(self, plus: Tensor, *terms: tuple[Tensor, Tensor]) -> Tensor:
        x = terms[0][0]
        if x.dim() != 4 or len(terms) not in KERNELS:
            return super().combined(plus, *terms)
        rows = [_rows(term) for term, _ in terms]
        repeats = rows[0].shape[1] // x.shape[1]
        by = [
            np.tile(values.numpy().astype(rows[0].dtype), repeats)
            for values in (plus, *(b for _, b in terms))
        ]
        y = torch.empty_like(x, memory_format=torch.channels_last)
        KERNELS[len(terms)](*rows, *by, _rows(y))
        return y


def _rows(x: Tensor) -> Any:
    """Return an image's memory as `[rows, columns]`, columns a multiple of the channels."""
    channels = x.shape[1]
    positions = x.numel() // channels
    together = 1
    while positions % (2 * together) == 0 and 2 * together * channels <= WIDTH:
        together *= 2
    return last(x).permute(0, 2, 3, 1).reshape(-1, together * channels).numpy()


@FAST
def _sums(x, y, z, third, found):
    """Add to found the sums of x, x * y and, if wanted, x * z, by column."""
    rows, columns = x.shape
    a, b, c = np.empty(columns, x.dtype), np.empty(columns, x.dtype), np.zeros(columns, x.dtype)
    for start in range(0, rows, ROWS):
        a[:] = 0
        b[:] = 0
        c[:] = 0
        for r in range(start, min(start + ROWS, rows)):
            u, v, w = x[r], y[r], z[r]
            if third:
                for k in range(columns):
                    a[k] += u[k]
                    b[k] += u[k] * v[k]
                    c[k] += u[k] * w[k]
            else:
                for k in range(columns):
                    a[k] += u[k]
                    b[k] += u[k] * v[k]
        for k in range(columns):
            found[0, k] += a[k]
            found[1, k] += b[k]
            found[2, k] += c[k]


@FAST
def _one(x, plus, a, out):
    for r in range(x.shape[0]):
        u, o = x[r], out[r]
        for k in range(x.shape[1]):
            o[k] = u[k] * a[k] + plus[k]


@FAST
def _two(x, y, plus, a, b, out):
    for r in range(x.shape[0]):
        u, v, o = x[r], y[r], out[r]
        for k in range(x.shape[1]):
            o[k] = (u[k] * a[k] + plus[k]) + v[k] * b[k]


@FAST
def _four(x, y, z, t, plus, a, b, c, d, out):
    for r in range(x.shape[0]):
        u, v, w, s, o = x[r], y[r], z[r], t[r], out[r]
        for k in range(x.shape[1]):
            o[k] = (u[k] * a[k] + plus[k]) + (v[k] * b[k] + (w[k] * c[k] + s[k] * d[k]))


KERNELS: dict[int, Any] = {1: _one, 2: _two, 4: _four}
"""Sums of scaled terms, by how many there are."""
