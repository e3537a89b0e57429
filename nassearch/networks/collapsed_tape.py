"""A network of constant weights written down as few passes over memory, for the compiled kernel.

What only changes numbers one by one (batch norm, ReLU, 1x1 convolution, addition) is not computed where it stands in
the network but remembered, as `Term`s, until a window or a statistic reads it. Batch norm splits in two: its
statistics are an operation, its application is part of the terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.collapsed import Plan, plan_block
from nassearch.networks.graph import Block, Layer

GATHER, NORM, CONV, POOL, MEAN = range(5)
OP, WRITE, FIRST, LAST, HIGH, WIDE, OUT_HIGH, OUT_WIDE, KERNEL, STRIDE, PADDING, COPIES = range(12)
KNOWN = ("input", "zeros", "relu", "add", "batch_norm", "avg_pool", "global_pool", "conv", "linear")


class Term(NamedTuple):
    """One summand of a value, `norm1(w * copies * gate(norm0(slot)))`, where -1, False and 0 leave a part out."""

    slot: int
    norm0: int = -1
    gate: bool = False
    copies: int = 0
    norm1: int = -1

    @property
    def open(self) -> bool:
        """Whether a ReLU fits in: nothing comes after it yet."""
        return not self.copies and self.norm1 < 0


Value = tuple[Term, ...]
"""A sum of terms, from left to right; of none, zero."""


class Tape(NamedTuple):
    """What the kernel runs.

    Attributes:
        code: int64 `[ops, 12]`, columns as named above; `WRITE` is a slot or, of `NORM`, a norm.
        terms: int64 `[terms, 5]`, fields of `Term`; an operation reads those from `FIRST` to before `LAST`.
        slots, norms: how many there are of them. The input is in slot 0, which nothing writes.
        output: the slot of the result.
    """

    code: NDArray[np.int64]
    terms: NDArray[np.int64]
    slots: int
    norms: int
    output: int


def compiles(blocks: Sequence[tuple[Block, int]]) -> bool:
    """Return whether the kernel knows every layer: those of images that are never concatenated."""
    return all(
        layer.op in KNOWN
        and len(layer.size) in (0, 2)
        and layer.dilation == 1
        and layer.kernel > 2 * layer.padding
        for block, _ in blocks
        for layer in block
    )


def record(blocks: Sequence[tuple[Block, int]], first: bool = False) -> Tape:
    """Write down blocks in a chain, each with how often it stands there.

    Args:
        blocks: such that `compiles` is true of them.
        first: the chain begins with the sum of the input's channels.

    Raises:
        InvalidSetting: with `first`, something nonlinear comes before the first convolution.
    """
    tape = _Recorder()
    value: Value = (Term(0),)
    for block, repeats in blocks:
        plan = plan_block(block, None if first else (block[0].channels,))
        for _ in range(repeats):
            value = tape.block(plan, value)
    last = blocks[-1][0][-1]
    (output,) = tape.stored(value, last)
    return tape.done(output.slot)


class _Recorder:
    """The operations so far, each written slot a new one; `done` gives a slot again to those that can share it."""

    def __init__(self) -> None:
        self.code: list[list[int]] = []
        self.terms: list[Term] = []
        self.slots, self.norms = 1, 0

    def block(self, plan: Plan, entry: Value) -> Value:
        values, layers = [entry], [step.layer for step in plan.block.steps]
        for layer, copies in plan.block.steps[1:]:
            (*read,) = layer.inputs
            if layer.op == "zeros":
                values.append(())
                continue
            if layer.op == "add":
                values.append(tuple(term for i in read for term in values[i]))
                continue
            i = read[0]
            pointwise = layer.op == "linear" or (
                layer.op == "conv" and (layer.kernel, layer.stride) == (1, 1)
            )
            fits = len(values[i]) == 1 and (
                (layer.op == "batch_norm" and values[i][0].norm1 < 0) or values[i][0].open
            )
            if values[i] and not fits:
                values[i] = self.stored(values[i], layers[i])
            if not values[i]:
                values.append(())
                continue
            (x,) = values[i]
            if layer.op == "relu":
                x = x._replace(gate=True)
            elif pointwise:
                x = x._replace(copies=copies[0])
            elif layer.op == "batch_norm":
                bare = x == Term(x.slot)
                norm = self.write(NORM, layer, layers[i], (x,), self.norms)
                self.norms += 1
                x = x._replace(norm0=norm) if bare else x._replace(norm1=norm)
            else:
                op = {"conv": CONV, "avg_pool": POOL, "global_pool": MEAN}[layer.op]
                x = Term(self.write(op, layer, layers[i], (x,), self.slot(), *copies))
            values.append((x,))
        (part,) = plan.block.output
        return values[part.step]

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def stored(self, value: Value, layer: Layer) -> Value:
        """Return the value, `layer` giving its size, as one slot."""
        if len(value) == 1 and value[0] == Term(value[0].slot):
            return value
        return (Term(self.write(GATHER, layer, layer, value, self.slot())),)

    def write(self, op: int, layer: Layer, read: Layer, value: Value, into: int, copies: int = 0) -> int:
        first = len(self.terms)
        self.terms += value
        sizes = [*(read.size or (1, 1)), *(layer.size or (1, 1))]
        self.code.append([op, into, first, len(self.terms), *sizes, *layer[4:7], copies])
        return into

    def done(self, output: int) -> Tape:
        code = np.array(self.code, np.int64).reshape(-1, COPIES + 1)
        reads = [[term.slot for term in self.terms[row[FIRST] : row[LAST]]] for row in self.code]
        last_use = {slot: position for position, slots in enumerate(reads) for slot in slots}
        place, free, slots = {0: 0}, list[int](), 1
        for position, row in enumerate(code):
            if row[OP] != NORM:
                slots += not free
                place[int(row[WRITE])] = free.pop() if free else slots - 1
                row[WRITE] = place[int(row[WRITE])]
            free += {place[slot] for slot in reads[position] if slot and last_use[slot] == position}
        terms = np.array([term._replace(slot=place[term.slot]) for term in self.terms], np.int64).reshape(
            -1, len(Term._fields)
        )
        return Tape(code, terms, slots, self.norms, place[output])
