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
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]
BITS = 64


def unit_patterns(patterns: Iterable[Tensor]) -> int:
    """Return how many different columns the bool matrices `[B, units]` have, all of them together.

    A column is what one unit sees of the batch: in which of its samples the unit is positive.
    """
    found = [_distinct(_words(pattern.T)) for pattern in patterns]
    return len(_distinct(np.concatenate(found))) if found else 0


def sample_patterns(patterns: Iterable[Tensor]) -> int:
    """Return how many different rows the bool matrices `[B, units]` have beside each other: 1 to B.

    A row is what all units see of one sample: the linear region of a ReLU network that the sample lies in.
    """
    # What is equal in each matrix is numbered; so many numbers tell the samples apart, whatever the units.
    numbers = [_numbered(_words(pattern)) for pattern in patterns]
    return len(_distinct(np.stack(numbers, 1))) if numbers else 0


def _words(rows: Tensor) -> Words:
    """Pack bool `[n, bits]` into `[n, words]`, equal where the rows are."""
    bits = np.ascontiguousarray(rows.cpu().numpy())
    packed = np.packbits(bits, axis=1)
    missing = -packed.shape[1] % (BITS // 8) if packed.shape[1] else BITS // 8
    words: Any = np.pad(packed, ((0, 0), (0, missing))).view(np.uint64)
    return words  # type: ignore[no-any-return]


def _distinct(words: Words) -> Words:
    """Return the different rows, sorted."""
    if words.shape[1] == 1:
        return np.unique(words[:, 0])[:, None]
    ordered = words[np.lexsort(words.T)]
    new = np.ones(len(ordered), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(1)
    return ordered[new]


def _numbered(words: Words) -> Words:
    """Return for each row a number that equal rows share, `[n]`."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(row.tobytes(), len(seen)) for row in words], np.uint64)
