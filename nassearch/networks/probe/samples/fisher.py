"""The Fisher information of a few weights of each layer, each sample being a batch of its own.

The model says p(c | x) for the classes c of a sample x. The empirical Fisher information of weights w is the mean over
samples of sum over c of p(c | x) d_c d_c^T, d_c the derivative of log p(c | x) by w (Tybl and Neumann, 2025, eq. 8). No
label is looked at. With J the derivatives of the logits by w, that is J^T (diag(p) - p p^T) J, which is taken apart
into J^T v v^T J over directions v: one backward pass each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.networks.modules.isolation import isolated
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.samples.alone import alone, fits, one_by_one, watched
from nassearch.networks.tracing.recording import checked

Chosen = list[tuple[Tensor, list[int]]]
"""Weights, and places in them."""


class Information(NamedTuple):
    """The Fisher information of a few weights.

    Attributes:
        matrix: float64 `[p, p]`.
        reached: how many layers with weights the logits depend on, of all that the model has.
    """

    matrix: Tensor
    reached: int


_KNOWN: WeakKeyDictionary[Probe, dict[tuple[int, int, int | None], Information]] = WeakKeyDictionary()
"""What is known of each probe that lives, by the settings."""


def fisher_information(probe: Probe, layers: int, each: int, passes: int | None) -> Information:
    """Return the empirical Fisher information of a few weights.

    Args:
        probe: model and batch; labels are not looked at.
        layers: how many layers count, from the first on.
        each: how many weights of each: evenly spaced ones from its first to its last as it is stored, or its first.
        passes: backward passes. None, or as many as there are classes or more: one for each class, which is exact.
            Fewer: random directions drawn from the probe's seed, whose expectation is the exact matrix.

    Raises:
        InvalidModel: there are no weights.
    """
    known = _KNOWN.setdefault(probe, {})
    key = (layers, each, passes)
    if key not in known:
        counts = [each if place < layers else 0 for place in range(len(probe._weighted))]
        chosen = [
            (w.parameter, places(w.parameter.numel(), count))
            for w, count in zip(probe._weighted, counts, strict=True)
        ]
        jacobians = _jacobians if fits(probe.model) else _jacobians_alone
        reached: set[int] = set()
        first, *rest = (rows.double() for rows in jacobians(probe, chosen, passes, reached))
        matrix = sum((rows.T @ rows for rows in rest), first.T @ first) / len(probe.inputs)
        known[key] = Information(matrix, len(reached))
    return known[key]


def places(size: int, count: int) -> list[int]:
    """Return evenly spaced places in a weight of a size, the first and the last among them where there are several.

    >>> places(9, 1), places(9, 3), places(2, 3)
    ([0], [0, 4, 8], [0, 1])
    """
    if count < 2 or size == 1:
        return [0] * min(count, 1)
    return sorted({n * (size - 1) // (count - 1) for n in range(count)})


def directions(logits: Tensor, signs: Tensor | None = None) -> Tensor:
    """Return v `[passes, B, C]` whose sum of v v^T is diag(p) - p p^T for each sample, p its softmax.

    For each class c that is sqrt(p_c) (1_c - p), exactly; with signs `[passes, B, C]` they are random sums of these:

    >>> v = directions(torch.zeros(1, 2))
    >>> torch.einsum("kbc,kbd->bcd", v, v)[0]
    tensor([[ 0.2500, -0.2500],
            [-0.2500,  0.2500]])
    """
    p = logits.detach().double().softmax(1)
    each = p.sqrt().T[:, :, None] * (torch.eye(p.shape[1], dtype=p.dtype, device=p.device)[:, None, :] - p)
    if signs is not None:
        each = torch.einsum("kbc,cbd->kbd", signs.to(each), each) / len(signs) ** 0.5
    return each.to(logits.dtype)


def _signs(probe: Probe, classes: int, passes: int | None) -> Tensor | None:
    if passes is None or passes >= classes:
        return None
    shape = (passes, len(probe.inputs), classes)
    return torch.randint(0, 2, shape, generator=probe.generator()) * 2 - 1


def _jacobians(probe: Probe, chosen: Chosen, passes: int | None, reached: set[int]) -> Iterator[Tensor]:
    """Yield for each direction the derivatives of v^T logits by the chosen weights `[B, p]`, for one of our networks.

    No gradient of a whole weight is computed: that by one number of it is the product of what the layer sees in one
    channel and of the derivative by what it makes of that.
    """
    columns: dict[int, Tensor] = {}
    here = {id(parameter): places for parameter, places in chosen}

    def seen(layer: Any, x: Tensor, z: Tensor) -> None:
        looked_at = [_seen(layer, x.detach(), place) for place in here[id(layer.weight)]]
        z.register_hook(partial(_arrived, columns, id(layer.weight), looked_at))

    inputs = probe.inputs.detach().clone().requires_grad_()
    with isolated(probe.seed), alone(probe.model), watched(probe.model, [w for w, _ in chosen], seen):
        logits = checked(probe.model(inputs), len(inputs))
    empty = {id(w): logits.new_zeros(len(inputs), len(places)) for w, places in chosen}
    for v in directions(logits, _signs(probe, logits.shape[1], passes)):
        columns.clear()
        torch.autograd.grad(logits, inputs, v, retain_graph=True, allow_unused=True)
        reached.update(columns)
        yield torch.cat([columns.get(id(w), empty[id(w)]) for w, _ in chosen], 1)


def _seen(layer: Any, x: Tensor, place: int) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Return how to find the output unit of a weight, and what the weight is multiplied with, one for each output."""
    weight = layer.weight
    unit, channel, *offset = (int(n) for n in torch.unravel_index(torch.tensor(place), weight.shape))
    if weight.dim() == 2:
        return lambda dz: dz[..., unit].reshape(len(x), -1), x[..., channel].reshape(len(x), -1)
    group = unit // (weight.shape[0] // layer.groups)
    axes = range(weight.dim() - 2)
    padded = F.pad(
        x[:, group * weight.shape[1] + channel], [n for a in reversed(axes) for n in (layer.padding[a],) * 2]
    )
    for a in axes:
        start = offset[a] * layer.dilation[a]
        reach = padded.shape[a + 1] - layer.dilation[a] * (weight.shape[a + 2] - 1)
        padded = padded.narrow(a + 1, start, reach)[
            (slice(None),) * (a + 1) + (slice(None, None, layer.stride[a]),)
        ]
    return lambda dz: dz[:, unit].flatten(1), padded.flatten(1)


