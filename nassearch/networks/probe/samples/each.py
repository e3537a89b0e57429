"""What each sample of a batch adds to the gradient of a weight, by one backward pass for all of them.

A weight gives z = W x at every position. Its gradient is the sum of dL/dz x^T over all positions, and a sample's share
of it the sum over the sample's own. Where samples do not see each other, this is the gradient of the sample's own
loss. Where batch norm couples them, it is that plus what the others' losses pass through the sample, as in all
methods that take gradients of samples from one backward pass.

Two samples under a linear layer of zeros, both of the class 0:

>>> model = torch.nn.Linear(2, 2, bias=False)
>>> _ = model.weight.data.zero_()
>>> probe = Probe(model, torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([0, 0]))
>>> sample_gradients(probe, lambda shares: shares)[0][0]
tensor([[[-1.,  0.],
         [ 1.,  0.]],
<BLANKLINE>
        [[ 0., -2.],
         [ 0.,  2.]]])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nassearch.checks import check_choice
from nassearch.errors import InvalidModel
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.patterns import few_of, grows
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.reads import OF
from nassearch.networks.probe.salience import MIXED, call_of, layouts
from nassearch.networks.probe.saliency_pass import look_twice, products_of
from nassearch.networks.probe.samples.shares import product_share, share_of
from nassearch.networks.probe.tape.ops import Op, Weighted
from nassearch.networks.probe.tape.tape import Tape
from nassearch.networks.tracing.recording import Recording

Fold = Callable[[Tensor], Tensor]
"""Turns the shares `[b, *shape]` of samples in a weight's gradient into what is kept of them."""


def sample_gradients(probe: Probe, fold: Fold, of: str = "loss") -> list[list[Tensor]]:
    """Return for each of the probe's `weights` what is kept of gradients of samples, part by part of the batch.

    The shares of one weight are there together, those of all weights never are: a fold keeps what it needs.

    Args:
        probe: model and batch; a batch falls into parts where memory is short.
        fold: is given `[b, *shape]` float32, b the samples of a part. A weight that the loss does not depend on has
            zeros.
        of: what is derived, "loss" (each sample's cross-entropy, not divided by their number) or "logits" (their sum).

    Raises:
        InvalidModel: a layer mixes samples, or a weight is computed in a way that is not seen into.
        InvalidSetting: of the loss, but the batch has no labels.
    """
    check_choice({"of": of}, "of", OF)
    probe._weighted  # noqa: B018 - without weights there is nothing to differentiate by

    def work(recording: Any, part: slice) -> list[Tensor]:
        logits = recording.logits.detach().requires_grad_()
        value = logits.sum() if of == "logits" else probe._loss(logits, part) * len(probe.inputs)
        (delta,) = torch.autograd.grad(value, logits)
        kept = _by_tape if isinstance(recording, Tape) else _by_graph
        found: dict[int, Tensor] = kept(probe, recording, delta, fold)
        empty = [w.parameter for w in probe._weighted]
        return [
            found[id(w)] if id(w) in found else fold(w.new_zeros(len(delta), *w.shape)).detach()
            for w in empty
        ]

    return [list(each) for each in zip(*probe._parts(work), strict=True)]


@torch.no_grad()
def _by_tape(probe: Probe, tape: Tape, delta: Tensor, fold: Fold) -> dict[int, Tensor]:
    found: dict[int, Tensor] = {}

    def step(op: Op, dy: Tensor) -> list[Tensor]:
        if isinstance(op, Weighted):
            window = op.settings if op.weight.dim() > 2 else None  # type: ignore[attr-defined]
            found[id(op.module.weight)] = fold(share_of(op.x, dy, op.weight.shape, window))
        return op.backward(dy, False)

    tape._back(delta, step)
    return found


def _by_graph(probe: Probe, recording: Recording, delta: Tensor, fold: Fold) -> dict[int, Tensor]:
    size = len(recording.inputs)
    products = products_of(recording, probe.model)
    few = None if isinstance(probe.model, TorchNetwork) else few_of(recording, probe.model, probe._record)
    if few is not None and grows(len(products), len(products_of(few, probe.model)), size):
        raise InvalidModel(f"{MIXED}; here layers see one at a time: give the model a batch at once")
    calls = [call_of(each) for each in products]
    inner = layouts(calls, size, lambda: look_twice(recording.inputs, probe.model, probe._record))
    left = Counter(id(p) for each in products for p in each.parameters)
    sums: dict[int, Tensor] = {}
    found: dict[int, Tensor] = {}

    def arrived(n: int, gradients: tuple[Any, ...]) -> None:
        with torch.no_grad():
            weight, share = product_share(products[n], gradients[0], size, inner[n])
            key = id(weight)
            sums[key] = sums[key] + share if key in sums else share
            left[key] -= 1
            if not left[key]:  # all calls of this weight have been seen
                found[key] = fold(sums.pop(key))

    handles = [each.node.register_prehook(partial(arrived, n)) for n, each in enumerate(products)]
    try:
        weights = [weight.parameter for weight in probe._weighted]
        torch.autograd.grad(recording.logits, weights, delta, retain_graph=True, allow_unused=True)
    finally:
        # What hangs on a node and leads back to it is never collected.
        for handle in handles:
            handle.remove()
    return {
        **found,
        **{key: fold(share) for key, share in sums.items()},
    }  # the latter: calls that nothing reached
