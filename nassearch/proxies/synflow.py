"""Synflow and its variants: how much of a positive signal each weight passes on.

For a module that is not of a search space they look at its own weights: their absolute values are the sample.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Network
from nassearch.networks.positive.scaled import Scaled
from nassearch.networks.recurrent import RecurrentNetwork
from nassearch.proxies.base import proxy
from nassearch.types import Batch

TINY = sys.float_info.min
"""Below it float64 has fewer digits, and at last none."""


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
    networks: Sequence[Network],
    batch: Batch | None,
    *,
    estimator: str = "expected",
    seed: int = 0,
    log: bool = False,
) -> list[float | str]:
    """Sum |theta * dR/dtheta| over the weights of convolutions and classifier, R the summed logits; higher is better.

    All parameters are replaced by their absolute values, batch norm and the upper end of ReLU6 are left out and the
    input is ones. No logarithm
    is taken unless it is asked for: raw values reach 1e47 in NAS-Bench-201.

    Args:
        networks: N networks.
        batch: not looked at.
        estimator: "expected" is the expectation over PyTorch's default initialisation, in closed form; "sampled" is
            one initialisation. Where there is max pooling, swish, a sigmoid or a product of layers, expected is that of
            the network of mean weights.
        seed: of the sampled initialisation, the same for every network.
        log: take the natural logarithm, which keeps the order, of values that float64 cannot hold too.

    Returns:
        float `[N]`, a text where float64 cannot hold the value.

    Raises:
        InvalidSetting: no such estimator.
    """
    if estimator == "expected":
        from nassearch.networks.positive.expected import scaled_synflow

        return _values("synflow", scaled_synflow(networks), log)
    if estimator == "sampled":
        from nassearch.networks.positive.sampled import scaled_sample

        return _values("synflow", [scaled_sample(network, seed) for network in networks], log)
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
    log: bool = False,
) -> list[float | str]:
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
        log: take the natural logarithm of the sum.

    Returns:
        float `[N]`, a text where float64 cannot hold the value.

    Raises:
        InvalidSetting: no such estimator, or shift is not a positive number.
    """
    _check_shift(shift)
    if estimator == "expected":
        from nassearch.networks.positive.expected_log import expected_logsynflow

        sums = [Scaled(score) for score in expected_logsynflow(networks, shift).tolist()]
        return _values("logsynflow", sums, log)
    if estimator == "sampled":
        from nassearch.networks.positive.module import scaled_network_synflow

        return _values("logsynflow", [scaled_network_synflow(n, seed, shift=shift) for n in networks], log)
    raise InvalidSetting(f"estimator of logsynflow is expected or sampled, not {estimator!r}")


@proxy(
    reference="Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021), released code",
    per_key=False,
    chunk=16,
)
def synflow_bn(
    networks: Sequence[Network], batch: Batch | None, *, seed: int = 0, log: bool = False
) -> list[float | str]:
    """Sum |W * dR/dW| as synflow does, with batch norm left in, on the statistics of the input; higher is better.

    Batch norm centres its input, so signals have both signs, ReLU is no identity and R is not multilinear: a network
    of equal weights says nothing about the expectation, and only the sampled estimate exists.

    Args:
        networks: N networks.
        batch: not looked at; the input is a single one of ones.
        seed: of the initialisation, the same for every network.
        log: take the natural logarithm.

    Returns:
        float `[N]`, a text where float64 cannot hold the value.
    """
    from nassearch.networks.positive.module import scaled_network_synflow

    return _values("synflow_bn", [scaled_network_synflow(n, seed, batch_norm=True) for n in networks], log)


@synflow.for_networks(RecurrentNetwork)
def _synflow_recurrent(
    networks: Sequence[RecurrentNetwork],
    batch: Batch | None,
    *,
    estimator: str = "sampled",
    seed: int = 0,
    log: bool = False,
) -> list[float | str]:
    """Score recurrent networks, see `nassearch.networks.positive.recurrent`.

    Raises:
        InvalidSetting: the estimator is not sampled.
    """
    if estimator != "sampled":
        raise InvalidSetting(
            f"synflow of recurrent networks is sampled, as their activations leave no closed form, not {estimator!r}"
        )
    from nassearch.networks.positive.recurrent import recurrent_synflow

    return _values("synflow", [Scaled(recurrent_synflow(network, seed)) for network in networks], log)


def _check_of_model(options: Mapping[str, Any]) -> None:
    if options.get("estimator", "sampled") != "sampled":
        raise InvalidSetting(
            "synflow and logsynflow of a module are those of the weights it has, estimator=sampled; "
            f"{options['estimator']!r} needs the description of a network"
        )
    _check_shift(options.get("shift", 1.0))


@partial(synflow.for_model, check=_check_of_model)
def _synflow(
    model: Any, batch: Batch | None, *, estimator: str = "sampled", log: bool = False, **options: Any
) -> float | str:
    _check_of_model({"estimator": estimator})
    return _of_model("synflow", model, batch, log, options)


@synflow_bn.for_model
def _synflow_bn(model: Any, batch: Batch | None, *, log: bool = False, **options: Any) -> float | str:
    return _of_model("synflow_bn", model, batch, log, options, batch_norm=True)


@partial(logsynflow.for_model, check=_check_of_model)
def _logsynflow(
    model: Any,
    batch: Batch | None,
    *,
    estimator: str = "sampled",
    shift: float = 1.0,
    log: bool = False,
    **options: Any,
) -> float | str:
    _check_of_model({"estimator": estimator})
    return _of_model("logsynflow", model, batch, log, options, shift=_check_shift(shift))


def _of_model(
    name: str, model: Any, batch: Batch | None, log: bool, options: Any, **settings: Any
) -> float | str:
    if options:
        raise InvalidSetting(
            f"{name} of a module looks at the module's own weights: {', '.join(options)} has no meaning there"
        )
    if batch is not None and batch.inputs.dtype.kind != "f":
        return f"{name} sends ones through a model, and this one takes words, which ones are not: score it by another"
    if batch is None:
        raise InvalidSetting(f"{name} of a module needs a batch, for the shape of its inputs")
    from nassearch.networks.positive.module import scaled_module_synflow

    found = scaled_module_synflow(model, batch.inputs.shape[1:], batch_size=len(batch.inputs), **settings)
    return _values(name, [found], log)[0]


def _values(name: str, scores: Sequence[Scaled], log: bool) -> list[float | str]:
    """Return scores, or their logarithms, and a text for what float64 cannot hold."""
    if not isinstance(log, bool):
        raise InvalidSetting(f"log of {name} is true or false, not {log!r}")
    return [_logarithm(name, score) if log else _value(name, score) for score in scores]


def _value(name: str, score: Scaled) -> float | str:
    value = score.value
    if TINY <= value < math.inf or not score.mantissa or math.isnan(value):
        return value
    return (
        f"{name} is about 10 to the power of {score.log / math.log(10):.1f}, and float64 holds those from -307 to 308: "
        "take the logarithm, which keeps the order, by the option log=true"
    )


def _logarithm(name: str, score: Scaled) -> float | str:
    return score.log if score.mantissa else f"{name} is 0, which has no logarithm: no signal reaches a logit"


def _check_shift(shift: Any) -> float:
    if not isinstance(shift, int | float) or not 0 < shift < np.inf:
        raise InvalidSetting(f"shift of logsynflow is a positive number such as 1 or 1e-6, not {shift!r}")
    return float(shift)
