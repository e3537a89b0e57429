"""Synflow and its variants: how much of a positive signal each weight passes on.

For a module that is not of a search space they look at its own weights: their absolute values are the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Network
from nassearch.networks.recurrent import RecurrentNetwork
from nassearch.proxies.base import proxy
from nassearch.types import Batch, Floats


def _expected(options: Any) -> bool:
    return bool(options.get("estimator", "expected") == "expected")


def _chunk(options: Any) -> int:
    # Expected ones have polynomials in common; sampled ones have nothing, and take a hundred times as long.
    return 1024 if _expected(options) else 16


@proxy(
    reference="Tanaka et al., Pruning neural networks without any data (2020), eq. 4; as a proxy: Abdelfattah et "
    "al., Zero-cost proxies for lightweight NAS (2021)",
    per_key=_expected,
    chunk=_chunk,
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


@proxy(
    reference="Cavagnero et al., FreeREA: training-free evolution-based architecture search (2023), section 3.2",
    per_key=False,
    chunk=64,
)
def logsynflow(
    networks: Sequence[Network],
    batch: Batch | None,
    *,
    estimator: str = "expected",
    seed: int = 0,
    shift: float = 1.0,
) -> Floats:
    """Sum |W * log(1 + dR/dW)| under the conditions of synflow; higher is better.

    The logarithm counts what a weight does by its order of magnitude, so that the last layers of a deep network do
    not speak for all. It weighs each weight for itself: two convolutions side by side score more than one whose
    output is used twice, which synflow cannot tell apart, so every architecture has a value of its own.

    Args:
        networks: N networks.
        batch: not looked at.
        estimator: "expected" takes the network whose weights all equal E|W| under PyTorch's default initialisation.
            That is the expectation of R and of dR/dW, put into the logarithm, not the expectation of the logarithm,
            which is a little smaller. "sampled" is one initialisation.
        seed: of the sampled initialisation, the same for every network.
        shift: what is added to the gradient inside of the logarithm, whose absolute value is taken. 1 is the paper's
            and the released code's. With one near 0, such as 1e-6, a weight that
            no gradient reaches counts |log shift| times its size, so that layers that lead nowhere count as parameters.

    Returns:
        float64 `[N]`.

    Raises:
        InvalidSetting: no such estimator, or shift is not a positive number.
    """
    _check_shift(shift)
    if estimator == "expected":
        from nassearch.networks.positional import expected_logsynflow

        return expected_logsynflow(networks, shift)
    if estimator == "sampled":
        from nassearch.networks.flow import network_flow

        return np.array([network_flow(network, seed, shift=shift) for network in networks])
    raise InvalidSetting(f"estimator of logsynflow is expected or sampled, not {estimator!r}")


@proxy(
    reference="Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), released code",
    per_key=False,
    chunk=16,
)
def synflow_bn(networks: Sequence[Network], batch: Batch | None, *, seed: int = 0) -> Floats:
    """Sum |W * dR/dW| as synflow does, with batch norm left in, on the statistics of the input; higher is better.

    Batch norm centres its input, so signals have both signs, ReLU is no identity and R is not multilinear: a network
    of equal weights says nothing about the expectation, and only the sampled estimate exists.

    Args:
        networks: N networks.
        batch: not looked at; the input is a single one of ones.
        seed: of the initialisation, the same for every network.

    Returns:
        float64 `[N]`.
    """
    from nassearch.networks.flow import network_flow

    return np.array([network_flow(network, seed, batch_norm=True) for network in networks])


@synflow.for_networks(RecurrentNetwork)
def _synflow_recurrent(
    networks: Sequence[RecurrentNetwork], batch: Batch | None, *, estimator: str = "sampled", seed: int = 0
) -> Floats:
    """Score recurrent networks, see `nassearch.networks.recurrent_flow`.

    Raises:
        InvalidSetting: the estimator is not sampled.
    """
    if estimator != "sampled":
        raise InvalidSetting(
            f"synflow of recurrent networks is sampled, as their activations leave no closed form, not {estimator!r}"
        )
    from nassearch.networks.recurrent_flow import recurrent_synflow

    return np.array([recurrent_synflow(network, seed) for network in networks])


@synflow.for_model
def _synflow(model: Any, batch: Batch | None, **options: Any) -> float:
    return _of_model("synflow", model, batch, options)


@synflow_bn.for_model
def _synflow_bn(model: Any, batch: Batch | None, **options: Any) -> float:
    return _of_model("synflow_bn", model, batch, options, batch_norm=True)


@logsynflow.for_model
def _logsynflow(model: Any, batch: Batch | None, *, shift: float = 1.0, **options: Any) -> float:
    return _of_model("logsynflow", model, batch, options, shift=_check_shift(shift))


def _of_model(name: str, model: Any, batch: Batch | None, options: Any, **settings: Any) -> float:
    if options:
        raise InvalidSetting(
            f"{name} of a module looks at the module's own weights: {', '.join(options)} has no meaning there"
        )
    if batch is None:
        raise InvalidSetting(f"{name} of a module needs a batch, for the shape of its inputs")
    from nassearch.networks.flow import flow

    return flow(model, batch.inputs.shape[1:], **settings)


def _check_shift(shift: Any) -> float:
    if not isinstance(shift, int | float) or not 0 < shift < np.inf:
        raise InvalidSetting(f"shift of logsynflow is a positive number such as 1 or 1e-6, not {shift!r}")
    return float(shift)
