"""Turn a user's images into the normalised batch of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.batches import keep_batch
from nassearch.benchmarks.npz import read_npz
from nassearch.errors import BadData, InvalidSetting, UnknownName
from nassearch.files.limits import IMAGES
from nassearch.types import Batch

NORMALISATION = {
    "cifar10": ((125.3, 123.0, 113.9), (63.0, 62.1, 66.7)),
    "cifar100": ((129.3, 124.1, 112.4), (68.2, 65.4, 70.4)),
    "ImageNet16-120": ((122.68, 116.66, 104.01), (63.22, 61.26, 65.09)),
}
"""Mean and standard deviation of each colour, in steps of 1/255, as NAS-Bench-201 normalises."""
NAMES = (("x_train", "y_train"), ("images", "labels"))
REMEDY = "give an .npz archive of uint8 x_train [N, height, width, 3] and y_train [N], or images and labels"


def import_images(
    datasets: Mapping[str, Dataset],
    path: Path | str,
    dataset: str,
    target: Path,
    *,
    count: int = 256,
    force: bool = False,
) -> Path:
    """Make the fixed batch of a data set from the first `count` training images of a file; return its path.

    Args:
        datasets: the data sets of a benchmark, by name.
        path: an .npz archive, uint8 images `[N, height, width, channels]` and labels `[N]`.
        dataset: name of the data set, which gives shape, classes and normalisation.
        target: where to write.
        count: B.
        force: replace a different batch that is there already.

    Raises:
        MissingData: no such file.
        BadData: the file is damaged, or its shapes or types are not those of the data set.
        UnknownName: no such data set, or none with images.
        InvalidSetting: count is not a possible number of images, or a different batch is there already.
    """
    path = Path(path)
    known = [name for name in datasets if name in NORMALISATION]
    if dataset not in known:
        raise UnknownName("data set with images", dataset, known)
    batch = read_images(path, datasets[dataset], count)
    return keep_batch(target, datasets[dataset].task, batch, force)


def read_images(path: Path, dataset: Dataset, count: int) -> Batch:
    """Return the first `count` training images of a file, normalised; what is raised is said in `import_images`."""
    arrays = read_npz(path, REMEDY, [name for pair in NAMES for name in pair], IMAGES)
    pair = next((pair for pair in NAMES if pair[0] in arrays and pair[1] in arrays), None)
    if pair is None:
        raise BadData(f"{path} has neither x_train and y_train nor images and labels; {REMEDY}")
    images, labels = arrays[pair[0]], arrays[pair[1]]
    channels, *size = dataset.task.input_shape
    if images.dtype != np.uint8 or images.shape[1:] != (*size, channels):
        raise BadData(
            f"{path}: {pair[0]} of {dataset.name} is uint8 {['N', *size, channels]}, "
            f"not {images.dtype} {list(images.shape)}"
        )
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        met = f"{labels.dtype} {list(labels.shape)}"
        raise BadData(f"{path}: {pair[1]} is {met}, not whole numbers [{len(images)}]")
    if not 2 <= count <= len(images):
        raise InvalidSetting(f"count is 2 to {len(images)}, the images in {path}, not {count}")
    chosen = labels[:count].astype(np.int64)
    if chosen.min() < 0 or chosen.max() >= dataset.task.classes:
        raise BadData(
            f"{path}: labels of {dataset.name} go from 0 to {dataset.task.classes - 1}, "
            f"not {chosen.min()} to {chosen.max()}"
        )
    mean, std = (np.array(values) for values in NORMALISATION[dataset.name])
    inputs = ((images[:count] - mean) / std).transpose(0, 3, 1, 2)
    return Batch(np.ascontiguousarray(inputs, dtype=np.float32), chosen)
