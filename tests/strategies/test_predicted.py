"""BANANAS and NPENAS: their networks by hand, their encodings, and the search that they share."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from fakes import TwoCells, score, trace, worth
from torch.nn import functional as F

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.spaces.base import CellGraph
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nats_size import NATSSize
from nassearch.strategies.base import Strategy
from nassearch.strategies.predicted.bananas import Bananas
from nassearch.strategies.predicted.ensemble import Ensemble
from nassearch.strategies.predicted.gin import GraphPredictor, encode
from nassearch.strategies.predicted.loop import PredictedMutants, standardised
from nassearch.strategies.predicted.npenas import Npenas
from nassearch.strategies.predicted.paths import Encoding, paths_of
from nassearch.types import Arch, Floats

SPACE = NASBench201()
QUICK: dict[str, Any] = {"epochs": 3}
BOTH: list[Callable[..., Strategy]] = [Bananas, Npenas]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- encodings ---


def test_paths_of_a_cell_by_hand() -> None:
    # Nodes 0 to 3: 0-1 is 3x3, 0-2 nothing, 1-2 skip, 0-3 skip, 1-3 nothing, 2-3 1x1.
    inside = {way[1:-1] for way in paths_of(SPACE.graph((3, 0, 1, 1, 0, 2)))}
    assert inside == {(1,), (3, 1, 2)}
    assert {way[1:-1] for way in paths_of(SPACE.graph((3, 0, 1, 1, 0, 2)), 40)} == {(1,)}


def test_what_leads_nowhere_and_what_comes_from_nowhere_is_on_no_path() -> None:
    dead_end = SPACE.graph((3, 0, 0, 1, 0, 0))
    from_nowhere = SPACE.graph((0, 0, 0, 1, 3, 3))
    assert (
        {way[1:-1] for way in paths_of(dead_end)} == {way[1:-1] for way in paths_of(from_nowhere)} == {(1,)}
    )
    assert paths_of(SPACE.graph((0,) * 6)) == frozenset()


def chain(*ops: int) -> CellGraph:
    labels = np.array([3, *ops, 4])
    return CellGraph(np.eye(len(labels), k=1, dtype=bool), labels, ("a", "b", "c", "in", "out"))


def test_sequences_are_numbered_by_length_and_then_in_order() -> None:
    every = [ops for length in range(4) for ops in product(range(3), repeat=length)]
    assert len(every) == 40  # 1 + 3 + 9 + 27
    for number, ops in enumerate(every):
        assert paths_of(chain(*ops), number) == frozenset()
        assert paths_of(chain(*ops), number + 1) == {(3, *ops, 4)}
    assert paths_of(chain(0, 0, 0, 0), 40) == frozenset()


def test_the_forty_shortest_of_nasbench101_are_those_of_at_most_three_operations() -> None:
    space = NASBench101()
    archs = space.sample_many(60, rng(1))
    for arch in archs:
        graph = space.graph(arch)
        assert paths_of(graph, 40) == {way for way in paths_of(graph) if len(way) <= 5}


def test_ends_of_a_path_count_where_there_are_several() -> None:
    adjacency = np.zeros((5, 5), dtype=bool)
    adjacency[[0, 1, 2, 2], [2, 2, 3, 4]] = True
    graph = CellGraph(adjacency, np.array([1, 2, 0, 3, 4]), ("op", "x", "state", "new", "next"))
    assert paths_of(graph) == {(1, 0, 3), (1, 0, 4), (2, 0, 3), (2, 0, 4)}


def test_a_matrix_has_a_column_for_what_one_of_its_rows_has() -> None:
    archs = [(3, 0, 1, 1, 0, 2), (0, 0, 0, 1, 0, 0), (0,) * 6]
    assert Encoding(SPACE, "path", 1000).matrix(archs).tolist() == [[1, 1], [1, 0], [0, 0]]
    choices = Encoding(SPACE, "choices", 1000).matrix(archs)
    assert choices.sum(1).tolist() == [6, 6, 6]
    assert choices.shape == (3, 10)


def test_an_encoding_that_tells_nothing_apart_is_refused_before_the_search() -> None:
    with pytest.raises(
        InvalidSetting, match="tell no architectures of nats-size apart: give encoding=choices"
    ):
        Bananas(NATSSize(), rng())
    trace(Bananas(NATSSize(), rng(), encoding="choices", **QUICK), 12, lambda arch: float(sum(arch)))


# --- the ensemble ---


def test_the_gradient_is_that_of_autograd() -> None:
    ensemble = Ensemble(3, 7, 4, 3, 0)
    generator = torch.Generator().manual_seed(1)
    features, wanted = (torch.rand(*shape, generator=generator) for shape in ((3, 9, 7), (3, 9)))
    layers = ensemble.forward(features)
    ensemble.backward(layers, wanted)
    parameters = [p.clone().requires_grad_() for p in (*ensemble.weights, *ensemble.biases)]
    hidden = features
    for i, (weight, bias) in enumerate(zip(parameters[:4], parameters[4:], strict=True)):
        hidden = hidden @ weight + bias
        hidden = hidden.relu() if i < 3 else hidden
    assert torch.allclose(hidden, layers[-1], atol=1e-6)
    sum(F.l1_loss(hidden[m, :, 0], wanted[m]) for m in range(3)).backward()  # type: ignore[union-attr]
    for parameter, slope in zip(parameters, [*ensemble.slopes[0], *ensemble.slopes[1]], strict=True):
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, slope, atol=1e-6)  # float32, other order of sums


def test_members_begin_apart_and_learn_what_they_are_told() -> None:
    features = (rng(2).random((40, 6)) > 0.5).astype(np.float32)
    values = standardised((features * np.arange(6)).sum(1).astype(np.float64))
    ensemble = Ensemble(4, 6, 12, 2, 3)
    before = ensemble.predict(features)
    assert before.shape == (4, 40)
    assert len({row.tobytes() for row in before}) == 4
    ensemble.fit(features, values, epochs=100, batch=16, rate=0.01)
    after = ensemble.predict(features)
    assert np.abs(after - values).mean(1).max() < 0.2 < np.abs(before - values).mean(1).min()
    assert len({row.tobytes() for row in after}) == 4


# --- the graph network ---


def test_padding_and_company_change_nothing_of_a_prediction() -> None:
    network = GraphPredictor(5, True, 0)
    graphs = [chain(0, 1, 2), chain(2), chain(1, 1)]
    together = network.predict(encode(graphs))
    alone = [network.predict(encode([graph])) for graph in graphs]
    for i in range(2):
        # Matrices of other shapes, in float32.
        assert together[i] == pytest.approx(np.concatenate([pair[i] for pair in alone]), abs=1e-6)
    assert (together[1] > 0).all()


def test_a_vertex_reads_itself_and_what_feeds_it() -> None:
    cells = encode([chain(0), chain()])
    assert cells.reads[0].tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert cells.reads[1].tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert cells.here.tolist() == [[True] * 3, [True, True, False]]
    assert cells.ops.argmax(2)[0].tolist() == [3, 0, 4]


def test_padding_is_no_part_of_the_batch_that_norms_see() -> None:
    """Training beside a larger cell moves the running means by the vertices that are there alone."""
    averages = []
    for graphs in ([chain(0), chain(1)], [chain(0), chain(1), chain(0, 1, 2, 0, 1)]):
        network = GraphPredictor(5, False, 0)
        cells = encode(graphs)
        network.forward(type(cells)(*(part[:2] for part in cells)), training=True)
        averages.append(network.averages[0][0])
    assert torch.allclose(*averages, atol=1e-7)


@pytest.mark.parametrize("uncertain", [False, True])
def test_the_graph_network_learns_what_it_is_told(uncertain: bool) -> None:
    archs = SPACE.sample_many(40, rng(4))
    values = standardised(np.array([worth(arch) for arch in archs]))
    cells = encode([SPACE.graph(arch) for arch in archs])
    network = GraphPredictor(cells.ops.shape[2], uncertain, 5)
    before = network.predict(cells)[0]
    network.fit(cells, values, epochs=60, batch=16, rate=0.005)
    after, deviation = network.predict(cells)
    assert np.corrcoef(after, values)[0, 1] > 0.8 > np.corrcoef(before, values)[0, 1]
    assert (deviation > 0).all() == uncertain


# --- the search ---


@pytest.mark.parametrize("make", BOTH)
def test_it_begins_at_random_and_goes_on_with_mutants_of_the_best(make: Callable[..., Strategy]) -> None:
    strategy = make(SPACE, rng(5), parents=3, **QUICK)
    asked = trace(strategy, 30)
    assert len({SPACE.key(arch) for arch in asked}) == 30
    for end in (10, 20):
        best = sorted(asked[:end], key=worth, reverse=True)[:3]
        near = {child for arch in best for child in SPACE.neighbours(arch)}
        assert set(asked[end : end + 10]) <= near


class Oracle(PredictedMutants):
    """Predict the truth."""

    name = "oracle"

    def predict(self, told: Sequence[Arch], values: Floats, candidates: Sequence[Arch]) -> Floats:
        self.candidates_were = [*candidates]
        return np.array([worth(arch) for arch in candidates])


def test_the_best_predicted_are_trained_best_first_and_the_report_says_so() -> None:
    strategy = Oracle(SPACE, rng(6))
    trace(strategy, 10)
    batch = trace(strategy, 10)
    assert [worth(arch) for arch in batch] == sorted(map(worth, strategy.candidates_were), reverse=True)[:10]
    table = strategy.report()["predictor"]
    assert (table["models"], table["held out"]) == ([10], [10])
    distinct = sum(worth(a) != worth(b) for i, a in enumerate(batch) for b in batch[:i])
    assert table["kendall tau"] == [pytest.approx(distinct / 45)]
    strategy.ask()
    assert strategy.report()["predictor"]["kendall tau"][1] is None
    assert json.loads(json.dumps(strategy.report())) == strategy.report()


def test_children_say_how_many_mutants_a_parent_has() -> None:
    best_alone = Oracle(SPACE, rng(7), parents=5, children=1000, candidates=12)
    asked = trace(best_alone, 10)
    best_alone.ask()
    assert set(best_alone.candidates_were) <= set(SPACE.neighbours(max(asked, key=worth)))
    assert len(best_alone.candidates_were) == 12


def test_where_mutants_are_too_few_draws_join_them() -> None:
    strategy = Oracle(SPACE, rng(8), parents=1, children=2)
    trace(strategy, 10)
    strategy.ask()
    assert len(strategy.candidates_were) == 10


@pytest.mark.parametrize("make", [Oracle, *BOTH])
def test_a_space_that_is_used_up_is_trained_again(make: Callable[..., Strategy]) -> None:
    asked = trace(make(TwoCells(), rng(9)), 24)
    assert len(set(asked[:2])) == 2
    assert set(asked) == set(TwoCells().all())


def test_a_warm_up_gives_the_first_models() -> None:
    strategy = Oracle(SPACE, rng(10), initial=6)
    ranking = strategy.warm_up(score, 40, rng(11))
    firsts = {SPACE.key(arch): arch for arch in reversed(ranking)}
    assert trace(strategy, 6) == sorted(firsts.values(), key=ranking.index)[:6]


@pytest.mark.parametrize(("make", "extra"), [(Bananas, {}), (Npenas, {}), (Npenas, {"predictor": "bo"})])
def test_the_unit_of_accuracy_does_not_matter(make: Callable[..., Strategy], extra: dict[str, Any]) -> None:
    # Powers of 2, so that nothing is rounded in another place.
    traces = [trace(make(SPACE, rng(12), **QUICK, **extra), 25, lambda a, u=u: u * worth(a)) for u in (1, 64)]
    assert traces[0] == traces[1]


def test_nan_is_the_worst_that_was_seen() -> None:
    # A deviation is a root, which is rounded.
    assert standardised(np.array([1.0, -np.inf, 3.0, np.inf])) == pytest.approx([-1, -1, 1, 1], abs=1e-15)
    assert standardised(np.array([-np.inf, -np.inf])).tolist() == [0, 0]
    assert standardised(np.array([1e308, -1e308])).tolist() == [1, -1]
    assert standardised(np.full(3, 7.1)).tolist() == [0, 0, 0]


def test_torch_is_left_as_it_was_and_not_imported_before_it_is_needed() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        for make in BOTH:
            trace(make(SPACE, rng(), **QUICK), 12)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)
    code = (
        "import sys, numpy as np; from nassearch import registry; from nassearch.spaces import NASBench201\n"
        "for name in ('bananas', 'npenas'):\n"
        "    s = registry.load('strategies', name)(NASBench201(), np.random.default_rng())\n"
        "    s.ask()\n"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout.split() == ["False"], run.stderr


@pytest.mark.parametrize(
    ("make", "settings", "error", "message"),
    [
        (Bananas, {"members": 1}, InvalidSetting, "members is a whole number of at least 2, not 1"),
        (Bananas, {"paths": 0}, InvalidSetting, "paths is a whole number of at least 1, not 0"),
        (Bananas, {"encoding": "paths"}, UnknownName, "encoding"),
        (Bananas, {"candidates": 9}, InvalidSetting, "candidates is a whole number of at least 10, not 9"),
        (Bananas, {"rate": math.nan}, InvalidSetting, "rate is a number above 0, not nan"),
        (Npenas, {"rate": 0}, InvalidSetting, "rate is a number above 0, not 0"),
        (Npenas, {"predictor": "gp"}, UnknownName, "predictor"),
        (Npenas, {"epochs": 0}, InvalidSetting, "epochs is a whole number of at least 1, not 0"),
        (Npenas, {"batch": 1.5}, InvalidSetting, "batch is a whole number of at least 1, not 1.5"),
        (Npenas, {"initial": 0}, InvalidSetting, "initial is a whole number of at least 1, not 0"),
        (Npenas, {"move": score}, InvalidSetting, "no meaning for npenas: .* warm-up only"),
    ],
)
def test_settings_out_of_range_are_refused(
    make: Callable[..., Strategy], settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(SPACE, rng(), **settings)
