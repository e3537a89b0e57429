"""Small data sets of one's own, made of arrays in memory."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np

from nassearch.datasets import OwnDataset, Split
from nassearch.datasets.examples import Arrayed


def data_of(
    inputs: np.ndarray,
    labels: np.ndarray,
    sizes: tuple[int, int, int],
    *,
    kind: str = "image",
    natural: bool = True,
) -> OwnDataset:
    """Return a data set of arrays `[N, C, *size]` and `[N]`, split into parts of these sizes in their order."""
    examples = Arrayed(
        inputs, tuple(range(1, inputs.ndim)), "bytes" if inputs.dtype == np.uint8 else "numbers"
    )
    ends = np.cumsum([0, *sizes])
    contents = np.stack([np.frombuffer(hashlib.md5(each.tobytes()).digest(), np.uint8) for each in inputs])
    parts = [
        Split(examples, np.arange(start, end), labels[start:end].astype(np.int64), contents[start:end])
        for start, end in pairwise(ends)
    ]
    scale = 255 if inputs.dtype == np.uint8 else 1
    axes = (0, *range(2, inputs.ndim))
    train = inputs[: sizes[0]].astype(np.float64) / scale
    mean, std = train.mean(axes).astype(np.float32), train.std(axes).astype(np.float32)
    digest = hashlib.sha256(inputs.tobytes() + labels.tobytes() + str(sizes).encode()).hexdigest()[:16]
    classes = tuple(map(str, range(int(labels.max()) + 1)))
    shape = inputs.shape[1:]
    return OwnDataset("toy", kind, classes, shape, *parts, mean, std, natural, digest, "made up")


def blobs(
    shape: tuple[int, ...] = (3, 8, 8),
    sizes: tuple[int, int, int] = (96, 40, 40),
    classes: int = 3,
    seed: int = 0,
) -> OwnDataset:
    """Return examples of classes that differ in their mean by channel, so that networks learn them quickly."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(sum(sizes)) % classes)
    centres = rng.uniform(60, 190, (classes, shape[0], *(1 for _ in shape[1:])))
    inputs = (centres[labels] + rng.normal(0, 40, (sum(sizes), *shape))).clip(0, 255)
    if len(shape) == 3:
        return data_of(inputs.astype(np.uint8), labels, sizes)
    kind = "signal" if len(shape) == 2 else "vector"
    return data_of((inputs / 255).astype(np.float32), labels, sizes, kind=kind, natural=False)
