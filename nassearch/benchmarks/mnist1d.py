"""The embedded benchmark: NAS-Bench-201's cells trained by this project on MNIST-1D (Greydanus and Kobak, 2020)."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from nassearch.benchmarks.building import Recipe
from nassearch.errors import InvalidSetting
from nassearch.networks.training import Training
from nassearch.types import Batch, Task

TASK = Task(input_shape=(1, 40), classes=10, channels=(8, 16), cells=1, reduction="pool", stem_stride=2)
"""A stem that halves the signal, one cell at 8 channels, average pooling with a 1x1 convolution, one cell at 16.

No convolution outside the cells sees more than one position apart from the stem, so the cells carry the work.
"""

RECIPE = Recipe(task=TASK, training=Training())

SPLIT_SEEDS = {"train": 1, "valid": 2, "test": 3}


def split(name: str, size: int, **arguments: Any) -> Batch:
    """Generate a split: signals float32 `[size, 1, 40]` with zero mean and unit variance, and digits int64 `[size]`.

    Splits are generated apart, from seeds of their own, so none shares an example with another.

    Args:
        name: `train`, `valid` or `test`.
        size: number of signals, a multiple of 10; every digit is equally frequent.
        arguments: arguments of the generator to change, such as `corr_noise_scale`.

    Raises:
        InvalidSetting: the `mnist1d` package is missing.
    """
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError as error:
        raise InvalidSetting("MNIST-1D comes from its package: pip install 'nassearch[build]'") from error
    settings = get_dataset_args()
    changes = {"num_samples": size, "train_split": 1.0, "seed": SPLIT_SEEDS[name], **arguments}
    for key, value in changes.items():
        setattr(settings, key, value)
    # The package seeds the global generators; they are put back as they were.
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        data = make_dataset(settings)
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
    return Batch(data["x"].astype(np.float32)[:, None, :], data["y"].astype(np.int64))


def splits(recipe: Recipe) -> dict[str, Batch]:
    """Generate every split of a recipe."""
    return {name: split(name, size, **recipe.data) for name, size in recipe.sizes.items()}
