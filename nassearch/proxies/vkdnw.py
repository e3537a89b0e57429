"""VKDNW: how evenly a network's output depends on its weights, counted behind how many layers it has.

`vkdnw` is the paper's VKDNW_single, and `vkdnw(size=false)` its VKDNW. Its aggregate VKDNW_agg (eq. 15) is
`rank(vkdnw, jacob_cov, expressivity, trainability, flops, log=true)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import whole
from nassearch.errors import InvalidSetting
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    whole("layers", options["layers"])
    whole("each", options["each"])
    if options["passes"] is not None:
        whole("passes", options["passes"])
    if not isinstance(options["size"], bool):
        raise InvalidSetting(f"size is true or false, not {options['size']!r}")


@model_proxy(
    reference="Tybl and Neumann, Training-free neural architecture search through variance of knowledge of deep "
    "network weights (2025), eq. 8, 11 and 12",
    needs=(),
    reads=(),
    check=_check,
    revision=2,
    init="kaiming",
)
def vkdnw(
    probe: Probe, *, layers: int = 128, each: int = 1, passes: int | None = 3, size: bool = True
) -> float:
    """Add the entropy of the deciles of the Fisher information's spectrum to the number of layers; higher is better.

    The Fisher information is the empirical one, by the model's own probabilities, of `each` weights of each of the
    first `layers` layers with weights; the paper takes one of 128. Its nine deciles have an entropy from 0 to log 9, so
    that architectures are ranked by their layers first: those with weights, normalisation not among them, that the
    logits depend on. size=false leaves these out. Looks at noise, not at data, a sample at a time: batch norm sees each
    alone.

    The exact matrix takes a backward pass for each class, which passes=none asks for. Fewer `passes` give an estimate
    of it without bias. NaN where the logits depend on none of the weights, or the model takes no single sample in
    training mode.
    """
    from nassearch.networks.probe.samples.fisher import fisher_information
    from nassearch.networks.probe.samples.spectrum import decile_entropy

    information = fisher_information(probe, layers, each, passes)
    return decile_entropy(information.matrix) + information.reached * size
