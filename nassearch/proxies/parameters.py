"""How differently the units of each layer would learn: scores of the gradients of a network's weights.

All are of "Improving Zero-Shot Neural Architecture Search with Parameters Scoring" (2020), submission to ICLR 2021,
section 3.2, which has no public code. The gradient of the mean cross-entropy with respect to a weight tensor,
reshaped to one row per output unit, gets a similarity score; a network's score is the mean over its tensors, or a mean
weighted by depth. What the text leaves open, and what is done here:

- Tensors: weights of convolutions and linear layers with at least two rows and two columns. Biases and the
  parameters of normalisation have one column, so that their rows have no correlation.
- Rows whose values are all equal, such as those of a unit that is dead on the whole batch, have no correlation and
  are left out; a tensor with fewer than two other rows, such as one that no path leads from to the output, is left
  out and does not count. NaN where no tensor is left.
- The order of the tensors, from the input to the output, is that of the model's modules.
- rescale: the text bounds the mean to [0, 1] but names no range for tensors of different shapes. By default the
  eigen-score of each tensor is shifted and scaled by the least and greatest value that its number of rows
  allows; rescale=false takes the mean of the values as they are, which grows with the size of the tensors.
- tensors: a correlation of n rows in D <= n columns is singular, and so is that of the last layer, where the
  gradients of all classes sum to zero. Each eigenvalue 0 adds about -1 / k, which after scaling costs 1 / (n - 1):
  in NAS-Bench-201 these costs alone, known from the shapes, rank architectures much as pjs does (Spearman .82 on 100
  of them). The text makes no exception, so tensors="all" is the default; tensors="regular" leaves out tensors
  with D <= n and the last layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_choice, check_positive
from nassearch.errors import InvalidSetting
from nassearch.proxies.model import model_proxy

if TYPE_CHECKING:
    from torch import Tensor

    from nassearch.networks.probe.probe import Probe

SECTION = "Improving zero-shot NAS with parameters scoring (2020), submission to ICLR 2021, section 3.2"


def _check(options: Mapping[str, Any]) -> None:
    check_positive(options, "k", "root")
    check_choice(options, "tensors", ("all", "regular"))
    if not isinstance(options.get("rescale", True), bool):
        raise InvalidSetting(f"rescale is true or false, not {options['rescale']!r}")


_declare: dict[str, Any] = {
    "reference": SECTION,
    "needs": ("inputs", "labels"),
    "reads": ("gradients",),
    "check": _check,
    "batch_size": 256,
    "revision": 2,
}


@model_proxy(**_declare)
def pjs(probe: Probe, *, k: float = 1e-5, rescale: bool = True, tensors: str = "all") -> float:
    """Parameters Jacobian score: mean over weight tensors of the eigen-score of dL/dW; higher is better."""
    scores = _eigen_scores(probe, k, rescale, tensors)
    return _mean(scores, [1] * len(scores))


@model_proxy(**_declare)
def pjsc(probe: Probe, *, root: float = 20.0, tensors: str = "all") -> float:
    """Parameters Jacobian score by cosines: pjs with 1 - mean |cosine| ** (1 / root); higher is better."""
    from nassearch.networks.probe.similarity import cosine_score

    scores = _scores(probe, tensors, lambda rows: cosine_score(rows, root))
    return _mean(scores, [1] * len(scores))


@model_proxy(**_declare)
def wpjs(probe: Probe, *, k: float = 1e-5, rescale: bool = True, tensors: str = "all") -> float:
    """Weighted pjs: tensor i of N has the weight 2i / (N (N + 1)), the last the most; higher is better."""
    scores = _eigen_scores(probe, k, rescale, tensors)
    return _mean(scores, range(1, len(scores) + 1))


@model_proxy(**_declare)
def wpjsi(probe: Probe, *, k: float = 1e-5, rescale: bool = True, tensors: str = "all") -> float:
    """Inversely weighted pjs: tensor i of N has 2 (N + 1 - i) / (N (N + 1)), the first the most; higher is better."""
    scores = _eigen_scores(probe, k, rescale, tensors)
    return _mean(scores, range(len(scores), 0, -1))


def _eigen_scores(probe: Probe, k: float, rescale: bool, tensors: str) -> list[float]:
    from nassearch.networks.probe.similarity import eigen_range, eigen_score

    def score(rows: Tensor) -> float:
        low, high = eigen_range(len(rows), k) if rescale else (0.0, 1.0)
        return (eigen_score(rows, k) - low) / (high - low)

    return _scores(probe, tensors, score)


def _scores(probe: Probe, tensors: str, score: Callable[[Tensor], float]) -> list[float]:
    """Score the gradient of each weight tensor that counts, in the order of the modules."""
    from nassearch.networks.probe.similarity import varied

    gradients = probe.rows(probe.gradients)
    if tensors == "regular":
        gradients = [rows for rows in gradients[:-1] if rows.shape[1] > len(rows)]
    return [score(rows) for rows in map(varied, gradients) if len(rows) > 1]


def _mean(scores: Sequence[float], weights: Sequence[int]) -> float:
    if not scores:
        return math.nan
    return sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)
