"""Naswot tells samples from positions: a model has one value however its axes lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import nassearch
from nassearch.errors import InvalidModel
from nassearch.networks.probe.probe import Probe

WIDTH = 6


class Encoder(nn.Module):
    """A transformer of positions, of which one axis or the other comes first."""

    def __init__(
        self, batch_first: bool, tokens: bool = False, units: int = 16, dropout: float = 0.0
    ) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = batch_first
        self.table = nn.Embedding(11, WIDTH) if tokens else nn.Identity()
        self.block = nn.TransformerEncoderLayer(WIDTH, 2, units, dropout, batch_first=batch_first)
        self.between, self.end = nn.Linear(WIDTH, 8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Any:
        x = self.table(x)
        x = self.block(x if self.first else x.transpose(0, 1))
        return self.end(F.relu(self.between(x.mean(1 if self.first else 0))))


class Recurrent(nn.Module):
    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.rnn = batch_first, nn.LSTM(WIDTH, 8, batch_first=batch_first)
        self.each, self.end = nn.Linear(8, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        x = F.relu(self.each(self.rnn(x if self.first else x.transpose(0, 1))[0]))
        return self.end(x.mean(1 if self.first else 0))


class Laid(nn.Module):
    """One ReLU on positions of samples as `there` lays them; `back` makes `[B, T, units]` of them again."""

    def __init__(
        self, there: Callable[[Tensor], Tensor], back: Callable[[Tensor, int], Tensor], *more: nn.Module
    ) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.there, self.back = there, back
        self.each = nn.Sequential(nn.Linear(WIDTH, 16), *more)
        self.end = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        return self.end(self.back(F.relu(self.there(self.each(x))), len(x)).mean(1))


PLAIN = (lambda x: x, lambda y, size: y)
LAYOUTS: dict[str, tuple[Any, Any]] = {
    "positions, samples, units": (lambda x: x.transpose(0, 1), lambda y, size: y.transpose(0, 1)),
    "units, samples, positions": (lambda x: x.permute(2, 0, 1), lambda y, size: y.permute(1, 2, 0)),
    "units, positions, samples": (lambda x: x.permute(2, 1, 0), lambda y, size: y.permute(2, 1, 0)),
    "samples and positions": (lambda x: x.flatten(0, 1), lambda y, size: y.unflatten(0, (size, -1))),
    "positions and samples": (
        lambda x: x.transpose(0, 1).flatten(0, 1),
        lambda y, size: y.unflatten(0, (-1, size)).transpose(0, 1),
    ),
    "units, then samples and positions": (
        lambda x: x.permute(2, 0, 1).flatten(1),
        lambda y, size: y.unflatten(1, (size, -1)).permute(1, 2, 0),
    ),
    "half the positions around samples": (
        lambda x: x.unflatten(1, (2, -1)).transpose(0, 1).flatten(0, 2),
        lambda y, size: y.unflatten(0, (2, size, -1)).transpose(0, 1).flatten(1, 2),
    ),
    "a loop over positions": (
        lambda x: x.transpose(0, 1),
        lambda y, size: torch.stack([F.relu(each) for each in y], 1),
    ),
}


def inputs(size: int, positions: int, tokens: bool = False) -> Any:
    rng = np.random.default_rng(size + 100 * positions)
    if tokens:
        return rng.integers(11, size=(size, positions))
    return rng.standard_normal((size, positions, WIDTH)).astype(np.float32)


def naswot(model: nn.Module, batch: Any) -> float:
    return nassearch.score(model, batch, ["naswot"])["naswot"]


def reason(model: nn.Module, batch: Any) -> str:
    with pytest.warns(RuntimeWarning) as seen:
        assert math.isnan(naswot(model, batch))
    return str(seen[0].message)


def kernel(model: nn.Module, batch: Tensor, together: int = 0) -> list[list[float]]:
    """Return the kernel of a model; `together` samples at a time, as where memory is short."""
    probe = Probe(model, batch, reads=["relu_kernel"])
    probe._together = together or len(batch)
    return probe.relu_kernel.tolist()  # type: ignore[no-any-return]


def agreeing(positive: list[Tensor], calls: int = 1) -> list[list[int]]:
    return [[calls * int((a == b).sum()) for a in positive] for b in positive]


# As many positions as samples, more, fewer and one; as many units as samples (16).
SIZES = [(8, 8), (8, 16), (8, 5), (16, 4), (16, 16), (8, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("tokens", [False, True], ids=["signals", "tokens"])
def test_a_transformer_has_one_kernel_whichever_axis_comes_first(
    sizes: tuple[int, int], tokens: bool
) -> None:
    batch = torch.from_numpy(inputs(*sizes, tokens))
    model, other = (Encoder(batch_first, tokens) for batch_first in (True, False))
    seen: list[Tensor] = []
    model.block.linear1.register_forward_hook(lambda *args: seen.append(args[2] > 0))
    model.between.register_forward_hook(lambda *args: seen.append(args[2] > 0))
    model.train()(batch)
    right = np.sum([agreeing(list(each)) for each in seen], axis=0).tolist()
    assert kernel(model, batch) == kernel(other, batch) == kernel(other, batch, together=3) == right


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_recurrent_model_has_one_kernel_whichever_axis_comes_first(sizes: tuple[int, int]) -> None:
    batch = torch.from_numpy(inputs(*sizes))
    model, other = Recurrent(True), Recurrent(False)
    right = agreeing(list(model.each(model.rnn(batch)[0]) > 0))
    assert kernel(model, batch) == kernel(other, batch) == right


def test_scores_of_users_are_those_of_the_kernel() -> None:
    batch = inputs(8, 8)
    first, second = (naswot(Encoder(batch_first), batch) for batch_first in (True, False))
    assert first == second == np.linalg.slogdet(np.array(kernel(Encoder(True), torch.from_numpy(batch))))[1]


@pytest.mark.parametrize("sizes", [(8, 8), (16, 4), (8, 16), (2, 2), (4, 6)], ids=str)
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_have_the_kernel_of_a_loop_over_samples(name: str, sizes: tuple[int, int]) -> None:
    batch = torch.from_numpy(inputs(*sizes))
    model = Laid(*LAYOUTS[name])
    right = agreeing([model.each(x) > 0 for x in batch], 2 if name == "a loop over positions" else 1)
    assert kernel(model, batch) == kernel(model, batch, together=3) == right


@pytest.mark.parametrize("name", ["samples and positions", "positions and samples"])
def test_layers_that_look_at_the_batch_or_draw_leave_the_layout_clear(name: str) -> None:
    class Channels(nn.BatchNorm1d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.transpose(1, 2)).transpose(1, 2)

    layers = (Channels(16), nn.Dropout(0.2))
    model = Laid(*LAYOUTS[name], *layers).train()
    batch = torch.from_numpy(inputs(8, 6))
    assert kernel(model, batch) == kernel(Laid(*PLAIN, *layers), batch)


class Looped(nn.Module):
    """Looks at one sample at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.each, self.end = nn.Linear(WIDTH, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        return self.end(torch.stack([F.relu(self.each(one)).mean(0) for one in x]))


class Pairs(Looped):
    def forward(self, x: Tensor) -> Any:
        x = self.each(x).mean(1)
        return self.end(F.relu(x[:, None] - x[None]).mean(0))


class Mean(Looped):
    """A gate that sees the mean of all samples."""

    def forward(self, x: Tensor) -> Any:
        x = self.each(x).mean(1)
        return self.end(F.relu(x) * F.relu(x.mean(0)))


class Alike(Looped):
    """All positions of a sample are one, and all samples are, so that nothing tells which is which."""

    def forward(self, x: Tensor) -> Any:
        y = F.relu(self.each(x).square().flatten(0, 1))
        return self.end(y.unflatten(0, (len(x), -1)).mean(1))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Looped, "the calls of ReLUs grow with the batch"),
        (Pairs, r"\[8, 8, 16\] are for 8 samples, on an axis that cannot be told"),
        (Mean, r"one sees \[16\] for any samples"),
        (Alike, r"\[64, 16\] are for 8 samples, and whose are which cannot be told"),
    ],
)
def test_what_cannot_be_told_apart_has_a_reason_and_no_number(kind: Any, words: str) -> None:
    probe = Probe(kind(), torch.from_numpy(inputs(8, 8)), reads=["relu_kernel"])
    with pytest.raises(InvalidModel, match=words):
        _ = probe.relu_kernel
    assert "samples" in reason(kind(), inputs(8, 8))


