"""Gradients of parts of a batch, and of samples alone, are those of passes on the parts alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from modules import MODELS, make
from torch import nn
from torch.nn import functional as F

from nassearch.errors import InvalidSetting
from nassearch.networks import counting
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.samples.alone import own_gradients
from nassearch.networks.probe.samples.batches import batch_gradients, layer_sums
from nassearch.networks.probe.samples.fisher import fisher_information
from nassearch.networks.probe.samples.shares import share_of
from nassearch.networks.probe.tape.probe import TapeProbe
from nassearch.proxies.model import read_one
from nassearch.registry import load
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

RNG = torch.Generator().manual_seed(0)
INPUTS, LABELS = torch.randn(6, 3, 8, 8, generator=RNG), torch.tensor([0, 1, 2, 3, 4, 0])
TASK = Task((3, 8, 8), 5, (4, 8), 1)
CLOSE = {"rtol": 1e-3, "atol": 1e-5}
"""Other orders of sums, through a few layers of float32."""


class Plain(nn.Module):
    """One of our networks that is not seen to be one."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> Any:
        return self.model(x)


def networks() -> list[Any]:
    found = []
    for space in (NASBench201(), NASBench101()):
        archs = space.sample_many(3, np.random.default_rng(1))
        found += [space.network(arch, TASK) for arch in archs]
    return found


def probe(model: nn.Module, kind: Any = Probe, size: int = 6) -> Any:
    return kind(model, INPUTS[:size], LABELS[:size], reads=["gradients"])


def layers() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    """Return layers of many kinds, and the shape of what they see."""
    return {
        "plain": (nn.Conv2d(3, 4, 3, padding=1), (3, 8, 8)),
        "one": (nn.Conv2d(3, 4, 1), (3, 8, 8)),
        "strides": (nn.Conv2d(3, 4, 3, (2, 1), (1, 0)), (3, 8, 8)),
        "dilated": (nn.Conv2d(3, 4, (3, 2), padding=(1, 0), dilation=(1, 4)), (3, 8, 8)),
        "groups": (nn.Conv2d(4, 6, 3, groups=2), (4, 8, 8)),
        "signals": (nn.Conv1d(3, 4, 4, 3, 1), (3, 64)),
        "volumes": (nn.Conv3d(2, 3, (1, 3, 3)), (2, 3, 8, 8)),
        "linear": (nn.Linear(8, 5), (8,)),
        "positions": (nn.Linear(8, 5), (3, 7, 8)),
    }


@pytest.mark.parametrize("name", layers())
def test_the_share_of_a_sample_is_its_gradient(name: str) -> None:
    layer, shape = layers()[name]
    x = torch.randn(5, *shape, generator=RNG)
    z: Any = layer(x)
    dz = torch.randn(z.shape, generator=RNG)
    window: Any = None
    if not isinstance(layer, nn.Linear):
        window = (layer.stride, layer.padding, layer.dilation, False, [0], layer.groups)
    weight: Any = layer.weight
    for n, share in enumerate(share_of(x, dz, weight.shape, window)):
        (expected,) = torch.autograd.grad(layer(x[n : n + 1]), weight, dz[n : n + 1])
        torch.testing.assert_close(share, expected, **CLOSE)


@pytest.mark.parametrize("network", networks())
def test_samples_of_our_networks_together_are_samples_alone(network: Any) -> None:
    model = initialised(network, 0)
    fast, slow = probe(model), probe(Plain(model))
    for one, other in zip(
        own_gradients(fast, lambda g: g.abs().sum(0)),
        own_gradients(slow, lambda g: g.abs().sum(0)),
        strict=True,
    ):
        torch.testing.assert_close(one.expand_as(other), other, **CLOSE)
    for each, passes in ((1, None), (3, None), (2, 2)):
        (one, reached), (other, those) = (fisher_information(of, 128, each, passes) for of in (fast, slow))
        assert reached == those == counting.layers(network)
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5 * float(other.abs().max()))
    before = [module.training for module in fast.model.modules()]
    assert all(before), "nothing of the pass on samples alone is left in the model"
    torch.testing.assert_close(fast.logits, slow.logits, **CLOSE)


