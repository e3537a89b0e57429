"""Interpreter: a network's torch module layer by layer, with its first derivatives and one second derivative.

A hand-written pass costs a fraction of autograd's: equal ReLUs are computed once, memory is channels last, and the
second derivative that grasp needs takes four convolutions per layer instead of a backward pass through a backward pass.

With g the gradient of the loss as a constant and ' the derivative along g, the weights W of a layer z = W x give

    sum W * (H g) = sum z' * dz + sum z * dz' - sum g * g,        dz = dL/dz,

so z' comes from one forward pass of tangents, z' = W x' + g x, and dz' from one backward pass of tangents; the tangents
of dL/dW are never made. Where batch norm follows, it leaves of sum z * dz only what its epsilon lets through,
R * eps * s^2 * c per channel: R values, s = 1 / sqrt(variance + eps), c = mean(dL/dy * y) with y the normalised z.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.networks.graph import OPS
from nassearch.networks.modules.channels_last import last
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.tape import ops as ops
from nassearch.networks.probe.tape import shapes as shapes
from nassearch.networks.probe.tape.writing import write

Seen = Callable[[nn.Module, Tensor, Tensor], None]
"""Called with (layer, z, dL/dz)."""
Step = Callable[[ops.Op, Tensor], list[Tensor]]


def fits(model: nn.Module) -> bool:
    """Say whether a tape computes this model: a network of ours, of layers it knows, its batch norms as initialised.

    A layer has a bias where the graph says so: the tape leaves out what the graph says is zero.
    """
    if not isinstance(model, TorchNetwork):
        return False
    for block in model.blocks:
        for layer, module in zip(block.block, block.layers, strict=True):  # type: ignore[arg-type]
            biased = getattr(module, "bias", None) is not None and layer.op in ("conv", "linear")
            if layer.op not in OPS or layer.groups > 1 or biased != layer.bias:
                return False
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    return all(bool((norm.weight == 1).all()) and not norm.bias.any() for norm in norms)


class Tape:
    """A forward pass of blocks at inputs `[B, channels, *size]`, in training mode; it has no randomness.

    `logits` is what the last block gives: logits where the blocks are a whole network's.
    """

    def __init__(self, blocks: Iterable[nn.Module], inputs: Tensor) -> None:
        self.ops = write(blocks, inputs)
        self._last = {read: number for number, op in enumerate(self.ops) for read in op.reads}
        self.inputs = last(inputs)
        values: list[Any] = [self.inputs]
        for op in self.ops[1:]:
            values.append(op.forward(*[values[i] for i in op.reads]))
            self._drop(values)
        self.logits = values[-1]

    def backward(self, delta: Tensor, seen: Seen | None = None) -> dict[nn.Module, Tensor]:
        """Return dL/dW by layer from dL/d(logits), and keep it for `curvature`."""

        def step(op: ops.Op, dy: Tensor) -> list[Tensor]:
            if isinstance(op, ops.Weighted):
                if seen is not None:
                    seen(op.module, op.z if op.bias is None else op.forward(op.x), dy)
                if op.normed:
                    del op.z
            return op.backward(dy, True)

        self._back(delta, step)
        return {op.module: op.gradient for op in self.ops if isinstance(op, ops.Weighted)}

    def input_gradients(self, delta: Tensor | None = None) -> Tensor:
        """Return d(sum of delta * logits)/d(inputs) `[B, channels, *size]`; without a delta it is ones."""
        delta = torch.ones_like(self.logits) if delta is None else delta
        return self._back(delta, lambda op, dy: op.backward(dy, False), True)

    def curvature(self) -> float:
        """Return the sum of W * (H g) over the weights of all layers, g and the loss being those of `backward`.

        The loss is the mean cross-entropy.
        """
        tangents: list[Any] = [None]
        for op in self.ops[1:]:
            tangents.append(op.tangent(*[tangents[i] for i in op.reads]))
            self._drop(tangents)
        p, moved = self.logits.softmax(1), tangents[-1]
        assert moved is not None, "the classifier is a weighted layer"
        delta = (moved - (p * moved).sum(1, keepdim=True)) * p / len(p)
        self._back(delta, lambda op, dy: op.backward_tangent(dy))
        return sum(op.curvature for op in self.ops)

    def _drop(self, values: list[Any]) -> None:
        """Let go of what only the newest of the values has been waiting for."""
        newest = len(values) - 1
        for read in self.ops[newest].reads:
            if self._last[read] == newest:
                values[read] = None

    def _back(self, delta: Tensor, step: Step, to_inputs: bool = False) -> Tensor:
        """Go from the logits to the inputs; only `to_inputs` computes what the first layer passes on."""
        for op in self.ops:
            op.first = not to_inputs and op.reads == (0,)
        # A sum hands one tensor to all it reads, and a concatenation parts of one: what is to be added into must be
        # nobody else's.
        arrived: list[tuple[Tensor, bool] | None] = [None] * len(self.ops)
        arrived[-1] = (delta, False)
        for number in range(len(self.ops) - 1, 0, -1):
            there, op = arrived[number], self.ops[number]
            if there is None:
                continue
            arrived[number] = None
            for read, dx in zip(op.reads, step(op, there[0]), strict=False):
                arrived[read] = _sum(arrived[read], dx, not isinstance(op, ops.Add | shapes.Concat))
        return torch.zeros_like(self.inputs) if arrived[0] is None else arrived[0][0]


def _sum(there: tuple[Tensor, bool] | None, dx: Tensor, own: bool) -> tuple[Tensor, bool]:
    if there is None:
        return dx, own
    if there[1]:
        return there[0].add_(dx), True
    return (dx.add_(there[0]) if own else there[0] + dx), True
