"""Interpreter: constant weights on one channel, by a compiled kernel where there is one for the layers.

`collapsed` is the reference, and runs what the kernel does not know. The two add in another order where they take the
statistics of batch norm, so their numbers differ by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.constant.collapsed import Signal, collapsed_outputs
from nassearch.networks.constant.compiled.kernel import run
from nassearch.networks.constant.compiled.program import Program, compiles
from nassearch.networks.constant.compiled.schedule import schedule
from nassearch.networks.graph import Network

TILE = 256
"""Samples that run through a group of operations together: lines of few kB, several of which stay in the cache."""
GAP = 1040
"""Numbers between slots, so that equal places of different slots are not in each other's way in the cache."""


def compiled_outputs(
    networks: Sequence[Network], inputs: NDArray[np.float32], weights: Sequence[float]
) -> Signal:
    """Return one logit of each network with all its weights set to each of the constants, `[N, W, B]`.

    Arguments, result and errors are those of `nassearch.networks.constant.collapsed.collapsed_outputs`.
    What networks have in common is computed once.
    """
    known = [row for row, network in enumerate(networks) if compiles(network)]
    others = sorted({*range(len(networks))}.difference(known))
    outputs = np.zeros((len(networks), len(weights), len(inputs)), np.float32)
    if others:
        outputs[others] = collapsed_outputs([networks[row] for row in others], inputs, weights)
    if not known:
        return outputs
    plan = schedule(Program([networks[row] for row in known]))
    summed = np.moveaxis(inputs.sum(axis=1, dtype=np.float32), 0, -1)
    batch, positions = len(inputs), max(plan.positions, summed[..., 0].size)
    room = positions * batch + GAP
    memory = np.empty(plan.slots * room + plan.widest * TILE, np.float32)
    tiles = [summed[..., start : start + TILE].ravel() for start in range(0, batch, TILE)]
    memory[: summed.size] = np.concatenate(tiles)
    entry = float(np.abs(summed).max())
    for k, weight in enumerate(np.asarray(weights, np.float32)):
        largest = run(*plan[:3], memory, room, plan.slots, batch, TILE, plan.norms, weight, entry)
        for row, slot in zip(known, plan.outputs, strict=True):
            if largest[slot]:
                outputs[row, k] = memory[slot * room : slot * room + batch]
    return outputs
