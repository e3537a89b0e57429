"""The files of a search that trained, as they are read for what it found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nassearch.errors import BadData, MissingData
from nassearch.files.bounded import guarded

if TYPE_CHECKING:
    from torch import Tensor

REMEDY = "retrain it (nassearch retrain), or search again"


def read_weights_of(folder: Path, name: Any) -> Mapping[str, Tensor]:
    """Return the weights that a search names as `weights/NAME.safetensors`.

    Raises:
        MissingData, Unreadable: they are not there.
        BadData: they are damaged, or lie outside of the folder.
    """
    from safetensors import SafetensorError

    from nassearch.training.single.state import read_weights

    if not isinstance(name, str):
        raise MissingData(f"{folder} has no weights of this architecture: {REMEDY}")
    inner = PurePosixPath(name)
    if inner.is_absolute() or ".." in inner.parts or "\\" in name or ":" in name:
        raise BadData(f"{folder} names weights outside of it, {name!r}; {REMEDY}")
    path = folder.joinpath(*inner.parts)
    with guarded(path, REMEDY, missing=REMEDY, what="file of weights"):
        try:
            return read_weights(path)
        except SafetensorError as error:
            raise BadData(f"{path} is truncated or damaged ({error}); {REMEDY}") from error
