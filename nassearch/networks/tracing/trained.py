"""Count the trainable weights of a torch module."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nassearch.networks.modules.foreign import own_copy, seeded
from nassearch.networks.tracing.recording import Recording
from nassearch.networks.tracing.weights import model_weights

FEW = 2
"""Inputs that show what a model does with its parameters."""


def trained_weights(model: nn.Module, inputs: Any) -> int:
    """Return how many parameters multiply signals in a sum and are trained; see `nassearch.networks.tracing.weights`.

    Args:
        model: left as it is.
        inputs: array `[B, ...]`, of which the first are looked at where the layers of torch.nn do not say enough.
    """
    copy = own_copy(model).train()
    frozen = {id(p) for p in copy.parameters() if not p.requires_grad}
    for parameter in copy.parameters():
        parameter.requires_grad_(parameter.is_floating_point())

    def run() -> Tensor:
        return Recording(copy, torch.tensor(inputs[:FEW])).logits

    with seeded():
        found = model_weights(copy, run)
    return sum(id(weight.parameter) not in frozen for weight in found)
