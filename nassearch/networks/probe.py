"""A model on one batch, and what proxies read from the two, each thing computed once however many proxies ask."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.errors import InvalidModel, InvalidSetting, NassearchError
from nassearch.networks.initialise import WEIGHTED
from nassearch.networks.recording import Recording
from nassearch.networks.torch_module import TorchNetwork

T = TypeVar("T")


class Saliency(NamedTuple):
    """What one call of a convolution or linear layer gives fisher.

    Attributes:
        layer: the module.
        channels: `[C_out]`, 0.5 * mean over samples of (sum over positions of z * dL/dz)^2, z its output.
    """

    layer: nn.Module
    channels: Tensor


class Probe:
    """A model on one batch, in training mode, with the derivatives that proxies are made of.

    The model that is given is never touched: the probe works on a copy, unless it is told that the model is its own.

    Args:
        model: maps inputs to logits `[B, C]`.
        inputs: float32 `[B, channels, *size]`.
        labels: int64 `[B]`, or None for proxies that do without.
        seed: of everything random in the forward pass (dropout) and of `generator`.
        reads: names of the attributes that will be read, so that one pass serves all of them.
        owned: whether the model may be changed.
    """

    READS = ("gradients", "saliency", "input_gradients", "relu_kernel", "curvature")

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        labels: Tensor | None = None,
        *,
        seed: int = 0,
        reads: Collection[str] = (),
        owned: bool = False,
    ) -> None:
        self.model = (model if owned else copy.deepcopy(model)).train()
        self.seed, self.reads = seed, frozenset(reads)
        self.inputs, self.labels = inputs, labels
        self.layers = [module for module in self.model.modules() if isinstance(module, WEIGHTED)]
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        for layer in self.layers:
            layer.weight.requires_grad_()

    @property
    def weights(self) -> list[Tensor]:
        """Weights of convolutions and linear layers, in the order of the modules, detached."""
        return [layer.weight.detach() for layer in self._weighted]

    @property
    def _weighted(self) -> list[nn.Module]:
        if not self.layers:
            raise InvalidModel(
                "the proxies of weights look at convolutions and linear layers; this model has none of them: "
                "score it by a proxy that looks at inputs"
            )
        return self.layers

    def generator(self) -> torch.Generator:
        """Return a new generator that depends on the seed alone."""
        return torch.Generator().manual_seed(self.seed)

    def _record(self, inputs: Tensor) -> Recording:
        layers = self.layers if "saliency" in self.reads else ()
        with self._seeded():
            return Recording(
                self.model,
                inputs,
                layers=layers,
                relus="relu_kernel" in self.reads,
                private=isinstance(self.model, TorchNetwork),
            )

    @cached_property
    def _recording(self) -> Recording:
        return self._record(self.inputs)

    @property
    def logits(self) -> Tensor:
        """Logits `[B, C]`, detached."""
        return self._recording.logits.detach()

    @cached_property
    def _loss(self) -> Tensor:
        logits = self._recording.logits
        labels, classes = self.labels, logits.shape[1]
        if labels is None:
            raise InvalidSetting("a loss needs a batch with labels")
        if int(labels.min()) < 0 or int(labels.max()) >= classes:
            raise InvalidSetting(
                f"labels go from 0 to {classes - 1}, one for each of the model's {classes} logits, "
                f"not from {int(labels.min())} to {int(labels.max())}: give labels or classes that agree"
            )
        return F.cross_entropy(logits, labels)

    @property
    def gradients(self) -> list[Tensor]:
        """dL/dW of the mean cross-entropy for each of `weights`; zeros where no path leads."""
        return self._first[0]

    @property
    def saliency(self) -> list[Saliency]:
        """One entry for each call of a convolution or linear layer that the loss depends on."""
        self._declared("saliency")
        return self._first[1]

    @cached_property
    def _first(self) -> tuple[list[Tensor], list[Saliency]]:
        calls: list[Saliency] = []

        def seen(layer: nn.Module, z: Tensor, gradient: Tensor) -> None:
            # Channels of a convolution are the second axis, those of a linear layer the last.
            product = z * gradient
            if isinstance(layer, nn.Linear):
                sums = product.reshape(len(z), -1, z.shape[-1]).sum(1)
            else:
                sums = product.flatten(2).sum(2)
            calls.append(Saliency(layer, 0.5 * sums.square().mean(0)))

        loss = self._loss
        with self._recording.watch(seen):
            return self._grad(loss), calls

    def _grad(self, value: Tensor, create_graph: bool = False) -> list[Tensor]:
        weights = [layer.weight for layer in self._weighted]
        if not value.requires_grad:
            return [torch.zeros_like(weight) for weight in weights]
        found = torch.autograd.grad(
            value, weights, retain_graph=True, create_graph=create_graph, allow_unused=True
        )
        return [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]

    @cached_property
    def hessian_gradients(self) -> list[Tensor]:
        """dz/dW for z = sum of g * dL/dW with g the gradients as constants: the Hessian of the loss times g."""
        constant = self.gradients
        moving = self._grad(self._loss, create_graph=True)
        z = sum(((g * m).sum() for g, m in zip(constant, moving, strict=True)), torch.zeros(()))
        return self._grad(z)

    @cached_property
    def curvature(self) -> float:
        """Sum of W * dz/dW, see `hessian_gradients`."""
        return sum(float((w * h).sum()) for w, h in zip(self.weights, self.hessian_gradients, strict=True))

    @cached_property
    def relu_kernel(self) -> Tensor:
        """K float64 `[B, B]`: in how many units of live ReLUs two samples agree; summed over calls of ReLUs.

        A call is live if a backward pass from the logits reaches it.
        """
        self._declared("relu_kernel")
        recording = self._recording
        if recording.logits.requires_grad:
            torch.autograd.grad(recording.logits.sum(), recording.inputs, retain_graph=True, allow_unused=True)
        if not recording.live:
            raise InvalidModel(
                "naswot compares the patterns of ReLUs; no ReLU of this model leads to its output: "
                "score it by another proxy"
            )
        kernel = torch.zeros(len(self.inputs), len(self.inputs), dtype=torch.float64)
        for number in sorted(recording.live):
            x = recording.patterns[number].float()
            # Counts up to 2^24 are exact in float32.
            kernel += (x @ x.T + (1 - x) @ (1 - x).T).double()
        return kernel

    def input_gradients(self, inputs: Tensor | None = None) -> Tensor:
        """Return d(sum of logits)/d(inputs), flattened `[B, D]`, at the batch or at other inputs of its shape."""
        return self._input_gradients if inputs is None else self._to_inputs(self._record(inputs))

    @cached_property
    def _input_gradients(self) -> Tensor:
        return self._to_inputs(self._recording)

    def _to_inputs(self, recording: Recording) -> Tensor:
        inputs, total = recording.inputs, recording.logits.sum()
        if not total.requires_grad:
            return torch.zeros_like(inputs).flatten(1)
        (found,) = torch.autograd.grad(total, inputs, retain_graph=True, allow_unused=True)
        return (torch.zeros_like(inputs) if found is None else found).flatten(1)

    def _declared(self, name: str) -> None:
        if name not in self.reads:
            raise NassearchError(f"a proxy that reads {name} of its probe declares it: reads=[{name!r}]")

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            yield
