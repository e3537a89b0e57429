"""Hold what was written against the module that was searched, on the same examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.errors import NassearchError
from nassearch.export.subject import SEED, Subject

if TYPE_CHECKING:
    from torch import Tensor, nn

EXAMPLES = 16
CLOSE = 1e-5
"""Of the largest logit: torch sums in another order in another layer of pooling, a few last digits of float32."""


def examples_of(subject: Subject) -> tuple[Tensor, str]:
    """Return inputs of the network, and in words what they are: real ones where the data are there."""
    import torch

    reads = subject.reads
    generator = torch.Generator().manual_seed(SEED)
    if reads.words:
        size = EXAMPLES, *reads.shape
        return torch.randint(0, subject.task.classes, size, generator=generator), "drawn words"
    if subject.data is not None:
        try:
            data = subject.data()
            part = data.valid if len(data.valid) else data.train
            inputs = torch.from_numpy(data.inputs(part, np.arange(min(EXAMPLES, len(part)))))
        except NassearchError:
            pass
        else:
            if tuple(inputs.shape[1:]) != reads.shape:
                inputs = torch.nn.functional.interpolate(inputs, reads.shape[1:], mode="area")
            return inputs, f"{len(inputs)} validation examples"
    return torch.randn(EXAMPLES, *reads.shape, generator=generator), f"{EXAMPLES} examples of normal noise"


def answers(module: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
    """Return the logits of a module, without derivatives and on one thread."""
    import torch

    from nassearch.networks.modules.network import one_thread

    with torch.inference_mode(), one_thread():
        found: Tensor = module(inputs)
        return found


def gap(one: Any, two: Any) -> float:
    """Return the largest difference of logits, as a share of the largest logit.

    >>> gap([1.0, -4.0], [1.0, -2.0])
    0.5
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
    largest = float(np.abs(first).max(initial=0.0))
    return float(np.abs(first - second).max(initial=0.0)) / (largest or 1.0)


def hold(what: str, found: Any, wanted: Any, close: float = CLOSE) -> float:
    """Return the gap between logits.

    Raises:
        NassearchError: it is larger than `close`, or no number.
    """
    apart = gap(wanted, found)
    if not apart <= close:
        raise NassearchError(
            f"{what} answers otherwise than the network that was searched: logits are apart by {apart:.2g} of the "
            f"largest, and {close:g} is allowed; nothing was written"
        )
    return apart


def loaded(source: str, weights: bytes) -> nn.Module:
    """Return the network of a file that was just written, with these weights."""
    from safetensors.torch import load

    names: dict[str, Any] = {"__name__": "written", "__file__": "written.py"}
    exec(compile(source, "written.py", "exec"), names)
    module: nn.Module = names["Network"]()
    module.load_state_dict(load(weights))
    return module.eval()
