"""Whether a network under constant weights gives the same outputs for every constant, up to one factor."""

from __future__ import annotations

from nassearch.networks.graph import Block, Network, live

MIXED, ZERO = -1, -2
"""A sum of several powers of the weight, or no power of it; a signal that is 0 and so of any degree."""
KEPT = ("relu", "avg_pool", "max_pool", "global_pool", "truncate")


def is_proportional(network: Network) -> bool:
    """Say whether the outputs of a network whose weights are all w, biases 0, are w to some power times others.

    That is so where all paths from input to output lead through equally many weighted layers, and through nothing that
    normalises or saturates.
    """
    degree = 0
    for block in network.blocks():
        degree = _through(block, degree)
        if degree == MIXED:  # no layer that follows makes it one power again
            return False
    return True


def _through(block: Block, entry: int) -> int:
    degrees: list[int] = []
    for layer in live(block):
        read = {degrees[i] for i in layer.inputs} - {ZERO}
        if layer.op == "input":
            degree = entry
        elif not read:
            degree = ZERO
        elif len(read) > 1 or MIXED in read:
            degree = MIXED
        elif layer.op in ("conv", "linear", "frame_conv"):
            degree = min(read) + 1
        elif layer.op in KEPT or layer.op in ("add", "concat"):
            degree = min(read)
        else:
            degree = MIXED
        degrees.append(degree)
    return degrees[-1]
