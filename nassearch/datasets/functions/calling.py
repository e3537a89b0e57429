"""Find what `module:function` names, call it, and sort what it gives into parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.datasets.arrays.named import WORDS, open_arrays
from nassearch.datasets.found import Found
from nassearch.datasets.functions.reading import open_items
from nassearch.datasets.images.sizes import Size
from nassearch.errors import BadData, quoted
from nassearch.provenance.from_here import import_from_here, is_named
from nassearch.provenance.their_code import their_code
from nassearch.types import Progress

GIVES = (
    "a data set with __len__ and __getitem__ that gives (input, label), a tuple (train, test) or (train, valid, test) "
    "of such, or a dict of them by these names; or arrays, as (x, y) or by names such as x_train"
)


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
    found = _called(text)
    short = f"{module.rpartition('.')[2]}-{name.rpartition('.')[2]}"
    arrays = _arrays(found)
    if arrays is not None:
        return open_arrays(arrays, short, text, progress)
    return open_items(_parts(text, found), short, text, size, their_code, progress)


def parts_again(text: str) -> dict[str, Any]:
    """Return the data sets by part that a user's function gives, in another process than the one that read them."""
    return _parts(text, _called(text))


def _called(text: str) -> Any:
    found = import_from_here(text, text)
    with their_code(f"{text}: looking at what it names"):
        if callable(found) and (isinstance(found, type) or not _is_dataset(found)):
            with their_code(f"{text}: calling it without arguments"):
                found = found()
    return found


def _is_dataset(value: Any) -> bool:
    plain = isinstance(value, str | bytes | Mapping | np.ndarray)
    return not plain and hasattr(value, "__len__") and hasattr(value, "__getitem__")


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
        parts = _by_part(found)
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


def _by_part(found: Any) -> dict[str, Any]:
    """Return what a dict or a tuple holds by part."""
    if isinstance(found, Mapping):
        strange = [name for name in found if str(name).lower() not in WORDS]
        parts = {WORDS[str(name).lower()]: value for name, value in found.items() if name not in strange}
        if strange or "train" not in parts:
            raise BadData(f"names {', '.join(map(quoted, found))}, where train, valid and test belong")
        return parts
    if isinstance(found, tuple) and len(found) in (2, 3):
        names = ("train", "test") if len(found) == 2 else ("train", "valid", "test")
        return {name: value for name, value in zip(names, found, strict=True) if value is not None}
    raise BadData("no parts")


def _parts(text: str, found: Any) -> dict[str, Any]:
    """Return data sets by part, `""` for one of all."""
    try:
        parts = {"": found} if _is_dataset(found) and not isinstance(found, tuple) else _by_part(found)
    except BadData as error:
        raise BadData(
            f"{text} gave a value of type {type(found).__name__} ({error}): let it return {GIVES}"
        ) from error
    for part, value in parts.items():
        if not _is_dataset(value):
            what = f"{type(value).__name__}{f' for {part}' if part else ''}"
            raise BadData(f"{text} gave a value of type {what}: let it return {GIVES}")
    return parts
