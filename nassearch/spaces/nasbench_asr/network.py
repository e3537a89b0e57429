"""The network around a cell of NAS-Bench-ASR (Mehrotra et al., 2021, figure 1 and the public code)."""

from __future__ import annotations

from functools import lru_cache

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Block, Builder, Network
from nassearch.types import Arch, Task

LINEAR, CONV5, CONV5D2, CONV7, CONV7D2, ZERO = range(6)
WINDOWS = {CONV5: (5, 1), CONV5D2: (5, 2), CONV7: (7, 1), CONV7D2: (7, 2)}
"""Kernel and dilation of the convolutions of a cell."""
MAIN = (0, 2, 5)
"""Where an architecture names the main operation of each of its three nodes; its skip bits follow."""
GROUPS = 100
"""Of the convolutions of a cell."""
KERNEL, STRIDES = 8, (1, 1, 2, 2)
"""Of the convolution before each stage."""
CONTEXT = 4
"""Frames of the input that a window looks ahead."""
STATE = 500
"""Units of the LSTM."""


def network_asr(arch: Arch, task: Task) -> Network:
    """Return the whole network with this cell.

    Raises:
        InvalidSetting: the task is not of signals, or has a width that is no multiple of 100.
    """
    if len(task.input_shape) != 2 or any(width % GROUPS for width in task.channels):
        raise InvalidSetting(
            f"nasbench-asr takes signals (features, frames) and widths that are multiples of {GROUPS}, "
            f"not {task.input_shape} and {task.channels}"
        )
    chain: list[tuple[Block, int]] = []
    shape: tuple[int, ...] = task.input_shape
    for stage, width in enumerate(task.channels):
        entry, shape = _entry(shape, width, STRIDES[min(stage, len(STRIDES) - 1)])
        chain += [(entry, 1), (_cell(arch, shape), task.cells + stage)]
    head = Builder(shape)
    head.global_pool(head.frame_conv(head.lstm(0, STATE), task.classes, 1, 0))
    return Network((*chain, (head.done(), 1)))


@lru_cache(maxsize=64)
def _entry(shape: tuple[int, ...], width: int, stride: int) -> tuple[Block, tuple[int, ...]]:
    """Return the block before a stage, and the shape of what it gives."""
    build = Builder(shape)
    build.layer_norm(_conv_relu(build, 0, width, KERNEL, stride))
    return build.done(), build.shape


@lru_cache(maxsize=4096)
def _cell(arch: Arch, shape: tuple[int, ...]) -> Block:
    build = Builder(shape)
    outputs = [0]
    for node, place in enumerate(MAIN):
        op, skips = arch[place], arch[place + 1 : place + 2 + node]
        if op == ZERO:
            main = build.zeros(0)
        elif op == LINEAR:
            main = _conv_relu(build, outputs[-1], shape[0], 1)
        else:
            kernel, dilation = WINDOWS[op]
            main = _conv_relu(build, outputs[-1], shape[0], kernel, groups=GROUPS, dilation=dilation)
        outputs.append(build.add([main, *(outputs[i] for i, skip in enumerate(skips) if skip)]))
    return build.done(build.layer_norm(outputs[-1]))


def _conv_relu(
    build: Builder, x: int, width: int, kernel: int, stride: int = 1, groups: int = 1, dilation: int = 1
) -> int:
    # What of a window does not look ahead looks back.
    before = max(0, (kernel - 1) * dilation - CONTEXT // stride)
    return build.cap(build.relu(build.frame_conv(x, width, kernel, before, stride, groups, dilation)))
