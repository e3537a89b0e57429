"""One image file becomes numbers: its first frame, upright, in grey or in three colours, nothing see-through."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from nassearch.errors import BadData, Unreadable
from nassearch.files.bounded import Bounded
from nassearch.files.limits import PICTURE

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
"""Formats that Pillow reads by itself; others call other programs."""
READ = "PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, JPEG 2000, TGA and PPM"
ENDS = "avif bmp dib gif j2k jfif jp2 jpe jpeg jpg pbm pgm png pnm ppm tga tif tiff webp"
SUFFIXES = {f".{end}" for end in ENDS.split(" ")}
MOST_PIXELS = 80_000_000
"""Of one image; Pillow warns of a decompression bomb beyond 89 million."""
GREY = {"1", "L", "LA", "La"}
DEEP = {"I", "I;16", "I;16B", "I;16L", "I;16N"}
WHITE_16 = np.float32(65535)
EXIF_ORIENTATION = 0x0112


class Decoded(NamedTuple):
    """One image.

    Attributes:
        pixels: uint8 `[height, width]` or `[height, width, 3]`; float32 `[height, width]`, white at 1, for 16 bits.
        done: what was done to it: "turned", "opaque", "first frame", "16 bits", "floats".
    """

    pixels: NDArray[Any]
    done: tuple[str, ...]


class Seen(NamedTuple):
    """An image at first sight.

    Attributes:
        size: height and width, upright.
        depth: `"bytes"`, `"16 bits"` or `"floats"`.
        decoded: all of it, where it is small.
    """

    size: tuple[int, int]
    depth: str
    decoded: Decoded | None


def decode(path: Path) -> Decoded:
    """Read an image file.

    Colours that are all grey are one channel.

    Raises:
        Unreadable: the system does not give it.
        BadData: it is damaged, truncated, too large, or no image.
    """
    with _opened(path) as image:
        return decode_image(image)


def peek(path: Path, small: int) -> Seen:
    """Look at the head of an image file, and read all of it up to so many pixels; raises what `decode` does."""
    with _opened(path) as image:
        depth = "16 bits" if image.mode in DEEP else "floats" if image.mode == "F" else "bytes"
        if image.width * image.height <= small:
            decoded = decode_image(image)
            return Seen(decoded.pixels.shape[:2], depth, decoded)
        _check(image)
        sideways = image.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
        width, height = image.size[::-1] if sideways else image.size
        return Seen((height, width), depth, None)


def decode_given(image: Image.Image, where: str) -> Decoded:
    """Return the numbers of an image of Pillow, which `where` names; raises what `decode` does."""
    with _told(where):
        return decode_image(image)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Bounded(path, PICTURE) as file:
            data = file.read()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from error
    if not data:
        raise BadData(f"{path} is empty")
    with _told(str(path)), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        yield image


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except _Refused as error:
        raise BadData(f"{where} {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadData(f"{where} has more pixels than the {MOST_PIXELS} that are read") from error
    except UnidentifiedImageError as error:
        raise BadData(f"{where} is no image") from error
    except Exception as error:  # each of Pillow's readers raises kinds of its own on damaged bytes
        raise BadData(f"{where} is truncated or damaged ({error})") from error


class _Refused(Exception):
    """What is wrong with an image, in words that follow its name."""


def _check(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise _Refused(f"has {image.width} x {image.height} pixels; at most {MOST_PIXELS} are read")


def decode_image(image: Image.Image) -> Decoded:
    """Return the numbers of an image of Pillow, which may raise whatever it likes."""
    _check(image)
    done = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        image.seek(0)
        done.append("first frame")
    image.load()
    if image.getexif().get(EXIF_ORIENTATION, 1) not in (0, 1):
        image = ImageOps.exif_transpose(image)
        done.append("turned")
    if image.mode in DEEP:
        return _deep(image, done)
    if image.mode == "F":
        pixels = np.array(image, np.float32)
        if not np.isfinite(pixels).all():
            raise _Refused("holds NaN or an infinite number")
        return Decoded(pixels, (*done, "floats"))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image, see_through = _opaque(image)
        if see_through:
            done.append("opaque")
    image = image.convert("L" if image.mode in GREY else "RGB")
    pixels = np.array(image)
    if pixels.ndim == 3 and is_grey(pixels):
        pixels = np.ascontiguousarray(pixels[..., 0])
    return Decoded(pixels, tuple(done))


def _deep(image: Image.Image, done: list[str]) -> Decoded:
    values = np.array(image)
    if values.min(initial=0) < 0 or values.max(initial=0) > WHITE_16:
        raise _Refused(f"holds whole numbers from {values.min()} to {values.max()}, not of 16 bits")
    return Decoded(values.astype(np.float32) / WHITE_16, (*done, "16 bits"))


def _opaque(image: Image.Image) -> tuple[Image.Image, bool]:
    """Lay an image on white; say whether any of it was see-through."""
    over = image.convert("RGBA")
    alpha = over.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return over.convert("RGB"), False
    white = Image.new("RGBA", over.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, over).convert("RGB"), True


def is_grey(pixels: NDArray[Any]) -> bool:
    """Say whether the three channels of an image `[height, width, 3]` are alike everywhere."""
    # A few pixels tell most images of colour.
    for part in (pixels[:: max(1, len(pixels) // 4)], pixels):
        if (part[..., 0] != part[..., 1]).any() or (part[..., 0] != part[..., 2]).any():
            return False
    return True
