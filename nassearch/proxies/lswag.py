"""L-SWAG: how little gradients differ from batch to batch, times how many ways units have to see a batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_range, whole
from nassearch.errors import InvalidSetting
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe


def _check(options: Mapping[str, Any]) -> None:
    whole("batches", options["batches"], least=2)
    check_range(options, "depths")
    low, high = options["depths"]
    if not 0 <= low < high <= 1:
        raise InvalidSetting(f"depths are two shares of the depth, from 0 to 1, not {low} and {high}")


@model_proxy(
    reference="Casarin et al., L-SWAG: layer-sample wise activation with gradients information for zero-shot NAS on "
    "vision transformers (2025), eq. 1",
    needs=("inputs", "labels"),
    reads=("gradients", "relu_patterns"),
    check=_check,
    batch_size=128,
)
def lswag(probe: Probe, *, batches: int = 2, depths: Sequence[float] = (0.0, 1.0)) -> float:
    """Sum log(sum of 1 / std|g|) over layers, times the number of different patterns of ReLUs; higher is better.

    std is that of the size of a weight's gradient over `batches` equal parts of the batch, as in `zico`. A pattern is
    in which samples of the batch a unit is positive, as in `swap`. Of the layers with weights those count that lie
    between the two `depths`, shares of all; of the ReLUs those from the first on to the second depth. The paper takes
    the depths where the deviations have a spike in many networks of a space, its section 3.1; by default all layers
    count, as in the sixth row of its table 3. Its patterns of GELUs are not counted. NaN where no weight's gradient
    differs, or no ReLU is called.
    """
    from nassearch.networks.probe.activations.distinct import unit_patterns
    from nassearch.networks.probe.samples.batches import layer_sums

    low, high = depths
    sums = layer_sums(probe, batches, "sizes", mean=False)
    within = sums[_place(low, len(sums)) : _place(high, len(sums))]
    logs = [math.log(total) for total in within if total > 0]
    patterns = [pattern for pattern, _ in probe.relu_patterns]
    distinct = unit_patterns(patterns[: _place(high, len(patterns))])
    return sum(logs) * distinct if logs else math.nan


def _place(share: float, count: int) -> int:
    return math.floor(share * count + 0.5)
