"""A model on one batch, and what proxies read from it. Each quantity is computed once, however many proxies ask."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.errors import InvalidModel, InvalidSetting, NassearchError
from nassearch.networks.modules.copying import copied
from nassearch.networks.modules.isolation import isolated
from nassearch.networks.modules.memory import out_of_memory, smaller
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.patterns import live, patterns_of
from nassearch.networks.probe.reads import OF_RELUS, READS, RECORDED
from nassearch.networks.probe.salience import Saliency
from nassearch.networks.probe.saliency_pass import salient
from nassearch.networks.tracing.recording import Recording
from nassearch.networks.tracing.weights import Weight, left_out, model_weights

FEW = 2
"""Samples that show what a model does with its parameters."""
T = TypeVar("T")


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

    `allowed`, all of `READS`, is set to what the proxy that reads now has declared.
    Where memory is short the batch is split, if the model allows it, with the result unchanged within rounding.
    """

    READS = READS

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
        self.model = (model if owned else copied(model)).train()
        self.seed, self.reads = seed, frozenset(reads)
        self.allowed: frozenset[str] = frozenset(READS)
        held = next(iter([*self.model.parameters(), *self.model.buffers()]), inputs)
        self.inputs, self.labels = inputs.to(held.device), None if labels is None else labels.to(held.device)
        for parameter in self.model.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        self._together = len(inputs)
        self._silent: InvalidModel | None = None

    @property
    def weights(self) -> list[Tensor]:
        """What multiplies signals, in the order of the parameters, detached; see `nassearch.networks.tracing.weights`.

        Raises:
            InvalidModel: there are none.
        """
        return [weight.parameter.detach() for weight in self._weighted]

    def rows(self, tensors: list[Tensor]) -> list[Tensor]:
        """Return what has the shapes of `weights` with one row for each output unit, `[units, D]` each."""
        return [weight.rows(x).flatten(1) for weight, x in zip(self._weighted, tensors, strict=True)]

    @cached_property
    def _weighted(self) -> list[Weight]:
        found = model_weights(self.model, lambda: self._record(self.inputs[:FEW]).logits)
        if not found:
            raise InvalidModel(
                "proxies of weights look at what multiplies signals, as convolutions and linear layers do, and this "
                "model has none: score it by a proxy that looks at inputs"
            )
        missing = left_out(self.model, found)
        if missing and not isinstance(self.model, TorchNetwork):
            warnings.warn(
                f"proxies of weights see {1 - missing:.0%} of the numbers in this model's matrices: those that are "
                "looked up, added, or multiplied where torch does not show it, are left out",
                RuntimeWarning,
                stacklevel=2,
            )
        return found

    def generator(self) -> torch.Generator:
        """Return a new generator that depends on the seed alone."""
        return torch.Generator().manual_seed(self.seed)

    @cached_property
    def logits(self) -> Tensor:
        """Logits `[B, C]`, detached."""
        return torch.cat(self._parts(lambda recording, _: recording.logits.detach()))

    @property
    def gradients(self) -> list[Tensor]:
        """dL/dW of the mean cross-entropy for each of `weights`; zeros where no path leads."""
        self._declared("gradients")
        return self._first[0]

    @property
    def saliency(self) -> list[Saliency]:
        """One entry for each weight that the loss depends on."""
        self._declared("saliency")
        found = self._first[1]
        if self._silent is not None:
            raise self._silent
        return found

    @cached_property
    def _first(self) -> tuple[list[Tensor], list[Saliency]]:
        """Gradients and saliency."""
        self._weighted  # noqa: B018 - without weights there is nothing to differentiate by

        def work(recording: Recording, part: slice) -> tuple[list[Tensor], Any]:
            loss = self._loss(recording.logits, part)
            if "saliency" not in self.reads:
                return self._grad(loss), {}
            try:
                with salient(recording, self.model, len(self.inputs), self._record) as found:
                    return self._grad(loss), found
            except InvalidModel as error:  # of saliency alone: gradients are had all the same
                self._silent = error
                return self._grad(loss), {}

        found = self._parts(work)
        keys = dict.fromkeys(key for _, calls in found for key in calls)
        merged: list[Saliency] = []
        for key in keys:
            parts = [calls[key] for _, calls in found if key in calls]
            merged.append(parts[0]._replace(channels=_total(part.channels for part in parts)))
        return _totals([gradients for gradients, _ in found]), merged

    @cached_property
    def hessian_gradients(self) -> list[Tensor]:
        """dz/dW for z = sum of g * dL/dW with g the gradients as constants: the Hessian of the loss times g."""
        constant = self._first[0]

        def work(recording: Recording, part: slice) -> list[Tensor]:
            moving = self._grad(self._loss(recording.logits, part), create_graph=True)
            return self._grad(_total((g * m).sum() for g, m in zip(constant, moving, strict=True)))

        return _totals(self._parts(work))

    @property
    def curvature(self) -> float:
        """Sum of W * dz/dW, see `hessian_gradients`."""
        self._declared("curvature")
        return self._curvature

    @cached_property
    def _curvature(self) -> float:
        return sum(float((w * h).sum()) for w, h in zip(self.weights, self.hessian_gradients, strict=True))

    @property
    def relu_kernel(self) -> Tensor:
        """K float64 `[B, B]`: in how many units of live ReLUs two samples agree; summed over calls of ReLUs.

        A call is live if a backward pass from the logits to the inputs reaches it.

        Raises:
            InvalidModel: see `nassearch.networks.probe.patterns.patterns_of`.
        """
        self._declared("relu_kernel")
        return self._relu_kernel

    @cached_property
    def _relu_kernel(self) -> Tensor:
        return agreement(self._relu_patterns, len(self.inputs))

    @property
    def relu_patterns(self) -> list[tuple[Tensor, int]]:
        """Bool `[B, units]`, where live ReLUs see positive inputs, and how many calls see that; see `relu_kernel`."""
        self._declared("relu_patterns")
        return self._relu_patterns

    @cached_property
    def _relu_patterns(self) -> list[tuple[Tensor, int]]:
        parts = self._parts(lambda recording, _: patterns_of(recording, self.model, self._record))
        return [(pattern, 1) for pattern in live(parts)]

    def input_gradients(self, inputs: Tensor | None = None) -> Tensor:
        """Return d(sum of logits)/d(inputs), flattened `[B, D]`, at the batch or at other inputs of its shape."""
        self._declared("input_gradients")
        if inputs is None:
            return self._input_gradients
        inputs = inputs.to(self.inputs.device)
        return torch.cat(self._parts(lambda _, part: self._to_inputs(self._record(inputs[part])), False))

    @cached_property
    def _input_gradients(self) -> Tensor:
        return torch.cat(self._parts(lambda recording, _: self._to_inputs(recording)))

    def _to_inputs(self, recording: Recording) -> Tensor:
        inputs, total = recording.inputs, recording.logits.sum()
        if not inputs.requires_grad:
            raise InvalidModel(
                "inputs are words, which have no gradient: score them by a proxy of weights, such as snip"
            )
        found = None
        if total.requires_grad:
            (found,) = torch.autograd.grad(total, inputs, retain_graph=True, allow_unused=True)
        return (torch.zeros_like(inputs) if found is None else found).flatten(1)

    def _grad(self, value: Tensor, create_graph: bool = False) -> list[Tensor]:
        weights = [weight.parameter for weight in self._weighted]
        found: Any = [None] * len(weights)
        if value.requires_grad:
            found = torch.autograd.grad(
                value, weights, retain_graph=True, create_graph=create_graph, allow_unused=True
            )
        return [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]

    def _loss(self, logits: Tensor, part: slice) -> Tensor:
        """Return the part's share of the mean cross-entropy over the batch."""
        labels, classes = self._labels, logits.shape[1]
        if int(labels.min()) < 0 or int(labels.max()) >= classes:
            raise InvalidSetting(
                f"labels go from 0 to {classes - 1}, one for each of the model's {classes} logits, "
                f"not from {int(labels.min())} to {int(labels.max())}: give labels or classes that agree"
            )
        return F.cross_entropy(logits, labels[part], reduction="sum") / len(labels)

    @property
    def _labels(self) -> Tensor:
        if self.labels is None:
            raise InvalidSetting("a loss needs a batch with labels")
        return self.labels

    def _parts(self, work: Callable[[Any, slice], T], forward: bool = True) -> list[T]:
        """Return `work(recording, part)` for each part of the batch, in smaller parts where memory is short."""
        while True:
            try:
                whole, size = len(self.inputs), self._together
                if size == whole:
                    return [work(self._recording if forward else None, slice(0, whole))]
                parts = [slice(start, min(start + size, whole)) for start in range(0, whole, size)]
                return [work(self._record(self.inputs[p]) if forward else None, p) for p in parts]
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            self.__dict__.pop("_recording", None)
            self._together, device = smaller(self.model, self.inputs, self._together)
            self._move(device)

    def _move(self, device: str) -> None:
        self.model.to(device)
        self.inputs = self.inputs.to(device)
        self.labels = None if self.labels is None else self.labels.to(device)
        if "_first" in self.__dict__ and self._first[0][0].device != self.inputs.device:
            del self.__dict__["_first"]

    @cached_property
    def _recording(self) -> Recording:
        return self._record(self.inputs)

    def _record(self, inputs: Tensor) -> Recording:
        with isolated(self.seed):
            return Recording(self.model, inputs, relus=not self.reads.isdisjoint(OF_RELUS))

    def _declared(self, name: str) -> None:
        if name not in (self.allowed if name not in RECORDED else self.allowed & self.reads):
            raise NassearchError(f"a proxy that reads {name} of its probe declares it: reads=[{name!r}]")


def agreement(patterns: Iterable[tuple[Tensor, int]], size: int) -> Tensor:
    """Return float64 `[B, B]`: in how many units two samples agree, each pattern `[B, units]` so often."""
    kernel = torch.zeros(size, size, dtype=torch.float64)
    for pattern, calls in patterns:
        x = pattern.float()
        units, ones = x.shape[1], x.sum(1)
        # x x^T + (1 - x)(1 - x)^T by one product of matrices; counts up to 2^24 are exact in float32.
        kernel += calls * (2 * (x @ x.T) + units - ones[:, None] - ones).double().cpu()
    return kernel


def _total(tensors: Iterable[Tensor]) -> Tensor:
    total, *rest = tensors
    for tensor in rest:
        total = total + tensor
    return total


def _totals(lists: list[list[Tensor]]) -> list[Tensor]:
    return [_total(tensors) for tensors in zip(*lists, strict=True)]
