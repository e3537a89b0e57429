"""Bytes that a torch module holds at a time while one input passes through it."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nassearch.networks.modules.foreign import of_one, own_copy, seeded


def module_activations(model: nn.Module, input_shape: tuple[int, ...], words: bool = False) -> int:
    """Return the most bytes of tensors that are alive at a time as the module runs layer by layer, weights aside.

    The input and the logits count. What a kernel takes for itself while it works does not.

    Args:
        model: left as it is; it runs in evaluation mode, without derivatives.
        input_shape: `(channels, *size)`.
        words: whether inputs are words.
    """
    model = own_copy(model).eval()
    own = {tensor.untyped_storage()._cdata for tensor in [*model.parameters(), *model.buffers()]}

    def count(inputs: Tensor) -> int:
        with torch.no_grad(), _Held(own, inputs) as held:
            model(inputs)
        return int(held.most) // len(inputs)

    with seeded():
        ones = torch.ones(1, *input_shape, dtype=torch.int64 if words else torch.float32)
        return of_one(count, ones, 4)[0]


class _Held(TorchDispatchMode):
    """Adds up the storages that operations give out, and takes them off as they are freed."""

    def __init__(self, own: set[int], inputs: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._own, self._alive = own, set[int]()
        self._now = self.most = 0
        self._take(inputs)

    def _take(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._own or key in self._alive:
            return
        self._alive.add(key)
        self._now += size
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._alive.discard(key)
        self._now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in found if isinstance(found, tuple | list) else [found]:
            if isinstance(each, Tensor):
                self._take(each)
        return found
