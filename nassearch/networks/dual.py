"""Interpreter: dual numbers on one channel, which give synflow without a backward pass and without sampling.

With absolute weights and an input of ones every signal is positive, so ReLU is the identity, and without batch norm
the summed logits R are multilinear in the layers' weights. The sum over all weights of theta * dR/dtheta is then the
derivative of R(t * theta) at t = 1: one forward pass of (value, tangent), where a layer y = W x has the tangent
y' = W (x' + x).

Weights of different layers are independent, so the expectation over PyTorch's default initialisation is the value of
the network whose weights all equal E|theta| = 1 / (2 sqrt(fan_in)), and there all channels of a layer are equal:
one is enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nassearch.errors import InvalidSetting
from nassearch.networks.collapsed import box, shares
from nassearch.networks.graph import OPS, Block, Layer, Network, live, merge_equal
from nassearch.networks.program import Step, stack
from nassearch.types import Floats

Duals = NDArray[np.float64]
"""Signals `[N, *size, 2]` of N networks: value and tangent."""


def expected_synflow(networks: Sequence[Network]) -> Floats:
    """Return the expectation of synflow over PyTorch's default initialisation, float64 `[N]`.

    Batch norm is left out, the input is ones, the logits are summed, and no logarithm is taken.
    """
    if not networks:
        return np.empty(0)
    channels, *size = networks[0].input_shape
    x = np.zeros((len(networks), *size, 2))
    x[..., 0] = 1.0
    width = channels
    for stage in stack(networks, positive):
        for _ in range(stage.repeats):
            x = _run(stage.steps, x)
        width = stage.steps[-1].layer.channels
    return width * x.reshape(len(networks), -1, 2)[:, :, 1].sum(axis=1)


def positive(block: Block) -> Block:
    """Return what the block computes on positive signals without batch norm: no ReLU, equal layers once."""
    place: dict[int, int] = {}
    layers: list[Layer] = []
    for position, layer in enumerate(block):
        if layer.op in ("relu", "batch_norm"):
            place[position] = place[layer.inputs[0]]
            continue
        place[position] = len(layers)
        layers.append(layer._replace(inputs=tuple(place[i] for i in layer.inputs)))
    return merge_equal(live(tuple(layers[: place[len(block) - 1] + 1])), OPS)


def _run(steps: Sequence[Step], x: Duals) -> Duals:
    last_use = {source.step: k for k, step in enumerate(steps) for source in step.sources}
    values: list[Duals | None] = []
    for k, step in enumerate(steps):
        if step.layer.op == "input":
            y = x
        elif step.layer.op == "zeros":
            y = np.zeros((len(step.members), *step.layer.size, 2))
        elif step.layer.op == "add":
            y = _sum(step, values)
        else:
            width = steps[step.sources[0].step].layer.channels
            y = _apply(step.layer, width, _read(step, values))
        values.append(y)
        for source in step.sources:
            if last_use[source.step] == k:
                values[source.step] = None
    return y


def _rows(values: Sequence[Duals | None], step: int, rows: NDArray[np.intp] | None) -> Duals:
    value = values[step]
    assert value is not None
    return value if rows is None else value[rows]


def _read(step: Step, values: Sequence[Duals | None]) -> Duals:
    parts = [_rows(values, source.step, source.rows) for source in step.sources]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _sum(step: Step, values: Sequence[Duals | None]) -> Duals:
    layer, total = step.layer, None
    for source in step.sources:
        part = _rows(values, source.step, source.rows)
        if total is None and source.into is None:
            total = part.copy() if source.rows is None else part
            continue
        if total is None:
            total = np.zeros((len(step.members), *layer.size, 2))
        if source.into is None:
            total += part
        else:
            _add_rows(total, source.into, part)
    assert total is not None
    return total


def _add_rows(total: Duals, into: NDArray[np.intp], part: Duals) -> None:
    if len(set(into.tolist())) == len(into):
        total[into] += part
    else:  # a layer that adds one signal twice
        np.add.at(total, into, part)


def _apply(layer: Layer, width: int, x: Duals) -> Duals:
    if layer.op == "avg_pool":
        y = box(x, layer)
        y *= shares(layer, x.shape[1:-1])
        return y
    if layer.op == "global_pool":
        return x.reshape(len(x), -1, 2).mean(axis=1)
    if layer.op not in ("conv", "linear"):
        raise InvalidSetting(f"dual numbers know no layer {layer.op!r}")
    mean_weight = 1 / (2 * math.sqrt(width * layer.kernel ** len(layer.size)))
    x = x.copy() if (layer.kernel, layer.stride) == (1, 1) else box(x, layer)
    x *= width * mean_weight
    x[..., 1] += x[..., 0]
    if layer.bias:
        x[..., 0] += mean_weight  # a bias has the distribution of the weights, and is not scored
    return x
