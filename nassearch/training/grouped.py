"""Interpreter: train many networks at once in one torch program, each with weights of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import WEIGHTED, Block, Layer, Network, live
from nassearch.training.program import Source, Step, stack

PARAMETER_FREE = ("relu", "avg_pool", "add", "zeros", "global_pool")
KNOWN = ("input", *WEIGHTED, *PARAMETER_FREE)


class GroupedNetworks(torch.nn.Module):
    """N networks of one space and task as one module, with PyTorch's default initialisation.

    Activations are `[n, channels, *size, B]` for the n networks that have a layer: a convolution is one batched matrix
    product, and a shift along a spatial axis moves long runs of memory. The networks share nothing: the gradient of
    a sum of losses, one per network, is each network's own. Layers that the output does not depend on are left out.
    As with `torch.nn.BatchNorm`, running statistics are kept while training and used in evaluation mode.

    Args:
        networks: N networks.
        seeds: one per network. A network's initial weights depend on its seed alone, not on its company.

    Raises:
        InvalidSetting: a network has a layer that is not among `KNOWN`.
    """

    def __init__(self, networks: Sequence[Network], seeds: Sequence[int]) -> None:
        super().__init__()
        for op in sorted({layer.op for network in networks for block, _ in network.chain for layer in block}):
            if op not in KNOWN:
                raise InvalidSetting(
                    f"training many networks at once knows no layer {op!r}; it knows {', '.join(KNOWN)}: train such "
                    "networks one by one"
                )
        if any(y.groups > 1 for network in networks for block, _ in network.chain for y in block):
            raise InvalidSetting(
                "training many networks at once knows no convolution in groups: train such networks one by one"
            )
        self.stages = stack(networks, _trainable)
        self.count = len(networks)
        drawn: dict[str, list[Tensor]] = {}
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for prefix, steps in self.blocks():
            for k, step in enumerate(steps):
                for name, shape, bound in _parameters(step, steps):
                    drawn[f"{prefix}_{k}_{name}"] = [
                        _initial(name, shape, bound, generators[member]) for member in step.members
                    ]
        self.weights = torch.nn.ParameterDict(
            {name: torch.nn.Parameter(torch.stack(rows)) for name, rows in drawn.items()}
        )
        for name, weight in self.weights.items():
            if name.endswith("gain"):
                self.register_buffer(f"{name}_mean", torch.zeros(weight.numel()))
                self.register_buffer(f"{name}_variance", torch.ones(weight.numel()))

    def blocks(self) -> list[tuple[str, tuple[Step, ...]]]:
        return [
            (f"{place}_{repeat}", stage.steps)
            for place, stage in enumerate(self.stages)
            for repeat in range(stage.repeats)
        ]

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs `[B, channels, *size]` to logits `[N, B, classes]`."""
        x = inputs.movedim(0, -1).contiguous().expand(self.count, *inputs.shape[1:], len(inputs))
        for prefix, steps in self.blocks():
            x = self._run(steps, prefix, x)
        return x.transpose(1, 2)

    def _run(self, steps: Sequence[Step], prefix: str, x: Tensor) -> Tensor:
        values = _Values()
        for k, step in enumerate(steps):
            layer, n = step.layer, len(step.members)
            if layer.op == "input":
                y = x
            elif layer.op == "zeros":
                y = x.new_zeros(n, layer.channels, *layer.size, x.shape[-1])
            elif layer.op == "add":
                y = values.sum(step)
            elif layer.op == "batch_norm":
                y = self._batch_norm(values.read(step), f"{prefix}_{k}")
            else:
                weights = [self.weights[f"{prefix}_{k}_{name}"] for name, _, _ in _parameters(step, steps)]
                y = _apply(layer, values.read(step), *weights)
            values.append(y)
        return values[-1]

    def _batch_norm(self, x: Tensor, prefix: str) -> Tensor:
        gain, bias = self.weights[f"{prefix}_gain"], self.weights[f"{prefix}_bias"]
        mean, variance = self.get_buffer(f"{prefix}_gain_mean"), self.get_buffer(f"{prefix}_gain_variance")
        rows = x.reshape(
            1, gain.numel(), -1
        )  # statistics run over batch and size, so n * channels rows of numbers
        y = F.batch_norm(rows, mean, variance, gain.reshape(-1), bias.reshape(-1), training=self.training)
        return y.view_as(x)


def _trainable(block: Block) -> Block:
    return _merge_equal(live(block), PARAMETER_FREE)


def _merge_equal(block: Block, ops: Iterable[str]) -> Block:
    """Return the same function with each repeated layer of the given ops, which have no weights, computed once."""
    ops = set(ops)
    place: dict[int, int] = {}
    seen: dict[Layer, int] = {}
    layers: list[Layer] = []
    for position, layer in enumerate(block):
        layer = layer._replace(inputs=tuple(place[i] for i in layer.inputs))
        last = position == len(block) - 1
        if layer.op in ops and layer in seen and not last:
            place[position] = seen[layer]
            continue
        place[position] = seen[layer] = len(layers)
        layers.append(layer)
    return tuple(layers)


