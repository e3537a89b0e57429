"""How far the features of a network move when its inputs do, and how much its batch norms scale."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.networks.modules.isolation import isolated
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.activations.drawing import draw_weights, noise_like
from nassearch.networks.probe.probe import Probe


def zen_score(probe: Probe, amplitude: float, draws: int) -> float:
    """Return log(mean |f(x) - f(x + amplitude * e)|) + sum over batch norms of log(mean channel variance) / 2.

    f are the features in front of global pooling, with weights, x and e from N(0, 1); the mean over `draws` of them.

    Raises:
        InvalidModel: the inputs are words.
    """
    generator, model = probe.generator(), copy.deepcopy(probe.model)
    found = [_zen(model, probe, generator, amplitude) for _ in range(draws)]
    return math.fsum(found) / draws


@torch.no_grad()
def _zen(model: nn.Module, probe: Probe, generator: torch.Generator, amplitude: float) -> float:
    draw_weights(model, generator)
    x = noise_like(probe, len(probe.inputs), generator)
    moved = x + amplitude * noise_like(probe, len(x), generator)
    variances: list[float] = []
    with isolated(probe.seed), scaled(model, variances):
        before = features(model, x)
    with isolated(probe.seed):
        after = features(model, moved)
    distance = float((before - after).flatten(1).double().norm(dim=1).mean())
    if not 0 < distance < math.inf:
        return math.nan
    return math.log(distance) + math.fsum(math.log(v) / 2 for v in variances if v > 0)


def features(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return what a model makes of its inputs in front of global pooling.

    In a network of a search space this is what global pooling reads. Elsewhere it is the last output of a module that
    has more than one position, `[B, C, *size]`; of a model without any, what its last linear layer reads.
    """
    if isinstance(model, TorchNetwork):
        return _of_network(model, inputs)
    last: dict[str, Tensor] = {}

    def hook(module: nn.Module, given: Any, output: Any) -> None:
        if isinstance(module, nn.Linear):
            last["linear"] = given[0].detach()
        if isinstance(output, Tensor) and output.dim() > 2 and output.shape[2:].numel() > 1:
            last["maps"] = output.detach()

    handles = [module.register_forward_hook(hook) for module in model.modules()]
    try:
        logits = model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    # A layer after this one may have overwritten it, as ReLU in place does, alike for both inputs.
    found: Tensor = last.get("maps", last.get("linear", logits))
    return found


def _of_network(model: TorchNetwork, inputs: Tensor) -> Tensor:
    """Compute all layers, as published networks do: batch norms on edges that lead nowhere count too."""
    x = inputs
    blocks: list[Any] = list(model.blocks)
    pools = [
        (number, place)
        for number, block in enumerate(blocks)
        for place, layer in enumerate(block.block)
        if layer.op == "global_pool"
    ]
    for number, block in enumerate(blocks):
        # Other poolings than the last are of squeeze-and-excitation.
        pool = pools[-1][1] if pools and pools[-1][0] == number else None
        values = block.compute(x, range(len(block.block) if pool is None else pool))
        if pool is not None:
            (read,) = block.block[pool].inputs
            found: Tensor = values[read]
            return found
        x = values[len(block.block) - 1]
    return x


@contextmanager
def scaled(model: nn.Module, variances: list[float]) -> Iterator[None]:
    """Note, at each call of a batch norm, the mean over channels of the variance of what it is given."""

    def hook(module: nn.Module, given: Any) -> None:
        x: Tensor = given[0].transpose(0, 1).flatten(1)
        variances.append(float(x.double().var(1, correction=0).mean()))

    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    handles = [norm.register_forward_pre_hook(hook) for norm in norms]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
