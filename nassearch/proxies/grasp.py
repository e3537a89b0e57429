"""Grasp: how much the norm of the gradient would shrink without each weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


@model_proxy(
    reference="Wang et al., Picking winning tickets before training by preserving gradient flow (2020), eq. 8; as a "
    "proxy: Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), eq. 1",
    needs=("inputs", "labels"),
    reads=("gradients", "curvature"),
    revision=2,
)
def grasp(probe: Probe) -> float:
    """Sum -W * (H g), H the Hessian of the loss and g its gradient, temperature 1; higher is better."""
    return -probe.curvature
