"""SWAP: how many units of an untrained network see the samples of a batch in different ways."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_positive
from nassearch.errors import InvalidSetting
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    given = {name: options[name] for name in ("mu", "sigma") if options[name] is not None}
    check_positive(given, "mu", "sigma")
    if len(given) == 1:
        raise InvalidSetting(
            "the regularised swap takes mu and sigma together, such as swap(mu=800, sigma=1e6)"
        )


@model_proxy(
    reference="Peng et al., SWAP-NAS: sample-wise activation patterns for ultra-fast NAS (2024, arXiv 2403.04161), "
    "definitions 3.2 to 3.5",
    reads=("relu_patterns",),
    batch_size=32,
    check=_check,
)
def swap(probe: Probe, *, mu: float | None = None, sigma: float | None = None) -> float:
    """Count the distinct sample-wise patterns of the values that feed ReLUs; higher is better.

    The pattern of a value is `(1 if it is positive else 0)` for each sample s of the batch, so there are at most 2^B:

        swap = |{ (1[v_1 > 0], ..., 1[v_B > 0]) for each value v that feeds a ReLU }|

    With `mu` and `sigma`, in thousands of parameters, it is the regularised score, for P thousand parameters:

        swap * exp(-(P - mu) ** 2 / sigma)

    All ReLUs count that `naswot` looks at. It is exact: NaN, with the reason, only where which samples a ReLU sees
    cannot be told, or the model calls none.
    """
    from nassearch.networks.probe.activations.distinct import unit_patterns

    count = float(unit_patterns(pattern for pattern, _ in probe.relu_patterns))
    if mu is None or sigma is None:
        return count
    thousands = sum(parameter.numel() for parameter in probe.model.parameters()) / 1000
    return count * math.exp(-((thousands - mu) ** 2) / sigma)
