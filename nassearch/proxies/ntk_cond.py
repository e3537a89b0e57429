"""The condition number of the neural tangent kernel of TE-NAS: how evenly an untrained network learns its samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


@model_proxy(
    reference="Chen et al., Neural architecture search on ImageNet in four GPU hours (2021, arXiv 2102.11535), "
    "section 3.1.1",
    reads=(),
    higher_is_better=False,
    batch_size=32,
    init="kaiming",
    bias="zero",
)
def ntk_cond(probe: Probe) -> float | str:
    """Divide the largest eigenvalue of the neural tangent kernel by the least; lower is better.

    J[i] is the gradient of the sum of the logits of sample i by all parameters but biases:

        K = J J^T,  ntk_cond = largest eigenvalue of K / least eigenvalue of K

    A backward pass for each sample of the batch makes it by far the slowest of its kind. The weights are drawn from
    `seed`; the paper averages three draws. NaN where K is singular, as it is where two samples are equal.
    """
    from nassearch.networks.probe.activations.kernel import condition, tangent_kernel

    found = condition(tangent_kernel(probe))
    return (
        found
        if math.isfinite(found)
        else "its tangent kernel is singular: samples of the batch have one gradient"
    )
