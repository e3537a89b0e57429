"""What a tape holds: the layers of a network that carry something from its input to its output."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from nassearch.networks.graph import Layer
from nassearch.networks.modules.network import TorchBlock
from nassearch.networks.probe.tape import ops as ops
from nassearch.networks.probe.tape import shapes as shapes

KEEPS_ZERO = (
    *("batch_norm", "relu", "avg_pool", "max_pool", "global_pool"),
    *("add", "concat", "truncate", "zeros"),
)
"""Layers that give zeros for zeros, as convolutions without bias do."""


def write(blocks: Iterable[nn.Module], inputs: Tensor) -> list[ops.Op]:
    """Return layers in an order to compute them, the input first and the output of the last block last.

    Left out is what that output does not depend on, and what is zero whatever the input; equal ReLUs stand there once.
    """
    written: list[ops.Op] = [ops.Input(())]
    zero: set[int] = set()
    end = 0
    for block in blocks:
        assert isinstance(block, TorchBlock)
        place: dict[int, int] = {}
        relus: dict[int, int] = {}
        for position in block.live:
            layer, module = block.block[position], block.layers[position]
            if layer.op == "input":
                place[position] = end
                continue
            reads = tuple(place[i] for i in layer.inputs)
            if layer.op == "add":
                reads = tuple(read for read in reads if read not in zero)
            still = layer.op in KEEPS_ZERO or (layer.op == "conv" and not layer.bias)
            if still and zero.issuperset(reads):
                zero.add(len(written))
                written.append(ops.Zeros(layer.channels, layer.size, inputs))
                place[position] = len(written) - 1
            elif layer.op == "add" and len(reads) == 1:
                place[position] = reads[0]
            elif layer.op == "relu" and reads[0] in relus:
                place[position] = relus[reads[0]]
            else:
                place[position] = len(written)
                size = block.block[layer.inputs[0]].size
                written.append(_op(layer, module, size, reads, inputs))
                if layer.op == "relu":
                    relus[reads[0]] = place[position]
        end = place[len(block.block) - 1]
    return _pair(_needed(written, end))


def _op(
    layer: Layer, module: nn.Module, size: tuple[int, ...], reads: tuple[int, ...], like: Tensor
) -> ops.Op:
    if layer.op == "avg_pool":
        return ops.AvgPool(reads, layer, size, like)
    if layer.op == "max_pool":
        return shapes.MaxPool(reads, layer)
    if layer.op == "truncate":
        return shapes.Truncate(reads, layer.channels)
    if layer.op == "batch_norm":
        return ops.BatchNorm(reads, float(module.eps))  # type: ignore[arg-type]
    if layer.op == "conv":
        return ops.Conv(reads, module)
    if layer.op == "linear":
        return ops.Linear(reads, module)
    plain = {"add": ops.Add, "concat": shapes.Concat, "relu": ops.Relu, "global_pool": ops.GlobalPool}
    return plain[layer.op](reads)


def _needed(written: list[ops.Op], end: int) -> list[ops.Op]:
    needed = {0, end}
    for number in range(end, -1, -1):
        if number in needed:
            needed.update(written[number].reads)
    place = {old: new for new, old in enumerate(sorted(needed))}
    for number in place:
        written[number].reads = tuple(place[read] for read in written[number].reads)
    return [written[number] for number in place]


def _pair(written: list[ops.Op]) -> list[ops.Op]:
    """Tell convolutions that only a batch norm reads, and that batch norm, of each other."""
    readers: dict[int, list[ops.Op]] = {}
    for op in written:
        for read in op.reads:
            readers.setdefault(read, []).append(op)
    for number, op in enumerate(written):
        reading = readers.get(number, [])
        if isinstance(op, ops.Weighted) and len(reading) == 1 and isinstance(reading[0], ops.BatchNorm):
            op.normed = reading[0].after_weights = True
    return written
