"""EPE-NAS: how differently an untrained network treats inputs of one class, class by class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_positive, whole
from nassearch.errors import InvalidSetting
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    check_positive(options, "k")
    whole("tau", options["tau"])


@model_proxy(
    reference="Lopes et al., EPE-NAS: efficient performance estimation without training for neural architecture search "
    "(2021, arXiv 2102.08099), section 3",
    needs=("inputs", "labels"),
    reads=("input_gradients",),
    batch_size=256,
    check=_check,
    revision=2,
)
def epe_nas(probe: Probe, *, k: float = 1e-5, tau: int = 100) -> float | str:
    """Sum over classes how little the Jacobians of their samples correlate; higher is better.

    For the correlation S(c) `[n, n]` of d(sum of logits)/dx at the n samples of class c, and C classes in the batch:

        e(c) = sum over i, j of log(|S(c)_ij| + k)
        epe_nas = sum over c of |e(c)|

    With more than `tau` classes e(c) is divided by n * n, and the score is the sum over pairs of classes of
    |e(c) - e(d)|, divided by C. NaN, with the reason, where the logits do not depend on a
    sample.
    """
    from nassearch.networks.probe.activations.by_class import class_scores

    if probe.labels is None:
        raise InvalidSetting("epe_nas compares samples of one class, and needs a batch with labels")
    found = class_scores(probe.input_gradients(), probe.labels, k)
    if any(math.isnan(e) for e, _ in found):
        return "the logits do not depend on a sample of the batch"
    if len(found) <= tau:
        return math.fsum(abs(e) for e, _ in found)
    means = [e / pairs for e, pairs in found]
    return math.fsum(abs(e - d) for e, d in combinations(means, 2)) / len(means)
