"""ZiCo: how large gradients are beside how much they differ from batch to batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_choice, whole
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


SPREADS = ("gradients", "sizes")


def _check(options: Mapping[str, Any]) -> None:
    whole("batches", options["batches"], least=2)
    check_choice(options, "spread", SPREADS)


@model_proxy(
    reference="Li et al., ZiCo: zero-shot NAS via inverse coefficient of variation on gradients (2023), eq. 15",
    needs=("inputs", "labels"),
    reads=("gradients",),
    check=_check,
    revision=2,
    batch_size=256,
)
def zico(probe: Probe, *, batches: int = 2, spread: str = "gradients") -> float:
    """Sum over layers log(sum over weights of mean|g| / std), over the gradients g of batches; higher is better.

    The batch falls into `batches` equal parts, by default two of 128 as in the paper (section 4.5). std is the
    deviation of the whole population, of `spread`: "gradients" is that of g, as in the authors' code, by which the
    published figures are; "sizes" is that of |g|, as in equation 15. A weight that all batches agree on, at 0 say, is
    left out, as is a layer where no weight is left. NaN where no layer is.
    """
    from nassearch.networks.probe.samples.batches import layer_sums

    logs = [math.log(total) for total in layer_sums(probe, batches, spread) if total > 0]
    return sum(logs) if logs else math.nan
