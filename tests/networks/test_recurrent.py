"""Recurrent networks: their interpreters against each other, against hand calculation and against published counts."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recipes import GRU, LSTM, RNN, made_up

from nassearch import registry
from nassearch.benchmarks.nasbench_nlp import NASBenchNLPBenchmark
from nassearch.errors import InvalidSetting
from nassearch.networks.constant.recurrent import collapsed_recurrent_outputs
from nassearch.networks.modules.recurrent import (
    EMBEDDINGS,
    RecurrentLayer,
    RecurrentModule,
    constant_outputs,
    fixed_embedding,
)
from nassearch.networks.positive.recurrent import recurrent_synflow
from nassearch.networks.recurrent import RecurrentNetwork, macs, parameters
from nassearch.proxies.counts import flops, params
from nassearch.proxies.epsilon import distance, epsilon
from nassearch.proxies.synflow import synflow
from nassearch.scorers import build_scorer
from nassearch.spaces.nasbench_nlp.recipes import to_arch, to_cell
from nassearch.spaces.nasbench_nlp.space import NASBenchNLP
from nassearch.types import Batch, Task

WORDS = 50
TOKENS = np.random.default_rng(0).integers(WORDS, size=(16, 12))
RECIPES = [RNN, LSTM, GRU, *map(made_up, range(18))]
RELU: dict[str, Any] = {
    "f": {"op": "linear", "input": ["x", "h_prev_0"]},
    "h_new_0": {"op": "activation_leaky_relu", "input": ["f"]},
}


def network(recipe: dict[str, Any], widths: tuple[int, ...] = (12, 12, 8)) -> RecurrentNetwork:
    return RecurrentNetwork(to_cell(to_arch(recipe)), widths, WORDS)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_counts_by_hand() -> None:
    # Embedding 50 * 8 and its bias 50; per layer a matrix for x, one for the state, and a bias.
    products = 12 * (8 + 12) + 12 * (12 + 12) + 8 * (12 + 8)
    assert parameters(network(RNN)) == 50 * 8 + 50 + products + 12 + 12 + 8
    assert macs(network(RNN)) == products + 50 * 8
    assert parameters(network(LSTM)) == 50 * 8 + 50 + 4 * (products + 12 + 12 + 8)


@pytest.mark.parametrize("recipe", RECIPES)
def test_counts_are_those_of_the_module(recipe: dict[str, Any]) -> None:
    module = RecurrentModule(network(recipe), None)
    assert sum(p.numel() for p in module.parameters()) == parameters(network(recipe))


def test_counts_of_every_released_log(real_data: Path) -> None:
    task = NASBenchNLPBenchmark.datasets()["wikitext-2"].task
    space, checked = NASBenchNLP(), 0
    with zipfile.ZipFile(real_data / "nasbench_nlp" / "wikitext2_logs.zip") as archive:
        for name in archive.namelist():
            log = json.loads(archive.read(name))
            arch = to_arch(json.loads(log["recepie"]))
            assert parameters(space.network(arch, task)) == log["num_params"]
            checked += 1
    assert checked == 345


def test_a_step_by_hand() -> None:
    layer = RecurrentLayer(to_cell(to_arch(GRU)), 3, 2, drawn())
    x, h = torch.randn(5, 3, generator=drawn(1)), torch.randn(5, 2, generator=drawn(2))
    # Which node is r, z or the new one is up to the canonical order: find them by what reads them.
    cell = layer.cell
    final = next(node for node in cell.nodes if node.op == "blend")
    gate, new = (cell.nodes[final.inputs[i] - 2].inputs[0] - 2 for i in (0, 2))
    (reset,) = {k for k, node in enumerate(cell.nodes) if node.op == "linear"} - {gate, new}

    def linear(k: int, *inputs: torch.Tensor) -> torch.Tensor:
        products = [a @ w.T for a, w in zip(inputs, layer.weights[str(k)], strict=True)]
        return sum(products, layer.biases[str(k)])

    z, r = torch.sigmoid(linear(gate, x, h)), torch.sigmoid(linear(reset, x, h))
    y = torch.nn.functional.leaky_relu(linear(new, x, r * h))
    torch.testing.assert_close(layer.step(x, [h])[0], z * h + (1 - z) * y)


def test_a_layer_runs_its_steps_in_order() -> None:
    layer = RecurrentLayer(to_cell(to_arch(LSTM)), 3, 2, drawn())
    xs = torch.randn(4, 5, 3, generator=drawn(1))
    states = [torch.full((5, 2), 0.25)] * 2
    for x, y in zip(xs, layer(xs, 0.25), strict=True):
        states = layer.step(x, states)
        torch.testing.assert_close(y, states[0], rtol=0, atol=0)


def test_the_module_maps_words_to_logits_and_draws_from_its_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again = (RecurrentModule(network(LSTM), drawn(3)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    tokens = torch.from_numpy(TOKENS)
    logits = first(tokens)
    assert logits.shape == (16, 12, WORDS)
    assert torch.equal(logits, again(tokens))
    assert not first.bias.any()
    changed = tokens.clone()
    changed[:, 6:] = 0
    # A word says nothing about those before it.
    assert torch.equal(first(changed)[:, :6], logits[:, :6])
    assert not torch.equal(first(changed)[:, 6], logits[:, 6])
    bound = 12**-0.5
    largest = max(float(p.detach().abs().max()) for p in first.layers[0].parameters())
    # Some 400 draws from U(-b, b): all below 0.9 b with probability 0.9^400, below 1e-18.
    assert 0.9 * bound < largest <= bound


def test_the_fixed_embedding_is_the_authors_draw() -> None:
    torch.manual_seed(21)
    theirs = torch.nn.init.uniform_(torch.empty(WORDS, 8), 0, 1)
    assert torch.equal(fixed_embedding(WORDS, 8), theirs)
    assert len({float(fixed_embedding(WORDS, 8, kind)[0, 0]) for kind in EMBEDDINGS}) == len(EMBEDDINGS)


@pytest.mark.parametrize("weights", [(1e-5, 1e-3), (1e-4, 1e-2), (1e-20, 1e-7)])
def test_one_unit_stands_for_all_under_constant_weights(weights: tuple[float, float]) -> None:
    networks = [network(recipe) for recipe in RECIPES]
    collapsed = collapsed_recurrent_outputs(networks, TOKENS, weights)
    assert collapsed.shape == (len(RECIPES), 2, 16 * 12)
    scored = 0
    for one, rows in zip(networks, collapsed, strict=True):
        full = np.stack([constant_outputs(one, torch.from_numpy(TOKENS), w).numpy() for w in weights])
        # Sums of up to 12 numbers in float32 in another order, some thirty times in a row through the layers.
        np.testing.assert_allclose(rows, full, rtol=3e-5, atol=1e-30)
        values = distance(rows), distance(full)
        assert np.isnan(values[0]) == np.isnan(values[1])
        if not np.isnan(values[0]):
            scored += 1
    assert scored > (0 if weights[0] < 1e-10 else len(RECIPES) // 3)


def test_all_units_are_equal_under_constant_weights() -> None:
    module = RecurrentModule(network(LSTM), None)
    with torch.no_grad():
        for parameter in module.layers.parameters():
            parameter.fill_(0.01)
        hidden = module.hidden(fixed_embedding(WORDS, 8)[torch.from_numpy(TOKENS).T], 0.01)
    # Units are computed alike, but a product of matrices may add in another order at its edges.
    torch.testing.assert_close(hidden, hidden[:, :, :1].expand_as(hidden), rtol=1e-6, atol=0)


def test_epsilon_takes_both_paths_and_the_spaces_weights() -> None:
    archs = [to_arch(recipe) for recipe in RECIPES]
    space, task = NASBenchNLP(archs), Task((12,), WORDS, channels=(12, 12, 8), cells=1, words=WORDS)
    batch = Batch(TOKENS)
    scores = build_scorer("epsilon", space, task, batch)(archs)
    networks = [space.network(arch, task) for arch in archs]
    np.testing.assert_array_equal(scores, epsilon(networks, batch, weights=(1e-5, 1e-3)))
    full = epsilon(networks, batch, weights=(1e-5, 1e-3), path="full")
    assert 10 < np.isfinite(scores).sum() < len(archs)
    np.testing.assert_array_equal(np.isnan(scores), np.isnan(full))
    # Outputs of few distinct values: a rounding apart, the smallest of a row may be one output or several.
    np.testing.assert_allclose(scores, full, rtol=5e-2)
    with pytest.raises(InvalidSetting, match="path of epsilon"):
        epsilon(networks, batch, weights=(1e-5, 1e-3), path="half")


def test_words_decide_epsilon() -> None:
    other = Batch(np.random.default_rng(1).integers(WORDS, size=(16, 12)))
    one, two = (epsilon([network(RNN)], batch, weights=(1e-5, 1e-3))[0] for batch in (Batch(TOKENS), other))
    assert one != two


class TestSynflow:
    def test_one_unit_by_hand(self) -> None:
        tiny = RecurrentNetwork(to_cell(to_arch(RELU)), (1,), 3)
        layer = RecurrentLayer(tiny.cell, 1, 1, drawn(5))
        (w, v), b = (
            (abs(float(p.detach())) for p in layer.weights["0"]),
            abs(float(layer.biases["0"].detach())),
        )
        out = float(torch.empty(3, 1).uniform_(-0.1, 0.1, generator=drawn(5)).abs().sum())
        # y = w * 1 + v * 1 + b; R = out * y; the classifier counts R, each weight its share.
        assert recurrent_synflow(tiny, 5) == pytest.approx(out * (w + v) + out * (w + v + b), rel=1e-6)

    @pytest.mark.parametrize("recipe", [RNN, LSTM])
    def test_it_is_the_derivative_along_the_matrices(self, recipe: dict[str, Any]) -> None:
        # With positive weights, activations and states the sum of |theta * dR/dtheta| is d/dt R(t * theta).
        one = network(recipe)
        generator = drawn(2)
        layers = [RecurrentLayer(one.cell, *sizes, generator).double() for sizes in one.layers]
        out = torch.empty(WORDS, 8).uniform_(-0.1, 0.1, generator=drawn(2)).abs().sum(0, dtype=torch.float64)

        def total(scale: float) -> float:
            x = torch.ones(1, 8, dtype=torch.float64)
            with torch.no_grad():
                for layer in layers:
                    copy = RecurrentLayer(one.cell, x.shape[1], layer.units, None).double()
                    for (name, target), source in zip(
                        copy.named_parameters(), layer.parameters(), strict=True
                    ):
                        target.copy_(source.abs() * (scale if name.startswith("weights") else 1))
                    x = copy.step(x, [torch.ones(1, layer.units, dtype=torch.float64)] * one.cell.states)[0]
            return float((x[0] * out).sum()) * scale

        slope = (total(1 + 1e-6) - total(1 - 1e-6)) / 2e-6
        assert recurrent_synflow(one, 2) == pytest.approx(
            slope, rel=1e-6
        )  # central difference: error of 1e-12 / 1e-6

    def test_it_follows_its_seed_and_leaves_the_global_generator_alone(self) -> None:
        before = torch.get_rng_state()
        values = [recurrent_synflow(network(GRU), seed) for seed in (0, 0, 1)]
        assert torch.equal(torch.get_rng_state(), before)
        assert values[0] == values[1] != values[2]

    def test_a_matrix_that_leads_to_later_states_only_counts_nothing(self) -> None:
        idle = RNN | {"g": {"op": "linear", "input": ["x", "h_prev_1"]}}
        idle |= {"h_new_1": {"op": "activation_tanh", "input": ["g"]}}
        assert np.isfinite(recurrent_synflow(network(idle), 0))

    def test_where_no_matrix_leads_to_the_output_the_classifier_counts_alone(self) -> None:
        # The output is the old state, ones, whatever the matrix of the other state does.
        linear = {"n0": {"op": "linear", "input": ["x", "h_prev_1"]}}
        ends = {
            f"h_new_{i}": {"op": "activation_leaky_relu", "input": [x]}
            for i, x in enumerate(("h_prev_0", "n0"))
        }
        tiny = RecurrentNetwork(to_cell(to_arch(linear | ends)), (1,), 3)
        out = float(torch.empty(3, 1).uniform_(-0.1, 0.1, generator=drawn(5)).abs().sum())
        assert recurrent_synflow(tiny, 5) == pytest.approx(out, rel=1e-6)

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_every_cell_has_a_score(self, recipe: dict[str, Any]) -> None:
        assert np.isfinite(recurrent_synflow(network(recipe), 0))

    def test_it_is_sampled_only(self) -> None:
        archs = [to_arch(RNN), to_arch(LSTM)]
        space, task = NASBenchNLP(archs), Task((12,), WORDS, channels=(12, 12, 8), cells=1, words=WORDS)
        scores = build_scorer("synflow(seed=4)", space, task)(archs)
        assert scores.tolist() == [recurrent_synflow(space.network(arch, task), 4) for arch in archs]
        with pytest.raises(InvalidSetting, match="is sampled"):
            synflow([network(RNN)], estimator="expected")


def test_counts_as_proxies() -> None:
    networks = [network(recipe) for recipe in RECIPES]
    assert params(networks).tolist() == [parameters(n) for n in networks]
    assert flops(networks).tolist() == [macs(n) for n in networks]


@pytest.mark.parametrize("name", registry.names("proxies"))
def test_a_proxy_has_a_meaning_or_names_those_that_have(name: str) -> None:
    proxy = registry.load("proxies", name)
    labels = np.zeros(16, np.int64)
    known = [
        n
        for n in registry.names("proxies")
        if RecurrentNetwork in registry.load("proxies", n).for_networks.functions
    ]
    assert {"epsilon", "flops", "params", "synflow"} <= set(known)
    if name in known:
        return
    with pytest.raises(InvalidSetting, match=f"{name} has no meaning .* {', '.join(known)}"):
        proxy([network(RNN)], Batch(TOKENS, labels))


@pytest.mark.slow
def test_one_unit_stands_for_all_at_the_published_size(real_data: Path) -> None:
    task = NASBenchNLPBenchmark.datasets()["ptb"].task
    tokens = np.random.default_rng(0).integers(task.classes, size=(8, 70))
    with zipfile.ZipFile(real_data / "nasbench_nlp" / "wikitext2_logs.zip") as archive:
        recipes = [json.loads(json.loads(archive.read(name))["recepie"]) for name in archive.namelist()[::30]]
    weights = (1e-5, 1e-3)
    for recipe in recipes:
        one = NASBenchNLP().network(to_arch(recipe), task)
        rows = collapsed_recurrent_outputs([one], tokens, weights)[0]
        full = [constant_outputs(one, torch.from_numpy(tokens), w).numpy() for w in weights]
        # Sums of 600 numbers in float32 in another order, through three layers and 70 steps: measured 9e-6.
        np.testing.assert_allclose(rows, full, rtol=1e-4)
