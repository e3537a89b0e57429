"""Scores beyond float64: their logarithms by hand, and why they are no number otherwise."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nassearch
from nassearch.networks.graph import Builder, Network
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.positive.module import scaled_module_synflow
from nassearch.registry import load

DEPTHS = (5, 300, 1100)
WIDTH, CLASSES = 16, 4


def log(x: Fraction) -> float:
    """Return the logarithm of a number of any size."""
    return math.log(x.numerator) - math.log(x.denominator)


def chain(depth: int, width: int = WIDTH, bias: bool = False, blocks: bool = False) -> Network:
    """Return pointwise convolutions of one width one after the other, in one block or in as many."""
    stem = Builder((width, 2, 2))
    stem.batch_norm(stem.conv(0, width, kernel=1, bias=bias))
    body = Builder(stem.shape)
    x = 0
    for _ in range(1 if blocks else depth):
        x = body.relu(body.batch_norm(body.conv(x, width, kernel=1, bias=bias)))
    head = Builder(body.shape)
    head.linear(head.global_pool(0), CLASSES, bias=False)
    return Network(((stem.done(), 1), (body.done(), depth if blocks else 1), (head.done(), 1)))


def by_hand(layers: int, factor: Fraction, bias: Fraction, mean: Fraction) -> tuple[Fraction, float]:
    """Return synflow and logsynflow of layers y = factor * x + bias on equal channels, and a last one without bias.

    A weight, of which a layer has WIDTH * WIDTH of the size `mean`, meets the input x and the gradient of one output.
    """
    values, value, tangent = [Fraction(1)], Fraction(1), Fraction(0)
    for _ in range(layers):
        value, tangent = factor * value + bias, factor * (value + tangent)
        values.append(value)
    synflow = CLASSES * factor * (value + tangent)
    count, gradient, score = WIDTH * CLASSES, Fraction(1), 0.0
    for entry in reversed(values):
        score += count * float(mean) * log(1 + gradient * entry)
        gradient *= Fraction(count, WIDTH) * mean
        count = WIDTH * WIDTH
    return synflow, score


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("depth", DEPTHS)
def test_expected_synflow_of_any_depth(depth: int, blocks: bool, bias: bool) -> None:
    network = chain(depth, bias=bias, blocks=blocks)
    mean = Fraction(1, 8)  # 1 / (2 sqrt(16))
    expected, logsynflow = by_hand(depth + 1, WIDTH * mean, mean * bias, mean)
    (found,) = load("proxies", "synflow")([network], log=True)
    assert found == pytest.approx(log(expected), rel=1e-12)
    assert load("proxies", "logsynflow")([network])[0] == pytest.approx(logsynflow, rel=1e-9)
    scores, reasons = load("proxies", "synflow").scored([network, chain(1)])
    assert np.isfinite(scores[1])
    if depth < 1000:
        assert scores[0] == pytest.approx(float(expected), rel=1e-12)
        assert not reasons
    else:
        assert np.isnan(scores[0])
        assert "log=true" in reasons[0]


@pytest.mark.parametrize("depth", [20, 330])
def test_windows_in_one_block_are_those_in_many(depth: int) -> None:
    # Sums over 9 positions grow beyond float64 within one block too, before anything is multiplied.
    head = Builder((64, 6, 6))
    head.linear(head.global_pool(0), CLASSES, bias=False)
    found = []
    for blocks in (1, depth):
        body, x = Builder((64, 6, 6)), 0
        for _ in range(depth // blocks):
            x = body.relu(body.conv(x, 64, kernel=3))
        found.append(Network(((body.done(), blocks), (head.done(), 1))))
    logs = load("proxies", "synflow")(found, log=True)
    assert logs[0] == pytest.approx(logs[1], rel=1e-12)
    assert logs[0] > 2 * depth


@pytest.mark.parametrize("doublings", [50, 600, 1100])
def test_more_paths_than_float64_counts(doublings: int) -> None:
    b = Builder((WIDTH, 2, 2))
    x = b.conv(0, WIDTH, kernel=1)
    for _ in range(doublings):
        x = b.add([x, x])
    b.linear(b.global_pool(x), CLASSES, bias=False)
    for name, options in (("synflow", {}), ("synflow", {"estimator": "sampled", "seed": 1})):
        (found,) = load("proxies", name)([Network(((b.done(), 1),))], log=True, **options)
        # Each of both layers doubles the mean signal, and R counts once for each of them.
        expected = math.log(CLASSES * 2 * 2 * 2) + doublings * math.log(2)
        # One draw of 256 and of 64 weights lies within a few tenths of its mean; the seed is fixed.
        assert found == pytest.approx(
            expected, rel=1e-12 if not options else None, abs=None if not options else 0.3
        )


def test_expected_synflow_that_is_too_small() -> None:
    # One channel halves a signal at each layer, and so it goes below float64.
    networks = [chain(depth, width=1, blocks=True) for depth in (5, 1500)]
    logs = load("proxies", "synflow")(networks, log=True)
    right = [math.log(CLASSES * (depth + 2)) - (depth + 2) * math.log(2) for depth in (5, 1500)]
    np.testing.assert_allclose(logs, right, rtol=1e-12)
    scores, reasons = load("proxies", "synflow").scored(networks)
    assert list(np.isnan(scores)) == [False, True]
    assert "log=true" in reasons[1]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("width", [2, 64])
def test_sampled_synflow_of_any_depth(width: int, bias: bool) -> None:
    depth = 700
    network = chain(depth, width, bias)
    model = TorchNetwork(network, torch.Generator().manual_seed(3)).double()
    value, tangent, scale = np.ones(width), np.zeros(width), 0.0
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight = module.weight.detach().abs().numpy().reshape(-1, width)
            shift = 0.0 if module.bias is None else module.bias.detach().abs().numpy() * math.exp(-scale)
            value, tangent = weight @ value + shift, weight @ (value + tangent)
            scale, value, tangent = scale + math.log(value.max()), value / value.max(), tangent / value.max()
    right = math.log(tangent.sum()) + scale
    proxy = load("proxies", "synflow")
    assert proxy([network], estimator="sampled", seed=3, log=True)[0] == pytest.approx(right, rel=1e-10)
    beyond = not -700 < right < 700
    assert np.isnan(proxy([network], estimator="sampled", seed=3)[0]) == beyond


def dense(
    depth: int, activation: type[nn.Module] | None = None, bias: float = 0.0, weight: float = 1.0
) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(8, 8), *([activation()] if activation else [])]
    model = nn.Sequential(*layers, nn.Linear(8, 3))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(bias if "bias" in name else weight)
    return model


def scored(model: nn.Module, *specs: str) -> tuple[dict[str, float], str]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        scores = nassearch.score(model, np.zeros((4, 8), np.float32), list(specs))
    return scores, " ".join(str(each.message) for each in told)


@pytest.mark.parametrize("activation", [None, nn.ReLU, nn.Identity])
@pytest.mark.parametrize("depth", [3, 339, 345, 450])
def test_synflow_of_a_module_of_any_depth(depth: int, activation: type[nn.Module] | None) -> None:
    scores, told = scored(dense(depth, activation), "synflow", "synflow(log=true)", "logsynflow")
    right = Fraction(3 * 8 ** (depth + 1) * (depth + 1))
    assert scores["synflow(log=true)"] == pytest.approx(log(right), rel=1e-12)
    # Of each weight the gradient is R over the weights of its layer, since each is 1.
    r = 3 * 8 ** (depth + 1)
    logsynflow = depth * 64 * log(1 + Fraction(r, 64)) + 24 * log(1 + Fraction(r, 24))
    assert scores["logsynflow"] == pytest.approx(logsynflow, rel=1e-12)
    if right < 10**308:
        assert scores["synflow"] == pytest.approx(float(right), rel=1e-12)
        assert not told
    else:
        assert math.isnan(scores["synflow"])
        assert "synflow has no score: synflow is about 10 to the power of" in told
        assert "log=true" in told


def test_synflow_of_a_module_that_is_too_small() -> None:
    scores, told = scored(dense(600, weight=1 / 64), "synflow", "synflow(log=true)")
    right = math.log(3 * 601) - 601 * math.log(8)
    assert scores["synflow(log=true)"] == pytest.approx(right, rel=1e-12)
    assert math.isnan(scores["synflow"])
    assert "log=true" in told


def test_biases_are_scaled_with_their_signals() -> None:
    value, tangent = Fraction(1), Fraction(0)
    for _ in range(600):
        value, tangent = 8 * value + 3, 8 * (value + tangent)
    right = 3 * 8 * (value + tangent)
    found = scaled_module_synflow(dense(600, nn.ReLU, bias=3.0), (8,)).log
    assert found == pytest.approx(log(right), rel=1e-12)


def test_an_activation_that_is_not_the_same_at_every_scale_cannot_be_scaled() -> None:
    scores, told = scored(dense(600, nn.SiLU), "synflow", "synflow(log=true)", "params")
    assert math.isnan(scores["synflow"])
    assert math.isnan(scores["synflow(log=true)"])
    assert "does not treat signals of every size alike" in told
    assert scores["params"] > 0
    assert math.isfinite(scored(dense(100, nn.SiLU), "synflow")[0]["synflow"])


class Endless(nn.Module):
    """Logits of 1e38 times their weight, whose squares leave float32."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) * 1e38


