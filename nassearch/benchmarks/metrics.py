"""Further metrics of every architecture of a data set, in one file beside its table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.npz import read_npz
from nassearch.errors import BadData
from nassearch.types import Floats


def load_metrics(path: Path, dataset: Dataset, size: int, benchmark: str) -> dict[str, Floats]:
    """Return the metrics in a file as published, `[A]` each in the order of `space.all()`; none where it is not there.

    NaN is what is not known.

    Args:
        path: the file.
        dataset: declares the metrics.
        size: how many architectures there are.
        benchmark: whose data set it is, for the remedy.

    Raises:
        BadData: the file is damaged, or of another space.
    """
    if not dataset.metrics or not path.exists():
        return {}
    remedy = f"remove it, then: nassearch bench import {benchmark} FILE --dataset {dataset.name}"
    arrays = read_npz(path, remedy)
    found = {name: array for name, array in arrays.items() if name in dataset.metrics_by_name}
    for name, array in found.items():
        if array.dtype != np.float64 or array.shape != (size,) or np.isinf(array).any():
            raise BadData(
                f"{path}: {name} is {array.dtype} {list(array.shape)}, not {size} numbers; {remedy}"
            )
    return found
