"""GradSign: how far the samples of a batch agree in which way each weight has to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


@model_proxy(
    reference="Zhang and Jia, GradSign: model performance inference with theoretical insights (2022), algorithm 1",
    needs=("inputs", "labels"),
    reads=(),
)
def gradsign(probe: Probe) -> float:
    """Sum |sum over samples of sign(dL_i/dw)| over all weights; higher is better.

    L_i is the cross-entropy of one sample, and its gradient is what the sample adds to that of the batch: see
    `nassearch.networks.probe.samples.each`. A weight whose gradient is 0 counts 0. NaN where a layer mixes samples.
    """
    from nassearch.networks.probe.samples.each import sample_gradients

    signs = sample_gradients(probe, lambda shares: shares.sign().sum(0))
    return sum(float(sum(parts[1:], parts[0]).double().abs().sum()) for parts in signs)
