"""Batches of a data set as a network takes them: read or held, shrunk, shifted, mirrored, normalised."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from nassearch.datasets import OwnDataset, Split
from nassearch.errors import InvalidSetting
from nassearch.files.limits import MB
from nassearch.training.single.recipe import Recipe

HELD = 512 * MB
"""Bytes that are kept in memory, as they are stored; of a larger part each batch is read anew."""
AT_ONCE = 1024
"""Examples that are read and shrunk at a time."""

_held: OrderedDict[tuple[str, str, tuple[int, ...]], NDArray[Any]] = OrderedDict()
"""By content of the data set, part and shape, the latest last: many trainings of one process look at the same."""


class Feed:
    """Batches of one part of a data set.

    Examples stay bytes until they are in a batch. A batch is shifted and mirrored as a whole, each example by its own
    draw of the generator that is passed.

    Args:
        data: the data set.
        part: `train`, `valid` or `test`.
        recipe: that is resolved for it; its crop and flip are used where a generator is passed.
        device: where batches go.

    Raises:
        UnknownName: there is no such part.
        InvalidSetting: the part is empty.
    """

    def __init__(self, data: OwnDataset, part: str, recipe: Recipe, device: torch.device) -> None:
        self.split: Split = data.part(part)
        if not len(self.split):
            raise InvalidSetting(
                f"{part} of {data.name} is without examples: open the data with a share for it"
            )
        self.labels = torch.tensor(self.split.labels, device=device)
        self.shape = (
            data.shape if recipe.size is None else (data.shape[0], *(recipe.size for _ in data.shape[1:]))
        )
        self._crop, self._flip, self._size, self._device = (
            int(recipe.crop),
            bool(recipe.flip),
            recipe.size,
            device,
        )
        self._raw = self._hold(data, part)
        by_channel = (1, -1, *(1 for _ in data.shape[1:]))
        self._mean, self._std = (
            torch.from_numpy(v).reshape(by_channel).to(device) for v in (data.mean, data.std)
        )

    def __len__(self) -> int:
        return len(self.split)

    def _hold(self, data: OwnDataset, part: str) -> NDArray[Any] | None:
        key = data.digest, part, self.shape
        if key not in _held:
            example = self.split.take([0])
            size = int(np.prod(self.shape)) * example.itemsize * len(self)
            if size > HELD:
                return None
            while _held and size + sum(array.nbytes for array in _held.values()) > HELD:
                _held.popitem(last=False)
            whole = np.empty((len(self), *self.shape), example.dtype)
            for start in range(0, len(self), AT_ONCE):
                places = np.arange(start, min(start + AT_ONCE, len(self)))
                whole[places] = self._shrunk(self.split.take(places))
            _held[key] = whole
        _held.move_to_end(key)
        return _held[key]

    def _shrunk(self, raw: NDArray[Any]) -> NDArray[Any]:
        if self._size is None:
            return raw
        small = F.interpolate(torch.from_numpy(raw).float(), self.shape[1:], mode="area").numpy()
        return small.round().astype(np.uint8) if raw.dtype == np.uint8 else small

    def batch(
        self, places: NDArray[np.int64], rng: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return inputs float32 `[B, C, *size]` and labels int64 `[B]`.

        Args:
            places: in the part.
            rng: of shifts and mirrors; None for examples as they are.

        Raises:
            BadData: a file of the data set has changed or is gone.
        """
        raw = self._shrunk(self.split.take(places)) if self._raw is None else self._raw[places]
        if rng is not None:
            raw = self._moved(raw, rng)
        layout = torch.channels_last if raw.ndim == 4 else torch.contiguous_format
        inputs = torch.from_numpy(raw).to(self._device).to(torch.float32, memory_format=layout)
        scale = 255.0 if raw.dtype == np.uint8 else 1.0
        # A division of its own, as in `OwnDataset.inputs`: a product with the reciprocal has other last bits.
        inputs.sub_(self._mean * scale).div_(self._std * scale)
        return inputs, self.labels[torch.from_numpy(places).to(self._device)]

    def _moved(self, raw: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        axes = tuple(range(2, raw.ndim))
        if self._crop:
            padded = np.pad(raw, [(0, 0), (0, 0), *((self._crop, self._crop) for _ in axes)])
            windows = sliding_window_view(padded, raw.shape[2:], axes)
            shifts = rng.integers(2 * self._crop + 1, size=(len(axes), len(raw)))
            raw = windows[(np.arange(len(raw)), slice(None), *shifts)]
        if self._flip:
            chosen = rng.random(len(raw)) < 0.5
            raw = np.where(chosen.reshape(-1, *(1 for _ in raw.shape[1:])), raw[..., ::-1], raw)
        return np.ascontiguousarray(raw)
