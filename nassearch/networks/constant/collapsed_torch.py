"""Interpreter: constant weights on one channel in torch, for a GPU.

`collapsed` is the reference; here sums are those of torch on the device, so numbers differ by rounding. Only pooling,
reductions and pointwise arithmetic are used, in float32: no product of matrices that TF32 could shorten, and nothing
that flushes denormals, which CUDA keeps unless code is compiled to drop them. On a CPU the process must not have
called `torch.set_flush_denormal(True)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from nassearch.errors import InvalidSetting
from nassearch.networks.constant.collapsed import BATCH_NORM_EPS, Plan, Signal, through
from nassearch.networks.graph import ACTIVATIONS, Block, Layer, Network
from nassearch.networks.modules.network import ACTIVATION, shifted


def torch_outputs(
    networks: Sequence[Network], inputs: NDArray[np.float32], weights: Sequence[float], device: str
) -> Signal:
    """Return one logit of each network with all its weights set to each of the constants, `[N, W, B]`.

    Args:
        device: of torch, such as "cuda" or "cpu".

    The other arguments, result and errors are those of `nassearch.networks.constant.collapsed.collapsed_outputs`.

    Raises:
        InvalidSetting: torch has no such device, or the inputs are no images.
    """
    place = _device(device)
    if inputs.ndim != 4:
        raise InvalidSetting(f"path=torch of epsilon takes images, not inputs of {inputs.ndim - 1} axes")
    with torch.inference_mode():
        constants = torch.tensor(weights, dtype=torch.float32, device=place)
        summed = torch.from_numpy(inputs).to(place).sum(dim=1).expand(len(weights), -1, -1, -1)
        stems: dict[Block, list[Tensor]] = {}
        rows = [through(n, summed, stems, lambda plan, x: _run(plan, x, constants)) for n in networks]
        return np.asarray(torch.stack(rows).reshape(len(rows), len(weights), -1).cpu().numpy())


def _device(name: str) -> torch.device:
    try:
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidSetting(
            f"torch has no device {name!r} here ({reason}): take device=cpu, or path=collapsed"
        ) from error


def _run(plan: Plan, x: Sequence[Tensor], weights: Tensor) -> list[Tensor]:
    """Run a block on its parts, each `[W, B, *size]`: one channel under W weights."""
    values: list[Tensor | None] = [*x]
    for (layer, copies), dropped in zip(plan.block.steps[len(x) :], plan.dropped[len(x) :], strict=True):
        read = [value for i in layer.inputs if (value := values[i]) is not None]
        values.append(
            _apply(layer, read, weights, copies) if read else x[0].new_zeros((*x[0].shape[:2], *layer.size))
        )
        for i in dropped:
            values[i] = None
    return [value for part in plan.block.output if (value := values[part.step]) is not None]


def _apply(layer: Layer, read: Sequence[Tensor], weights: Tensor, copies: Sequence[int]) -> Tensor:
    x, window = read[0], (layer.kernel, layer.stride, layer.padding)
    if layer.op == "relu":
        return x.relu()
    if layer.op in ACTIVATIONS:
        y: Tensor = ACTIVATION[layer.op]()(x)
        return y
    if layer.op == "multiply":
        return x * read[1].view(*read[1].shape, *[1] * (x.dim() - read[1].dim()))
    if layer.op == "add":
        return sum(read[1:], start=x)
    if layer.op == "batch_norm":
        y = x - x.mean(dim=(1, 2, 3), keepdim=True)
        variance = y.square().mean(dim=(1, 2, 3), keepdim=True)
        return y * (_spread(weights, x) / (variance + float(BATCH_NORM_EPS)).sqrt())
    if layer.op == "avg_pool":
        return F.avg_pool2d(x, *window, count_include_pad=False)
    if layer.op == "max_pool":
        return F.max_pool2d(x, *window)
    if layer.op == "shift":
        return shifted(x)
    if layer.op == "global_pool":
        return x.mean(dim=(2, 3))
    if layer.op in ("conv", "linear"):
        # The channels side by side are equal: their sum is one of them, so many times.
        x = sum(
            (other * float(times) for other, times in zip(read[1:], copies[1:], strict=True)),
            x * float(copies[0]),
        )
        if layer.dilation > 1:
            x = _dilated(x, layer)
        elif layer.kernel > 1 or layer.stride > 1:
            x = F.avg_pool2d(x, *window, divisor_override=1)
        return x * _spread(weights, x)
    raise InvalidSetting(f"path=torch of epsilon knows no layer {layer.op!r}: use path=collapsed or full")


def _dilated(x: Tensor, layer: Layer) -> Tensor:
    """Sum over windows with gaps, one axis after the other."""
    for axis, out in enumerate(layer.size, start=2):
        padded = F.pad(x, [0, 0] * (x.dim() - 1 - axis) + [layer.padding] * 2)
        starts = range(0, layer.kernel * layer.dilation, layer.dilation)
        reads = [torch.arange(out, device=x.device) * layer.stride + start for start in starts]
        x = sum((padded.index_select(axis, read) for read in reads[1:]), padded.index_select(axis, reads[0]))
    return x


def _spread(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.dim() - 1))
