"""Call what `module:function` names, and sort the data sets that it gives into parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nassearch.datasets.arrays.named import WORDS
from nassearch.errors import BadData, quoted
from nassearch.provenance.from_here import import_from_here
from nassearch.provenance.their_code import their_code

GIVES = (
    "a data set with __len__ and __getitem__ that gives (input, label), a tuple (train, test) or (train, valid, test) "
    "of such, or a dict of them by these names; or arrays, as (x, y) or by names such as x_train"
)


def parts_again(text: str) -> dict[str, Any]:
    """Return the data sets by part that a user's function gives, in another process than the one that read them."""
    return parts_of(text, called(text))


def called(text: str) -> Any:
    """Return what a name stands for, called where it is a function; their code runs."""
    found = import_from_here(text, text)
    with their_code(f"{text}: looking at what it names"):
        if callable(found) and (isinstance(found, type) or not _is_dataset(found)):
            with their_code(f"{text}: calling it without arguments"):
                found = found()
    return found


def _is_dataset(value: Any) -> bool:
    plain = isinstance(value, str | bytes | Mapping | np.ndarray)
    return not plain and hasattr(value, "__len__") and hasattr(value, "__getitem__")


def by_part(found: Any) -> dict[str, Any]:
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


def parts_of(text: str, found: Any) -> dict[str, Any]:
    """Return data sets by part, `""` for one of all."""
    try:
        parts = {"": found} if _is_dataset(found) and not isinstance(found, tuple) else by_part(found)
    except BadData as error:
        raise BadData(
            f"{text} gave a value of type {type(found).__name__} ({error}): let it return {GIVES}"
        ) from error
    for part, value in parts.items():
        if not _is_dataset(value):
            what = f"{type(value).__name__}{f' for {part}' if part else ''}"
            raise BadData(f"{text} gave a value of type {what}: let it return {GIVES}")
    return parts
