"""Interpreter: constant weights on one channel, by a compiled kernel where there is one for the layers.

`collapsed` is the reference, and runs what the kernel does not know. The two add in another order where they take the
statistics of batch norm, so their numbers differ by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.collapsed import Signal, collapsed_outputs
from nassearch.networks.collapsed_kernel import run_tape
from nassearch.networks.collapsed_tape import Tape, compiles, record
from nassearch.networks.graph import Block, Network


def compiled_outputs(
    networks: Sequence[Network], inputs: NDArray[np.float32], weights: Sequence[float]
) -> Signal:
    """Return one logit of each network with all its weights set to each of the constants, `[N, W, B]`.

    Arguments, result and errors are those of `nassearch.networks.collapsed.collapsed_outputs`.
    """
    known = [row for row, network in enumerate(networks) if compiles(network.chain)]
    others = sorted({*range(len(networks))}.difference(known))
    outputs = np.zeros((len(networks), len(weights), len(inputs)), np.float32)
    if others:
        outputs[others] = collapsed_outputs([networks[row] for row in others], inputs, weights)
    summed = np.ascontiguousarray(np.moveaxis(inputs.sum(axis=1, dtype=np.float32), 0, -1))
    stems: dict[Block, list[int]] = {}
    for row in known:
        stems.setdefault(networks[row].chain[0][0], []).append(row)
    for stem, rows in stems.items():
        first = record(((stem, 1),), first=True)
        tapes = [record(networks[row].chain[1:]) for row in rows]
        room = int(np.prod(stem[-1].size)) * len(inputs)
        before = np.empty((first.slots, max(summed.size, room)), np.float32)
        # Nothing in a chain is larger than what its stem gives.
        memory = np.empty((max(tape.slots for tape in tapes), room), np.float32)
        for k, weight in enumerate(np.asarray(weights, np.float32)):
            before[0, : summed.size] = summed.ravel()
            entry = _run(first, before, len(inputs), weight, float(np.abs(summed).max()))
            if not entry:
                continue
            memory[0] = before[first.output, :room]
            for row, tape in zip(rows, tapes, strict=True):
                if _run(tape, memory, len(inputs), weight, entry):
                    outputs[row, k] = memory[tape.output, : len(inputs)]
    return outputs


def _run(tape: Tape, memory: Signal, batch: int, weight: np.float32, entry: float) -> float:
    return float(run_tape(tape.code, tape.terms, memory, batch, tape.norms, tape.output, weight, entry))
