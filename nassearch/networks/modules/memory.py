"""When a device has too little memory for a batch: split the batch, or use the processor."""

from __future__ import annotations

import ctypes
import sys
import warnings

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.errors import NassearchError
from nassearch.networks.modules.isolation import isolated


def out_of_memory(error: BaseException) -> bool:
    """Say whether an exception is an allocator's."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def couples(model: nn.Module, inputs: Tensor) -> bool:
    """Say whether what a model gives for one sample depends on the others, as batch norm in training makes it.

    It is tried out on two samples, together and apart, from one state of the random generator: so masks of dropout,
    which a split would draw otherwise, count as coupling too.
    """
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        return True
    with torch.no_grad():
        try:
            found = []
            for part in (inputs[:2], inputs[:1], inputs[1:2]):
                with isolated(0):
                    found.append(model(part))
        except Exception:  # a model that cannot take one sample cannot be split
            return True
    both, apart = found[0], torch.cat(found[1:])
    # Rounding may differ with the size of a batch; coupled samples differ by whole digits.
    return not torch.allclose(both, apart, rtol=1e-3, atol=1e-5 * float(both.abs().max()))


def smaller(model: nn.Module, inputs: Tensor, size: int) -> tuple[int, str]:
    """Return how many samples to compute together next, and on which device.

    Raises:
        NassearchError: there is no way to need less.
    """
    device = inputs.device
    if size > 1 and not couples(model, inputs):
        return (size + 1) // 2, str(device)
    if device.type != "cpu":
        warnings.warn(
            f"{device} has no memory for this model at {len(inputs)} samples, which cannot be split: "
            "computing on the processor",
            RuntimeWarning,
            stacklevel=2,
        )
        return len(inputs), "cpu"
    raise NassearchError(
        f"there is no memory for this model at {len(inputs)} samples, and they cannot be split, because it couples the "
        f"samples of a batch or has no room for two: give a batch_size below {len(inputs)}, or fewer workers"
    )


def give_back() -> None:
    """Return freed memory to the system, which glibc otherwise keeps in pieces.

    A worker that seems to grow is taken for one that leaks, and joblib starts another in its place.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
