"""Scorers asked together: one pass for many, the scores of each alone, and nothing lost to an interruption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from nassearch.networks.graph import Network
from nassearch.networks.probe.probe import Probe
from nassearch.proxies.base import proxy
from nassearch.proxies.model import model_proxy
from nassearch.scorers import ProxyScorer, compute_scores
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Batch, Floats, Task

SPACE = NASBench201()
TASK = Task((1, 12), 4, (3, 4), 1, "pool")
ARCHS = SPACE.sample_many(12, np.random.default_rng(0))
RNG = np.random.default_rng(0)
BATCH = Batch(RNG.normal(size=(16, 1, 12)).astype(np.float32), RNG.integers(4, size=16))
PROBED: list[int] = []
FAILING: list[int] = []


@model_proxy(reference="a test", reads=["gradients"], needs=["inputs", "labels"], batch_size=16)
def steepness(probe: Probe, *, power: int = 1) -> float:
    """Sum the gradients."""
    PROBED.append(id(probe))
    return sum(float(g.abs().sum()) for g in probe.gradients) ** power


@model_proxy(reference="a test", reads=["input_gradients"], batch_size=16, higher_is_better=False)
def reach(probe: Probe) -> float:
    """Sum the gradients with respect to the inputs; fails where it is told to."""
    PROBED.append(id(probe))
    if len(PROBED) // 2 in FAILING:
        raise ArithmeticError("told to fail")
    return float(probe.input_gradients().abs().sum())


@proxy(reference="a test", per_key=False, chunk=5)
def layers(networks: Sequence[Network], batch: Batch | None) -> Floats:
    """Count layers."""
    return np.array([sum(len(block) for block in network.blocks()) for network in networks], np.float64)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    PROBED.clear()
    yield
    FAILING.clear()


def scorers(cache: Path | None = None) -> list[ProxyScorer]:
    return [ProxyScorer(p, SPACE, TASK, BATCH, cache=cache) for p in (steepness, layers, reach)]


def test_together_is_alone_and_each_model_is_probed_once() -> None:
    alone = [scorer(ARCHS) for scorer in scorers()]
    PROBED.clear()
    made = scorers()
    costs = compute_scores(made, ARCHS)
    distinct = len(set(ARCHS))
    assert len(PROBED) == 2 * distinct
    assert PROBED[::2] == PROBED[1::2]
    for scorer, expected in zip(made, alone, strict=True):
        np.testing.assert_array_equal(scorer(ARCHS), expected)
    assert len(PROBED) == 2 * distinct, "what was learnt is not computed again"
    assert [(len(cost.scorers), cost.architectures) for cost in costs] == [(2, distinct), (1, distinct)]
    assert all(cost.seconds > 0 for cost in costs[:1])
    assert compute_scores(made, ARCHS) == []


def test_only_what_is_lacking_is_computed(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    first, _, _ = scorers(path)
    expected = first(ARCHS[:5])
    PROBED.clear()
    made = scorers(path)
    compute_scores(made, ARCHS)
    known, distinct = len(set(ARCHS[:5])), len(set(ARCHS))
    assert len(PROBED) == 2 * distinct - known
    np.testing.assert_array_equal(made[0](ARCHS[:5]), expected)
    np.testing.assert_array_equal(made[2](ARCHS), scorers()[2](ARCHS))


def test_settings_that_differ_share_no_pass() -> None:
    made = [ProxyScorer(steepness, SPACE, TASK, BATCH, {"seed": seed}) for seed in (0, 1)]
    costs = compute_scores(made, ARCHS)
    assert [len(cost.scorers) for cost in costs] == [1, 1]
    assert (made[0](ARCHS) != made[1](ARCHS)).any()


def test_options_of_their_own_share_the_pass() -> None:
    made = [ProxyScorer(steepness, SPACE, TASK, BATCH, {"power": power}) for power in (1, 2)]
    (cost,) = compute_scores(made, ARCHS)
    assert len(cost.scorers) == 2
    # Python and NumPy round a square differently in the last bit.
    np.testing.assert_allclose(made[0](ARCHS) ** 2, made[1](ARCHS), rtol=1e-15)


def test_scorers_alike_compute_once() -> None:
    one, other = (ProxyScorer(steepness, SPACE, TASK, BATCH) for _ in range(2))
    compute_scores([one, other], ARCHS)
    assert len(PROBED) == len(set(ARCHS))
    np.testing.assert_array_equal(one(ARCHS), other(ARCHS))
    assert len(PROBED) == len(set(ARCHS))


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_counts_scores_and_workers_change_nothing(workers: int) -> None:
    seen: list[tuple[int, int]] = []
    made = scorers()
    compute_scores(made, ARCHS, workers=workers, progress=lambda done, total: seen.append((done, total)))
    total = 3 * len(set(ARCHS))
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    np.testing.assert_array_equal([s(ARCHS) for s in made], [s(ARCHS) for s in scorers()])


def test_one_failure_loses_no_other_score_and_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    distinct = sorted(set(ARCHS))  # the order in which they are computed
    FAILING.append(3)
    made = scorers(path)
    with pytest.warns(
        RuntimeWarning, match=r"reach could not score 1 arch.*\n?.*ArithmeticError: told to fail"
    ):
        compute_scores(made, distinct)
    expected = scorers()
    FAILING.clear()
    np.testing.assert_array_equal(made[0](distinct), expected[0](distinct))
    scores, right = made[2](distinct), expected[2](distinct)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [3 - 1]
    np.testing.assert_array_equal(np.delete(scores, 2), np.delete(right, 2))
    PROBED.clear()
    np.testing.assert_array_equal(scorers(path)[2](distinct), right)
    assert len(PROBED) == 1, "only the one that failed"


def test_an_interruption_keeps_the_chunks_that_were_done(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute_scores(scorers(path), ARCHS, progress=interrupt)
    before = len(PROBED)
    assert 0 < before < 2 * len(set(ARCHS))
    compute_scores(scorers(path), ARCHS)
    assert len(PROBED) == 2 * len(set(ARCHS))