@pytest.mark.parametrize("name", ["fisher", "grasp", "grad_norm", "snip", "plain", "jacob_cov"])
def test_no_proxy_is_infinite(name: str) -> None:
    rng = np.random.default_rng(0)
    batch = rng.normal(size=(8, 8)).astype(np.float32), rng.integers(0, 3, 8)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        score = nassearch.score(Endless(), batch, [name])[name]
    assert math.isfinite(score) or (math.isnan(score) and told)


def test_the_logarithm_keeps_the_order_and_is_that_of_the_score() -> None:
    networks = [chain(depth) for depth in (3, 1, 8)]
    for name, options in (
        ("synflow", {}),
        ("synflow", {"estimator": "sampled"}),
        ("logsynflow", {}),
        ("logsynflow", {"estimator": "sampled"}),
        ("synflow_bn", {}),
    ):
        raw = load("proxies", name)(networks, **options)
        np.testing.assert_allclose(
            load("proxies", name)(networks, log=True, **options), np.log(raw), rtol=1e-12
        )


@pytest.mark.parametrize("name", ["synflow", "logsynflow", "synflow_bn"])
def test_log_is_true_or_false(name: str) -> None:
    with pytest.raises(nassearch.errors.InvalidSetting, match=r"log of .* is true or false"):
        load("proxies", name)([chain(1)], log=2)


