"""Read the data sets or arrays that a user's function gives, named as `module:function`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.datasets.arrays.named import open_arrays
from nassearch.datasets.found import Found
from nassearch.datasets.functions.parts import by_part, called, parts_of
from nassearch.datasets.functions.reading import open_items
from nassearch.datasets.images.sizes import Size
from nassearch.errors import BadData
from nassearch.provenance.from_here import is_named
from nassearch.provenance.their_code import their_code
from nassearch.types import Progress


def is_function(text: str) -> bool:
    """Say whether a source is written as `module:function`, and no file is called so."""
    return is_named(text) and not Path(text).exists()


def open_function(text: str, size: Size | None, progress: Progress | None = None) -> Found:
    """Call a user's function, and read the data sets that it gives.

    Raises:
        InvalidSetting: there is no such module or function.
        BrokenPart: its code fails.
        BadData: what it gives is no data set.
    """
    module, _, name = text.partition(":")
    found = called(text)
    short = f"{module.rpartition('.')[2]}-{name.rpartition('.')[2]}"
    arrays = _arrays(found)
    if arrays is not None:
        return open_arrays(arrays, short, text, progress)
    return open_items(parts_of(text, found), short, text, size, their_code, progress)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (hasattr(value, "detach") and hasattr(value, "numpy"))


def _array(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray(value if isinstance(value, np.ndarray) else value.detach().cpu().numpy())


def _arrays(found: Any) -> dict[str, Any] | None:
    """Return arrays by name, where that is what there is: by name, as (x, y), or as such pairs by part."""
    if isinstance(found, Mapping) and found and all(map(_is_array, found.values())):
        return {str(name): _array(value) for name, value in found.items()}
    if isinstance(found, tuple) and len(found) == 2 and all(map(_is_array, found)):
        return {"x": _array(found[0]), "y": _array(found[1])}
    try:
        parts = by_part(found)
    except BadData:
        return None
    if all(
        isinstance(pair, tuple) and len(pair) == 2 and all(map(_is_array, pair)) for pair in parts.values()
    ):
        return {
            f"{axis}_{part}": _array(value)
            for part, pair in parts.items()
            for axis, value in zip("xy", pair, strict=True)
        }
    return None
