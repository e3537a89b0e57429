"""Jacobians of a probe's model with respect to its inputs, clean or noisy, each computed once.

An example: a layer with the rows (1, 2) and (3, 4) gives the logits x1 + 2 x2 and 3 x1 + 4 x2. Their sum has the
derivatives 4 and 6 at every sample:

>>> model = torch.nn.Linear(2, 2)
>>> model.weight.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> input_jacobian(Probe(model, torch.ones(2, 2)))
tensor([[4., 6.],
        [4., 6.]])
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.checks import check_choice
from nassearch.errors import InvalidSetting
from nassearch.networks.modules.isolation import isolated
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.reads import OF, VARIANCE

_KNOWN: WeakKeyDictionary[Probe, dict[tuple[float, str, str], Tensor]] = WeakKeyDictionary()
"""The Jacobians of each probe that lives, under amplitude, `of` and `variance`."""


def input_jacobian(
    probe: Probe, amplitude: float = 0.0, of: str = "logits", variance: str = "batch"
) -> Tensor:
    """Return one gradient per sample of the batch with noise on it, float32 `[B, D]`.

    The noisy batch is x + amplitude * Var(x) * e, e ~ N(0, 1) drawn from the probe's seed and the same for every
    amplitude and every architecture.

    Args:
        probe: model and batch x.
        amplitude: of the noise; 0 is the batch itself.
        of: what is derived, "logits" (their sum) or "loss" (the mean cross-entropy, which needs labels).
        variance: Var(x): "batch", one number over all values, or "element", for each place of an input over the
            samples; both are those of the whole population.

    Raises:
        InvalidSetting: of the loss, but the batch has no labels.
        UnknownName: no such `of` or `variance`.
    """
    check_choice({"of": of}, "of", OF)
    check_choice({"variance": variance}, "variance", VARIANCE)
    known = _KNOWN.setdefault(probe, {})
    key = (amplitude, of, variance if amplitude else "")
    if key not in known:
        inputs = _noisy(probe, amplitude, variance) if amplitude else None
        known[key] = probe.input_gradients(inputs) if of == "logits" else _of_loss(probe, inputs)
    return known[key]


def _noisy(probe: Probe, amplitude: float, variance: str) -> Tensor:
    x = probe.inputs
    spread = x.var(correction=0) if variance == "batch" else x.var(0, correction=0)
    return x + amplitude * spread * torch.randn(x.shape, generator=probe.generator(), dtype=x.dtype).to(
        x.device
    )


def _of_loss(probe: Probe, inputs: Tensor | None) -> Tensor:
    if probe.labels is None:
        raise InvalidSetting("the Jacobian of the loss needs a batch with labels; of=logits does without")
    x = (probe.inputs if inputs is None else inputs).detach().clone().requires_grad_()
    with isolated(probe.seed):  # dropout as in the probe's own passes
        loss = F.cross_entropy(probe.model(x), probe.labels)
    (found,) = torch.autograd.grad(loss, x, allow_unused=True)
    return (torch.zeros_like(x) if found is None else found).flatten(1)
