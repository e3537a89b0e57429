"""Write a network down for the compiled training loop of `nassearch.training.compiled`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Layer
from nassearch.training.compiled import (
    ACCUMULATE,
    BIAS,
    CONV,
    COPY,
    IN,
    KERNEL,
    LENGTH_IN,
    LENGTH_OUT,
    MEAN,
    NORM,
    OP,
    OUT,
    PADDING,
    PARAMETER,
    POOL,
    READ,
    RELU,
    STATISTIC,
    STRIDE,
    WRITE,
)
from nassearch.training.grouped import GroupedNetworks

CODES = {
    "relu": RELU,
    "avg_pool": POOL,
    "global_pool": MEAN,
    "batch_norm": NORM,
    "conv": CONV,
    "linear": CONV,
}


class CompiledProgram(NamedTuple):
    """One network, ready for the kernel.

    Attributes:
        code: int64 `[ops, 13]`, columns as named there.
        parameters: float32 `[P]`, initial values.
        statistics: float32 `[2, S]`, running means and variances of the batch norms.
        rows: rows of the array of values; the input comes first and the logits last.
    """

    code: NDArray[np.int64]
    parameters: NDArray[np.float32]
    statistics: NDArray[np.float32]
    rows: int


def record(model: GroupedNetworks) -> CompiledProgram:
    """Write down the only network of a model.

    Raises:
        InvalidSetting: more than one network, or an input that is not a signal.
    """
    if model.count != 1 or len(model.stages[0].steps[0].layer.size) != 1:
        raise InvalidSetting("the compiled kernel takes one network of one-dimensional signals at a time")
    recorder = _Recorder()
    entry: list[int] = []
    for prefix, steps in model.blocks():
        places: list[list[int]] = []  # for each step, where its rows' values begin
        for k, step in enumerate(steps):
            layer = step.layer
            if layer.op == "input":
                entry = entry or [recorder.take("rows", layer.channels * _length(layer))]
                places.append(entry)
                continue
            places.append([recorder.take("rows", layer.channels * _length(layer)) for _ in step.members])
            written = set()
            for source in step.sources:
                rows = range(len(places[source.step])) if source.rows is None else source.rows.tolist()
                into = range(len(step.members)) if source.into is None else source.into.tolist()
                for row, target in zip(rows, into, strict=True):
                    op = CODES.get(layer.op, ACCUMULATE if target in written else COPY)
                    written.add(target)
                    weights = [model.weights[f"{prefix}_{k}_{name}"][target] for name in _names(layer)]
                    read, write = places[source.step][row], places[k][target]
                    recorder.write(op, layer, steps[source.step].layer, read, write, weights)
        entry = places[-1]
    return recorder.program()


class _Recorder:
    """The program so far, and how much of rows, parameters and statistics it uses."""

    def __init__(self) -> None:
        self.used = {"rows": 0, "parameters": 0, "statistics": 0}
        self.code: list[list[int]] = []
        self.parameters: list[NDArray[np.float32]] = []

    def take(self, what: str, count: int) -> int:
        self.used[what] += count
        return self.used[what] - count

    def write(
        self, op: int, layer: Layer, origin: Layer, read: int, write: int, weights: Sequence[Tensor]
    ) -> None:
        line = [0] * 13
        line[OP], line[READ], line[WRITE] = op, read, write
        line[IN], line[OUT] = origin.channels, layer.channels
        line[LENGTH_IN], line[LENGTH_OUT] = _length(origin), _length(layer)
        line[KERNEL], line[STRIDE], line[PADDING] = layer.kernel, layer.stride, layer.padding
        line[BIAS] = int(layer.bias)
        line[PARAMETER] = self.used["parameters"]
        for weight in weights:
            self.parameters.append(weight.detach().numpy().reshape(-1))
            self.take("parameters", weight.numel())
        if op == NORM:
            line[STATISTIC] = self.take("statistics", layer.channels)
        self.code.append(line)

    def program(self) -> CompiledProgram:
        count = self.used["statistics"]
        statistics = np.stack([np.zeros(count), np.ones(count)]).astype(np.float32)
        parameters = np.concatenate(self.parameters)
        return CompiledProgram(np.array(self.code, dtype=np.int64), parameters, statistics, self.used["rows"])


def _length(layer: Layer) -> int:
    return layer.size[0] if layer.size else 1


def _names(layer: Layer) -> list[str]:
    """Return the parameters of a layer in the order of the program."""
    if layer.op == "batch_norm":
        return ["gain", "bias"]
    if layer.op not in ("conv", "linear"):
        return []
    return ["weight", "bias"] if layer.bias else ["weight"]
