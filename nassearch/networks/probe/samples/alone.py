"""Samples as batches of their own: batch norm looks at one sample at a time, and samples do not see each other.

Our networks take all samples together all the same, each normalised by its own positions. Other models are given one
sample after the other. The gradient of a sample is then that of its own loss, whatever else is in the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.networks.modules.initialise import WEIGHTED
from nassearch.networks.modules.isolation import isolated
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.samples.shares import share_of
from nassearch.networks.tracing.recording import checked, open_layers

Fold = Callable[[Tensor], Tensor]
"""Turns the gradients `[b, *shape]` of samples by a weight into what is kept of them."""
Seen = Callable[[Any, Tensor, Tensor], None]
"""Called with (layer, what it sees, what it makes of that)."""


def own_gradients(probe: Probe, fold: Fold) -> list[Tensor]:
    """Return for each of the probe's `weights` the sum over parts of the batch of what is kept of samples' gradients.

    Args:
        probe: model and batch with labels.
        fold: is given the derivatives of each sample's own cross-entropy, b samples at a time. A weight that the loss
            does not depend on has none, and 0 is kept.

    Raises:
        InvalidModel: there are no weights.
        InvalidSetting: the batch has no labels, or one beyond the classes.
    """
    weights = [weight.parameter for weight in probe._weighted]
    kept: dict[int, Tensor] = {}
    if fits(probe.model):

        def seen(layer: Any, x: Tensor, z: Tensor) -> None:
            z.register_hook(partial(_folded, kept, fold, layer, x.detach()))

        inputs = probe.inputs.detach().clone().requires_grad_()
        with isolated(probe.seed), alone(probe.model), watched(probe.model, weights, seen):
            loss = probe._loss(checked(probe.model(inputs), len(inputs)), slice(None))
            torch.autograd.grad(loss * len(inputs), inputs, allow_unused=True)
    else:
        for n, logits in enumerate(one_by_one(probe)):
            loss = probe._loss(logits, slice(n, n + 1)) * len(probe.inputs)
            for w, g in zip(weights, torch.autograd.grad(loss, weights, allow_unused=True), strict=True):
                if g is not None:
                    part = fold(g[None])
                    kept[id(w)] = kept[id(w)] + part if id(w) in kept else part
    return [kept.get(id(w), w.new_zeros(())) for w in weights]


def _folded(kept: dict[int, Tensor], fold: Fold, layer: Any, x: Tensor, dz: Tensor) -> None:
    window = None
    if layer.weight.dim() > 2:
        none = (0,) * len(layer.stride)
        window = layer.stride, layer.padding, layer.dilation, False, none, layer.groups
    with torch.no_grad():
        kept[id(layer.weight)] = fold(share_of(x, dz, layer.weight.shape, window))


def one_by_one(probe: Probe) -> Iterator[Tensor]:
    """Yield the logits `[1, C]` of one sample after the other, in training mode."""
    for n in range(len(probe.inputs)):
        with isolated(probe.seed), open_layers(probe.model):
            logits = checked(probe.model(probe.inputs[n : n + 1]), 1)
        yield logits


def fits(model: nn.Module) -> bool:
    """Say whether samples can go through a model together: one of our networks, of layers that pad as they say."""
    if not isinstance(model, TorchNetwork):
        return False
    weighted = (module for module in model.modules() if isinstance(module, WEIGHTED))
    return all(type(module) in WEIGHTED for module in weighted)


@contextmanager
def alone(model: nn.Module) -> Iterator[None]:
    """Let batch norm look at one sample at a time."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.forward = partial(_own, norm)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _own(norm: _BatchNorm, x: Tensor) -> Tensor:
    return F.instance_norm(x, weight=norm.weight, bias=norm.bias, eps=norm.eps)


@contextmanager
def watched(model: nn.Module, weights: Collection[Tensor], seen: Seen) -> Iterator[None]:
    """Show what layers with these weights see and make at each forward pass."""
    known = {id(weight) for weight in weights}
    handles = [
        layer.register_forward_hook(lambda layer, inputs, z: seen(layer, inputs[0], z))
        for layer in model.modules()
        if id(getattr(layer, "weight", None)) in known
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
