"""Opening a data set: what is found in arrays and folders, and how it is split."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nassearch.datasets import open_dataset


def write_images(folder: Path, classes: str = "abc", count: int = 20, side: int = 12) -> Path:
    """Write a folder of random colour images for each class."""
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def test_an_archive_is_split_and_normalised(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (100, 8, 8, 3), dtype=np.uint8)
    y = np.arange(100) % 4
    path = tmp_path / "toys.npz"
    np.savez_compressed(path, x_train=x, y_train=y, x_test=x[:20] // 2, y_test=y[:20])
    data = open_dataset(path)
    assert (data.name, data.kind, data.classes, data.shape) == (
        "toys",
        "image",
        ("0", "1", "2", "3"),
        (3, 8, 8),
    )
    assert [len(part) for part in (data.train, data.valid, data.test)] == [85, 15, 20]
    np.testing.assert_array_equal(data.test.take(range(20)), (x[:20] // 2).transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(data.test.labels, y[:20])
    raw = data.train.take(np.arange(85)).astype(np.float64) / 255
    np.testing.assert_allclose(data.mean, raw.mean(axis=(0, 2, 3)), rtol=1e-6)  # float32 has 7 digits
    np.testing.assert_allclose(data.std, raw.std(axis=(0, 2, 3)), rtol=1e-6)
    inputs = data.inputs("train", np.arange(85))
    assert inputs.dtype == np.float32 and inputs.flags.c_contiguous
    np.testing.assert_allclose(inputs.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_array_equal(data.batch(8).labels, [0, 1, 2, 3] * 2)
    assert pickle.loads(pickle.dumps(data)) == data


def test_a_folder_of_images_is_read(tmp_path: Path) -> None:
    data = open_dataset(write_images(tmp_path / "toys"))
    assert (data.kind, data.classes, data.shape) == ("image", ("a", "b", "c"), (3, 12, 12))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [42, 9, 9]
    for part in (data.train, data.valid, data.test):
        assert set(np.bincount(part.labels)) == {len(part) // 3}
    first = np.asarray(Image.open(tmp_path / "toys" / "a" / "0.png"))
    parts = [part.take(range(len(part))) for part in (data.train, data.valid, data.test)]
    assert sum((image == first.transpose(2, 0, 1)).all() for part in parts for image in part) == 1


@pytest.mark.slow
def test_real_images_open_within_seconds(real_data: Path) -> None:
    data = open_dataset(real_data / "images" / "cifar10.npz")
    assert (len(data.train) + len(data.valid), len(data.test), data.shape) == (12000, 4000, (3, 32, 32))
