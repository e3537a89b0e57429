"""Networks of constant weights written down as few passes over memory, for the compiled kernel.

What only changes numbers one by one (batch norm, ReLU, 1x1 convolution, addition) or averages over the 3x3 window
around them is not computed where it stands in the network but remembered, as `Term`s, until a convolution, a sum or a
statistic reads it. Batch norm splits in two: its statistics are an operation, its application is part of the terms.

Operations that are equal are written down once, whichever networks they belong to: networks that begin alike share
what they begin with.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from nassearch.networks.constant.collapsed import plan_block
from nassearch.networks.graph import Block, Network

INPUT, SUM, NORM, CONV, POOL, MEAN = range(6)
ZERO, ADD, GATE, SCALE, AROUND = range(6, 11)
"""What writes nothing: it only changes which terms stand for a value."""
KNOWN = ("input", "zeros", "relu", "add", "batch_norm", "avg_pool", "global_pool", "conv", "linear")
KINDS = {"zeros": ZERO, "add": ADD, "relu": GATE, "linear": SCALE, "batch_norm": NORM, "conv": CONV}
KINDS |= {"avg_pool": POOL, "global_pool": MEAN}


class Term(NamedTuple):
    """One summand of a value, `norm1(w * copies * pool(gate(norm0(slot))))`, where 0 and False leave a part out.

    Slots and norms are the positions of the operations that write them; the first writes the input.
    """

    slot: int
    norm0: int = 0
    gate: bool = False
    pool: bool = False
    copies: int = 0
    norm1: int = 0


Value = tuple[Term, ...]
"""A sum of terms, from left to right; of none, zero."""
Size = tuple[int, ...]


class Pass(NamedTuple):
    """One pass over memory, which writes a slot or the statistics of a norm.

    Attributes:
        kind: INPUT, SUM (of terms), NORM (statistics of a term), CONV (sum over windows of a term), POOL (their mean)
            or MEAN (over everything).
        terms: what it reads.
        read, size: spatial size before and after.
        window: kernel, stride and padding.
        copies: of CONV, how many channels the one that is read stands for.
    """

    kind: int
    terms: Value
    read: Size
    size: Size
    window: tuple[int, int, int] = (1, 1, 0)
    copies: int = 0


class _LayerStep(NamedTuple):
    """A layer of a block: what it does, the steps that it reads, and what an operation would need."""

    kind: int
    inputs: tuple[int, ...]
    read: Size
    size: Size
    window: tuple[int, int, int]
    copies: int


def compiles(network: Network) -> bool:
    """Return whether the kernel knows every layer: those of images that are never concatenated."""
    return all(
        layer.op in KNOWN
        and len(layer.size) in (0, 2)
        and layer.dilation == 1
        and layer.kernel > 2 * layer.padding
        for block, _ in network.chain
        for layer in block
    )


class Program:
    """The operations of networks of which `compiles` is true, in an order in which they can be computed.

    Attributes:
        ops: the operations, the input's first.
        owner: for each, the number of the network that asked for it first.
        outputs: for each network, the operation that writes its logit.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        """Write down networks with one input.

        Raises:
            InvalidSetting: something nonlinear comes before the first convolution of a network.
        """
        size = networks[0].input_shape[1:]
        self.ops = [Pass(INPUT, (), size, size)]
        self.owner, self.outputs = [0], list[int]()
        self._known: dict[Pass, int] = {}
        for self._network, network in enumerate(networks):
            value: Value = (Term(0),)
            for place, (block, repeats) in enumerate(network.chain):
                steps, output = _steps(block, not place)
                for _ in range(repeats):
                    value = self._block(steps, output, value)
            self.outputs.append(self._stored(value, network.chain[-1][0][-1].size))

    def _write(self, *parts: object) -> int:
        """Return the position of an operation, a new one unless there is an equal one."""
        op = Pass(*parts)  # type: ignore[arg-type]
        position = self._known.setdefault(op, len(self.ops))
        if position == len(self.ops):
            self.ops.append(op)
            self.owner.append(self._network)
        return position

    def _stored(self, value: Value, size: Size) -> int:
        """Return the slot that holds a value, a new one where it is not simply what a slot holds."""
        bare = len(value) == 1 and value[0] == (value[0].slot, 0, False, False, 0, 0)
        return value[0].slot if bare else self._write(SUM, value, size, size)

    def _block(self, steps: Sequence[_LayerStep], output: int, entry: Value) -> Value:
        """Write down a block that is entered with a value, and return the value of its output."""
        values = [entry]
        for kind, inputs, read, size, window, copies in steps:
            if kind == ADD:
                values.append(tuple([term for i in inputs for term in values[i]]))
                continue
            if kind == ZERO or not values[inputs[0]]:
                values.append(())
                continue
            value = values[inputs[0]]
            slot, norm0, gate, pool, scale, norm1 = value[0]
            # ReLU, windows and factors fit in before anything that comes after them, a norm before a second one.
            if len(value) > 1 or pool or norm1 or (scale and kind != NORM):
                slot, norm0, gate, scale = self._stored(value, read), 0, False, 0
                value = values[inputs[0]] = (Term(slot),)
            if kind == GATE:
                term = Term(slot, norm0, True)
            elif kind == SCALE:
                term = Term(slot, norm0, gate, False, copies)
            elif kind == AROUND:
                term = Term(slot, norm0, gate, True)
            elif kind == NORM:
                norm = self._write(NORM, value, read, size)
                bare = not (norm0 or gate or scale)
                term = Term(slot, norm) if bare else Term(slot, norm0, gate, False, scale, norm)
            else:
                term = Term(self._write(kind, value, read, size, window, copies))
            values.append((term,))
        return values[output]


@lru_cache(maxsize=4096)
def _steps(block: Block, first: bool) -> tuple[tuple[_LayerStep, ...], int]:
    """Return the steps of a block after its input, and which of them, counted with the input, gives its output."""
    plan = plan_block(block, None if first else (block[0].channels,))
    layers, found = [step.layer for step in plan.block.steps], []
    for layer, copies in plan.block.steps[1:]:
        kind, window = KINDS[layer.op], (layer.kernel, layer.stride, layer.padding)
        read = layers[layer.inputs[0]].size if layer.inputs else layer.size
        if kind == CONV and window == (1, 1, 0):
            kind = SCALE
        if kind == POOL and window == (3, 1, 1) and layer.size == read:
            kind = AROUND
        found.append(_LayerStep(kind, layer.inputs, read, layer.size, window, copies[0] if copies else 0))
    return tuple(found), plan.block.output[0].step
