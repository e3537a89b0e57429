"""Count the multiply-accumulates of a torch module: by torch's counter, and by rules for what that leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nassearch.networks.modules.foreign import of_one, own_copy, seeded
from nassearch.networks.tracing.recording import checked

aten: Any = torch.ops.aten
Shape = Sequence[int]


def module_macs(
    model: nn.Module, input_shape: tuple[int, ...], batch_size: int = 4, words: bool = False
) -> int:
    """Count the multiply-accumulates of one input in convolutions and products of matrices and vectors.

    Attention, recurrent layers and bilinear ones are made of such; a bilinear layer counts one for each weight.

    Args:
        model: left as it is.
        input_shape: `(channels, *size)`.
        words: whether inputs are words.
        batch_size: tried where the model takes neither one input nor a few; the count is divided by it.
    """
    model = own_copy(model).eval().requires_grad_()

    def count(inputs: Tensor) -> int:
        with FlopCounterMode(display=False, custom_mapping=RULES) as counter:
            checked(model(inputs), len(inputs))
        return int(counter.get_total_flops()) // (2 * len(inputs))

    with seeded(), _taken_apart():
        ones = torch.ones(1, *input_shape, dtype=torch.int64 if words else torch.float32)
        return of_one(count, ones, batch_size)[0]


@contextmanager
def _taken_apart() -> Iterator[None]:
    """Keep torch from kernels that do a whole layer at once, whose products the counter does not see."""
    attention, kernels = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled
    torch.backends.mha.set_fastpath_enabled(False)
    # By `flags` of it torch would warn of TF32 on graphics cards.
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(attention)
        torch.backends.mkldnn.enabled = kernels


def _matrix_vector(matrix: Shape, vector: Shape, **_: Any) -> int:
    return 2 * prod(matrix)


def _plus_matrix_vector(start: Shape, matrix: Shape, vector: Shape, **_: Any) -> int:
    return 2 * prod(matrix)


def _vectors(a: Shape, b: Shape, **_: Any) -> int:
    return 2 * prod(a)


def _plus_matrices(start: Shape, a: Shape, b: Shape, **_: Any) -> int:
    """Count a product of matrices, or of batches of them, that is added to something."""
    return 2 * prod(a) * b[-1]


def _three(a: Shape, b: Shape, c: Shape, *expand: Any, **_: Any) -> int:
    """Count what `bilinear` is made of: products of three tensors, each with new axes at `expand`, summed up."""
    shapes = []
    for shape, axes in zip((a, b, c), expand, strict=False):
        long = list(shape)
        for axis in axes:
            long.insert(axis, 1)
        shapes.append(long)
    return 2 * prod(map(int, map(max, *shapes)))


RULES: dict[Any, Callable[..., int]] = {
    aten.mv: _matrix_vector,
    aten.addmv: _plus_matrix_vector,
    aten.addmv_: _plus_matrix_vector,
    aten.dot: _vectors,
    aten.vdot: _vectors,
    aten.addbmm: _plus_matrices,
    aten.addbmm_: _plus_matrices,
    aten.addmm_: _plus_matrices,
    aten.baddbmm_: _plus_matrices,
    aten._trilinear: _three,
}
"""Floating-point operations, two per multiply-accumulate, from the shapes of the arguments."""
