"""The number of linear regions of TE-NAS: how many pieces an untrained network cuts its inputs into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import whole
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    whole("samples", options["samples"])
    whole("size", options["size"])


@model_proxy(
    reference="Chen et al., Neural architecture search on ImageNet in four GPU hours (2021, arXiv 2102.11535), "
    "section 3.1.2",
    reads=("relu_patterns",),
    check=_check,
    init="kaiming",
    bias="zero",
)
def linear_regions(probe: Probe, *, samples: int = 3000, size: int = 3) -> float:
    """Count the linear regions that samples lie in, which are the distinct patterns of all ReLUs; higher is better.

        R = |{ (1[v(x) > 0] for each value v that feeds a ReLU) for each sample x }|

    A whole network has a region for each sample. So one of a search space is cut down as in the paper's code: one cell
    of one channel and the end of the network, on `samples` crops of `size` along each axis, one channel, of the batch.
    A module is counted as it is, on the batch. The weights are drawn from `seed`; the paper averages three draws. NaN,
    with the reason, for networks of speech and where which samples a ReLU sees cannot be told.
    """
    from nassearch.networks.probe.activations.regions import region_count

    return float(region_count(probe, samples, size, "kaiming", "zero"))
