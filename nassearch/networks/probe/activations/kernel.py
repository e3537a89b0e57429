"""The neural tangent kernel of a probe's model on its batch, and how ill-conditioned it is.

An example: a layer of two outputs on two inputs. The gradient of the sum of logits by each row of its weights is x
itself, so the kernel is twice the products of the inputs:

>>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
>>> tangent_kernel(Probe(torch.nn.Linear(2, 2), x))
tensor([[2., 0.],
        [0., 8.]], dtype=torch.float64)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nassearch.networks.modules.foreign import is_bias
from nassearch.networks.modules.isolation import isolated
from nassearch.networks.probe.probe import Probe
from nassearch.networks.tracing.recording import checked, open_layers


def tangent_kernel(probe: Probe) -> Tensor:
    """Return K float64 `[B, B]`, K[i, j] the product of the gradients of samples i and j.

    The gradient of a sample is that of the sum of its logits by all parameters but biases. Batch norm looks at the
    batch, so a sample's logits lead to all samples: there are B backward passes.
    """
    inputs = probe.inputs.detach()
    parameters = [p for name, p in probe.model.named_parameters() if p.requires_grad and not is_bias(name)]
    with isolated(probe.seed), open_layers(probe.model):
        logits = checked(probe.model(inputs), len(inputs))
    rows = []
    for each in logits.sum(1):
        found = torch.autograd.grad(each, parameters, retain_graph=True, allow_unused=True)
        rows.append(torch.cat([g.flatten() for g in found if g is not None] or [each.new_zeros(1)]))
    gradients = torch.stack(rows)
    kernel = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for part in gradients.split(CHUNK, 1):
        wide = part.double()
        kernel += (wide @ wide.T).cpu()
    return kernel


CHUNK = 1 << 16
"""Columns that are in float64 at a time."""


def condition(kernel: Tensor) -> float:
    """Return the largest eigenvalue of a symmetric matrix over the least; NaN where the least is none but rounding.

    >>> condition(torch.tensor([[2.0, 0.0], [0.0, 8.0]]))
    4.0
    >>> condition(torch.ones(2, 2))
    nan
    """
    values = torch.linalg.eigvalsh(kernel.double())
    least, largest = float(values[0]), float(values[-1])
    # Beyond some n roundings of the largest, computed eigenvalues are no zero.
    if not least > 10 * len(values) * torch.finfo(torch.float64).eps * largest:
        return math.nan
    return largest / least
