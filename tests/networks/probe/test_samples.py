"""Gradients of parts of a batch are those of passes on the parts alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from modules import MODELS, make
from torch import nn
from torch.nn import functional as F

from nassearch.errors import InvalidModel, InvalidSetting
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.samples.batches import batch_gradients
from nassearch.networks.probe.samples.each import sample_gradients
from nassearch.networks.probe.tape.probe import TapeProbe
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Task

RNG = torch.Generator().manual_seed(0)
INPUTS, LABELS = torch.randn(6, 3, 8, 8, generator=RNG), torch.tensor([0, 1, 2, 3, 4, 0])
TASK = Task((3, 8, 8), 5, (4, 8), 1)


class Folded(nn.Module):
    """A layer whose weight is a product of two parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Parameter(torch.randn(192, 3)), nn.Parameter(torch.randn(3, 5))

    def forward(self, x: torch.Tensor) -> Any:
        return x.flatten(1) @ (self.left @ self.right)


def networks() -> list[Any]:
    found = []
    for space in (NASBench201(), NASBench101()):
        archs = space.sample_many(3, np.random.default_rng(1))
        found += [space.network(arch, TASK) for arch in archs]
    return found


def probe(model: nn.Module, kind: Any = Probe, size: int = 6) -> Any:
    return kind(model, INPUTS[:size], LABELS[:size], reads=["gradients"])


def shares(of: Any, what: str = "loss") -> list[torch.Tensor]:
    return [torch.cat(parts) for parts in sample_gradients(of, lambda each: each, what)]


@pytest.mark.parametrize("name", MODELS)
def test_samples_share_the_gradient_of_their_batch(name: str) -> None:
    looked_at = probe(make(name))
    for each, whole in zip(shares(looked_at), looked_at.gradients, strict=True):
        assert each.shape == (6, *whole.shape)
        torch.testing.assert_close(each.sum(0) / 6, whole, rtol=1e-4, atol=1e-6)  # sums in another order


def alone() -> dict[str, nn.Module]:
    """Return models whose samples do not see each other, of layers of many kinds."""
    linear = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    return {
        "layer_norm": make("layer_norm"),
        "twice": make("twice"),
        "attention": make("attention").eval(),
        "groups": nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU(), nn.Conv2d(6, 3, 3), linear),
        "strides": nn.Sequential(nn.Conv2d(3, 3, 3, 2, 1), nn.Tanh(), nn.ConvTranspose2d(3, 3, 1), linear),
        "dilated": nn.Sequential(
            nn.Conv2d(3, 3, (3, 2), padding=(1, 0), dilation=(1, 4)), nn.Conv2d(3, 3, (5, 1)), linear
        ),
        "signals": nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 3, 4, 4), linear),
        "volumes": nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 3, (3, 5, 5)), linear),
        "positions": nn.Sequential(nn.Linear(8, 2), nn.Flatten(), nn.Linear(48, 5)),
    }


@pytest.mark.parametrize("of", ["loss", "logits"])
@pytest.mark.parametrize("name", alone())
def test_where_samples_do_not_meet_each_has_its_own_gradient(name: str, of: str) -> None:
    torch.manual_seed(0)
    model = alone()[name]
    looked_at = probe(model)
    model = looked_at.model
    if name == "attention":
        for part in model.modules():  # the probe trains it, and dropout draws for a whole batch
            if isinstance(part, nn.MultiheadAttention):
                part.dropout = 0.0
            if isinstance(part, nn.Dropout):
                part.p = 0.0
    found = shares(looked_at, of)
    weights = [each.parameter for each in looked_at._weighted]
    for n in range(6):
        logits = model(INPUTS[n : n + 1])
        value = logits.sum() if of == "logits" else F.cross_entropy(logits, LABELS[n : n + 1])
        for each, expected in zip(found, torch.autograd.grad(value, weights), strict=True):
            torch.testing.assert_close(each[n], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", networks())
def test_the_tape_and_autograd_agree(network: Any) -> None:
    fast, slow = probe(initialised(network, 0), TapeProbe), probe(initialised(network, 0))
    for one, other in zip(shares(fast), shares(slow), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    for ones, others in zip(batch_gradients(fast, 2), batch_gradients(slow, 2), strict=True):
        for one, other in zip(ones, others, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", [Probe, TapeProbe])
def test_batches_are_those_that_a_probe_is_given_alone(kind: Any) -> None:
    model = initialised(networks()[0], 0)
    first, second = batch_gradients(probe(model, kind), 2)
    alone = kind(model, INPUTS[3:], LABELS[3:], reads=["gradients"])
    for one, other in zip(first, probe(model, kind, 3).gradients, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(second, alone.gradients, strict=True):
        assert torch.equal(one, other)


def test_what_cannot_be_parted_is_said() -> None:
    with pytest.raises(InvalidSetting, match="raise batch_size"):
        batch_gradients(probe(make("plain")), 7)
    with pytest.raises(InvalidModel, match="computed from other parameters"):
        shares(probe(Folded()))
