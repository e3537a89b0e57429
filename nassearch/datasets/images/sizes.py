"""One size for all images: which one, and how each of them is brought to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nassearch.checks import whole
from nassearch.errors import InvalidSetting, quoted

KEPT = 128
"""Pixels of the longer side up to which images that all have one size stay as they are."""
SIDE = 64
"""Pixels of the shorter side to which others are brought at most: training takes the square of it."""
LARGEST = 4096
Size = tuple[int, int]


def given_size(size: Any) -> Size | None:
    """Return the height and width that `size=` asks for: a number for both, or two.

    Raises:
        InvalidSetting: it is neither.
    """
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise InvalidSetting(f"size is the side of a square, or height and width, not {quoted(size)}")
    height, width = (whole("size", side, 1, LARGEST) for side in sides)
    return height, width


def choose_size(met: Sequence[Size], asked: Size | None) -> tuple[Size, str]:
    """Return the size for images of these heights and widths, and a sentence where it is not theirs already.

    Images of one size of at most `KEPT` pixels stay. Larger ones keep their proportions, the shorter side becoming
    `SIDE`. Where sizes differ it is a square, as high as the median of the shorter sides, `SIDE` at most.
    """
    sizes = Counter(met)
    one = next(iter(sizes)) if len(sizes) == 1 else None
    if asked:
        chosen = asked
    elif one is None:
        shorter = sorted(min(size) for size in met)
        side = min(SIDE, shorter[len(shorter) // 2])
        chosen = (side, side)
    elif max(one) <= KEPT:
        chosen = one
    else:
        scale = min(1.0, SIDE / min(one))
        chosen = (max(1, round(one[0] * scale)), max(1, round(one[1] * scale)))
    if one == chosen:
        return chosen, ""
    what = (
        f"of {_text(one)}" if one else f"of {len(sizes)} sizes, {_text(min(sizes))} to {_text(max(sizes))},"
    )
    cut = "" if one and _alike(one, chosen) else ", its middle cut out where the proportions differ"
    why = "" if asked else "; size= sets another"
    return chosen, f"Images {what} are scaled to {_text(chosen)}{cut}{why}."


def _text(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def _alike(one: Size, other: Size) -> bool:
    return abs(one[0] * other[1] - one[1] * other[0]) <= max(one) + max(other)


def fit(pixels: NDArray[Any], size: Size) -> NDArray[Any]:
    """Scale an image to cover a size and cut out its middle.

    Args:
        pixels: uint8 or float32 `[height, width]` or `[height, width, channels]`.
        size: height and width.

    Returns:
        The same with that height and width. Each pixel is a weighted mean of those that it covers.
    """
    if pixels.shape[:2] == size:
        return pixels
    if pixels.ndim == 3 and (pixels.dtype != np.uint8 or pixels.shape[2] != 3):
        return np.stack([fit(np.ascontiguousarray(pixels[..., c]), size) for c in range(pixels.shape[2])], -1)
    height, width = pixels.shape[:2]
    scale = min(height / size[0], width / size[1])
    left, top = (width - size[1] * scale) / 2, (height - size[0] * scale) / 2
    box = (max(0.0, left), max(0.0, top), min(width, width - left), min(height, height - top))
    image = Image.fromarray(pixels)
    return np.array(image.resize((size[1], size[0]), Image.Resampling.BILINEAR, box))
