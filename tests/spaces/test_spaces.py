"""The space of NAS-Bench-201: its size, its order, its key, its moves."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from nassearch.errors import InvalidArch
from nassearch.networks.modules.network import TorchNetwork
from nassearch.proxies.epsilon import epsilon
from nassearch.proxies.synflow import synflow
from nassearch.spaces.edge_cells import CONV1, CONV3, EDGES, NONE, OPS, POOL, SKIP
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Arch, Batch, Task

SPACE = NASBench201()
TEXT = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


def test_every_architecture_once() -> None:
    archs = list(SPACE.all())
    assert len(archs) == len(set(archs)) == SPACE.size == 15_625
    assert all(SPACE.is_valid(arch) for arch in archs)


def test_as_many_keys_as_published() -> None:
    assert len({SPACE.published_key(arch) for arch in SPACE.all()}) == 6_466


def test_published_keys_are_those_of_the_published_package() -> None:
    topology = pytest.importorskip("nats_bench.api_topology", reason="needs nats_bench: nassearch[nasbench]")
    for arch in SPACE.all():
        cell = topology.topology_str2structure(SPACE.format(arch))
        assert SPACE.published_key(arch) == cell.to_unique_str(consider_zero=True)


def test_as_many_keys_as_functions() -> None:
    groups: dict[str, set[str]] = {}
    for arch in SPACE.all():
        groups.setdefault(SPACE.key(arch), set()).add(SPACE.published_key(arch))
    assert len(groups) == 4_930
    assert sum(len(published) > 1 for published in groups.values()) == 623


def test_sums_are_flat_and_nothing_adds_nothing() -> None:
    # Both are avg(x) + conv1x1(x) + conv3x3(x), by another node each.
    one = SPACE.parse(
        "|skip_connect~0|+|none~0|avg_pool_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|skip_connect~2|"
    )
    other = SPACE.parse(
        "|skip_connect~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|none~0|avg_pool_3x3~1|skip_connect~2|"
    )
    assert SPACE.key(one) == SPACE.key(other) == "(x)2+(x)3+(x)4"
    # A skip hands on the terms of a sum one by one: (x + conv(x)) + pool(x) and x + (conv(x) + pool(x)).
    assert SPACE.key((CONV3, SKIP, SKIP, POOL, NONE, SKIP)) == SPACE.key(
        (SKIP, CONV3, POOL, SKIP, NONE, SKIP)
    )
    # A convolution of a sum is not a sum of convolutions.
    assert SPACE.key((CONV3, SKIP, SKIP, NONE, NONE, CONV1)) == "((x)3+x)2"
    assert SPACE.key((NONE,) * 6) == "0"


def test_the_representative_is_the_first_of_its_key() -> None:
    seen: dict[str, Arch] = {}
    for arch in SPACE.all():
        first = seen.setdefault(SPACE.key(arch), arch)
        assert SPACE.representative(arch) == first == SPACE.of_key(SPACE.key(arch))
    assert SPACE.of_key("nonsense") is None


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (
            0,
            "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        ),
        # the best of CIFAR-10, CIFAR-100 and ImageNet16-120
        (
            6111,
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
        ),
        (
            9930,
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        ),
        (
            857,
            "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        ),
    ],
)
def test_official_index(index: int, text: str) -> None:
    arch = SPACE.parse(text)
    assert SPACE.index(arch) == index
    assert list(SPACE.all())[index] == arch


def test_order_is_that_of_the_published_table(real_data: Path) -> None:
    with gzip.open(real_data / "nasbench201" / "nasbench201.csv.gz", "rt", newline="") as file:
        rows = [(int(row["index"]), row["arch"]) for row in csv.DictReader(file)]
    assert rows == [(i, SPACE.format(arch)) for i, arch in enumerate(SPACE.all())]


def test_text_round_trip() -> None:
    assert SPACE.format(SPACE.parse(TEXT)) == TEXT
    assert SPACE.parse(f"  {TEXT}\n") == SPACE.parse(TEXT)
    for arch in SPACE.all():
        assert SPACE.parse(SPACE.format(arch)) == arch


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has 1 nodes between '\+', not 3; an example"),
        ("nor_conv_3x3", "has 1 nodes"),
        (TEXT + "+|none~0|", "has 4 nodes"),
        (
            TEXT.replace("nor_conv_3x3~2", "nor_conv_5x5~2"),
            "'nor_conv_5x5' in .* is not an operation; known: none",
        ),
        (TEXT.replace("skip_connect~0|nor", "nor"), r"node 2 of .* is .*, not 2 operations"),
        (TEXT.replace("none~1", "none~2"), "'none~2' in .* should read none~1"),
        (TEXT.replace("none~1", "none"), "should read none~1"),
        (TEXT.replace("+|", "+", 1), "node 2 of"),
        (TEXT.upper(), "is not an operation"),
    ],
)
def test_malformed_text(text: str, message: str) -> None:
    with pytest.raises(InvalidArch, match=message):
        SPACE.parse(text)


@pytest.mark.parametrize(
    "arch",
    [(), (0,) * 5, (0,) * 7, (0, 0, 0, 0, 0, 5), (0, 0, 0, 0, 0, -1), (0.0,) * 6, "000000", [0] * 6, None],
)
def test_not_an_architecture(arch: object) -> None:
    assert not SPACE.is_valid(arch)  # type: ignore[arg-type]
    with pytest.raises(InvalidArch, match="is not an architecture of nasbench201: six operations"):
        SPACE.check(arch)  # type: ignore[arg-type]


def test_24_neighbours_one_edit_away_both_ways() -> None:
    for arch in SPACE.sample_many(200, np.random.default_rng(0)):
        neighbours = SPACE.neighbours(arch)
        assert len(neighbours) == len(set(neighbours)) == 24
        for neighbour in neighbours:
            assert sum(a != b for a, b in zip(arch, neighbour, strict=True)) == 1
            assert arch in SPACE.neighbours(neighbour)


def test_mutation_is_uniform_over_the_neighbours() -> None:
    arch, rng = SPACE.parse(TEXT), np.random.default_rng(0)
    counts = Counter(SPACE.mutate(arch, rng) for _ in range(4_800))
    assert set(counts) == set(SPACE.neighbours(arch))
    # A right mutation would fail with probability 1e-4 were the seed drawn anew; it is fixed.
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


def test_samples_are_uniform() -> None:
    draws = np.array(SPACE.sample_many(5_000, np.random.default_rng(0)))
    assert draws.shape == (5_000, len(EDGES))
    for edge in range(len(EDGES)):
        # Six tests at 1e-4: a right sampler would fail with probability 6e-4 were the seed not fixed.
        assert stats.chisquare(np.bincount(draws[:, edge], minlength=len(OPS))).pvalue > 1e-4


def test_same_seed_same_draws() -> None:
    for draw in (lambda rng: SPACE.sample_many(50, rng), lambda rng: SPACE.mutate(SPACE.sample(rng), rng)):
        assert draw(np.random.default_rng(7)) == draw(np.random.default_rng(7))
        assert all(SPACE.is_valid(arch) for arch in SPACE.sample_many(50, np.random.default_rng(7)))
    assert SPACE.sample_many(1, np.random.default_rng(7)) == [SPACE.sample(np.random.default_rng(7))]


def test_key_by_hand() -> None:
    key = SPACE.key
    assert key((SKIP, CONV3, CONV1, NONE, NONE, SKIP)) == key((SKIP, CONV1, CONV3, NONE, NONE, SKIP))
    assert key((SKIP, CONV3, CONV1, NONE, NONE, SKIP)) != key((SKIP, CONV3, CONV3, NONE, NONE, SKIP))
    assert key((SKIP, NONE, NONE, CONV3, POOL, NONE)) == key((SKIP, NONE, NONE, POOL, CONV3, NONE))
    assert key((NONE,) * 6) == key((CONV3, NONE, NONE, NONE, NONE, NONE))  # feeds nothing
    assert key((NONE, CONV3, CONV1, NONE, NONE, SKIP)) == key(
        (NONE, CONV3, POOL, NONE, NONE, SKIP)
    )  # fed by nothing


def _cell(arch: Arch, inputs: np.ndarray, kernels: dict[tuple[int, str], np.ndarray]) -> np.ndarray:
    """Compute a cell on one channel, with one weight per (operation, what feeds it): equal terms agree."""
    values = {0: inputs}
    texts = {0: "x"}
    for target in (1, 2, 3):
        total, terms = np.zeros_like(inputs), []
        for op, (source, end) in zip(arch, EDGES, strict=True):
            if end != target or op == NONE or not texts[source]:
                continue
            x, name = values[source], f"{op}({texts[source]})"
            if op == SKIP:
                name = texts[source]
            elif op == POOL:
                x = np.convolve(x, np.ones(3), "same") / np.convolve(np.ones_like(x), np.ones(3), "same")
            else:
                kernel = kernels.setdefault((op, name), _kernel(name, 1 if op == CONV1 else 3))
                x = np.convolve(np.maximum(x, 0), kernel, "same")
            total, terms = total + x, [*terms, name]
        values[target], texts[target] = total, "+".join(sorted(terms))
    return values[3]


def _kernel(name: str, size: int) -> np.ndarray:
    return np.random.default_rng(list(name.encode())).standard_normal(size)


TINY = Task((1, 12), 4, (3, 4), 1, "pool")


def _tied(arch: Arch) -> TorchNetwork:
    """Return the network with one weight for each block and term, so that equal terms agree in all cells."""
    network = SPACE.network(arch, TINY)
    model = TorchNetwork(network, None)
    for number, block in enumerate(network.blocks()):
        terms: list[list[str]] = []
        for position, layer in enumerate(block):
            read = [text for source in layer.inputs for text in terms[source]]
            if layer.op == "input":
                read = ["x"]
            elif layer.op != "add" and read:
                read = [f"{layer.op}{layer.kernel}({'+'.join(sorted(read))})"]
            terms.append(read)
            module = model.blocks[number].layers[position]
            if layer.op in ("conv", "linear") and read:
                rng = np.random.default_rng([number, *read[0].encode()])
                module.weight.data = torch.tensor(rng.normal(size=module.weight.shape))
    return model.double().train()


def _groups() -> list[list[Arch]]:
    groups: dict[str, list[Arch]] = {}
    for arch in SPACE.all():
        groups.setdefault(SPACE.key(arch), []).append(arch)
    return [group for group in groups.values() if len(group) > 1]


@torch.no_grad()
def test_equal_keys_have_equal_logits_where_equal_terms_have_equal_weights() -> None:
    groups, rng = _groups(), np.random.default_rng(0)
    inputs = torch.tensor(rng.normal(size=(8, *TINY.input_shape)))
    for i in rng.permutation(len(groups))[:100].tolist():
        first, *others = groups[i]
        expected = _tied(first)(inputs)
        for other in [others[j] for j in rng.permutation(len(others))[:3]]:
            # Sums in another order, in float64; batch norm of nearly equal signals makes roundings larger.
            torch.testing.assert_close(_tied(other)(inputs), expected, rtol=1e-6, atol=1e-6)


def test_equal_keys_have_equal_scores_by_every_proxy_scored_by_key() -> None:
    archs, groups = list(SPACE.all()), _groups()
    place = {arch: i for i, arch in enumerate(archs)}
    values = synflow([SPACE.network(arch, TINY) for arch in archs])
    for group in groups:
        np.testing.assert_allclose(
            values[[place[arch] for arch in group]], values[place[group[0]]], rtol=1e-12
        )
    rng = np.random.default_rng(0)
    batch = Batch(rng.normal(size=(32, *TINY.input_shape)).astype(np.float32))
    some = [groups[i][:4] for i in rng.permutation(len(groups))[:60]]
    found = epsilon(
        [SPACE.network(arch, TINY) for group in some for arch in group], batch, weights=(1e-3, 1.0)
    )
    scored = 0
    for group in some:
        scores, found = found[: len(group)], found[len(group) :]
        # Float32 sums in another order; epsilon divides a difference of outputs by their mean.
        np.testing.assert_allclose(scores, scores[0], rtol=1e-3, atol=1e-6)
        scored += int(np.isfinite(scores[0]))
    assert scored > 30


def test_different_functions_have_different_keys() -> None:
    archs = SPACE.sample_many(60, np.random.default_rng(3))
    inputs, kernels = np.random.default_rng(1).standard_normal(12), {}
    values = [_cell(arch, inputs, kernels) for arch in archs]
    for (a, x), (b, y) in combinations(zip(archs, values, strict=True), 2):
        if not np.allclose(x, y):
            assert SPACE.key(a) != SPACE.key(b)


def test_graph_is_the_cell() -> None:
    graph = SPACE.graph(SPACE.parse(TEXT))
    assert graph.adjacency.shape == (8, 8)
    assert [graph.names[op] for op in graph.ops.tolist()][1:-1] == [OPS[op] for op in SPACE.parse(TEXT)]
    assert not np.tril(graph.adjacency).any()
    dead = 1 + SPACE.parse(TEXT).index(NONE)
    assert not graph.adjacency[dead].any()
    assert not graph.adjacency[:, dead].any()
