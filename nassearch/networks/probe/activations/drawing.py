"""What proxies without data look at: noise of the shape of a probe's inputs, and weights drawn anew."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.errors import InvalidModel
from nassearch.networks.modules.foreign import is_bias
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.probe import Probe

NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)
"""Layers whose gain is 1 and whose shift is 0 at the start, whatever draws the weights."""


def noise_like(probe: Probe, count: int, generator: torch.Generator) -> Tensor:
    """Return inputs `[count, channels, *size]` from N(0, 1), of the shape of the probe's.

    Raises:
        InvalidModel: its inputs are words.
    """
    if not probe.inputs.is_floating_point():
        raise InvalidModel(
            "it looks at normal noise, and the inputs of this model are words: score it by another"
        )
    drawn = torch.randn(count, *probe.inputs.shape[1:], generator=generator)
    return drawn.to(probe.inputs)


def run_whole(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return a model's logits; of a network of a search space all layers run, those that nothing reads included.

    Published networks multiply by zero where an edge carries nothing, and compute what leads there.
    """
    found: Tensor = model.forward_whole(inputs) if isinstance(model, TorchNetwork) else model(inputs)
    return found


@torch.no_grad()
def draw_weights(model: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights from N(0, 1) and set biases to 0; gains of normalisation are 1, its shifts 0."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, NORMS) or is_bias(name) or not parameter.is_floating_point():
                parameter.fill_(0.0 if is_bias(name) else 1.0)
            else:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
