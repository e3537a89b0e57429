"""Scores of weight gradients and CV: by hand, against slow versions, and under their options."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from nassearch.errors import InvalidModel, InvalidSetting, UnknownName
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.modules.redraw import untrained_accuracies
from nassearch.networks.probe.probe import Probe
from nassearch.proxies.model import together
from nassearch.registry import load
from nassearch.scorers import build_scorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Task

SPACE = NASBench201()
TASK = Task((3, 8, 8), 4, (4, 4, 4), 1)
RNG = np.random.default_rng(0)
BATCH = Batch(RNG.normal(size=(12, 3, 8, 8)).astype(np.float32), RNG.integers(0, 4, 12))
INPUTS = torch.from_numpy(RNG.normal(size=(6, 2, 4, 4)).astype(np.float32))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
NAMES = ("pjs", "pjsc", "wpjs", "wpjsi")
K = 1e-5


def read(name: str, probe: Probe, **options: object) -> float:
    return float(load("proxies", name).reader(options)(probe))


def small(seed: int = 0) -> nn.Module:
    """Two convolutions, of 3 rows in 18 columns and 5 in 3, and a classifier, with biases and batch norm between."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        nn.Tanh(),
        nn.Conv2d(3, 5, 1),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(80, 3),
    )


class Given:
    """Stands for a probe whose gradients are known."""

    def __init__(self, *gradients: Sequence[object]) -> None:
        self.gradients = [torch.tensor(gradient, dtype=torch.float32) for gradient in gradients]

    def rows(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        return [x.flatten(1) for x in tensors]


def slow_rows(model: nn.Module) -> list[np.ndarray]:
    """Return dL/dW of every weight with two columns or more, one loss per sample and one backward pass each."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    logits = model(INPUTS)
    total = [np.zeros((len(w), w[0].numel())) for w in weights]
    for row, label in zip(logits, LABELS, strict=True):
        loss = torch.logsumexp(row, 0) - row[label]
        for known, g in zip(total, torch.autograd.grad(loss, weights, retain_graph=True), strict=True):
            known += g.reshape(len(g), -1).double().numpy() / len(LABELS)
    return total


def slow_score(rows: np.ndarray, k: float = K, rescale: bool = True) -> float:
    n = len(rows)
    v = np.linalg.eigvals(np.corrcoef(rows)).real
    value = -float(np.sum(np.log(v + k) + 1 / (v + k)))
    least = -(math.log(n + k) + 1 / (n + k)) - (n - 1) * (math.log(k) + 1 / k)
    most = -n * (math.log(1 + k) + 1 / (1 + k))
    return (value - least) / (most - least) if rescale else value


def slow_cosine(rows: np.ndarray, root: float = 20) -> float:
    unit = [row / np.linalg.norm(row) for row in rows]
    pairs = [abs(a @ b) ** (1 / root) for i, a in enumerate(unit) for b in unit[:i]]
    return 1 - float(np.mean(pairs))


def test_scores_by_hand() -> None:
    orthogonal = [[1.0, 0, -1], [1.0, -2, 1]]  # centred already: score 1
    parallel = [[1.0, 0, -1], [-2.0, 0, 2]]  # score 0
    half = [[1.0, 0, -1], [1.0, -1, 0]]  # correlation and cosine 1/2
    probe = Given(orthogonal, parallel, half)
    middle = (slow_score(np.array(half)), 1 - 0.5**0.05)
    assert read("pjs", probe) == pytest.approx((1 + 0 + middle[0]) / 3)
    assert read("pjsc", probe) == pytest.approx((1 + 0 + middle[1]) / 3)
    assert read("wpjs", probe) == pytest.approx((1 * 1 + 2 * 0 + 3 * middle[0]) / 6)
    assert read("wpjsi", probe) == pytest.approx((3 * 1 + 2 * 0 + 1 * middle[0]) / 6)
    assert read("pjsc", probe, root=1) == pytest.approx((1 + 0 + 0.5) / 3)


def test_scores_against_a_slow_version() -> None:
    probe = Probe(small(), INPUTS, LABELS)
    rows = slow_rows(small())
    assert [r.shape for r in rows] == [(3, 18), (5, 3), (3, 80)]
    eigen, cosine = [slow_score(r) for r in rows], [slow_cosine(r) for r in rows]
    # Float32 gradients, summed in another order; 1/(v + k) and the 20th root magnify what is near 0.
    assert read("pjs", probe) == pytest.approx(np.mean(eigen), abs=1e-3)
    assert read("pjsc", probe) == pytest.approx(np.mean(cosine), abs=1e-3)
    assert read("wpjs", probe) == pytest.approx(np.average(eigen, weights=[1, 2, 3]), abs=1e-3)
    assert read("wpjsi", probe) == pytest.approx(np.average(eigen, weights=[3, 2, 1]), abs=1e-3)
    raw = [slow_score(r, rescale=False) for r in rows]
    assert read("pjs", probe, rescale=False) == pytest.approx(np.mean(raw), rel=1e-3)
    assert read("pjs", probe, k=0.1) == pytest.approx(np.mean([slow_score(r, 0.1) for r in rows]), abs=1e-3)
    # 5 rows in 3 columns, and the classifier, are singular.
    assert read("pjs", probe, tensors="regular") == pytest.approx(eigen[0], abs=1e-5)
    assert read("pjsc", probe, tensors="regular") == pytest.approx(cosine[0], abs=1e-3)


def test_singular_tensors_are_dominated_by_their_zeros() -> None:
    probe = Probe(small(), INPUTS, LABELS)
    scores = [slow_score(rows) for rows in slow_rows(small())]
    # Centred rows of 3 columns span 2 dimensions: 3 eigenvalues of 5 are 0. Classes: 1 of 3.
    assert scores[1] == pytest.approx(1 - 3 / 4, abs=0.01)
    assert scores[2] == pytest.approx(1 - 1 / 2, abs=0.01)
    np.testing.assert_allclose(probe.gradients[-1].sum(0), 0, atol=1e-6)  # of values near 0.1, in float32


@pytest.mark.parametrize("n", [1, 2, 5])
def test_depth_weights_sum_to_one_and_mirror_each_other(n: int) -> None:
    orthogonal, parallel = [[1.0, 0, -1], [1.0, -2, 1]], [[1.0, 0, -1], [-2.0, 0, 2]]

    def weights(name: str) -> list[float]:
        tensors = [[orthogonal if i == j else parallel for j in range(n)] for i in range(n)]
        return [read(name, Given(*row)) for row in tensors]

    later, earlier = weights("wpjs"), weights("wpjsi")
    assert later == pytest.approx([2 * i / (n * (n + 1)) for i in range(1, n + 1)], abs=1e-9)
    assert earlier == pytest.approx(later[::-1], abs=1e-9)
    assert sum(later) == pytest.approx(1)
    everything = Given(*[orthogonal] * n)
    assert read("wpjs", everything) == read("wpjsi", everything) == pytest.approx(1)


def test_the_two_weightings_average_to_the_plain_mean() -> None:
    probe = Probe(small(), INPUTS, LABELS)
    assert read("wpjs", probe) + read("wpjsi", probe) == pytest.approx(2 * read("pjs", probe), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_rows_and_tensors_without_variation_are_left_out(name: str) -> None:
    live = [[1.0, 0, -1], [1.0, -1, 0]]
    dead_row, dead = [*live, [0.0, 0, 0]], [[0.0, 0, 0]] * 4
    one_row, biases = [[1.0, 2, 4]], [[1.0], [2.0], [3.0]]
    alone = read(name, Given(live))
    assert 0 < alone < 1
    for others in ([dead_row], [dead, live], [live, one_row], [biases, live, dead]):
        assert read(name, Given(*others)) == alone
    assert math.isnan(read(name, Given(dead, one_row)))
    assert math.isnan(read(name, Given([[math.nan, 1, 2], [1.0, 2, 4]])))


def test_less_alike_scores_higher() -> None:
    def probe(angle: float) -> Given:
        x, y = np.array([1.0, 0, -1]), np.array([1.0, -2, 1]) / math.sqrt(3)
        return Given([x.tolist(), (math.cos(angle) * x + math.sin(angle) * y).tolist()])

    for name in NAMES:
        scores = [read(name, probe(angle)) for angle in np.linspace(0, math.pi / 2, 7)]
        assert scores == sorted(scores)
        assert scores[0] == pytest.approx(0, abs=1e-6)
        assert scores[-1] > scores[-2]


def test_order_of_the_samples_does_not_matter() -> None:
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    for name in NAMES:
        mixed = read(name, Probe(small(), INPUTS[order], LABELS[order]))
        # Sums over the batch in another order, in float32.
        assert mixed == pytest.approx(read(name, Probe(small(), INPUTS, LABELS)), rel=1e-3)


def test_architectures_of_the_space() -> None:
    networks = [SPACE.network(arch, TASK) for arch in ((0,) * 6, (1,) * 6, (3,) * 6, (2, 0, 3, 1, 0, 4))]
    requests = [(load("proxies", name), {"batch_size": 12}, BATCH) for name in NAMES]
    for scores, failures in together(requests, networks):
        assert not failures
        assert np.isnan(scores).tolist() == [True, False, False, False]  # nothing leads through the first
        assert ((scores[1:] > 0) & (scores[1:] < 1)).all()


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("pjs(k=0)", InvalidSetting, "k is a positive number, not 0"),
        ("pjsc(root=true)", InvalidSetting, "root of pjsc is a number, not True"),
        ("wpjs(tensors=regulars)", UnknownName, "did you mean regular"),
        ("wpjsi(rescale=3)", InvalidSetting, "rescale of wpjsi is true or false, not 3"),
        ("cv(initialisations=1)", InvalidSetting, "at least 2, not 1"),
        ("cv(initialisations=2.5)", InvalidSetting, "at least 2, not 2.5"),
        ("cv(init=xavier)", InvalidSetting, "leave out init"),
    ],
)
def test_options_without_meaning_are_refused_at_once(spec: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build_scorer(spec, SPACE, TASK, BATCH)


def test_cv_is_the_spread_of_untrained_accuracies_over_their_mean() -> None:
    probe = Probe(small(), INPUTS, LABELS, seed=4)
    accuracies = []
    for seed in range(4, 9):
        torch.manual_seed(seed)
        model = small(seed)  # draws in the order of its layers, as resetting them does
        accuracies.append(float((model(INPUTS).argmax(1) == LABELS).float().mean()))
    assert len(set(accuracies)) > 1
    assert untrained_accuracies(small(), INPUTS, LABELS, 5, 4) == pytest.approx(accuracies)
    assert read("cv", probe, initialisations=5) == pytest.approx(np.std(accuracies) / np.mean(accuracies))


def test_cv_of_a_network_that_is_always_wrong_is_not_a_number() -> None:
    class Wrong(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor([0.0, 1.0]).expand(len(x), 2)

    probe = Probe(Wrong(2, 2), INPUTS, torch.zeros(6, dtype=torch.int64))
    assert math.isnan(read("cv", probe, initialisations=3))


def test_cv_leaves_model_and_global_generator_alone_and_follows_its_seed() -> None:
    model = TorchNetwork(SPACE.network((3,) * 6, TASK), torch.Generator().manual_seed(0))
    inputs, labels = torch.from_numpy(BATCH.inputs), torch.from_numpy(BATCH.labels)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    first, again, other = (untrained_accuracies(model, inputs, labels, 6, seed) for seed in (0, 0, 1))
    assert first == again
    assert first[1:] == other[:-1]
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_cv_redraws_attention_and_refuses_what_it_cannot_redraw() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attention(x, x, x)[0].mean(1)

    x = torch.from_numpy(RNG.normal(size=(40, 5, 4)).astype(np.float32))
    labels = torch.from_numpy(RNG.integers(0, 4, 40))
    assert len(set(untrained_accuracies(Attention(), x, labels, 4, 0))) > 1
    with pytest.raises(InvalidModel, match="no layer of this model has reset_parameters"):
        untrained_accuracies(nn.Flatten(), x, labels, 4, 0)


def test_cv_needs_labels_and_is_better_when_lower() -> None:
    assert not load("proxies", "cv").higher_is_better
    with pytest.raises(InvalidSetting, match="cv needs a batch with labels"):
        read("cv", Probe(small(), INPUTS))
    with pytest.raises(InvalidSetting, match="at least 2, not 1"):
        read("cv", Probe(small(), INPUTS, LABELS), initialisations=1)
    with pytest.raises(InvalidSetting, match="needs a batch with labels"):
        build_scorer("pjs", SPACE, TASK, Batch(BATCH.inputs))
