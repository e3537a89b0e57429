"""The binary predictor: its network by hand, its symmetries, and the search that it leads."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from fakes import FakeBenchmark, TwoCells, flat, score, trace, worth

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.search.runner import run_round, run_rounds
from nassearch.spaces.base import CellGraph
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.strategies.bp.predictor import Cells, Predictor, encode, pair_loss
from nassearch.strategies.bp.strategy import BinaryPredictor, unit_ranks
from nassearch.strategies.rand import RandomSearch
from nassearch.types import Arch, Floats

SPACE = NASBench201()
QUICK: dict[str, Any] = {"width": 8, "depth": 2, "epochs": 10, "warm_up_epochs": 5}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- the network ---

CHAIN = CellGraph(
    np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool), np.array([1, 0, 2]), ("a", "in", "out")
)
PAIR = CellGraph(np.array([[0, 1], [0, 0]], dtype=bool), np.array([1, 2]), ("a", "in", "out"))


def make(kinds: int = 4, width: int = 5, depth: int = 3, seed: int = 1, **options: Any) -> Predictor:
    return Predictor(kinds, width, depth, dtype="float64", seed=seed, **options)


def test_a_vertex_reads_itself_and_what_feeds_it_and_the_global_one_reads_all() -> None:
    cells = encode([CHAIN])
    assert cells.reads[0].tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]]
    assert cells.counts[0].tolist() == [[0, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]]


def test_forward_pass_by_hand() -> None:
    predictor = make(width=2, depth=2)
    first = [[2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 3.0]]
    predictor.weights[0][:] = torch.tensor(first)
    predictor.weights[1][:] = torch.tensor([[1.0, 0.0], [2.0, 1.0]])
    predictor.scales[0][:] = torch.tensor([1.0, 3.0])
    predictor.shifts[0][:] = torch.tensor([0.0, 0.5])
    predictor.head[:] = torch.tensor([[5.0], [7.0]])
    # Layer 1: counts times weights give (0, 1), (2, 1), (3, 1), (3, 5). LayerNorm over two numbers is (-1, 1) or
    # (1, -1) but for its epsilon; scaled and shifted (-1, 3.5) or (1, -2.5); ReLU: (0, 3.5), (1, 0), (1, 0), (0, 3.5).
    # Layer 2, the global vertex: their sum (2, 7) times weights is (16, 7), normalised (1, -1), ReLU (1, 0), worth 5.
    # LayerNorm's epsilon of 1e-5 beside a variance of 1/4 takes 2e-5 from each number: 1e-3 covers it.
    assert predictor.worth(encode([CHAIN])) == pytest.approx([5.0], abs=1e-3)


def test_isomorphic_cells_are_worth_the_same_and_others_are_not() -> None:
    graph = SPACE.graph((3, 1, 2, 4, 2, 3))
    order = rng(3).permutation(len(graph.ops))
    moved = CellGraph(graph.adjacency[np.ix_(order, order)], graph.ops[order], graph.names)
    other = SPACE.graph((3, 1, 2, 4, 2, 1))
    one, same, different = make(len(graph.names) + 1, 16).worth(encode([graph, moved, other]))
    # Sums over vertices change their order, in float64.
    assert same == pytest.approx(one, abs=1e-12)
    assert abs(different - one) > 1e-3


def test_padding_and_company_change_nothing() -> None:
    predictor = make()
    alone = [predictor.worth(encode([graph]))[0] for graph in (CHAIN, PAIR)]
    assert predictor.worth(encode([CHAIN, PAIR])) == pytest.approx(
        alone, abs=1e-12
    )  # matrices of other shapes


def test_pair_loss_by_hand_and_antisymmetric() -> None:
    value, wanted = (
        torch.tensor([0.3, -0.2], dtype=torch.float64),
        torch.tensor([0.9, 0.5], dtype=torch.float64),
    )
    p, q = 1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(-0.4))
    expected = -q * math.log(p) - (1 - q) * math.log(1 - p)
    assert float(pair_loss(value, wanted)) == pytest.approx(expected)
    assert float(pair_loss(value.flip(0), wanted.flip(0))) == pytest.approx(expected)
    assert float(pair_loss(-value, -wanted)) == pytest.approx(expected)


def test_loss_is_least_where_the_worth_is_what_is_wanted() -> None:
    wanted = torch.tensor([0.1, 0.9, 0.4], dtype=torch.float64)
    value = (wanted + 3).requires_grad_(True)  # any constant may be added
    pair_loss(value, wanted).backward()
    assert value.grad is not None
    assert value.grad.abs().max() < 1e-12  # zero but for rounding


@pytest.mark.parametrize("options", [{}, {"dropout": 0.2}])
def test_training_learns_an_order(options: dict[str, float]) -> None:
    archs = SPACE.sample_many(80, rng(1))
    cells = encode([SPACE.graph(arch) for arch in archs])
    wanted = unit_ranks(np.array([worth(arch) for arch in archs]))
    predictor = make(cells.counts.shape[2], 16, 2, **options)
    agreement = []
    for _ in range(2):
        found = predictor.worth(cells)
        agreement.append(np.corrcoef(found, wanted)[0, 1])
        pairs = predictor.fit(cells, wanted, epochs=60, batch=40, rate=0.01, decay=1e-3)
    assert agreement[1] > 0.9
    assert agreement[1] > agreement[0]
    assert pairs == sum(a != b for i, a in enumerate(wanted) for b in wanted[:i])


def test_equal_values_train_nothing() -> None:
    predictor = make()
    before = [parameter.clone() for parameter in predictor.parameters]
    assert predictor.fit(encode([CHAIN, PAIR]), np.ones(2), epochs=5, batch=2, rate=1.0, decay=1.0) == 0
    assert all(torch.equal(a, b) for a, b in zip(before, predictor.parameters, strict=True))


def test_patience_stops_training_that_gains_nothing() -> None:
    stopped, short, full = (make() for _ in range(3))
    fit = {
        "batch": 2,
        "rate": 1e-30,
        "decay": 0.0,
    }  # too small a rate to change the loss, which only the first beats
    values = np.array([0.0, 1.0])
    stopped.fit(encode([CHAIN, PAIR]), values, epochs=50, patience=3, **fit)
    short.fit(encode([CHAIN, PAIR]), values, epochs=4, **fit)
    full.fit(encode([CHAIN, PAIR]), values, epochs=50, **fit)
    draws = [float(torch.rand(1, generator=predictor._generator)) for predictor in (stopped, short, full)]
    assert draws[0] == draws[1] != draws[2]


def test_torch_is_left_as_it_was() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        trace(BinaryPredictor(SPACE, rng(), **QUICK), 45)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)


def test_torch_is_not_imported_before_the_predictor_is_used() -> None:
    code = (
        "import sys, numpy as np; from nassearch import registry; from nassearch.spaces import NASBench201;"
        "s = registry.load('strategies', 'bp')(NASBench201(), np.random.default_rng());"
        "s.warm_up(lambda archs: np.arange(len(archs), dtype=float), 9, np.random.default_rng());"
        "print('torch' in sys.modules); s.ask(); print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout.split() == ["False", "True"], run.stderr


# --- the search ---


def test_without_training_and_warm_up_it_is_random_search_less_repeats() -> None:
    found = trace(BinaryPredictor(SPACE, rng(5), points=60, iterations=1), 60)
    distinct: dict[str, Arch] = {}
    for arch in trace(RandomSearch(SPACE, rng(5)), 80):
        distinct.setdefault(SPACE.key(arch), arch)
    assert found == [*distinct.values()][:60]
    assert len(distinct) < 80  # so there were repeats to leave out


def none(archs: Sequence[Arch]) -> Floats:
    return np.full(len(archs), np.nan)


def test_a_scorer_that_scores_nothing_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="none of the 30 architectures of a warm-up has a score"):
        BinaryPredictor(SPACE, rng(5), **QUICK).warm_up(none, 30, rng(6))


def test_a_scorer_that_orders_nothing_changes_nothing() -> None:
    warmed = BinaryPredictor(SPACE, rng(5), **QUICK)
    warmed.warm_up(flat, 30, rng(6))
    assert trace(warmed, 60) == trace(BinaryPredictor(SPACE, rng(5), **QUICK), 60)


def test_a_warm_up_takes_the_order_of_the_scores_not_their_size() -> None:
    def huge(archs: Sequence[Arch]) -> Floats:
        return np.asarray(10.0 ** (5 * np.nan_to_num(score(archs), nan=-60.0)))

    traces = []
    for scorer in (score, huge):
        strategy = BinaryPredictor(SPACE, rng(5), **QUICK)
        strategy.warm_up(scorer, 60, rng(6))
        traces.append(trace(strategy, 40))
    assert traces[0] == traces[1]


def test_a_warm_up_by_the_truth_begins_among_the_best() -> None:
    strategy = BinaryPredictor(SPACE, rng(5), width=16, depth=2)
    strategy.warm_up(lambda archs: np.array([worth(arch) for arch in archs]), 200, rng(6))
    better = np.mean([worth(arch) for arch in trace(strategy, 20)])
    everything = sorted(worth(arch) for arch in SPACE.all())
    assert better > everything[int(0.98 * len(everything))]


def test_iterations_add_half_by_rank_and_half_from_the_first_of_the_ranking() -> None:
    strategy = BinaryPredictor(SPACE, rng(7), points=40, iterations=4, **QUICK)
    trace(strategy, 30)
    for i in (1, 2, 3):
        fresh = BinaryPredictor(SPACE, rng(7), points=40, iterations=4, **QUICK)
        asked = trace(fresh, 10 * i)
        fresh.ask()
        order = sorted(fresh._worth, key=lambda arch: -fresh._worth[arch])
        assert not {SPACE.key(arch) for arch in order} & {SPACE.key(arch) for arch in asked}
        batch = [order[0], *fresh._queue]
        assert batch[:5] == order[:5]
        assert len(batch) == 10
        assert set(batch[5:]) <= set(order[5 : len(order) >> i])
        assert batch[5:] != order[5:10]


def test_the_last_ranking_is_followed_in_order_and_nothing_is_trained_twice() -> None:
    strategy = BinaryPredictor(SPACE, rng(8), points=20, iterations=2, **QUICK)
    asked = trace(strategy, 120)
    order = sorted(strategy._worth, key=lambda arch: -strategy._worth[arch])
    assert asked[20:] == order[:100]
    assert len({SPACE.key(arch) for arch in asked}) == 120


def test_equal_accuracies_still_search() -> None:
    strategy = BinaryPredictor(SPACE, rng(9), **QUICK)
    for _ in range(50):
        strategy.tell(strategy.ask(), math.nan)
    assert strategy.report()["predictor"]["pairs"] == [0, 0]
    assert strategy.report()["predictor"]["kendall tau"] == [0.0, 0.0]


def test_report_agrees_with_a_count_of_pairs() -> None:
    strategy = BinaryPredictor(SPACE, rng(10), points=30, iterations=3, **QUICK)
    assert strategy.report() == {"predictor": {"models": [], "pairs": [], "held out": [], "kendall tau": []}}
    asked = trace(strategy, 10)
    asked.append(strategy.ask())
    thought = dict(strategy._worth)
    strategy.tell(asked[-1], worth(asked[-1]))
    assert strategy.report()["predictor"]["kendall tau"] == [None]
    asked += trace(strategy, 9)
    batch = asked[10:]
    signs = [
        np.sign(thought[a] - thought[b]) * np.sign(worth(a) - worth(b))
        for i, a in enumerate(batch)
        for b in batch[:i]
    ]
    table = strategy.report()["predictor"]
    distinct = sum(worth(a) != worth(b) for i, a in enumerate(asked[:10]) for b in asked[:i])
    assert (table["models"], table["pairs"], table["held out"]) == ([10], [distinct], [10])
    assert table["kendall tau"] == [pytest.approx(np.sum(signs) / 45)]
    assert json.loads(json.dumps(strategy.report())) == strategy.report()


class Large(NASBench201):
    """Stand in for a space that nobody lists: whoever does fails."""

    name = "large"

    @property
    def size(self) -> int:
        return 10**9

    def all(self) -> Iterator[Arch]:
        raise AssertionError("too large to list")


def test_of_a_large_space_draws_and_neighbours_of_the_best_are_ranked() -> None:
    space = Large()
    strategy = BinaryPredictor(space, rng(11), points=20, iterations=2, candidates=30, **QUICK)
    asked = trace(strategy, 10)
    strategy.ask()
    near = {space.key(child) for arch in asked for child in space.neighbours(arch)}
    keys = {space.key(arch) for arch in strategy._worth}
    assert keys & near
    assert 0 < len(keys - near) <= 30
    assert keys <= near | set(strategy._tools[1]._pool.keys)


def test_a_space_that_is_used_up_is_trained_again() -> None:
    asked = trace(BinaryPredictor(TwoCells(), rng(12), points=6, iterations=2, **QUICK), 12)
    assert len(set(asked[:2])) == 2
    assert set(asked) == set(TwoCells().all())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": 0}, "points is a whole number of at least 1, not 0"),
        ({"points": 4}, "iterations is a whole number from 1 to 4, not 5"),
        ({"width": 0}, "width is a whole number of at least 1, not 0"),
        ({"epochs": 1.5}, "epochs is a whole number of at least 1, not 1.5"),
        ({"batch": 1}, "batch is a whole number of at least 2, not 1"),
        ({"rate": 0}, "rate is a number above 0, not 0"),
        ({"rate": "fast"}, "rate is a number above 0, not 'fast'"),
        ({"candidates": 0}, "candidates is a whole number"),
        ({"move": score}, "no meaning for bp: .* warm-up only"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        BinaryPredictor(SPACE, rng(), **settings)


def test_an_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean paper"):
        BinaryPredictor(SPACE, rng(), preset="papers")


def test_the_papers_preset_runs_with_its_own_loss_target() -> None:
    strategy = BinaryPredictor(SPACE, rng(13), preset="paper", width=8, epochs=5, points=10, iterations=2)
    assert strategy.recipe["dtype"] == "float64"
    assert len(set(trace(strategy, 12))) == 12


def test_ranks_share_the_mean_among_equals() -> None:
    assert unit_ranks(np.array([5.0, -np.inf, 5.0, 1e30])).tolist() == [0.5, 0.0, 0.5, 1.0]
    assert unit_ranks(np.array([3.0])).tolist() == [0.0]


def test_workers_and_replay_change_nothing() -> None:
    make_strategy = partial(BinaryPredictor, SPACE, **QUICK)
    common = (FakeBenchmark(), make_strategy, 45, 3)
    one, two = ([*run_rounds(*common, range(2), (score, 30), workers=workers)] for workers in (1, 2))
    again = run_round(*common, 1, (score, 30))
    assert [r.archs for r in one] == [r.archs for r in two]
    assert again.archs == one[1].archs != one[0].archs


def test_cells_at_positions_are_those_cells() -> None:
    cells = encode([CHAIN, PAIR, CHAIN])
    chosen = cells.at([2, 1])
    assert isinstance(chosen, Cells)
    assert torch.equal(chosen.counts, torch.stack([cells.counts[2], cells.counts[1]]))
