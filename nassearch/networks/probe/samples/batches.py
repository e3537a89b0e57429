"""Gradients of several batches: equal parts of a probe's batch, each with a pass of its own.

Batch norm looks at one part at a time, as if each had been given alone:

>>> model = torch.nn.Linear(1, 2, bias=False)
>>> _ = model.weight.data.zero_()
>>> inputs, labels = torch.tensor([[2.0], [2.0], [4.0], [8.0]]), torch.tensor([0, 0, 1, 1])
>>> [gradients[0].flatten() for gradients in batch_gradients(Probe(model, inputs, labels), 2)]
[tensor([-1.,  1.]), tensor([ 3., -3.])]
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from nassearch.checks import whole
from nassearch.errors import InvalidSetting
from nassearch.networks.probe.probe import Probe

_KNOWN: WeakKeyDictionary[Probe, dict[int, list[list[Tensor]]]] = WeakKeyDictionary()
"""Gradients of each probe that lives, by the number of batches: the proxies that share it share them."""


def batch_gradients(probe: Probe, batches: int) -> list[list[Tensor]]:
    """Return for each of equal parts of the batch dL/dW of its mean cross-entropy, for each of the probe's `weights`.

    Args:
        probe: model and batch `[B, ...]` with labels.
        batches: how many parts the batch falls into, in its order; what is left over at its end is not looked at.

    Raises:
        InvalidSetting: fewer than two batches, or fewer samples than batches; the batch has no labels.
        InvalidModel: there are no weights.
    """
    known = _KNOWN.setdefault(probe, {})
    if batches not in known:
        known[batches] = [_gradients(probe, part) for part in parts(len(probe.inputs), batches)]
    return known[batches]


def parts(size: int, batches: int) -> list[slice]:
    """Return the places of equal parts of a batch of a size.

    >>> parts(7, 2)
    [slice(0, 3, None), slice(3, 6, None)]
    """
    whole("batches", batches, least=2)
    each = size // batches
    if not each:
        raise InvalidSetting(
            f"{size} samples make no {batches} batches of one sample or more: raise batch_size, or lower batches"
        )
    return [slice(each * n, each * (n + 1)) for n in range(batches)]


def _gradients(probe: Probe, part: slice) -> list[Tensor]:
    labels = None if probe.labels is None else probe.labels[part]
    kind: Any = type(probe)
    one = kind(probe.model, probe.inputs[part], labels, seed=probe.seed, reads=("gradients",), owned=True)
    one.__dict__["_weighted"] = probe._weighted  # found once for all parts
    with torch.enable_grad():
        return one.gradients  # type: ignore[no-any-return]


def layer_sums(probe: Probe, batches: int, spread: str, mean: bool = True) -> list[float]:
    """Return for each weight, in float64, the sum over its numbers of mean|g| / std over the gradients g of batches.

    Numbers whose deviation is 0 are left out: a layer where all are has the sum 0.

    Args:
        probe: see `batch_gradients`.
        batches: see `batch_gradients`.
        spread: what std is of: "gradients", g, or "sizes", |g|; that of the whole population.
        mean: whether mean|g| is the numerator, else 1.
    """
    found = []
    for of_batches in zip(*batch_gradients(probe, batches), strict=True):
        gradients = torch.stack(of_batches).double()
        sizes = gradients.abs()
        std = (gradients if spread == "gradients" else sizes).std(0, correction=0)
        moved = std > 0
        above = sizes.mean(0)[moved] if mean else 1.0
        found.append(float((above / std[moved]).sum()))
    return found
