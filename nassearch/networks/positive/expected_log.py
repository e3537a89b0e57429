"""Interpreter: logsynflow of the network of mean weights, by values and gradients of one channel.

The score is the sum over all weights of::

    E|W| * |log(shift + dR/dW)|,    E|W| = 1 / (2 sqrt(fan_in)),

where R is the sum of the logits, every weight equals E|W|, the input is ones and batch norm is left out. `mean_network`
gives the gradients.

An example: a classifier of 2 inputs and 3 outputs has E|W| = 1 / (2 sqrt(2)) = 0.354. R is the sum of its outputs, and
its inputs are 1, so dR/dW = 1 for each of the 6 weights. The score is 6 * 0.354 * log(1 + 1) = 1.470:

>>> from nassearch.networks.graph import Builder, Network
>>> build = Builder((2,))
>>> _ = build.linear(0, 3, bias=False)
>>> expected_logsynflow([Network(((build.done(), 1),))]).round(3)
array([1.47])

Gradients span sixty orders of magnitude, and float64 holds that. `log1p` keeps the small ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from nassearch.networks.graph import Network
from nassearch.networks.positive.mean_network import gradients
from nassearch.networks.positive.scaled import LN2
from nassearch.types import Floats


def expected_logsynflow(networks: Sequence[Network], shift: float = 1.0) -> Floats:
    """Return logsynflow of the networks whose weights all equal E|theta|, float64 `[N]`.

    Batch norm is left out, the input is ones and the logits are summed. What is summed over the weights is
    E|W| * |log(shift + dR/dW)|.

    Raises:
        InvalidSetting: a network has a layer that treats positive signals in another way than these, or max pooling
            besides windows without a mirror image (see `classes`).
    """
    return np.array([_score(network, shift) for network in networks], np.float64)


def _score(network: Network, shift: float) -> float:
    score = _sum(network, shift, scaled=False)
    # Signals that are too large for float64 make it infinite or NaN; those too small count as little as 0.
    return score if math.isfinite(score) else _sum(network, shift, scaled=True)


def _sum(network: Network, shift: float, scaled: bool) -> float:
    score = 0.0
    # No gradient reaches a dead layer, and the logarithm of 1 is 0.
    for block in gradients(network, scaled, dead=shift != 1):
        part = 0.0
        for weights, met, power in block:
            part += weights * sum(map(_logarithm(shift, power), met))
        score += part
    return score


def _logarithm(shift: float, power: int) -> Callable[[float], float]:
    """Return the function |log(shift + m * 2 ** power)|."""
    if power:
        offset, start = power * LN2, math.log(shift)
        return lambda m: abs(float(np.logaddexp(start, math.log(m) + offset))) if m else abs(start)
    return math.log1p if shift == 1 else lambda m: abs(math.log(shift + m))
