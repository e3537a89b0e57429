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
    revision=2,
)
def gradsign(probe: Probe) -> float:
    """Sum |sum over samples of sign(dL_i/dw)| over all weights; higher is better.

    L_i is the cross-entropy of the sample i alone, so that batch norm looks at it alone, as in the authors' code. A
    gradient of 0 counts 0. NaN where the model takes no single sample in training mode.
    """
    from nassearch.networks.probe.samples.alone import own_gradients

    signs = own_gradients(probe, lambda gradients: gradients.sign().sum(0))
    return sum(float(agreed.double().abs().sum()) for agreed in signs)