class Fixed(nn.Module):
    """Takes batches of eight alone."""

    def __init__(self, batch_first: bool, units: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.each, self.end = batch_first, nn.Linear(WIDTH, units), nn.Linear(units, 5)

    def forward(self, x: Tensor) -> Any:
        x = self.each(x.view(8, -1, WIDTH))
        x = F.relu(x) if self.first else F.relu(x.transpose(0, 1)).transpose(0, 1)
        return self.end(x.mean(1))


def test_a_model_of_one_size_of_batch_has_a_value_where_the_first_axis_alone_fits() -> None:
    batch = torch.from_numpy(inputs(8, 5))
    model = Fixed(True, 15)
    assert kernel(model, batch) == agreeing([model.each(x) > 0 for x in batch])
    # 16 units are two for each of eight samples, and eight positions one.
    for model, positions in (
        (Fixed(True, 16), 5),
        (Fixed(True, 15), 8),
        (Fixed(False, 15), 8),
        (Fixed(False, 15), 5),
    ):
        with pytest.raises(InvalidModel, match="on an axis that cannot be told"):
            kernel(model, torch.from_numpy(inputs(8, positions)))


class Weighed(Looped):
    """A ReLU of weights that has as many rows as there are samples, beside one of samples; tokens end derivatives."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.own = nn.Embedding(11, WIDTH), nn.Parameter(torch.randn(8, 16))

    def forward(self, x: Tensor) -> Any:
        return self.end(F.relu(self.each(self.table(x).mean(1))) @ F.relu(self.own).T @ F.relu(self.own))


def test_relus_of_weights_are_no_patterns_of_samples() -> None:
    model, batch = Weighed(), torch.from_numpy(inputs(8, 5, tokens=True))
    assert kernel(model, batch) == agreeing([model.each(model.table(x).mean(0)) > 0 for x in batch])


class Together(Looped):
    def forward(self, x: Tensor) -> Any:
        return self.end(F.relu(self.each(x)).mean(1))


@pytest.mark.parametrize("sizes", [(8, 8), (8, 5), (2, 2), (3, 3)], ids=str)
def test_fisher_takes_no_positions_of_one_sample_for_samples(sizes: tuple[int, int]) -> None:
    labels, values = np.arange(sizes[0]) % 5, []
    for kind in (Looped, Together):
        torch.manual_seed(0)
        values.append(nassearch.score(kind(), (inputs(*sizes), labels), ["fisher"])["fisher"])
    assert math.isnan(values[0]) and math.isfinite(values[1])


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_fisher_has_one_value_whichever_axis_comes_first(sizes: tuple[int, int]) -> None:
    batch = inputs(*sizes), np.arange(sizes[0]) % 5
    for kind in (Encoder, Recurrent):
        first, second = (nassearch.score(kind(b), batch, ["fisher"])["fisher"] for b in (True, False))
        assert second == pytest.approx(first, rel=1e-5)  # float32: the same sums in another order
