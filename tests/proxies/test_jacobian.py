"""Scores of input Jacobians: by hand, against explicit Jacobians, and under their options."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.networks.probe.jacobian import input_jacobian
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.similarity import cosine_score, eigen_range, eigen_score, varied
from nassearch.proxies.model import together
from nassearch.registry import load
from nassearch.scorers import build_scorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

SPACE = NASBench201()
TASK = Task((3, 8, 8), 4, (4, 4, 4), 1)
RNG = np.random.default_rng(0)
BATCH = Batch(RNG.normal(size=(12, 3, 8, 8)).astype(np.float32), RNG.integers(0, 4, 12))
EIGEN = ("js", "sns", "lns", "mnjs")
COSINE = ("jsc", "snsc", "lnsc", "mnjsc")
K = 1e-5


def small(seed: int = 0) -> nn.Module:
    """A network whose samples influence one another through batch norm."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 3)
    )


INPUTS = torch.from_numpy(RNG.normal(size=(6, 2, 4, 4)).astype(np.float32))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def read(name: str, probe: Probe, **options: object) -> float:
    proxy = load("proxies", name)
    return float(proxy.reader(options)(probe))


def slow_jacobian(model: nn.Module, x: Tensor, labels: Tensor | None = None) -> np.ndarray:
    """Add up the rows of the explicit Jacobian of all logits, or take that of the loss."""

    def outputs(x: Tensor) -> Tensor:
        return model(x) if labels is None else nn.functional.cross_entropy(model(x), labels)

    full = torch.autograd.functional.jacobian(outputs, x)
    return full.reshape(-1, len(x), x[0].numel()).sum(0).double().numpy()


def slow_eigen(rows: np.ndarray, k: float = K) -> float:
    v = np.linalg.eigvals(np.corrcoef(rows)).real
    return -float(np.sum(np.log(v + k) + 1 / (v + k)))


def slow_js(rows: np.ndarray, k: float = K) -> float:
    n = len(rows)
    least = -(math.log(n + k) + 1 / (n + k)) - (n - 1) * (math.log(k) + 1 / k)
    most = -n * (math.log(1 + k) + 1 / (1 + k))
    return (slow_eigen(rows, k) - least) / (most - least)


def slow_jsc(rows: np.ndarray, root: float = 20) -> float:
    n = len(rows)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    p = np.abs(unit @ unit.T - np.eye(n))
    np.fill_diagonal(p, 0)  # by definition; in floating point 1e-16, whose 20th root is not small
    return 1 - float((p ** (1 / root)).sum()) / (n * n - n)


def test_eigen_score_of_two_samples_by_hand() -> None:
    # Centred, (-1, 0, 1) and (-2, 4, -2) / 3 are orthogonal: eigenvalues 1 and 1.
    assert eigen_score(torch.tensor([[0.0, 1, 2], [1.0, 3, 1]]), K) == pytest.approx(
        -2 * (math.log(1 + K) + 1 / (1 + K))
    )
    # Correlation 1/2, eigenvalues 1/2 and 3/2.
    rows = torch.tensor([[-1.0, 0, 1], [-1.0, 1, 0]])
    assert eigen_score(rows, 0.5) == pytest.approx(-(math.log(1) + 1 + math.log(2) + 0.5))
    # Multiples of one another: 0 and 2; the least there is.
    rows = torch.tensor([[0.0, 1, 2], [5.0, 3, 1]])
    assert eigen_score(rows, K) == pytest.approx(-(math.log(K) + 1 / K + math.log(2 + K) + 1 / (2 + K)))
    assert eigen_score(rows, K) == pytest.approx(eigen_range(2, K)[0])


def test_cosine_score_of_two_samples_by_hand() -> None:
    rows = torch.tensor([[1.0, 0], [1.0, math.sqrt(3)]])  # cosine 1/2
    assert cosine_score(rows, 1) == pytest.approx(0.5)
    assert cosine_score(rows, 20) == pytest.approx(1 - 0.5**0.05)
    assert cosine_score(torch.tensor([[1.0, 0], [0.0, 3]]), 20) == 1
    assert cosine_score(torch.tensor([[1.0, 2], [-2.0, -4]]), 20) == pytest.approx(0)


@pytest.mark.parametrize(
    "bad", [[[1.0, 1, 1], [0, 1, 2]], [[0.0, 0, 0], [0, 1, 2]], [[math.nan, 1, 2], [0, 1, 2]]]
)
def test_rows_without_variation_or_not_finite_have_no_eigen_score(bad: list[list[float]]) -> None:
    assert math.isnan(eigen_score(torch.tensor(bad), K))
    assert math.isnan(eigen_score(torch.tensor(bad)[:1], K))


