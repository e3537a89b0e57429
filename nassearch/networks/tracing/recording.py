"""Run a model once, and record what proxies need from its inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nassearch.errors import InvalidModel
from nassearch.networks.tracing.backward import order

RELUS = frozenset({F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})
RNNS = frozenset({torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu})


class Recording:
    """What one forward pass left behind.

    Attributes:
        inputs: leaf of the graph `[B, ...]`.
        logits: `[B, C]`, with the graph.
        relus: of each call of a ReLU where its input is positive, and its node in the graph.
    """

    def __init__(self, model: nn.Module, inputs: Tensor, *, relus: bool = False) -> None:
        """Run the model once.

        Args:
            model: what to run.
            inputs: `[B, ...]`.
            relus: whether to note what ReLUs see.
        """
        self.inputs = inputs.detach().clone().requires_grad_(inputs.is_floating_point())  # words cannot
        seen: list[tuple[Tensor, Any]] = []
        with open_layers(model), _ReLUs(seen) if relus else nullcontext():
            logits = model(self.inputs)
        self.relus = seen
        self.logits = checked(logits, len(inputs))

    @cached_property
    def nodes(self) -> list[Any]:
        """What autograd keeps of the pass, see `nassearch.networks.tracing.backward.order`."""
        return order(self.logits.grad_fn)


class _ReLUs(TorchFunctionMode):
    """Notes every call of ReLU, of a module or of a function, before it can overwrite its input."""

    def __init__(self, seen: list[tuple[Tensor, Any]]) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in RELUS:
            return func(*args, **(kwargs or {}))
        x = args[0] if args else kwargs["input"]
        pattern = x.detach() > 0
        y = func(*args, **(kwargs or {}))
        self.seen.append((pattern, y.grad_fn))
        return y


@contextmanager
def open_layers(model: nn.Module) -> Iterator[None]:
    """Keep layers from kernels that have no second derivative, or hide the products of recurrent ones."""
    if not any(isinstance(module, nn.RNNBase | nn.Hardsigmoid) for module in model.modules()):
        yield
        return
    with _Open():
        yield


class _Open(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.hardsigmoid:
            return F.relu6((args[0] if args else kwargs["input"]) + 3) / 6
        if func not in RNNS:
            return func(*args, **(kwargs or {}))
        with torch.backends.mkldnn.flags(enabled=False, allow_tf32=False), torch.backends.cudnn.flags(False):
            return func(*args, **(kwargs or {}))


def checked(logits: Any, rows: int) -> Tensor:
    """Return logits that are float `[B, C]` and finite.

    Raises:
        InvalidModel: they are something else.
    """
    rule = "a model maps inputs [B, ...] to a tensor of logits [B, classes]"
    if not isinstance(logits, Tensor):
        raise InvalidModel(
            f"{rule}; this one returned a {type(logits).__name__}: wrap it in a module that returns its logits alone"
        )
    if logits.dim() != 2 or len(logits) != rows or not logits.is_floating_point():
        raise InvalidModel(
            f"{rule}; for {rows} inputs this one returned {logits.dtype} {list(logits.shape)}: "
            "pool and flatten in front of its last linear layer"
        )
    if not bool(torch.isfinite(logits.detach()).all()):
        raise InvalidModel(
            f"{rule} that are finite; this one returned NaN or infinity: see to its weights and inputs"
        )
    return logits
