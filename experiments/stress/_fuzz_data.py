"""What is fuzzed of data sets of one's own: image files, archives of arrays, and sheets of paths and numbers."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from nassearch.datasets import open_dataset
from nassearch.datasets.images.decoding import decode

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
Y = np.arange(24) % 3


def pictures() -> list[bytes]:
    """Return an image in every format and in the modes that each of them has."""
    found = []
    for kind, modes in (
        ("PNG", ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")), ("JPEG", ("RGB", "L", "CMYK")), ("GIF", ("P",)),
        ("BMP", ("RGB", "L")), ("TIFF", ("RGB", "CMYK", "F", "I;16", "1")), ("WEBP", ("RGB", "RGBA")),
        ("JPEG2000", ("RGB", "L")), ("TGA", ("RGB", "L")), ("PPM", ("RGB", "L")), ("AVIF", ("RGB",)),
    ):  # fmt: skip
        for mode in modes:
            file = io.BytesIO()
            grey = Image.fromarray(COLOURS[..., 0].astype(np.uint16) * 200)
            image = grey if mode == "I;16" else Image.fromarray(COLOURS).convert(mode)
            exif = Image.Exif()
            exif[0x0112] = 6
            image.save(file, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "TIFF", "WEBP") else {}))
            found.append(file.getvalue())
    frames = io.BytesIO()
    Image.fromarray(COLOURS).save(
        frames, "GIF", save_all=True, append_images=[Image.fromarray(255 - COLOURS)]
    )
    return [*found, frames.getvalue()]


def check_picture(data: bytes, folder: Path) -> None:
    """Decode it, twice alike, as grey or colours."""
    path = folder / "a.png"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, again = decode(path).pixels, decode(path).pixels
    assert first.dtype in (np.uint8, np.float32) and first.ndim in (2, 3) and first.size
    assert first.ndim == 2 or first.shape[2] == 3
    np.testing.assert_array_equal(first, again)
    assert np.isfinite(first).all()


def arrays() -> list[bytes]:
    """Return archives of images, signals and vectors, packed and not."""
    found = []
    for x in (
        RNG.integers(0, 256, (24, 5, 4, 3), dtype=np.uint8),
        RNG.normal(size=(24, 2, 40)),
        RNG.normal(size=(24, 5)),
    ):
        for y in (Y, np.array(["ant", "bee", "cow"])[Y], np.eye(3)[Y]):
            for save in (np.savez, np.savez_compressed):
                file = io.BytesIO()
                save(file, x_train=x, y_train=y, x_test=x[:6], y_test=y[:6])
                found.append(file.getvalue())
    return found


def sheets() -> list[bytes]:
    """Return sheets of paths, and of numbers."""
    paths = "".join(f"{place % 8}.png,{'ab'[place % 2]}\n" for place in range(16))
    parts = "".join(
        f"{place % 8}.png;{'ab'[place % 2]};{('train', 'val')[place > 9]}\n" for place in range(16)
    )
    numbers = "".join(f"{place / 7},{place * place},{place % 3}\n" for place in range(16))
    return [
        f"path,label\n{paths}".encode(),
        f"image;class;split\n{parts}".encode(),
        f"p,q,label\n{numbers}".encode(),
    ]


def check_data(name: str, data: bytes, folder: Path) -> None:
    """Open it: parts hold every example once, inputs are finite, and it opens the same again."""
    for number in range(8):
        Image.fromarray(COLOURS ^ number).save(folder / f"{number}.png")
    path = folder / name
    path.write_bytes(data)
    found, again = open_dataset(path), open_dataset(path)
    assert found == again and found.as_dict() == again.as_dict()
    places = np.concatenate([part.places for part in (found.train, found.valid, found.test)])
    assert len(np.unique(places)) == len(places) and len(found.train) and len(found.valid)
    assert set(np.unique(found.train.labels)) == set(range(len(found.classes)))
    assert np.isfinite(found.inputs("train", np.arange(len(found.train)))).all()
    assert (found.std > 0).all() and np.isfinite(found.mean).all()
