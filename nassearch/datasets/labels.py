"""Labels as they are met: whole numbers or texts, and none where one is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import BadData, quoted


def labels_of(array: NDArray[Any], what: str) -> list[Any]:
    """Return labels as whole numbers or texts, None where one is missing: NaN, or an empty text.

    Rows of zeros with a single one are the places of these.

    Raises:
        BadData: they are neither.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "buif":
        if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
            raise BadData(
                f"{what} is {list(array.shape)}: labels are [N], or rows of zeros with a single one"
            )
        array = array.argmax(axis=1)
    if array.ndim != 1 or array.dtype.kind not in "buifUS":
        raise BadData(f"{what} is {array.dtype} {list(array.shape)}: labels are whole numbers or texts [N]")
    if array.dtype.kind == "f":
        missing = np.isnan(array)
        broken = array[~missing & (array != np.trunc(array)) | np.isinf(array)]
        if len(broken):
            raise BadData(
                f"{what} holds {broken[0]}: labels are whole numbers or texts; values to predict are no classes"
            )
        return [None if gone else int(value) for value, gone in zip(array.tolist(), missing, strict=True)]
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")
    if array.dtype.kind == "U":
        return [text.strip() or None for text in array.tolist()]
    return [int(value) for value in array.tolist()]


def label_of(value: Any, where: str) -> Any:
    """Return one label as a whole number or a text, None where it is missing; `where` names it.

    Raises:
        BadData: it is neither.
    """
    if value is None:
        return None
    array = np.asarray(value.tolist() if hasattr(value, "tolist") else value)
    if array.ndim > 1 or array.dtype.kind not in "buifUS":
        raise BadData(f"{where}: {quoted(value)} is no label: labels are whole numbers or texts")
    (found,) = labels_of(array[None], where)
    return found
