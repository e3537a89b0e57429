"""Proxies of activations, held against their formulas written out, and against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nassearch
from nassearch.errors import InvalidSetting
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.activations.distinct import sample_patterns, unit_patterns
from nassearch.networks.probe.activations.drawing import draw_weights
from nassearch.networks.probe.activations.noised import features
from nassearch.networks.probe.activations.regions import crops
from nassearch.networks.thinned import thinned
from nassearch.proxies.model import together
from nassearch.registry import load
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nats_size import NATSSize
from nassearch.types import Batch, Task

SPACE, TASK = NASBench201(), Task((3, 8, 8), 4, (4, 8), 1)
RNG = np.random.default_rng(0)
BATCH = Batch(RNG.standard_normal((12, 3, 8, 8)).astype(np.float32), np.arange(12) % 3)
ARCHS = [*SPACE.sample_many(4, np.random.default_rng(5)), (3,) * 6, (0, 3, 0, 0, 2, 1)]
"""The last has a dead convolution, and ReLUs on zeros."""
ALIVE = [arch for arch in ARCHS if SPACE.key(arch) != "0"]
"""Those whose logits depend on their inputs."""


def network_score(spec: str, arch: Any, batch: Batch | None = BATCH, **options: Any) -> float:
    proxy = load("proxies", spec)
    options = {"batch_size": len(BATCH.inputs), **options}
    ((scores, failures),) = together([(proxy, options, batch)], [SPACE.network(arch, TASK)])
    assert not failures, failures
    return float(scores[0])


def whole_pass(model: TorchNetwork, x: Tensor) -> list[tuple[nn.Module, Tensor, Tensor]]:
    """Return the module, what it takes and what it gives at each call of a layer, dead layers included."""
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []
    leaves = [m for m in model.modules() if not list(m.children())]
    handles = [
        m.register_forward_hook(lambda m, given, y: calls.append((m, given[0].clone(), y.clone())))
        for m in leaves
    ]
    with torch.no_grad():
        for block in model.blocks:
            x = block.compute(x, range(len(block.block)))[len(block.block) - 1]  # type: ignore[operator, arg-type, index]
    for handle in handles:
        handle.remove()
    return calls


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 63, 64, 65, 130])
def test_patterns_are_counted_exactly(size: int) -> None:
    rng = np.random.default_rng(size)
    patterns = [
        torch.from_numpy(rng.random((size, units)) < p) for units, p in ((50, 0.5), (40, 0.02), (1, 0.5))
    ]
    columns = {tuple(column) for pattern in patterns for column in pattern.T.tolist()}
    rows = {tuple(row) for row in torch.cat(patterns, 1).tolist()}
    assert unit_patterns(patterns) == len(columns)
    assert sample_patterns(patterns) == len(rows)


def test_no_patterns_are_none() -> None:
    assert unit_patterns([]) == sample_patterns([]) == 0


@pytest.mark.parametrize("arch", ARCHS)
def test_swap_is_its_definition(arch: Any) -> None:
    model = initialised(SPACE.network(arch, TASK), 0).train()
    calls = whole_pass(model, torch.from_numpy(BATCH.inputs))
    seen = [(x > 0).flatten(1).T.tolist() for m, x, _ in calls if isinstance(m, nn.ReLU)]
    expected = len({tuple(unit) for units in seen for unit in units})
    # Convolutions with channels last round otherwise, so that a value near zero may change its sign.
    assert abs(network_score("swap", arch) - expected) <= 1e-3 * expected


def test_swap_of_a_module_by_hand() -> None:
    """Units see x, -x, x and 2x + 1 of the samples 1 and -1: positive in (1, 0), (0, 1), (1, 0) and (1, 0)."""
    model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 2))
    model[0].weight.data = torch.tensor([[1.0], [-1.0], [1.0], [2.0]])
    model[0].bias.data = torch.tensor([0.0, 0.0, 0.0, 1.0])
    batch = Batch(np.array([[1.0], [-1.0]], np.float32))
    assert nassearch.score(model, batch, ["swap"])["swap"] == 2
    # 4 + 4 + 8 + 2 parameters: (.018 - 1)^2 / 2
    factor = math.exp(-((0.018 - 1) ** 2) / 2)
    assert nassearch.score(model, batch, ["swap(mu=1, sigma=2)"])["swap(mu=1, sigma=2)"] == pytest.approx(
        2 * factor
    )


@pytest.mark.parametrize(
    "spec", ["swap(mu=1)", "swap(sigma=1)", "swap(mu=-1, sigma=2)", "swap(mu=1, sigma=0)"]
)
def test_swap_takes_both_settings_of_the_regularised_score(spec: str) -> None:
    with pytest.raises(InvalidSetting, match=r"mu and sigma together|positive number"):
        nassearch.score(nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 2)), np.ones((2, 1)), [spec])


@pytest.mark.parametrize("arch", ARCHS)
def test_meco_is_its_definition(arch: Any) -> None:
    model = initialised(SPACE.network(arch, TASK), 0).train()
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = 0.0
    for _, _, y in whole_pass(model, x):
        if y.dim() > 2:
            correlation = np.nan_to_num(torch.corrcoef(y[0].flatten(1).double()).numpy())
            expected += float(np.linalg.eigvalsh(correlation)[0])
    # Eigenvalues that are 0 are so but for rounding in float32: 30 maps of 1e-6 at most.
    assert network_score("meco", arch, None) == pytest.approx(expected, rel=1e-4, abs=3e-5)


def test_meco_of_drawn_channels_is_weighted_by_how_many_there_are() -> None:
    """Two layers of 4 orthogonal maps: the least eigenvalue is 1 of any two of them, which count 4 / 2 times."""
    maps = torch.tensor([[1.0, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])

    class Maps(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return maps[None] + 0 * x.mean()

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.end = Maps(), Maps(), nn.Linear(12, 2)

        def forward(self, x: Tensor) -> Any:
            return self.end((self.first(x) + self.second(x)).flatten(1).expand(len(x), -1))

    batch = Batch(np.ones((2, 1, 2, 2), np.float32))
    found = nassearch.score(Model(), batch, ["meco", "meco(channels=2)", "meco(channels=8)"])
    assert found == pytest.approx({"meco": 2, "meco(channels=2)": 2 * 3 / 2, "meco(channels=8)": 2})


@pytest.mark.parametrize("arch", ALIVE)
def test_zen_is_its_definition(arch: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    model = initialised(SPACE.network(arch, TASK), 1).train()
    draw_weights(model, generator)
    x = torch.randn(12, 3, 8, 8, generator=generator)
    moved = x + 0.01 * torch.randn(12, 3, 8, 8, generator=generator)
    expected = 0.0
    for module, given, _ in whole_pass(model, x):
        if (
            isinstance(module, nn.BatchNorm2d)
            and (variance := float(given.var((0, 2, 3), correction=0).mean())) > 0
        ):
            expected += math.log(math.sqrt(variance))
    (before, after) = (whole_pass(model, z)[-2][2] for z in (x, moved))  # the ReLU in front of the classifier
    expected += math.log(float((before - after).flatten(1).norm(dim=1).mean()))
    assert network_score("zen", arch, None) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("zen", "do not move"), ("ntk_cond", "singular"), ("epe_nas", "do not depend on a sample")],
)
def test_where_nothing_depends_on_the_inputs_there_is_a_reason(name: str, reason: str) -> None:
    request = load("proxies", name), {"batch_size": 12}, BATCH
    ((scores, failures),) = together([request], [SPACE.network((0,) * 6, TASK)])
    assert np.isnan(scores).all() and reason in failures[0]


def test_swap_of_a_network_of_no_edge_is_one() -> None:
    assert network_score("swap", (0,) * 6) == 1


def test_zen_averages_draws() -> None:
    one, two = (network_score("zen", ALIVE[0], None, draws=draws) for draws in (1, 2))
    assert one != two and abs(one - two) < 0.2 * abs(one)


def test_features_are_those_in_front_of_pooling() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.block = nn.Conv2d(3, 4, 3), nn.Sequential(nn.Conv2d(4, 5, 3), nn.ReLU())
            self.pool, self.end = nn.AdaptiveAvgPool2d(1), nn.Linear(5, 2)

        def forward(self, x: Tensor) -> Any:
            return self.end(self.pool(self.block(self.first(x))).flatten(1))

    x = torch.randn(2, 3, 8, 8)
    model = Net()
    assert torch.equal(features(model, x), model.block(model.first(x)))
    flat = nn.Sequential(nn.Flatten(), nn.Linear(192, 6), nn.GELU(), nn.Linear(6, 2))
    assert torch.equal(features(flat, x), flat[:3](x))


def test_zen_of_words_says_why_there_is_none() -> None:
    words = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 2))
    with pytest.warns(RuntimeWarning, match="inputs of this model are words"):
        assert math.isnan(nassearch.score(words, np.ones((4, 3), np.int64), ["zen"])["zen"])


@pytest.mark.parametrize("arch", ALIVE)
def test_ntk_cond_is_its_definition(arch: Any) -> None:
    model = initialised(SPACE.network(arch, TASK), 0, "kaiming", "zero").train()
    logits = model(torch.from_numpy(BATCH.inputs))
    weights = [p for name, p in model.named_parameters() if not name.endswith("bias")]
    rows = []
    for i in range(len(logits)):
        found = torch.autograd.grad(logits[i].sum(), weights, retain_graph=True, allow_unused=True)
        rows.append(torch.cat([g.flatten() for g in found if g is not None]))
    values = np.linalg.svd(torch.stack(rows).double().numpy(), compute_uv=False) ** 2
    assert network_score("ntk_cond", arch) == pytest.approx(values[0] / values[-1], rel=1e-4)


def test_ntk_cond_of_equal_samples_is_none() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with pytest.warns(RuntimeWarning, match="ntk_cond has no score"):
        assert math.isnan(nassearch.score(model, np.ones((3, 2)), ["ntk_cond"])["ntk_cond"])


def test_epe_nas_is_its_definition() -> None:
    model = initialised(SPACE.network(ARCHS[0], TASK), 0).train()
    x = torch.tensor(BATCH.inputs).requires_grad_()
    (rows,) = torch.autograd.grad(model(x).sum(), x)
    labels = np.asarray(BATCH.labels)
    scores = []
    for c in range(3):
        correlation = np.corrcoef(rows.flatten(1).double().numpy()[labels == c])
        scores.append(float(np.log(np.abs(correlation) + 1e-5).sum()))
    assert network_score("epe_nas", ARCHS[0]) == pytest.approx(sum(map(abs, scores)), rel=1e-4)
    # 4 samples a class make 16 pairs; each pair of the 3 classes is met twice.
    many = sum(abs(a - b) for a in scores for b in scores) / 2 / 16 / 3
    assert network_score("epe_nas", ARCHS[0], tau=2) == pytest.approx(many, rel=1e-3)


def test_linear_regions_by_hand() -> None:
    """Two units cut the line at 0 and at 1: of the samples -1, 0.5, 0.7 and 2 two lie in one piece."""
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 2))
    model[0].weight.data, model[0].bias.data = torch.ones(2, 1), torch.tensor([0.0, -1.0])
    batch = Batch(np.array([[-1.0], [0.5], [0.7], [2.0]], np.float32))
    assert nassearch.score(model, batch, ["linear_regions"])["linear_regions"] == 3


@pytest.mark.parametrize("arch", ARCHS)
def test_linear_regions_are_those_of_the_thin_network(arch: Any) -> None:
    small = initialised(thinned(SPACE.network(arch, TASK), 3), 0, "kaiming", "zero").train()
    x = crops(torch.from_numpy(BATCH.inputs), 200, 3, torch.Generator().manual_seed(0))
    calls = whole_pass(small, x)
    codes = torch.cat([(x > 0).flatten(1) for m, x, _ in calls if isinstance(m, nn.ReLU)], 1)
    assert network_score("linear_regions", arch, samples=200) == len({tuple(row) for row in codes.tolist()})


@pytest.mark.parametrize("space", [NASBench101(), NATSSize(), SPACE], ids=lambda s: s.name)
def test_thin_networks_run(space: Any) -> None:
    for arch in space.sample_many(10, np.random.default_rng(1)):
        small = TorchNetwork(thinned(space.network(arch, TASK), 3), torch.Generator().manual_seed(0))
        logits = small.train()(torch.randn(5, 1, 3, 3))
        assert logits.shape == (5, TASK.classes)


def test_crops_are_of_the_inputs() -> None:
    inputs = torch.arange(2 * 3 * 5 * 6.0).view(2, 3, 5, 6)
    found = crops(inputs, 50, 3, torch.Generator().manual_seed(1))
    assert found.shape == (50, 1, 3, 3)
    corners = set()
    for n, crop in enumerate(found):
        corner = int(crop[0, 0, 0]) - (n % 2) * 90
        row, column = divmod(corner, 6)
        assert torch.equal(crop[0], inputs[n % 2, 0, row : row + 3, column : column + 3])
        corners.add((row, column))
    assert corners == {(row, column) for row in range(3) for column in range(4)}


def test_layers_count_what_holds_weights() -> None:
    # Stem, 3 convolutions of the reduction, classifier; a convolution on each of 6 edges of 2 cells.
    assert network_score_of_counts((3,) * 6) == 1 + 3 + 1 + 12
    assert network_score_of_counts((0,) * 6) == 0, "nothing reaches the classifier"
    # Edges into node 1 and on from it to the output are live; 0>2 leads nowhere, and 2>3 reads zeros.
    assert network_score_of_counts((3, 2, 0, 0, 1, 0)) == 5 + 2
    assert network_score_of_counts((3, 0, 0, 0, 2, 3)) == 5 + 2 * 2
    for arch in ARCHS:
        model = initialised(SPACE.network(arch, TASK), 0)
        assert nassearch.score(model, BATCH, ["layers"])["layers"] == network_score_of_counts(arch)


def network_score_of_counts(arch: Any) -> float:
    return float(load("proxies", "layers")([SPACE.network(arch, TASK)])[0])


def test_layers_of_modules_are_their_trained_weights() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w, self.shift, self.end = (
                nn.Parameter(torch.ones(12, 5)),
                nn.Parameter(torch.ones(5)),
                nn.Linear(5, 2),
            )

        def forward(self, x: Tensor) -> Any:
            return self.end(torch.relu(x.flatten(1) @ self.w + self.shift))

    flat = nn.Sequential(nn.Flatten(), nn.Linear(12, 12), nn.LayerNorm(12), nn.Linear(12, 2))
    inputs = np.ones((2, 3, 2, 2))
    assert nassearch.score(Bare(), inputs, ["layers"])["layers"] == 2
    assert nassearch.score(flat, inputs, ["layers"])["layers"] == 2
    flat[1].weight.requires_grad_(False)
    assert nassearch.score(flat, inputs, ["layers"])["layers"] == 1


def test_naswot_and_swap_share_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    patterns = TorchNetwork.relu_patterns
    monkeypatch.setattr(TorchNetwork, "relu_patterns", lambda self, x: passes.append(1) or patterns(self, x))
    options = {"batch_size": 12}
    requests = [(load("proxies", name), options, BATCH) for name in ("naswot", "swap")]
    together(requests, [SPACE.network(ARCHS[0], TASK)])
    assert len(passes) == 1
