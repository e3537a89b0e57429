"""Count the trainable weights of a torch module."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from nassearch.networks.modules.foreign import own_copy, seeded
from nassearch.networks.tracing.recording import Recording
from nassearch.networks.tracing.weights import model_weights


def trained_weights(model: nn.Module, inputs: Any) -> int:
    """Return how many parameters multiply signals in a sum, are trained, and have a gradient that is not all 0.

    See `nassearch.networks.tracing.weights`. The gradient is of a random sum of the logits: batch norm makes that of
    their plain sum 0.

    Args:
        model: left as it is.
        inputs: array `[B, ...]`.
    """
    copy = own_copy(model).train()
    frozen = {id(p) for p in copy.parameters() if not p.requires_grad}
    for parameter in copy.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    with seeded():
        logits = Recording(copy, torch.tensor(inputs)).logits
        found = [weight.parameter for weight in model_weights(copy, lambda: logits)]
        if not found or not logits.requires_grad:
            return 0
        value = (logits * torch.randn(logits.shape)).sum()
        gradients = torch.autograd.grad(value, found, allow_unused=True)
    reached = [g is not None and bool(g.any()) for g in gradients]
    return sum(there and id(p) not in frozen for p, there in zip(found, reached, strict=True))
