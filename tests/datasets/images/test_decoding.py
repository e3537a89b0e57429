"""Image files of every kind become the numbers that they show."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from own_data import everything, holds, pixels, told, write, write_folder
from PIL import Image

from nassearch.datasets import open_dataset
from nassearch.datasets.images.decoding import MOST_PIXELS, decode
from nassearch.errors import BadData

COLOURS = pixels(99_999)
GREY = COLOURS[..., 0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "toys")


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "BMP", "tga", "ppm", "gif", "webp", "jp2"])
def test_formats_that_lose_nothing(suffix: str, root: Path) -> None:
    image = COLOURS // 64 * 64  # 64 colours, which a palette holds
    options = {"lossless": True} if suffix == "webp" else {}
    write(
        root / "cat" / f"x.{suffix}",
        Image.fromarray(image).convert("P") if suffix == "gif" else image,
        **options,
    )
    shown = np.asarray(Image.open(root / "cat" / f"x.{suffix}").convert("RGB"))
    assert holds(open_dataset(root), shown) == 1
    if suffix not in ("gif", "jp2"):
        np.testing.assert_array_equal(shown, image)


def test_a_photograph_lies_on_its_side(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the picture is on the right
    upright = write(root / "cat" / "x.png", COLOURS[:8], exif=exif)
    assert decode(upright).pixels.shape == (12, 8, 3)
    np.testing.assert_array_equal(decode(upright).pixels, np.rot90(COLOURS[:8], -1))
    assert told(open_dataset(root), "Turned upright") == "Turned upright, as EXIF data say: 1 image."


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_photographs_are_turned_too(orientation: int, tmp_path: Path) -> None:
    """Their sizes are those of the heads of files, and so have to be turned there as well."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.zeros((300, 400, 3), np.uint8)
    corner[:100, :100] = [255, 0, 0]
    for number in range(6):
        corner[150 + number] = 9
        write(tmp_path / "ab"[number % 2] / f"{number}.png", corner, exif=exif)
    data = open_dataset(tmp_path)
    assert data.shape == ((3, 64, 85) if orientation < 5 else (3, 85, 64))
    red = everything(data)[:, 0] > 128
    places = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}
    down, right = places[orientation]
    height, width = data.shape[1:]
    ten = (
        slice(None),
        slice(height - 10, height) if down else slice(10),
        slice(width - 10, width) if right else slice(10),
    )
    assert red[ten].all() and red.mean() < 0.15


def test_what_is_see_through_becomes_white(root: Path) -> None:
    alpha = np.full((12, 12, 1), 255, np.uint8)
    write(root / "cat" / "opaque.png", np.dstack([COLOURS, alpha]))
    alpha[:6] = 0
    write(root / "cat" / "half.png", np.dstack([COLOURS, alpha]))
    data = open_dataset(root)
    expected = COLOURS.copy()
    expected[:6] = 255
    assert holds(data, COLOURS) == holds(data, expected) == 1
    assert told(data, "Laid on white") == "Laid on white, as parts are see-through: 1 image."


def test_a_palette_with_a_colour_that_is_see_through(root: Path) -> None:
    image = Image.fromarray(np.arange(144, dtype=np.uint8).reshape(12, 12) % 3, "L").convert("P")
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 200, 0])
    write(root / "cat" / "x.png", image, transparency=1)
    expected = np.array([[10, 20, 30], [255, 255, 255], [0, 200, 0]], np.uint8)
    assert holds(open_dataset(root), expected[np.arange(144).reshape(12, 12) % 3]) == 1


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "CMYK", "RGBA", "LAB", "YCbCr"])
def test_modes_mixed_with_colours(mode: str, root: Path) -> None:
    suffix = "jpg" if mode == "YCbCr" else "tiff" if mode in ("CMYK", "LAB") else "png"
    path = write(
        root / "cat" / f"x.{suffix}", Image.fromarray(COLOURS).convert(mode if mode != "LAB" else "RGB")
    )
    if mode == "LAB":
        path = write(path, Image.merge("LAB", [Image.fromarray(COLOURS[..., c]) for c in range(3)]))
    shown = np.asarray(Image.open(path).convert("RGB"))
    data = open_dataset(root)
    assert data.shape == (3, 12, 12) and holds(data, shown) == 1


def test_images_that_are_all_grey_have_one_channel(tmp_path: Path) -> None:
    root = tmp_path / "toys"
    for name in ("a", "b"):
        for number in range(10):
            grey = pixels(number + 100 * ord(name))[..., 0]
            write(root / name / f"{number}.png", grey if number % 2 else np.dstack([grey] * 3))
    data = open_dataset(root)
    assert data.shape == (1, 12, 12) and holds(data, pixels(3 + 100 * ord("a"))[..., 0]) == 1
    # An image is the same in one channel and in three equal ones.
    write(root / "a" / "copy.png", pixels(3 + 100 * ord("a"))[..., :1].repeat(3, axis=2))
    assert told(open_dataset(root), "Copies") == "Copies of others in the same part: 1 example."
    write(root / "a" / "colour.png", COLOURS)
    assert open_dataset(root).shape == (3, 12, 12)


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    root = tmp_path / "toys"
    deep = {}
    for name in ("a", "b"):
        for number in range(10):
            deep[name, number] = np.random.default_rng(ord(name) + number).integers(
                0, 4096, (9, 9), dtype=np.uint16
            )
            write(root / name / f"{number}.png", deep[name, number])
    data = open_dataset(root)
    assert data.shape == (1, 9, 9) and data.train.take([0]).dtype == np.float32
    expected = {(values.astype(np.float32) / np.float32(65535)).tobytes() for values in deep.values()}
    assert {image.tobytes() for image in everything(data)} == expected
    write(root / "a" / "white.png", np.full((9, 9), 255, np.uint8))
    mixed = open_dataset(root)
    assert everything(mixed).max() == 1 and told(mixed, "With 16 bits").endswith("from 0 to 1: 20 images.")


