"""CV: how much the accuracy before training varies with the initial weights, as standard deviation over mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.checks import whole
from nassearch.errors import InvalidSetting
from nassearch.proxies.model import PASS, model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    _check_count(options["initialisations"])
    for name in ("init", "bias"):
        if options[name] != PASS[name]:
            raise InvalidSetting(f"cv draws weights by each layer's own rule: leave out {name}")


def _check_count(initialisations: Any) -> None:
    whole("initialisations", initialisations, least=2)


@model_proxy(
    reference="Gracheva, Trainless model performance estimation based on random weights initialisations (2021): "
    "a batch of 256, 100 initialisations",
    needs=("inputs", "labels"),
    reads=(),
    higher_is_better=False,
    check=_check,
    batch_size=256,
)
def cv(probe: Probe, *, initialisations: int = 100) -> float:
    """Standard deviation over mean of the untrained accuracy, over random initialisations; lower is better.

    Each initialisation is a pass over the batch, so that this is by far the slowest proxy; 10 of them give a coarse
    value at a tenth of the cost. Ours, since the paper does not say: batch norm uses the statistics of the batch, and
    the standard deviation is that of the population. Weights follow the reset_parameters of each layer, for a
    user's module as well; parameters outside of such layers keep their values.

    A network whose logits do not depend on its input scores well here: it always names one class, and the classes of a
    batch are nearly equally frequent. NaN where every initialisation gets all samples wrong.
    """
    from nassearch.networks.modules.redraw import untrained_accuracies

    _check_count(initialisations)
    if probe.labels is None:
        raise InvalidSetting("cv needs a batch with labels")
    accuracies = untrained_accuracies(probe.model, probe.inputs, probe.labels, initialisations, probe.seed)
    mean = float(np.mean(accuracies))
    return float(np.std(accuracies)) / mean if mean else math.nan
