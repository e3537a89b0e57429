"""What a result holds: the winner of a search that trained, or the best architecture of a search on a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.datasets import OwnDataset
from nassearch.errors import BadData, InvalidSetting
from nassearch.export.named import of_table
from nassearch.export.retrained import best_retraining
from nassearch.export.subject import Subject, reading
from nassearch.files.bounded import guarded
from nassearch.spaces.base import SearchSpace
from nassearch.types import Task

if TYPE_CHECKING:
    from torch import Tensor

SEARCH = "search.json"
ALIKE = 0.25
"""Networks cost about the same whose parameters differ by less than this share."""
TEST_NOTE = "looked at once, for this network"


def found_in(path: Path, text: str | None = None, retrained: bool = False) -> Subject:
    """Return the winner of a search, or another architecture of its space.

    Args:
        path: the folder of a search that trained, or the result of a search on a table.
        text: an architecture; None for the winner.
        retrained: whether the weights are those of the best later training, see `nassearch.export.retrained`.

    Raises:
        MissingData, BadData: there is no such result, or it is damaged.
        InvalidArch: the text is none of the space.
        InvalidSetting: nothing was trained later.
    """
    folder = path.parent if path.is_file() and (path.parent / SEARCH).is_file() else path
    if folder.is_dir():
        return of_search(folder, text, retrained)
    if retrained:
        raise InvalidSetting(f"{path} is a search on a table, of which nothing is trained: leave --retrained out")
    return of_table(path, text)
