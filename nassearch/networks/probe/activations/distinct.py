"""Count distinct patterns of ReLUs, exactly: those of units over samples (SWAP), those of samples over units (regions).

An example: three units of which the first two see the samples alike, and three samples of which the last two look
alike to all units:

>>> seen = torch.tensor([[True, True, False], [False, False, True], [False, False, True]])
>>> unit_patterns([seen]), sample_patterns([seen])
(2, 2)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch  # noqa: F401 - of the example
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]
BYTE, WORD = 8, 8
"""Bits of a byte, bytes of a word."""


def unit_patterns(patterns: Iterable[Tensor]) -> int:
    """Return how many different columns the bool matrices `[B, units]` have, all of them together.

    A column is what one unit sees of the batch: in which of its samples the unit is positive.
    """
    found = [_columns(pattern) for pattern in patterns]
    if not found:
        return 0
    first, *rest = np.concatenate(found).T
    if not rest:
        ordered = np.sort(first)
        return int((ordered[1:] != ordered[:-1]).sum()) + len(ordered[:1])
    numbers = _numbered(first)
    for word in rest:  # what is equal so far and in the next word has one number
        numbers = _numbered(numbers << np.uint64(32) | _numbered(word))
    return int(numbers.max(initial=0)) + len(numbers[:1])


def sample_patterns(patterns: Iterable[Tensor]) -> int:
    """Return how many different rows the bool matrices `[B, units]` have beside each other: 1 to B.

    A row is what all units see of one sample: the linear region of a ReLU network that the sample lies in.
    """
    packed = [np.packbits(pattern.cpu().numpy(), axis=1) for pattern in patterns]
    return len({row.tobytes() for row in np.concatenate(packed, 1)}) if packed else 0


def _columns(pattern: Tensor) -> Words:
    """Return the columns of bool `[B, units]` as bits, `[units, words]`."""
    rows: Any = np.ascontiguousarray(pattern.cpu().numpy()).view(np.uint8)
    bits = np.zeros((rows.shape[1], -(-len(rows) // (BYTE * WORD)) * WORD), np.uint8)
    for start in range(0, len(rows), BYTE):  # several times quicker than np.packbits along this axis
        byte = rows[start].copy()
        for shift, row in enumerate(rows[start + 1 : start + BYTE], 1):
            byte |= row << np.uint8(shift)
        bits[:, start // BYTE] = byte
    return bits.view(np.uint64)


def _numbered(words: Words) -> Words:
    """Return for each word a number from 0, the same for equal words; fewer than 2^32 words."""
    order = np.argsort(words)
    ordered = words[order]
    numbers = np.zeros(len(words), np.uint64)
    numbers[order[1:]] = np.cumsum(ordered[1:] != ordered[:-1])
    return numbers
