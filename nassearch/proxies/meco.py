"""MeCo: how little the channels of an untrained network's feature maps go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import whole
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    if options["channels"] is not None:
        whole("channels", options["channels"], least=2)


@model_proxy(
    reference="Jiang et al., MeCo: zero-shot NAS with one data and single forward pass via minimum eigenvalue of "
    "correlation (2023)",
    needs=(),
    reads=(),
    check=_check,
)
def meco(probe: Probe, *, channels: int | None = None) -> float:
    """Sum over layers the least eigenvalue of the correlation between the channels of their maps; higher is better.

    P(l) is the Pearson correlation `[C, C]` of the maps that layer l gives of one sample of noise, N(0, 1):

        meco = sum over l of least eigenvalue of P(l)

    With `channels` it is MeCo_opt (8 in the paper): so many channels n of each layer are drawn, and the layer counts
    C / n times. Maps that are constant count 0. Layers that nothing reads count, as in published networks. It looks at
    noise, not at data. NaN, with the reason, where no layer gives maps `[B, channels, *size]`, or the model takes no
    single sample.
    """
    from nassearch.networks.probe.activations.maps import map_correlations

    return map_correlations(probe, channels)