def test_floating_point_images(tmp_path: Path) -> None:
    root = tmp_path / "toys"
    for name in ("a", "b"):
        for number in range(10):
            values = np.random.default_rng(ord(name) + number).normal(size=(9, 9)).astype(np.float32)
            write(root / name / f"{number}.tiff", values)
    data = open_dataset(root)
    assert everything(data).min() < 0 and data.shape == (1, 9, 9)
    values[3, 3] = np.nan
    write(root / "a" / "nan.tiff", values)
    assert "nan.tiff holds NaN" in told(open_dataset(root), "Left out, as they cannot be read: 1 image:")
    write(root / "a" / "grey.png", GREY[:9, :9])
    assert "grey.png holds whole numbers" in told(
        open_dataset(root), "Left out, as they cannot be read: 2 images:"
    )


def test_a_floating_point_image_among_others(root: Path) -> None:
    write(root / "cat" / "x.tiff", GREY.astype(np.float32))
    assert "x.tiff holds floating" in told(open_dataset(root), "Left out, as they cannot be read: 1 image:")


@pytest.mark.parametrize("suffix", ["gif", "png", "tiff", "webp"])
def test_the_first_of_several_frames(suffix: str, root: Path) -> None:
    frames = [Image.fromarray(pixels(seed) // 64 * 64) for seed in (1, 2)]
    options = {"lossless": True} if suffix == "webp" else {}
    write(root / "cat" / f"x.{suffix}", frames[0], save_all=True, append_images=frames[1:], **options)
    data = open_dataset(root)
    assert told(data, "Taken the first") == "Taken the first of several frames: of 1 image."
    assert holds(data, np.asarray(Image.open(root / "cat" / f"x.{suffix}").convert("RGB"))) == 1


def bomb(path: Path, width: int, height: int) -> Path:
    """Write a PNG that says it is large and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (9_000, 9_000), (80_001, 1_000)])
def test_bombs(width: int, height: int, root: Path) -> None:
    bomb(root / "cat" / "x.png", width, height)
    note = told(open_dataset(root), "Left out, as they cannot be read: 1 image:")
    assert "x.png" in note and str(MOST_PIXELS) in note


def test_every_way_to_be_unreadable(root: Path) -> None:
    whole = (root / "cat" / "0.png").read_bytes()
    broken = {
        "empty.png": b"",
        "text.png": b"hello",
        "cut.png": whole[: len(whole) // 2],
        "head.png": whole[:20],
        "flipped.png": whole[:60] + bytes([whole[60] ^ 255]) + whole[61:],
        "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }
    for name, data in broken.items():
        (root / "cat" / name).write_bytes(data)
    photo = write(root / "dog" / "cut.jpg", pixels(1, 64, 64))
    photo.write_bytes(photo.read_bytes()[:900])
    before = open_dataset(write_folder(root.parent / "again")).digest
    data = open_dataset(root)
    note = told(data, "Left out, as they cannot be read: 7 images:")
    assert note.count(str(root)) == 3 and "and 4 more" in note
    assert data.digest == before


@pytest.mark.posix
@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may read everything")
def test_files_that_may_not_be_read(root: Path) -> None:
    (root / "cat" / "0.png").chmod(0)
    assert "Permission denied" in told(open_dataset(root), "Left out, as they cannot be read: 1 image:")


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"no")
    with pytest.raises(BadData, match=r"has no image that can be read: .*a/1\.png is no image"):
        open_dataset(tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_raise_nothing_else(tmp_path: Path) -> None:
    """Bytes of real files, changed at random places, are read or refused."""
    rng = np.random.default_rng(0)
    for suffix in ("png", "jpg", "gif", "tiff", "bmp", "webp", "jp2", "tga", "ppm"):
        whole = bytearray(write(tmp_path / f"x.{suffix}", pixels(3, 16, 16)).read_bytes())
        for _ in range(60):
            changed = bytearray(whole)
            for place in rng.integers(0, len(whole), rng.integers(1, 6)):
                changed[place] = rng.integers(256)
            (tmp_path / f"y.{suffix}").write_bytes(
                changed[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.3 else changed
            )
            try:
                assert decode(tmp_path / f"y.{suffix}").pixels.ndim in (2, 3)
            except BadData as error:
                assert "y." in str(error)
