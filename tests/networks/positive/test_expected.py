"""Expected synflow of many networks side by side: sums over paths, sums over classes, and no trace of the company."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nassearch.networks.graph import Block, Builder, Network
from nassearch.networks.positive import expected
from nassearch.networks.positive.classes import Rows
from nassearch.networks.positive.expected import expected_synflow
from nassearch.networks.positive.words import Paths
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Task

RNG = np.random.default_rng(11)
TASKS = {NASBench201: Task((3, 12, 12), 10, (4, 6, 8), 5), NASBench101: Task((3, 12, 12), 10, (4, 8, 16), 3)}


def networks_of(space: type[NASBench201 | NASBench101], n: int = 300) -> list[Network]:
    return [space().network(arch, TASKS[space]) for arch in space().sample_many(n, np.random.default_rng(5))]


def scored(networks: list[Network], monkeypatch: pytest.MonkeyPatch, at_once: int = 64) -> list[float]:
    """Score with nothing remembered, so many networks at once."""
    monkeypatch.setattr(expected, "_memory", expected._Memory())
    monkeypatch.setattr(expected, "SIDE_BY_SIDE", at_once)
    return expected_synflow(networks).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("space", TASKS)
def test_a_score_has_no_trace_of_its_company(
    space: type[NASBench201 | NASBench101], monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = networks_of(space)
    scores = scored(networks, monkeypatch)
    assert len(set(scores)) > 100
    assert [scored([network], monkeypatch)[0] for network in networks] == scores
    for at_once in (1, 3, 1000):
        assert scored(networks[::-1], monkeypatch, at_once)[::-1] == scores
    # Terms and words are numbered as they are met.
    some = networks[150:]
    assert scored(some, monkeypatch) == scores[150:]


def test_what_is_remembered_is_what_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = networks_of(NASBench201)
    scores = scored(networks, monkeypatch)
    assert expected_synflow(networks).tolist() == scores
    monkeypatch.setattr(expected, "MOST", 10)  # all is forgotten at each call
    parts = [expected_synflow(networks[start : start + 50]) for start in range(0, 300, 50)]
    assert np.concatenate(parts).tolist() == scores


def of_widths(*widths: int) -> Block:
    build = Builder((4, 6, 6))
    x = 0
    for width in widths:
        x = build.conv(x, width)
    return build.done(build.conv(x, 4))


def test_equal_products_are_equal_whatever_their_factors() -> None:
    paths = Paths()
    first, second = paths.function(of_widths(8, 32)), paths.function(of_widths(16, 16))
    assert first == second
    # Half the root of each width that is read: 4, 8 and 32.
    assert first.counts == ((math.sqrt(4 * 8 * 32) / 8, 3 * math.sqrt(4 * 8 * 32) / 8),)
    assert paths.function(of_widths(8, 16)) != first


@pytest.mark.parametrize("scale", [1.0, 1 / 9, None], ids=["sums", "means", "weights"])
def test_rows_are_the_matrix(scale: float | None) -> None:
    counts = RNG.integers(0, 3, size=(7, 9)) * (RNG.random((7, 9)) < 0.4)
    counts[3] = 0
    matrix = counts * (RNG.random((7, 9)) if scale is None else scale)
    rows = Rows.of(matrix)
    assert (rows.weights is None) == (scale is not None)
    x = np.concatenate([RNG.random((9, 2, 5)), np.zeros((1, 2, 5))])
    expected = np.einsum("ab,bcn->acn", matrix, x[:-1])
    # Up to nine numbers below 1 in another order.
    np.testing.assert_allclose(rows.apply(x)[:-1], expected, rtol=1e-14)
    assert not rows.apply(x)[-1].any()
