"""The three proxies of AZ-NAS: expressivity, progressivity and trainability of the blocks of a network.

Features are good if they are rich (expressivity) and grow richer from block to block (progressivity). Errors are good
if they pass back unchanged in size (trainability). With `flops` these are the four parts of AZ-NAS, and its score is
`rank(expressivity, progressivity, trainability, flops, log=true)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe

REFERENCE = "Lee and Ham, AZ-NAS: assembling zero-cost proxies for network architecture search (2024), {} and its code"


@model_proxy(
    reference=REFERENCE.format("eq. 2"),
    needs=(),
    reads=("block_entropies",),
    init="kaiming",
    bias="zero",
    revision=2,
)
def expressivity(probe: Probe) -> float:
    """Sum over blocks the entropy of the principal components of their features; higher is better.

    Looks at noise, not at data. Constant features count 0.
    """
    from nassearch.networks.probe.stages import entropies

    return sum(entropies(probe))


@model_proxy(
    reference=REFERENCE.format("eq. 3"),
    needs=(),
    reads=("block_entropies",),
    init="kaiming",
    bias="zero",
    revision=2,
)
def progressivity(probe: Probe) -> float:
    """Take the least growth of that entropy from one block to the next; higher is better.

    Looks at noise, not at data.
    """
    from nassearch.networks.probe.stages import entropies, least_step

    return least_step(entropies(probe))


@model_proxy(
    reference=REFERENCE.format("eq. 7"),
    needs=(),
    reads=("block_norms",),
    init="kaiming",
    bias="zero",
    revision=3,
)
def trainability(probe: Probe) -> float:
    """Average -s - 1/s over blocks, s the spectral norm of errors passed back through one; higher is better.

    It is largest, 0, where s = 1: errors that neither grow nor shrink. Looks at noise, not at data. A block that does
    nothing at all makes it -inf, which a scorer takes for no score.
    """
    from nassearch.networks.probe.stages import TINY_NORM, norms

    values = [float("-inf") if s is None else 2 - s - 1 / (s + TINY_NORM) for s in norms(probe)]
    return sum(values) / len(values)
