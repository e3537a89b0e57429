"""Synflow: how much of a positive signal each weight passes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Network
from nassearch.proxies.base import proxy
from nassearch.types import Batch, Floats


@proxy(
    reference="Tanaka et al., Pruning neural networks without any data (2020), eq. 4; as a proxy: Abdelfattah et "
    "al., Zero-cost proxies for lightweight NAS (2021)",
    per_key=lambda options: options.get("estimator", "expected") == "expected",
    chunk=256,
)
def synflow(
    networks: Sequence[Network], batch: Batch | None, *, estimator: str = "expected", seed: int = 0
) -> Floats:
    """Sum |theta * dR/dtheta| over the weights of convolutions and classifier, R the summed logits; higher is better.

    All parameters are replaced by their absolute values, batch norm is left out and the input is ones. No logarithm
    is taken: raw values reach 1e47.

    Args:
        networks: N networks.
        batch: not looked at.
        estimator: "expected" is the expectation over PyTorch's default initialisation, in closed form; "sampled" is
            one initialisation.
        seed: of the sampled initialisation, the same for every network.

    Returns:
        float64 `[N]`.

    Raises:
        InvalidSetting: no such estimator.
    """
    if estimator == "expected":
        from nassearch.networks.dual import expected_synflow

        return expected_synflow(networks)
    if estimator == "sampled":
        from nassearch.networks.sampled import sampled_synflow

        return np.array([sampled_synflow(network, seed) for network in networks])
    raise InvalidSetting(f"estimator of synflow is expected or sampled, not {estimator!r}")
