"""ZiCo: how large gradients are beside how much they differ from batch to batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import whole
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    whole("batches", options["batches"], least=2)


@model_proxy(
    reference="Li et al., ZiCo: zero-shot NAS via inverse coefficient of variation on gradients (2023), eq. 15",
    needs=("inputs", "labels"),
    reads=("gradients",),
    check=_check,
    batch_size=256,
)
def zico(probe: Probe, *, batches: int = 2) -> float:
    """Sum over layers log(sum over weights of mean|g| / std|g|), over the gradients g of batches; higher is better.

    The batch falls into `batches` equal parts, by default two of 128 as in the paper (section 4.5). The deviation is
    that of the whole population. A weight with the same |g| in all batches, 0 say, is left out, as is a layer where no
    weight is left. NaN where no layer is.
    """
    from nassearch.networks.probe.samples.batches import moments

    logs = [math.log(total) for mean, std in moments(probe, batches) if (total := _ratios(mean, std)) > 0]
    return sum(logs) if logs else math.nan


def _ratios(mean: Any, std: Any) -> float:
    moved = std > 0
    return float((mean[moved] / std[moved]).sum())