def test_rows_of_zeros_have_no_cosine_score() -> None:
    assert math.isnan(cosine_score(torch.tensor([[0.0, 0], [1, 2]]), 20))
    assert math.isnan(cosine_score(torch.tensor([[1.0, 2]]), 20))


def test_varied_leaves_out_constant_rows() -> None:
    rows = torch.tensor([[0.0, 0], [1, 2], [3, 3], [0, 1]])
    assert varied(rows).tolist() == [[1, 2], [0, 1]]


@settings(deadline=None, max_examples=60)
@given(arrays(np.float64, (5, 4), elements=st.floats(-10, 10, width=32)), st.sampled_from([1e-5, 1e-3, 0.1]))
def test_scores_stay_in_their_ranges(values: np.ndarray, k: float) -> None:
    rows = torch.from_numpy(values)
    low, high = eigen_range(len(rows), k)
    score, cosine = eigen_score(rows, k), cosine_score(rows, 20)
    # The ends are sums of a few numbers as large as they are: 1e-9 of them is beyond rounding.
    assert math.isnan(score) or low - 1e-9 * abs(low) <= score <= high + 1e-9 * abs(high)
    assert math.isnan(cosine) or -1e-12 <= cosine <= 1


@pytest.mark.parametrize("amplitude", [0.0, 0.1, 10.0])
@pytest.mark.parametrize("of", ["logits", "loss"])
@pytest.mark.parametrize("variance", ["batch", "element"])
def test_scores_against_explicit_jacobians(amplitude: float, of: str, variance: str) -> None:
    model = small()
    probe = Probe(model, INPUTS, LABELS, seed=3)
    spread = INPUTS.numpy().var() if variance == "batch" else INPUTS.numpy().var(0)
    noise = torch.randn(INPUTS.shape, generator=torch.Generator().manual_seed(3)).numpy()
    noisy = torch.from_numpy((INPUTS.numpy() + amplitude * spread * noise).astype(np.float32))
    labels = LABELS if of == "loss" else None
    clean_rows, rows = slow_jacobian(model, INPUTS, labels), slow_jacobian(model, noisy, labels)
    # Float32 gradients, in another order of summation: 1e-4 of the largest; the scores a little more.
    np.testing.assert_allclose(
        input_jacobian(probe, amplitude, of, variance), rows, rtol=1e-3, atol=1e-4 * np.abs(rows).max()
    )
    assert read("js", probe, of=of) == pytest.approx(slow_js(clean_rows), abs=1e-5)
    assert read("jsc", probe, of=of) == pytest.approx(slow_jsc(clean_rows), abs=1e-3)
    if amplitude:
        options = {"amplitude": amplitude, "of": of, "variance": variance}
        eigen = 1 - abs(slow_js(clean_rows) - slow_js(rows))
        cosine = 1 - abs(slow_jsc(clean_rows) - slow_jsc(rows))
        for name in ("sns", "lns"):
            assert read(name, probe, **options) == pytest.approx(eigen, abs=1e-5)
            assert read(name + "c", probe, **options) == pytest.approx(cosine, abs=1e-3)


def test_jacob_cov_is_the_raw_eigen_score() -> None:
    probe = Probe(small(), INPUTS, LABELS)
    raw = read("jacob_cov", probe)
    assert raw == pytest.approx(slow_eigen(slow_jacobian(small(), INPUTS)), rel=1e-3)
    assert read("js", probe, range=(0, 1)) == raw
    assert read("jacob_cov", probe, k=0.1) == pytest.approx(
        slow_eigen(slow_jacobian(small(), INPUTS), 0.1), rel=1e-3
    )
    low, high = eigen_range(6, K)
    assert read("js", probe) == (raw - low) / (high - low)


@pytest.mark.parametrize("letter", ["", "c"])
def test_noised_scores_are_made_of_plain_ones(letter: str) -> None:
    probe = Probe(small(), INPUTS, LABELS)
    names = f"js{letter}", f"sns{letter}", f"lns{letter}", f"mnjs{letter}"
    clean, little, much, product = (read(name, probe) for name in names)
    assert 0 <= clean <= 1
    assert 0 < little < 1
    assert 0 < much < 1
    far = read(names[2], probe, amplitude=100.0)
    assert product == pytest.approx(clean * little * much * far, rel=1e-12)  # the same numbers multiplied
    assert read(names[1], probe, amplitude=10.0) == much
    assert read(names[3], probe, amplitudes=(10,)) == clean * much


