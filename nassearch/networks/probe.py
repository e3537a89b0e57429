"""A model on one batch, and what proxies read from the two, each thing computed once however many proxies ask."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.errors import InvalidSetting

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
"""Layers whose weights the proxies of zero-cost NAS look at; batch norm and biases are left out."""


class Probe:
    """A model on one batch, in training mode, with the first derivatives that proxies are made of.

    The model that is given is never touched: the probe works on a copy, unless it is told that the model is its own.

    Args:
        model: maps inputs to logits `[B, C]`.
        inputs: float32 `[B, channels, *size]`.
        labels: int64 `[B]`, or None for proxies that do without.
        seed: of everything random in the forward pass (dropout) and of `generator`.
        reads: names of the attributes that will be read, so that one pass serves all of them.
        owned: whether the model may be changed.
    """

    READS = ("gradients", "saliency", "input_gradients", "relu_kernel", "hessian_gradients")

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
        self.inputs, self.labels, self.seed, self.reads = inputs, labels, seed, frozenset(reads)
        self.layers = [module for module in self.model.modules() if isinstance(module, WEIGHTED)]

    @property
    def weights(self) -> list[Tensor]:
        """Weights of convolutions and linear layers, in the order of the modules, detached."""
        return [layer.weight.detach() for layer in self.layers]

    def generator(self) -> torch.Generator:
        """Return a new generator that depends on the seed alone."""
        return torch.Generator().manual_seed(self.seed)

    @cached_property
    def _outputs(self) -> tuple[Tensor, Tensor]:
        """The inputs as a leaf of the graph, and the logits."""
        inputs = self.inputs.detach().clone().requires_grad_()
        with self._seeded():
            return inputs, self.model(inputs)

    @property
    def logits(self) -> Tensor:
        """Logits `[B, C]`, detached."""
        return self._outputs[1].detach()

    @cached_property
    def _loss(self) -> Tensor:
        if self.labels is None:
            raise InvalidSetting("a loss needs a batch with labels")
        return F.cross_entropy(self._outputs[1], self.labels)

    @cached_property
    def gradients(self) -> list[Tensor]:
        """dL/dW of the mean cross-entropy for each of `weights`; zeros where no path leads."""
        found = torch.autograd.grad(
            self._loss, [layer.weight for layer in self.layers], retain_graph=True, allow_unused=True
        )
        return [torch.zeros_like(w) if g is None else g for w, g in zip(self.weights, found, strict=True)]

    def input_gradients(self, inputs: Tensor | None = None) -> Tensor:
        """Return d(sum of logits)/d(inputs), flattened `[B, D]`, at the batch or at other inputs of its shape."""
        if inputs is None:
            return self._input_gradients
        inputs = inputs.detach().clone().requires_grad_()
        with self._seeded():
            logits = self.model(inputs)
        return self._to_inputs(inputs, logits)

    @cached_property
    def _input_gradients(self) -> Tensor:
        return self._to_inputs(*self._outputs)

    def _to_inputs(self, inputs: Tensor, logits: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(logits.sum(), inputs, retain_graph=True, allow_unused=True)
        return (torch.zeros_like(inputs) if found is None else found).flatten(1)

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            yield