@pytest.mark.parametrize("name", MODELS)
def test_fisher_information_is_the_mean_square_of_what_the_model_expects(name: str) -> None:
    looked_at = probe(make(name))
    weights = [each.parameter for each in looked_at._weighted]
    found = fisher_information(looked_at, 128, 1, None).matrix
    expected = torch.zeros_like(found)
    for n in range(6):
        with torch.random.fork_rng():
            torch.manual_seed(0)  # as the probe's, for dropout
            logs = F.log_softmax(looked_at.model(INPUTS[n : n + 1]), 1)[0]
        for log in logs:
            by = torch.autograd.grad(log, weights, retain_graph=True)
            row = torch.stack([g.flatten()[0] for g in by]).double()
            expected += log.detach().double().exp() * torch.outer(row, row) / 6
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))


def test_few_passes_expect_the_exact_matrix() -> None:
    looked_at = probe(make("plain"))
    exact = fisher_information(looked_at, 2, 1, None).matrix
    assert torch.equal(fisher_information(looked_at, 2, 1, 5).matrix, exact), "as many as there are classes"
    drawn = []
    for seed in range(200):
        other = probe(looked_at.model)
        other.seed = seed  # the model draws nothing but dropout, which this seed leaves at rest
        other.model.eval()
        drawn.append(fisher_information(other, 2, 1, 2).matrix)
    looked_at.model.eval()
    still = probe(looked_at.model)
    still.model.eval()
    mean, expected = torch.stack(drawn).mean(0), fisher_information(still, 2, 1, None).matrix
    deviation = torch.stack(drawn).std(0) / math.sqrt(len(drawn))
    # Five standard errors: of four numbers one is farther by chance in fewer than 1 of 100,000 tries.
    assert bool(((mean - expected).abs() < 5 * deviation).all())


@pytest.mark.parametrize("kind", [Probe, TapeProbe])
def test_batches_are_those_that_a_probe_is_given_alone(kind: Any) -> None:
    model = initialised(networks()[0], 0)
    first, second = batch_gradients(probe(model, kind), 2)
    rest = kind(model, INPUTS[3:], LABELS[3:], reads=["gradients"])
    for found, alone in ((first, probe(model, kind, 3).gradients), (second, rest.gradients)):
        assert all(torch.equal(one, other) for one, other in zip(found, alone, strict=True))
    with pytest.raises(InvalidSetting, match="raise batch_size"):
        batch_gradients(probe(model, kind), 7)


def linear() -> nn.Module:
    """Return two logits of one input, both 0."""
    model = nn.Linear(1, 2, bias=False)
    nn.init.zeros_(model.weight)
    return model


def score(name: str, inputs: list[float], labels: list[int], **options: Any) -> float:
    batch = Batch(np.array(inputs, np.float32)[:, None], np.array(labels))
    (found,) = read_one([(load("proxies", name), {"batch_size": len(inputs), **options})], linear(), batch)
    assert isinstance(found, float), found
    return found


def test_zico_by_hand() -> None:
    # Gradients of the first weight are (p - [label 0]) x with p = 1/2: -1 and -3; those of the second 1 and 3.
    # Mean 2 and deviation 1 for both.
    assert score("zico", [2, 6], [0, 0]) == pytest.approx(math.log(4))
    # -1 and 3: sizes as before, and the gradients' own deviation is 2.
    assert score("zico", [2, 6], [0, 1], spread="sizes") == pytest.approx(math.log(4))
    assert score("zico", [2, 6], [0, 1]) == pytest.approx(math.log(2))
    # All batches agree: nothing can be said.
    assert math.isnan(score("zico", [2, 2], [0, 0]))
    assert layer_sums(
        Probe(linear(), torch.tensor([[2.0], [6.0]]), torch.tensor([0, 0])), 2, "sizes", False
    ) == [2]


def test_gradsign_by_hand() -> None:
    # Signs -, -, + by the first weight and the opposite by the second: |-1| + |1|; a gradient of 0 has no sign.
    assert score("gradsign", [1, 2, 3], [0, 0, 1]) == 2
    assert score("gradsign", [1, 2, 0], [0, 0, 1]) == 4


def test_vkdnw_by_hand() -> None:
    # One weight has one eigenvalue, whose nine deciles are equal; two weights of a classifier that only differ in sign
    # have the eigenvalues 0 and e, with deciles in proportion 1 to 9.
    assert score("vkdnw", [1, 2], [0, 0]) == pytest.approx(1 + math.log(9))
    entropy = -sum(n / 45 * math.log(n / 45) for n in range(1, 10))
    assert score("vkdnw", [1, 2], [0, 0], each=2, size=False) == pytest.approx(entropy)
    assert math.isnan(score("vkdnw", [0, 0], [0, 0]))