def test_nothing_has_no_logarithm() -> None:
    model = dense(1, weight=0.0)
    scores, told = scored(model, "synflow", "synflow(log=true)")
    assert scores["synflow"] == 0
    assert math.isnan(scores["synflow(log=true)"])
    assert "0, which has no logarithm" in told


def test_a_network_beyond_float64_leaves_no_trace_in_the_scores_of_others() -> None:
    code = (
        "import sys; import numpy as np; from test_overflow import chain; "
        "from nassearch.networks.positive.expected import expected_synflow; "
        "from nassearch.spaces import NASBench201; "
        "from nassearch.types import Task; space, task = NASBench201(), Task((3, 32, 32), 10); "
        "before = [] if sys.argv[1] == 'alone' else list(expected_synflow([chain(4, 10**200), chain(1_100)])); "
        "archs = space.sample_many(200, np.random.default_rng(0)); "
        "print(expected_synflow([space.network(arch, task) for arch in archs]).tobytes().hex())"
    )
    alone, after = (
        subprocess.run(
            [sys.executable, "-c", code, how],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for how in ("alone", "after")
    )
    assert alone == after


def vanishing(digits: int, layers: int = 300) -> nn.Module:
    """Return layers of 8 equal weights, signals falling by so many digits from the first to the last."""
    model = nn.Sequential(
        *[layer for _ in range(layers) for layer in (nn.Linear(8, 8, bias=False), nn.ReLU())]
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(10 ** (-digits / layers) / 8)
    return model


def test_logsynflow_of_vanishing_signals_is_synflow() -> None:
    # log(1 + g) is g where g is tiny. R is 8 * 10**-330, the weights being float32, and each layer adds as much.
    scores, told = scored(vanishing(330), "logsynflow", "logsynflow(log=true)", "synflow(log=true)")
    assert math.isnan(scores["logsynflow"]) and "10 to the power of -326.6" in told
    by_hand = math.log(8 * 300) + 300 * math.log(8 * float(np.float32(10**-1.1 / 8)))
    assert scores["logsynflow(log=true)"] == pytest.approx(by_hand, rel=1e-9)
    assert scores["synflow(log=true)"] == pytest.approx(by_hand, rel=1e-9)


def test_signals_that_vanish_at_every_scale_are_not_taken_for_none() -> None:
    scores, told = scored(vanishing(900), "synflow", "logsynflow")
    assert all(map(math.isnan, scores.values())) and "vanish below what float64 holds" in told
    severed = vanishing(9)
    with torch.no_grad():
        severed[20].weight.zero_()  # type: ignore[operator, union-attr]
    assert scored(severed, "synflow", "logsynflow")[0] == {"synflow": 0, "logsynflow": 0}
