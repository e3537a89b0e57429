"""What ReLUs see of each sample: on which axis of its input a ReLU has the samples of the batch.

Layers may have positions before samples, `[T, B, units]`, or both on one axis, `[T * B, units]`, and T may equal B. So
the axis is not told by its size alone. The model looks at a few samples as well: the axis of the samples is the one
that shrinks in proportion. Where positions are on it too, the model looks at the batch with its samples moved on by
one: as the samples move, so do the patterns.

An example: two positions before three samples, one unit. Rows of the result are samples:

>>> seen = torch.tensor([[[1], [0], [1]], [[1], [1], [0]]])
>>> axes_of(seen.shape, torch.Size([2, 2, 1]), size=3, few=2)
[1]
>>> lay(seen, axis=1, size=3, inner=1)
tensor([[1, 1],
        [0, 1],
        [1, 0]])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nassearch.errors import InvalidModel
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.tracing.backward import leading
from nassearch.networks.tracing.recording import Recording

RULE = "patterns are what ReLUs see of each sample, which every ReLU must keep apart"
REMEDY = "give the model layers with samples first, or score it by another proxy"
FLIPPED = 1e-3
"""Share of a pattern that may differ in a batch of another order: a sum that is zero but for rounding has any sign, and
float32 leaves far fewer in doubt."""


class Pattern(NamedTuple):
    """What a call of a ReLU sees.

    Attributes:
        positive: `[B, units]`, whether its input is positive.
        moved: whether a derivative leads from it to the inputs.
    """

    positive: Tensor
    moved: bool


def live(parts: Sequence[Sequence[Pattern]]) -> list[Tensor]:
    """Return `[B, units]` of each live call, from what `patterns_of` gives for parts of a batch.

    The logits depend on a live call, and it depends on the inputs: by derivatives, or, where those end on the way
    (tokens that are looked up), by patterns that differ between samples.
    """
    calls = [(torch.cat([p.positive for p in each]), each[0].moved) for each in zip(*parts, strict=True)]
    return [positive for positive, moved in calls if moved or bool((positive != positive[:1]).any())]


def patterns_of(
    recording: Recording, model: nn.Module, record: Callable[[Tensor], Recording]
) -> list[Pattern]:
    """Return what each call of a ReLU sees that the logits depend on.

    Args:
        recording: the forward pass, with its ReLUs.
        model: of the pass.
        record: runs the model on other inputs.

    Raises:
        InvalidModel: the model calls no ReLU, or one whose samples cannot be told apart.
    """
    if not recording.relus:
        raise InvalidModel(
            "it compares the patterns of ReLUs, and this model calls none: score it by another proxy"
        )
    size = len(recording.inputs)
    reached, moved = set(recording.nodes), leading(recording.nodes, recording.inputs)
    shapes = None if isinstance(model, TorchNetwork) else _few_shapes(recording, model, record)
    turned = cache(lambda: _turned(recording, model, record))
    found = []
    for n, (pattern, node) in enumerate(recording.relus):
        if node not in reached:
            continue
        # Networks of search spaces have samples first.
        axis = 0 if isinstance(model, TorchNetwork) else _axis(pattern, size, shapes[n] if shapes else None)
        if axis is not None:
            inner = 1
            if pattern.shape[axis] != size > 1:
                inner = _inner(pattern.shape, axis, size, *(each[n] for each in turned()))
            found.append(Pattern(lay(pattern, axis, size, inner), node in moved))
        elif node in moved:
            raise InvalidModel(f"{RULE}; here one sees {list(pattern.shape)} for any samples: {REMEDY}")
    return found


def lay(pattern: Tensor, axis: int, size: int, inner: int) -> Tensor:
    """Return `[B, units]`, where the sample of a place on the axis is `(place // inner) % size`."""
    apart: Tensor = pattern.movedim(axis, 0).unflatten(0, (-1, size, inner))
    rows: Tensor = apart.movedim(1, 0)
    return rows.flatten(1)


def axes_of(shape: torch.Size, of_few: torch.Size, size: int, few: int) -> list[int]:
    """Return the axes whose length is in proportion to the number of samples, `size` and `few`."""
    if len(shape) != len(of_few):
        return []
    return [
        axis
        for axis, (long, short) in enumerate(zip(shape, of_few, strict=True))
        if long and long % size == 0 and long * few == short * size
    ]


def _count(size: int) -> int:
    """Return how many samples are few beside a batch: not as many, and no more than there was room for."""
    return 1 if size == 2 else 2


def few_of(recording: Recording, model: nn.Module, record: Callable[[Tensor], Recording]) -> Recording | None:
    """Return a pass on a few samples; None where the model takes no batch of that size."""
    inputs = recording.inputs.detach()
    size, few = len(inputs), _count(len(inputs))
    try:
        with _quiet(model) if few == 1 else nullcontext():  # batch norm has nothing to learn from one
            return record(inputs[torch.arange(few) % size])
    except Exception:  # whatever a user's model raises on a batch of another size
        return None


def grows(calls: int, of_few: int, size: int) -> bool:
    """Say whether there are so many calls because a model looks at one sample at a time."""
    return calls != of_few and (calls - of_few) % (size - _count(size)) == 0


def _few_shapes(
    recording: Recording, model: nn.Module, record: Callable[[Tensor], Recording]
) -> list[torch.Size] | None:
    """Return what each ReLU sees of a few samples; None where that cannot be had."""
    few = few_of(recording, model, record)
    if few is None:
        return None
    if grows(len(recording.relus), len(few.relus), len(recording.inputs)):
        raise InvalidModel(f"{RULE}; here the calls of ReLUs grow with the batch: {REMEDY}")
    if len(few.relus) != len(recording.relus):
        return None  # layers that are left out at random
    return [pattern.shape for pattern, _ in few.relus]


def _axis(pattern: Tensor, size: int, of_few: torch.Size | None) -> int | None:
    """Return the axis of the samples; None where the pattern is the same for any.

    Raises:
        InvalidModel: more than one axis, or none, can be it.
    """
    shape = pattern.shape
    if shape == of_few:
        return None
    if of_few is None:  # the first axis, where no other can be it
        fitting = [axis for axis, length in enumerate(shape) if length and length % size == 0]
        axes = fitting if fitting == [0] and len(shape) > 1 and len(pattern) == size else []
    else:
        axes = axes_of(shape, of_few, size, _count(size))
    if len(axes) != 1:
        raise InvalidModel(
            f"{RULE}; {list(shape)} are for {size} samples, on an axis that cannot be told: {REMEDY}"
        )
    return axes[0]


def _turned(
    recording: Recording, model: nn.Module, record: Callable[[Tensor], Recording]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the patterns of the batch, and of the batch with its samples moved on by one."""
    inputs = recording.inputs.detach()
    with _quiet(model):
        before, after = ([pattern for pattern, _ in record(x).relus] for x in (inputs, inputs.roll(1, 0)))
    if not len(before) == len(after) == len(recording.relus):
        raise InvalidModel(f"{RULE}, and the ReLUs that this model calls differ from pass to pass: {REMEDY}")
    return before, after


def _inner(shape: torch.Size, axis: int, size: int, before: Tensor, after: Tensor) -> int:
    """Return `inner` of `lay`."""
    reason = f"{RULE}; {list(shape)} are for {size} samples, and whose are which cannot be told: {REMEDY}"
    if not shape == before.shape == after.shape:
        raise InvalidModel(reason)
    per = shape[axis] // size
    differing = []
    for inner in (n for n in range(1, per + 1) if per % n == 0):
        moved = lay(before, axis, size, inner).roll(1, 0)
        differing.append((float((moved != lay(after, axis, size, inner)).float().mean()), inner))
    (best, inner), (second, _), *_ = sorted(differing)
    if best > FLIPPED or second <= 10 * best:
        raise InvalidModel(reason)
    return inner


@contextmanager
def _quiet(model: nn.Module) -> Iterator[None]:
    """Turn off what couples samples to each other or to their places: batch norm that looks at the batch, dropout."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
