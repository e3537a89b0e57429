"""Zen-score: how far the features of an untrained network move when its inputs do, with batch norm undone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_positive, whole
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    check_positive(options, "alpha")
    whole("draws", options["draws"])


@model_proxy(
    reference="Lin et al., Zen-NAS: a zero-shot NAS for high-performance image recognition (2021, arXiv 2102.01063), "
    "algorithm 1",
    needs=(),
    reads=(),
    batch_size=16,
    check=_check,
)
def zen(probe: Probe, *, alpha: float = 0.01, draws: int = 1) -> float | str:
    """Add the logarithms of how far features move with their input and of batch norms' scales; higher is better.

    f are the features in front of global pooling; weights, x and e are from N(0, 1), drawn from `seed`:

        zen = log(mean over x of |f(x) - f(x + alpha * e)|) + sum over batch norms of log(sqrt(mean variance))

    The mean variance of a batch norm is over its channels, of what it is given for x. `draws` is how many draws of all
    of these are averaged. Skip connections stay, which the paper takes out of chains of blocks. Layers that nothing
    reads count, as in published networks; a batch norm whose input does not vary adds nothing. It looks at noise, not
    at data; `init` and `bias` have no part in it. NaN, with the reason, where no feature moves.
    """
    from nassearch.networks.probe.activations.noised import zen_score

    found = zen_score(probe, alpha, draws)
    return (
        found
        if math.isfinite(found)
        else "its features do not move with the inputs, or beyond what float32 holds"
    )
