"""Whether the outputs of a network under two constant weights are proportional.

If every path from input to output leads through m weighted layers, and nothing on it normalises, then outputs under the
weight w are::

    outputs(w) = w ** m * outputs(1)

An example: two layers have degree 2. With a sum of one and two layers, w + w ** 2, there is no one degree:

>>> from nassearch.networks.graph import Builder
>>> def two_layers(skip: bool) -> Network:
...     build = Builder((3,))
...     x = build.linear(0, 3)
...     y = build.linear(x, 3)
...     _ = build.add([x, y]) if skip else y
...     return Network(((build.done(), 1),))
>>> is_proportional(two_layers(skip=False)), is_proportional(two_layers(skip=True))
(True, False)
"""

from __future__ import annotations

from nassearch.networks.graph import PAIR_OPS, Block, Network, live

MIXED, ZERO = -1, -2
"""A sum of several powers of the weight, or no power of it; a signal that is 0 and so of any degree."""
KEPT = ("relu", "avg_pool", "max_pool", "global_pool", "truncate", *PAIR_OPS)


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
        elif layer.op == "multiply":
            degree = _of_product([degrees[i] for i in layer.inputs])
        elif not read:
            degree = 0 if layer.op in ("sigmoid", "hard_sigmoid") else ZERO  # of 0 they are 1/2
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


def _of_product(degrees: list[int]) -> int:
    if ZERO in degrees:
        return ZERO
    return MIXED if MIXED in degrees else sum(degrees)
