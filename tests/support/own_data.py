"""Small data sets to open: folders of images, each of random pixels, and archives of arrays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nassearch.datasets import OwnDataset


def pixels(seed: int, height: int = 12, width: int = 12) -> np.ndarray:
    """Return random colours, uint8 `[height, width, 3]`."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write(path: Path, image: np.ndarray | Image.Image, **options: Any) -> Path:
    """Write an image, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def write_folder(
    folder: Path, classes: Iterable[str] = ("cat", "dog", "emu"), count: int = 10, seed: int = 0, **size: int
) -> Path:
    """Write a folder of images for each class, no two of them alike."""
    for place, name in enumerate(classes):
        for number in range(count):
            write(folder / name / f"{number}.png", pixels(seed + 1000 * place + number, **size))
    return folder


def write_archive(path: Path, packed: bool = True, **arrays: Any) -> Path:
    """Write arrays by name."""
    (np.savez_compressed if packed else np.savez)(path, **arrays)
    return path


def everything(data: OwnDataset) -> np.ndarray:
    """Return the examples of all parts, as they are stored."""
    parts = (data.train, data.valid, data.test)
    return np.concatenate([part.take(np.arange(len(part))) for part in parts])


def holds(data: OwnDataset, image: np.ndarray) -> int:
    """Return how many examples are this image `[height, width, channels]`."""
    given = image[..., None] if image.ndim == 2 else image
    return int((everything(data) == given.transpose(2, 0, 1)).all(axis=(1, 2, 3)).sum())


def told(data: OwnDataset, begins: str) -> str:
    """Return the one note that begins so."""
    (note,) = [note for note in data.notes if note.startswith(begins)]
    return note
