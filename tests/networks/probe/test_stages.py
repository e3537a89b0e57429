"""Blocks one by one: entropies and norms by hand and against slow ones, and the three proxies made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from nassearch.errors import InvalidModel, InvalidSetting
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.probe import stages
from nassearch.networks.probe.passes import noise
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.stages import _fold, entropies, least_step, norms, spectrum_entropy
from nassearch.networks.probe.tape.probe import TapeProbe
from nassearch.networks.probe.tape.tape import Tape
from nassearch.proxies.aznas import expressivity, progressivity, trainability
from nassearch.proxies.model import together
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Task

SPACE = NASBench201()
IMAGE, SIGNAL = Task((2, 8, 8), 3, (4, 6), 1), Task((1, 12), 4, (3, 4), 1, "pool")
SKIPS, CONVS, NOTHING = (1, 0, 0, 1, 0, 1), (3, 2, 3, 1, 4, 3), (0,) * 6


Kind = type[Probe]
both = pytest.mark.parametrize("kind", [Probe, TapeProbe])


def probe(arch: tuple[int, ...], task: Task = IMAGE, kind: Kind = TapeProbe) -> Probe:
    model = initialised(SPACE.network(arch, task), 0, "kaiming", "zero")
    return kind(model, torch.from_numpy(noise(task.input_shape, 8, 0).inputs), seed=0, owned=True)


def test_the_entropy_of_a_spectrum_by_hand() -> None:
    # Variances 3 and 1 along two uncorrelated channels: shares 3/4 and 1/4.
    a, b = math.sqrt(3), 1.0
    features = torch.tensor([[a, b], [a, -b], [-a, b], [-a, -b]]).reshape(4, 2, 1, 1)
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert spectrum_entropy(features) == pytest.approx(expected, abs=1e-6)
    turned = torch.einsum("ij,bjhw->bihw", torch.linalg.qr(torch.randn(2, 2))[0], features) + 5
    assert spectrum_entropy(turned) == pytest.approx(expected, abs=1e-6)
    assert spectrum_entropy(torch.ones(4, 3, 2, 2)) == 0


@both
@pytest.mark.parametrize("task", [IMAGE, SIGNAL], ids=["image", "signal"])
def test_entropies_are_those_of_the_whole_network(task: Task, kind: Kind) -> None:
    given = probe(CONVS, task, kind)
    found = entropies(given)
    x, slow = given.inputs, []
    with torch.no_grad():
        for block in list(given.model.blocks)[:-1]:  # type: ignore[arg-type]
            x = block(x)
            rows = np.moveaxis(x.numpy().astype(np.float64), 1, -1).reshape(-1, x.shape[1])
            values = np.clip(np.linalg.eigvalsh(np.cov(rows, rowvar=False, bias=True)), 0, None)
            shares = values / values.sum()
            slow.append(-float((shares * np.log(shares + 1e-8)).sum()))
    # One pass in float32 against another's covariance in float64.
    np.testing.assert_allclose(found, slow, atol=1e-4)


@both
def test_norms_of_blocks_by_an_explicit_matrix(kind: Kind) -> None:
    given = probe(CONVS, kind=kind)
    found = norms(given)
    assert len(found) == len(entropies(given)) - 1
    blocks = list(given.model.blocks)[:-1]  # type: ignore[arg-type]
    x = blocks[0](given.inputs).detach().requires_grad_()
    y = blocks[1](x)
    signs = torch.randint(0, 2, y.shape, generator=torch.Generator().manual_seed(0)).float() * 2 - 1
    (back,) = torch.autograd.grad(y, x, signs)
    total = np.zeros((x.shape[1], y.shape[1]))
    for sample in range(len(x)):
        for row in range(x.shape[2]):
            for column in range(x.shape[3]):
                total += np.outer(back[sample, :, row, column], signs[sample, :, row, column])
    slow = np.linalg.svd(total / (len(x) * x.shape[2] * x.shape[3]), compute_uv=False).max()
    assert found[0] == pytest.approx(slow, rel=1e-4)


@both
def test_blocks_that_do_nothing_and_blocks_that_give_nothing(kind: Kind) -> None:
    # A cell of one skip connection hands its input on; one of no operation gives zeros; the reduction block is neither.
    assert [s is None for s in norms(probe(SKIPS, kind=kind))] == [True, False, True]
    assert norms(probe(NOTHING, kind=kind))[0] == 0
    ours = [SPACE.network(arch, IMAGE) for arch in (SKIPS, NOTHING, CONVS)]
    values = trainability(ours, batch_size=8)
    assert values[0] == -math.inf
    assert -math.inf < values[1] < values[2] <= 0


def test_the_three_proxies_are_what_they_say() -> None:
    given = probe(CONVS)
    ours = [SPACE.network(CONVS, IMAGE)]
    found = entropies(given)
    assert expressivity(ours, batch_size=8).tolist() == [sum(found)]
    assert progressivity(ours, batch_size=8).tolist() == [min(np.diff(found))]
    values = [2 - s - 1 / (s + 1e-6) for s in norms(given) if s is not None]
    assert trainability(ours, batch_size=8)[0] == pytest.approx(np.mean(values))
    assert least_step([1.0, 4.0, 3.5]) == -0.5


def test_positions_that_do_not_divide_become_channels_too() -> None:
    x = torch.arange(1.0, 16.0).view(1, 1, 5, 3)
    folded = _fold(x, torch.Size([1, 1, 3, 2]))
    assert folded.shape == (1, 4, 3, 2)
    # Of every second row and column; behind the last row and the last column there are zeros.
    assert folded[0, 0].tolist() == [[1, 3], [7, 9], [13, 15]]
    assert folded[0, 3].tolist() == [[5, 0], [11, 0], [0, 0]]
    assert folded.sum() == x.sum()


def test_they_share_one_pass_and_look_at_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [SPACE.network(CONVS, IMAGE)]
    apart = [float(proxy(ours, batch_size=8)[0]) for proxy in (expressivity, progressivity, trainability)]
    runs: list[int] = []
    monkeypatch.setattr(stages, "Tape", lambda *given: (runs.append(1), Tape(*given))[1])
    expressivity(ours, batch_size=8)
    alone = len(runs)
    assert alone > 0
    options = {"batch_size": 8}
    batch = noise((2, 8, 8), 8, 5)
    three = together([(p, options, batch) for p in (expressivity, progressivity, trainability)], ours)
    assert [float(scores[0]) for scores, _ in three] == apart
    assert len(runs) == 2 * alone


def test_other_models_and_other_batches_are_refused() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(128, 3))
    with pytest.raises(InvalidModel, match="blocks of other models are not known"):
        entropies(Probe(model, torch.zeros(4, 2, 8, 8)))
    with pytest.raises(InvalidSetting, match="at least 2"):
        expressivity([SPACE.network(CONVS, IMAGE)], batch_size=1)


def test_the_tape_agrees_with_autograd_on_cells_with_maxima_and_concatenations() -> None:
    space, task = NASBench101(), Task((3, 12, 12), 4, channels=(4, 8), cells=1)
    inputs = torch.from_numpy(noise(task.input_shape, 16, 0).inputs)
    for arch in space.sample_many(8, np.random.default_rng(0)):
        network = space.network(arch, task)
        tape, autograd = (
            kind(initialised(network, 0, "kaiming", "zero"), inputs, owned=True)
            for kind in (TapeProbe, Probe)
        )
        # float32, in two orders of summing; a ReLU that flips moves one of some thousand terms of a norm.
        np.testing.assert_allclose(entropies(tape), entropies(autograd), atol=1e-5)
        np.testing.assert_allclose(norms(tape), norms(autograd), rtol=1e-3)
