"""VKDNW: how evenly the output of a network depends on its weights, in front of that how many layers it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import whole
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    whole("layers", options["layers"])
    whole("each", options["each"])
    if options["passes"] is not None:
        whole("passes", options["passes"])


@model_proxy(
    reference="Tybl and Neumann, Training-free neural architecture search through variance of knowledge of deep "
    "network weights (2025), eq. 11 and 12",
    needs=(),
    reads=(),
    check=_check,
    init="kaiming",
)
def vkdnw(
    probe: Probe, *, layers: int = 128, each: int = 1, passes: int | None = None, size: bool = True
) -> float:
    """Count the layers with weights, plus the entropy of the spectrum's deciles; higher is better."""
    from nassearch.networks.probe.samples.fisher import fisher_information
    from nassearch.networks.probe.samples.spectrum import decile_entropy

    entropy = decile_entropy(fisher_information(probe, layers, each, passes))
    return entropy + len(probe.weights) * size
