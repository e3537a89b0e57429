"""How differently a network treats different inputs: scores of the Jacobian with respect to a batch.

`js` and those that build on it are of "Improving Zero-Shot Neural Architecture Search with Parameters Scoring" (2020),
submission to ICLR 2021, section 3.2, which has no public code. What its text leaves open is an option here:

- k, of the eigen-score, is the text's 1e-5; root, of the cosine score, its 20; the amplitudes of the noise are its
  0.1, 10 and 100.
- of: the text names the Jacobian of the loss and refers to Mellor et al., who derive the sum of the logits: "logits"
  is the default, "loss" is there.
- variance: Var(x) in x + a * Var(x) * e is one number over the batch by default, or one per "element" of an input.
- range: the text shifts and scales the eigen-score to [0, 1] by the least and greatest value of its own experiments.
  A proxy's score must not depend on which other architectures are scored, so range=None takes the least and greatest
  value that a batch of this size can have, which is where the empirical range of a space with degenerate
  architectures tends to. range=(low, high) gives the ends as numbers; range=(0, 1) leaves the value as it is. An
  experiment with an empirical range scores js(range=(0, 1)) first and passes the ends that it found. The
  scores sns and lns rank alike under every range; js does too; only the products mnjs depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_amplitudes, check_choice, check_positive, check_range
from nassearch.networks.probe.reads import OF, VARIANCE
from nassearch.proxies.model import ModelProxy, model_proxy

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe

MELLOR = "Mellor et al., Neural architecture search without training, first version (2020), arXiv:2006.04647"
SECTION = "Improving zero-shot NAS with parameters scoring (2020), submission to ICLR 2021, section 3.2"
Range = tuple[float, float] | None


def _check(options: Mapping[str, Any]) -> None:
    check_positive(options, "k", "root", "amplitude")
    check_amplitudes(options.get("amplitudes", (1,)))
    check_choice(options, "of", OF)
    check_choice(options, "variance", VARIANCE)
    check_range(options, "range")


_declare: dict[str, Any] = {"reads": ("input_gradients",), "check": _check, "revision": 2}


@model_proxy(
    reference=f"{MELLOR}; as a proxy: Abdelfattah et al., Zero-cost proxies for lightweight NAS (2021)",
    **_declare,
)
def jacob_cov(probe: Probe, *, k: float = 1e-5) -> float:
    """Eigen-score of the correlation between samples of d(sum of logits)/dx; higher is better.

    NaN where a sample has no gradient: the logits do not depend on it.
    """
    from nassearch.networks.probe.similarity import eigen_score

    return eigen_score(probe.input_gradients(), k)


@model_proxy(reference=f"{MELLOR}, batch and scale after: {SECTION}", batch_size=256, **_declare)
def js(probe: Probe, *, k: float = 1e-5, range: Range = None, of: str = "logits") -> float:
    """Jacobian score: jacob_cov at a batch of 256, scaled to [0, 1]; higher is better, NaN as there."""
    return _eigen(probe, k, range, of)(0.0)


@model_proxy(reference=SECTION, batch_size=256, **_declare)
def jsc(probe: Probe, *, root: float = 20.0, of: str = "logits") -> float:
    """Jacobian score by cosines: 1 - mean |cosine| ** (1 / root) over pairs of samples; higher is better.

    0 to 1; NaN where a sample has no gradient.
    """
    return _cosine(probe, root, of)(0.0)


def _steady(name: str, amplitude: float, noise: tuple[str, str], of_js: bool) -> ModelProxy:
    """Declare how steady js, or jsc, is under noise of one amplitude, which is the option's default."""

    def eigen(
        probe: Probe,
        *,
        amplitude: float = amplitude,
        k: float = 1e-5,
        range: Range = None,
        of: str = "logits",
        variance: str = "batch",
    ) -> float:
        return _steadiness(_eigen(probe, k, range, of, variance), [amplitude])

    def cosine(
        probe: Probe,
        *,
        amplitude: float = amplitude,
        root: float = 20.0,
        of: str = "logits",
        variance: str = "batch",
    ) -> float:
        return _steadiness(_cosine(probe, root, of, variance), [amplitude])

    function: Any = eigen if of_js else cosine
    score, by = ("js", "") if of_js else ("jsc", " by cosines")
    function.__name__ = name
    function.__doc__ = (
        f"{noise[0]}-noise score{by}: 1 - |{score}(x) - {score}(x with {noise[1]} noise)|; "
        f"higher is better, NaN as {score}."
    )
    return model_proxy(reference=SECTION, batch_size=256, **_declare)(function)


LITTLE, MUCH = ("Small", "little"), ("Large", "much")
sns = _steady("sns", 0.1, LITTLE, of_js=True)
lns = _steady("lns", 10.0, MUCH, of_js=True)
snsc = _steady("snsc", 0.1, LITTLE, of_js=False)
lnsc = _steady("lnsc", 10.0, MUCH, of_js=False)


@model_proxy(reference=SECTION, batch_size=256, **_declare)
def mnjs(
    probe: Probe,
    *,
    amplitudes: Sequence[float] = (0.1, 10.0, 100.0),
    k: float = 1e-5,
    range: Range = None,
    of: str = "logits",
    variance: str = "batch",
) -> float:
    """More-noised Jacobian score: js times 1 - |js(x) - js(noisy x)| for each amplitude; higher is better.

    NaN as js.
    """
    score = _eigen(probe, k, range, of, variance)
    return score(0.0) * _steadiness(score, amplitudes)


@model_proxy(reference=SECTION, batch_size=256, **_declare)
def mnjsc(
    probe: Probe,
    *,
    amplitudes: Sequence[float] = (0.1, 10.0, 100.0),
    root: float = 20.0,
    of: str = "logits",
    variance: str = "batch",
) -> float:
    """More-noised Jacobian score by cosines: mnjs with jsc in the place of js; higher is better, NaN as jsc."""
    score = _cosine(probe, root, of, variance)
    return score(0.0) * _steadiness(score, amplitudes)


Score = Callable[[float], float]
"""Maps the amplitude of the noise to a score."""


def _eigen(probe: Probe, k: float, range: Range, of: str, variance: str = "batch") -> Score:
    from nassearch.networks.probe.jacobian import input_jacobian
    from nassearch.networks.probe.similarity import eigen_range, eigen_score

    check_range({"range": range}, "range")
    low, high = eigen_range(len(probe.inputs), k) if range is None else range
    return lambda amplitude: (
        (eigen_score(input_jacobian(probe, amplitude, of, variance), k) - low) / (high - low)
    )


def _cosine(probe: Probe, root: float, of: str, variance: str = "batch") -> Score:
    from nassearch.networks.probe.jacobian import input_jacobian
    from nassearch.networks.probe.similarity import cosine_score

    return lambda amplitude: cosine_score(input_jacobian(probe, amplitude, of, variance), root)


def _steadiness(score: Score, amplitudes: Sequence[float]) -> float:
    """Return the product of 1 - |score(0) - score(a)| over the amplitudes."""
    check_amplitudes(amplitudes)
    clean = score(0.0)
    return math.prod(1 - abs(clean - score(amplitude)) for amplitude in amplitudes)