def test_range_scales_differences_and_moves_products() -> None:
    probes = [Probe(small(seed), INPUTS, LABELS) for seed in range(8)]

    def order(name: str, **options: object) -> list[int]:
        return np.argsort([read(name, probe, **options) for probe in probes]).tolist()

    raw = [read("js", probe, range=(0, 1)) for probe in probes]
    empirical = (min(raw), max(raw))
    for name in ("js", "sns", "lns"):
        assert order(name) == order(name, range=empirical) == order(name, range=(0, 1))
    assert order("mnjs") != order("mnjs", range=empirical)
    # Everything about mnjs under any range follows from four scores that are cached without one.
    low, high = empirical
    for value, probe in zip(raw, probes, strict=True):
        factors = [
            1 - (1 - read("sns", probe, amplitude=a, range=(0, 1))) / (high - low) for a in (0.1, 10.0, 100.0)
        ]
        expected = (value - low) / (high - low) * math.prod(factors)
        # 1 - difference loses what 1 carries: 1e-16 against a range of 0.1 or more.
        assert read("mnjs", probe, range=empirical) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["jacob_cov", "js", "jsc"])
def test_order_of_the_samples_does_not_matter(name: str) -> None:
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    mixed = read(name, Probe(small(), INPUTS[order], LABELS[order]))
    # Sums over the batch in another order, in float32.
    assert mixed == pytest.approx(read(name, Probe(small(), INPUTS, LABELS)), rel=1e-3)


def test_noise_follows_the_seed_and_is_drawn_once_for_all_amplitudes() -> None:
    first, again, other = (Probe(small(), INPUTS, LABELS, seed=seed) for seed in (0, 0, 1))
    assert read("sns", first) == read("sns", again) != read("sns", other)
    assert read("js", first) == read("js", other)
    seen: list[Tensor] = []
    linear = nn.Sequential(nn.Flatten(), nn.Linear(32, 2))
    linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    probe = Probe(linear, INPUTS, seed=5, owned=True)
    noises = []
    for amplitude in (0.1, 10.0, 100.0):
        input_jacobian(probe, amplitude)
        noises.append((seen[-1] - INPUTS) / amplitude)
    # x + small noise keeps 1e-7 of x, ten times that after the division by 0.1.
    np.testing.assert_allclose(noises[0], noises[1], atol=1e-5)
    np.testing.assert_allclose(noises[1], noises[2], atol=1e-5)


def test_scores_asked_together_share_their_passes() -> None:
    passes: list[int] = []
    model = small()
    model.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    probe = Probe(model, INPUTS, LABELS, owned=True)
    for name in ("jacob_cov", *EIGEN, *COSINE):
        read(name, probe)
    assert len(passes) == 4  # clean, and three amplitudes


def test_a_network_that_ignores_its_input_is_not_scorable() -> None:
    nothing, connected = (0,) * 6, (3,) * 6
    networks = [SPACE.network(arch, TASK) for arch in (nothing, connected)]
    requests = [(load("proxies", name), {"batch_size": 12}, BATCH) for name in ("jacob_cov", *EIGEN, *COSINE)]
    for scores, failures in together(requests, networks):
        assert not failures
        assert np.isnan(scores).tolist() == [True, False]
    for (scores, _), (proxy, _, _) in zip(together(requests, networks), requests, strict=True):
        assert proxy.name == "jacob_cov" or 0 <= scores[1] <= 1


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("js(k=0)", InvalidSetting, "k is a positive number"),
        ("jacob_cov(k=nan)", InvalidSetting, "k of jacob_cov is a number, not 'nan'"),
        ("jsc(root=-2)", InvalidSetting, "root is a positive number, not -2"),
        ("sns(amplitude=0)", InvalidSetting, "amplitude is a positive number"),
        ("mnjs(amplitudes=(1, 0))", InvalidSetting, "amplitude is a positive number, not 0"),
        ("mnjsc(amplitudes=3)", InvalidSetting, "amplitudes are one or more positive numbers"),
        ("js(range=(1, 0))", InvalidSetting, "the lower first"),
        ("js(range=3)", InvalidSetting, "the lower first"),
        ("lnsc(of=losses)", UnknownName, "did you mean loss"),
        ("lns(variance=elements)", UnknownName, "did you mean element"),
    ],
)
def test_options_without_meaning_are_refused_at_once(spec: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build_scorer(spec, SPACE, TASK, BATCH)


def test_the_loss_needs_labels() -> None:
    with pytest.raises(InvalidSetting, match="needs a batch with labels"):
        read("js", Probe(small(), INPUTS), of="loss")
    assert read("js", Probe(small(), INPUTS)) > 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("jacob_cov", {"k": 0}),
        ("jsc", {"root": -1}),
        ("sns", {"amplitude": -0.1}),
        ("js", {"range": (2, 1)}),
        ("jsc", {"of": "gain"}),
        ("lnsc", {"variance": "pixel"}),
    ],
)
def test_options_without_meaning_are_refused_outside_of_scorers_too(
    name: str, options: dict[str, object]
) -> None:
    with pytest.raises((InvalidSetting, UnknownName), match=next(iter(options))):
        read(name, Probe(small(), INPUTS, LABELS), **options)
