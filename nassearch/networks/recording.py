"""One forward pass of a model, with what proxies need from its inside noted on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nassearch.errors import InvalidModel

RELUS = frozenset({F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})


class Recording:
    """What one forward pass left behind.

    Attributes:
        inputs: leaf of the graph `[B, ...]`.
        logits: `[B, C]`, with the graph.
        patterns: for each call of a ReLU `[B, units]`, whether its input is positive.
        live: numbers of the calls that a backward pass has reached.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        *,
        layers: Sequence[nn.Module] = (),
        relus: bool = False,
    ) -> None:
        """Run the model once.

        Args:
            model: what to run.
            inputs: `[B, ...]`.
            layers: whose outputs to watch, see `watch`.
            relus: whether to note what ReLUs see.
        """
        self.inputs = inputs.detach().clone().requires_grad_(inputs.is_floating_point())  # words cannot
        self.patterns: list[Tensor] = []
        self.live: set[int] = set()
        self._seen: Callable[[nn.Module, Tensor, Tensor], None] | None = None
        handles = [layer.register_forward_hook(self._note) for layer in layers]
        try:
            if relus:
                with _ReLUs(self):
                    logits = model(self.inputs)
            else:
                logits = model(self.inputs)
        finally:
            for handle in handles:
                handle.remove()
        self.logits = checked(logits, len(inputs))

    @contextmanager
    def watch(self, seen: Callable[[nn.Module, Tensor, Tensor], None]) -> Iterator[None]:
        """Call `seen(layer, z, dL/dz)` for each call of a layer that a backward pass inside reaches."""
        self._seen = seen
        try:
            yield
        finally:
            self._seen = None

    def _note(self, layer: nn.Module, args: Any, z: Tensor) -> Tensor | None:
        if not z.requires_grad:
            return None

        kept = z.detach()

        def arrived(gradient: Tensor) -> None:
            if self._seen is not None:
                self._seen(layer, kept, gradient)

        z.register_hook(arrived)
        # The next module may work in place; what it then overwrites is a copy.
        return z.clone()

    def note_relu(self, pattern: Tensor, y: Tensor) -> None:
        number = len(self.patterns)
        self.patterns.append(pattern)
        if y.requires_grad:
            y.register_hook(lambda gradient: self.live.add(number))


class _ReLUs(TorchFunctionMode):
    """Notes every call of ReLU, of a module or of a function, before it can overwrite its input."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self.recording = recording

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in RELUS:
            return func(*args, **(kwargs or {}))
        x = args[0] if args else kwargs["input"]
        pattern = (x.detach() > 0).flatten(1)
        y = func(*args, **(kwargs or {}))
        self.recording.note_relu(pattern, y)
        return y


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