def _arrived(columns: dict[int, Tensor], key: int, seen: list[Any], dz: Tensor) -> None:
    with torch.no_grad():
        found = [(of_unit(dz) * x).sum(1) for of_unit, x in seen]
        columns[key] = torch.stack(found, 1) if found else dz.new_zeros(len(dz), 0)


def _jacobians_alone(probe: Probe, chosen: Chosen, passes: int | None, reached: set[int]) -> Iterator[Tensor]:
    """Yield the same for any model, which is given one sample after the other."""
    weights = [parameter for parameter, _ in chosen]
    rows: list[list[Tensor]] = []
    for n, logits in enumerate(one_by_one(probe)):
        signs = _signs(probe, logits.shape[1], passes)
        found = []
        for v in directions(logits, None if signs is None else signs[:, n : n + 1]):
            by = torch.autograd.grad(logits, weights, v, retain_graph=True, allow_unused=True)
            reached.update(id(w) for w, g in zip(weights, by, strict=True) if g is not None and bool(g.any()))
            picked = [
                logits.new_zeros(len(places)) if g is None else g.flatten()[places]
                for g, (_, places) in zip(by, chosen, strict=True)
            ]
            found.append(torch.cat(picked))
        rows.append(found)
    yield from (torch.stack(each) for each in zip(*rows, strict=True))