def _parameters(step: Step, steps: Sequence[Step]) -> list[tuple[str, tuple[int, ...], float]]:
    """Return name, shape and bound of the uniform draw of each parameter that one network has in this step."""
    layer = step.layer
    if layer.op == "batch_norm":
        return [("gain", (layer.channels, 1), 0.0), ("bias", (layer.channels, 1), 0.0)]
    if layer.op not in ("conv", "linear"):
        return []
    fan_in = steps[step.sources[0].step].layer.channels * layer.kernel ** len(layer.size)
    bound = 1 / math.sqrt(fan_in)  # kaiming_uniform(a=sqrt(5)), PyTorch's default for both
    weight = ("weight", (layer.channels, fan_in), bound)
    return [weight, ("bias", (layer.channels, 1), bound)] if layer.bias else [weight]


def _initial(name: str, shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    if name == "gain":
        return torch.ones(shape)
    return (torch.rand(shape, generator=generator) * 2 - 1) * bound


class _Values(list[Tensor]):
    """Results of the steps so far.

    Rows are read through `unbind`: the gradient of a step's result is then put together once from its rows, where
    indexing would fill and add a whole array for every reader.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[int, tuple[Tensor, ...]] = {}

    def rows(self, source: Source) -> list[Tensor]:
        if source.step not in self._rows:
            self._rows[source.step] = self[source.step].unbind(0)
        rows = self._rows[source.step]
        return list(rows) if source.rows is None else [rows[i] for i in source.rows]

    def read(self, step: Step) -> Tensor:
        if len(step.sources) == 1 and step.sources[0].rows is None:
            return self[step.sources[0].step]
        return torch.stack([row for source in step.sources for row in self.rows(source)])

    def sum(self, step: Step) -> Tensor:
        sums: dict[int, Tensor] = {}
        for source in step.sources:
            into = range(len(step.members)) if source.into is None else source.into.tolist()
            for row, value in zip(into, self.rows(source), strict=True):
                sums[row] = sums[row] + value if row in sums else value
        return torch.stack([sums[row] for row in range(len(step.members))])


def _apply(layer: Layer, x: Tensor, *weights: Tensor) -> Tensor:
    if layer.op == "relu":
        return x.relu()
    if layer.op == "conv":
        if layer.kernel == 1 and layer.stride == 1:
            return torch.bmm(weights[0], x.flatten(2)).view(len(x), layer.channels, *x.shape[2:])
        y: Tensor = _Conv.apply(x, weights[0], layer)  # type: ignore[no-untyped-call]
        return y
    if layer.op == "linear":
        return torch.baddbmm(weights[1], weights[0], x) if layer.bias else torch.bmm(weights[0], x)
    if layer.op == "global_pool":
        return x.flatten(2, -2).mean(2)
    if layer.op == "avg_pool":
        return _avg_pool(x, layer)
    raise NotImplementedError(layer.op)


def _windows(layer: Layer, size: Sequence[int]) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """For each position in the kernel: the part of the output it reaches, and the part of the input it reads there."""
    axes = []
    for out, whole in zip(layer.size, size, strict=True):
        axis = []
        for offset in range(-layer.padding, layer.kernel - layer.padding):
            first = max(0, -(offset // layer.stride))
            last = min(out - 1, (whole - 1 - offset) // layer.stride)
            start = first * layer.stride + offset
            stop = last * layer.stride + offset + 1
            axis.append((slice(first, last + 1), slice(start, stop, layer.stride)))
        axes.append(axis)
    return [(tuple(p[0] for p in parts), tuple(p[1] for p in parts)) for parts in product(*axes)]


class _Conv(torch.autograd.Function):
    """Convolution as one matrix product per network over the windows side by side."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, layer: Layer) -> Tensor:
        n, channels, *size, batch = x.shape
        windows = _windows(layer, size)
        columns = x.new_zeros(n, channels, len(windows), *layer.size, batch)
        for k, (out, read) in enumerate(windows):
            columns[:, :, k][(slice(None), slice(None), *out)] = x[(slice(None), slice(None), *read)]
        columns = columns.view(n, channels * len(windows), -1)
        ctx.save_for_backward(columns, weight)
        ctx.windows, ctx.shape = windows, x.shape
        return torch.bmm(weight, columns).view(n, layer.channels, *layer.size, batch)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None]:
        columns, weight = ctx.saved_tensors
        flat = grad.flatten(2)
        grad_weight = torch.bmm(flat, columns.transpose(1, 2))
        if not ctx.needs_input_grad[0]:
            return None, grad_weight, None
        n, channels, *_ = ctx.shape
        grad_columns = torch.bmm(weight.transpose(1, 2), flat)
        grad_columns = grad_columns.view(n, channels, len(ctx.windows), *grad.shape[2:])
        grad_x = grad.new_zeros(ctx.shape)
        for k, (out, read) in enumerate(ctx.windows):
            grad_x[(slice(None), slice(None), *read)] += grad_columns[:, :, k][
                (slice(None), slice(None), *out)
            ]
        return grad_x, grad_weight, None


def _avg_pool(x: Tensor, layer: Layer) -> Tensor:
    """Average over the window without its padding, which is a product with one small matrix per axis."""
    for axis, (out, size) in enumerate(zip(layer.size, x.shape[2:-1], strict=True), start=2):
        first = torch.arange(out).unsqueeze(1) * layer.stride - layer.padding
        place = torch.arange(size)
        inside = ((place >= first) & (place < first + layer.kernel)).to(x)
        x = (inside / inside.sum(1, keepdim=True)).matmul(x.movedim(axis, -2)).movedim(-2, axis)
    return x
