"""NAS-Bench-Suite-Zero (Krishnakumar et al., 2022): scores of thirteen proxies and an accuracy of each architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FAILED = -1e8
"""What its authors wrote where a proxy ended in an error."""
SCORE, ACCURACY = "score", "val_accuracy"


def by_dataset(content: Mapping[str, Any], meant: Callable[[str], bool]) -> dict[str, Mapping[str, Any]]:
    """Return architectures by data set, as `{"cifar10": {"(4, 0, 3, 1, 4, 3)": {"synflow": ...}}}` has them.

    Files of 2022 name the space around their data sets, `{"nasbench201": {"cifar10": ...}}`; it is passed over.

    Args:
        content: of the file.
        meant: says whether a name is that of the data set which is looked for.

    Returns:
        What is there; nothing of what is nested otherwise.
    """
    if len(content) == 1 and not any(map(meant, content)):
        (inside,) = content.values()
        if isinstance(inside, Mapping) and any(map(meant, inside)):
            content = inside
    return {name: rows for name, rows in content.items() if isinstance(rows, Mapping)}


def value(cell: Any) -> Any:
    """Return what a cell says, `{"score": 44.5, "time": 0.2}` or the score alone; None where the proxy failed."""
    found = cell.get(SCORE) if isinstance(cell, Mapping) else cell
    return None if isinstance(found, float) and found == FAILED else found
