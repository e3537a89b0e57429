"""The space of NAS-Bench-101: its cells, their canonical form, keys and moves, and its benchmark."""

from __future__ import annotations

import pickle
from collections import Counter
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nassearch.benchmarks.nasbench101 import NASBench101Benchmark, NASBench101MatrixBenchmark
from nassearch.benchmarks.table import FORMAT, Table
from nassearch.errors import InvalidArch, InvalidSetting, MissingData
from nassearch.networks.counting import parameters
from nassearch.spaces.nasbench101.archs import OPS, PUBLISHED, archs_of, cell, pruned
from nassearch.spaces.nasbench101.cells import BITS, COLOURS, EDGES, INNER, cells
from nassearch.spaces.nasbench101.hash import module_hash
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.types import Arch

SPACE = NASBench101()
SIZE = 423_624
DECISIONS = st.tuples(*[st.integers(0, 1)] * BITS, *[st.integers(0, 2)] * INNER)
Graph = tuple[frozenset[tuple[int, int]], tuple[int, ...]]
"""Edges between vertices 0 to 6, and the operations of vertices 1 to 5."""


def graph_of(decisions: Arch) -> Graph:
    return frozenset(e for e, bit in zip(EDGES, decisions, strict=False) if bit), decisions[BITS:]


def pruned_by_hand(graph: Graph) -> Graph | None:
    """Prune by following ways, and give unused vertices operation 0; None where the input reaches no output."""
    edges, ops = graph
    forth, back = {0}, {6}
    for _ in range(6):
        forth |= {j for i, j in edges if i in forth}
        back |= {i for i, j in edges if j in back}
    used = forth & back
    if not {0, 6} <= used:
        return None
    return (
        frozenset(e for e in edges if used.issuperset(e)),
        tuple(op if v in used else 0 for v, op in enumerate(ops, start=1)),
    )


def key_by_hand(graph: Graph) -> str:
    """Return the published hash of a pruned graph, vertices in the order of their numbers."""
    edges, ops = graph
    used = sorted({v for edge in edges for v in edge})
    matrix = tuple(tuple(int((i, j) in edges) for j in used) for i in used)
    return module_hash(matrix, [ops[v - 1] for v in used[1:-1]])


def neighbours_by_hand(arch: Arch) -> set[str]:
    """Return the keys of all cells one edit away, from every matrix that means this cell and every unused operation."""
    edges, ops = graph_of(arch)
    matrices = set()
    for order in permutations(range(1, 6)):
        label = (0, *order, 6)
        drawn = frozenset((label[i], label[j]) for i, j in edges)
        if all(i < j for i, j in drawn):
            colours = [0] * INNER
            for v in range(1, 6):
                colours[label[v] - 1] = ops[v - 1]
            matrices.add((drawn, tuple(colours)))
    found = set()
    for drawn, painted in matrices:
        used = {v for edge in drawn for v in edge}
        loose = [e for e in EDGES if not used.issuperset(e)]
        free = [v for v in range(1, 6) if v not in used]
        for chosen in product((False, True), repeat=len(loose)):
            whole = drawn | {e for e, bit in zip(loose, chosen, strict=True) if bit}
            if pruned_by_hand((whole, painted)) != (drawn, painted):
                continue
            for edge in EDGES:
                for fill in product(range(3), repeat=len(free)):
                    filled = list(painted)
                    for v, op in zip(free, fill, strict=True):
                        filled[v - 1] = op
                    after = pruned_by_hand((whole ^ {edge}, tuple(filled)))
                    if after is not None and len(after[0]) <= 9:
                        found.add(key_by_hand(after))
        for v in used - {0, 6}:
            for op in range(3):
                found.add(key_by_hand((drawn, (*painted[: v - 1], op, *painted[v:]))))
    return found - {SPACE.key(arch)}


def of_vertices(vertices: int, n: int, seed: int = 0) -> list[Arch]:
    """Draw n cells with so many vertices."""
    rng = np.random.default_rng(seed)
    found: list[Arch] = []
    while len(found) < n:
        found += [a for a in SPACE.sample_many(2_000, rng) if len(pruned(a)[0]) == vertices]
    return found[:n]


def test_as_many_cells_as_published_smallest_first() -> None:
    assert SPACE.size == SIZE
    places = [0, 1, 2, *range(3, SIZE, 1_000), SIZE - 1]
    archs = [SPACE.parse(str(place)) for place in places]
    assert [SPACE.index(arch) for arch in archs] == places
    vertices = [len(pruned(arch)[0]) for arch in archs]
    assert vertices == sorted(vertices)
    assert (vertices[0], vertices[-1]) == (2, 7)


def test_every_cell_is_its_own_canonical_form() -> None:
    codes = cells().codes
    assert np.array_equal(cells().canonical(codes // COLOURS, codes % COLOURS), codes)


def test_unused_vertices_stand_last_without_edges_and_with_operation_0() -> None:
    for arch in SPACE.sample_many(2_000, np.random.default_rng(0)):
        edges, ops = graph_of(arch)
        used = {v for edge in edges for v in edge}
        assert used == {*range(len(used) - 1), 6}
        assert not any(ops[len(used) - 2 :])
        assert pruned_by_hand((edges, ops)) == (edges, ops)
        assert len(edges) <= 9


@settings(max_examples=300, deadline=None)
@given(DECISIONS)
def test_decisions_mean_the_cell_that_is_left_once_pruned(decisions: Arch) -> None:
    arch, by_hand = SPACE.decide(decisions), pruned_by_hand(graph_of(decisions))
    if by_hand is None or len(by_hand[0]) > 9:
        assert arch is None
        return
    assert arch is not None
    assert SPACE.is_valid(arch)
    assert SPACE.decide(arch) == arch
    assert SPACE.key(arch) == key_by_hand(by_hand)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, SIZE - 1), st.permutations(range(1, 6)))
def test_the_order_of_vertices_does_not_matter(place: int, order: list[int]) -> None:
    arch = archs_of(cells().codes[[place]])[0]
    edges, ops = graph_of(arch)
    label = (0, *order, 6)
    moved = {(label[i], label[j]) for i, j in edges}
    if any(i > j for i, j in moved):
        return
    colours = [0] * INNER
    for v, op in enumerate(ops, start=1):
        colours[label[v] - 1] = op
    assert SPACE.decide((*(int(e in moved) for e in EDGES), *colours)) == arch


def test_decisions_that_are_none() -> None:
    assert SPACE.decide((1,) * BITS + (0,) * INNER) is None
    assert SPACE.decide((0,) * (BITS + INNER)) is None
    assert len(SPACE.options) == BITS + INNER


def test_keys_of_published_records() -> None:
    arch = SPACE.parse("0110001100010000:input,conv1x1-bn-relu,conv3x3-bn-relu,output")
    assert SPACE.key(arch) == "5529e1779433733d1145e20de5d8604e"
    assert SPACE.format(arch) == "110-11-1:conv1x1,conv3x3"


def test_different_cells_have_different_keys() -> None:
    archs = list(dict.fromkeys(SPACE.sample_many(3_000, np.random.default_rng(1))))
    assert len(set(map(SPACE.key, archs))) == len(archs)
    assert SPACE.keys_differ  # so that scores are kept by text


def test_text_round_trip() -> None:
    for arch in SPACE.sample_many(500, np.random.default_rng(2)):
        assert SPACE.parse(SPACE.format(arch)) == arch
        matrix, ops = pruned(arch)
        bits = "".join(str(bit) for row in matrix for bit in row)
        names = ",".join(["input", *(PUBLISHED[op] for op in ops), "output"])
        assert SPACE.parse(f" {bits}:{names}\n") == arch
    assert SPACE.format(SPACE.parse("1:")) == "1:"


def test_text_that_is_not_pruned_or_in_another_order() -> None:
    assert SPACE.format(SPACE.parse("01-1:conv3x3")) == "1:"
    assert SPACE.parse("110-01-1:conv3x3,maxpool3x3") == SPACE.parse("110-01-1:conv3x3, maxpool3x3")
    assert SPACE.parse("110-01-1:conv3x3,conv1x1") == SPACE.parse("110-01-1:conv1x1,conv3x3")
    assert SPACE.parse("110-11-1:conv3x3,conv1x1") != SPACE.parse("110-11-1:conv1x1,conv3x3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not rows of bits, a colon and operations; an example: 110-01-1"),
        ("110-01-1", "is not rows of bits"),
        ("112-01-1:conv3x3,conv3x3", "is not rows of bits"),
        ("11:conv3x3", "2 bits, which are no square"),
        ("110-1-1:conv3x3,conv3x3", "row 2 of .* has 1 bits, not 2"),
        ("110-01-1:conv3x3", "4 vertices has 2 operations between input and output, not 1"),
        ("110-01-1:conv3x3,conv5x5", "'conv5x5' is not an operation; known: conv3x3, conv1x1, maxpool3x3"),
        ("0110:", "from lower to higher vertices"),
        ("0:", "the input has to reach the output, by at most 9 edges"),
        ("111111-11111-1111-111-11-1:" + ",".join(["conv3x3"] * 5), "by at most 9 edges"),
        (
            "-".join("1" * n for n in range(7, 0, -1)) + ":" + ",".join(["conv3x3"] * 6),
            "from 2 to 7 vertices",
        ),
        ("5529e1779433733d1145e20de5d8604e", "is a hash, which says nothing of its cell"),
        (str(SIZE), f"from 0 to {SIZE - 1}, not {SIZE}"),
        ("-1", "from 0 to"),
        ("9" * 5_000, "is not rows of bits"),
    ],
)
def test_malformed_text(text: str, message: str) -> None:
    with pytest.raises(InvalidArch, match=message):
        SPACE.parse(text)


@pytest.mark.parametrize(
    "matrix",
    [[], [[0, 1]], [[0, 2], [0, 0]], [[0, 1], [0, 1]], [[1, 1], [0, 0]], [[0, 1, 0], [0, 0], [0, 0, 0]]],
)
def test_malformed_matrix(matrix: list[list[int]]) -> None:
    with pytest.raises(InvalidArch):
        cell(matrix, ["conv3x3"] * max(0, len(matrix) - 2))


VALID = SPACE.parse("110-01-1:conv3x3,maxpool3x3")
UNUSED = (*VALID[:-1], 1)
"""The same cell with an operation on an unused vertex."""


@pytest.mark.parametrize(
    "arch",
    [
        (),
        VALID[:-1],
        (*VALID, 0),
        UNUSED,
        (2, *VALID[1:]),
        (-1, *VALID[1:]),
        (300, *VALID[1:]),
        (*VALID[:-1], 3),
        tuple(map(float, VALID)),
        list(VALID),
        "0" * 26,
        None,
        (0,) * 26,
        (1,) * 26,
    ],
)
def test_not_an_architecture(arch: object) -> None:
    assert not SPACE.is_valid(arch)  # type: ignore[arg-type]
    with pytest.raises(
        InvalidArch, match="is not an architecture of nasbench101: the 21 bits of a 7x7 matrix"
    ):
        SPACE.check(arch)  # type: ignore[arg-type]
    if isinstance(arch, tuple):
        for ask in (SPACE.index, SPACE.neighbours, SPACE.format, SPACE.graph):
            with pytest.raises(InvalidArch):
                ask(arch)


@pytest.mark.parametrize(("vertices", "n"), [(7, 6), (6, 1)])
def test_neighbours_are_those_of_every_matrix_that_means_the_cell(vertices: int, n: int) -> None:
    for arch in of_vertices(vertices, n):
        neighbours = SPACE.neighbours(arch)
        assert list(neighbours) == sorted(neighbours, key=SPACE.index)
        assert {SPACE.key(a) for a in neighbours} == neighbours_by_hand(arch)


def test_neighbours_of_a_symmetric_cell() -> None:
    # Three branches alike: a new edge between two of them may go either way.
    arch = SPACE.parse("111000-00100-0100-100-10-1:conv3x3,conv1x1,maxpool3x3,conv3x3,conv1x1")
    assert {SPACE.key(a) for a in SPACE.neighbours(arch)} == neighbours_by_hand(arch)


def test_mutation_is_uniform_over_the_neighbours() -> None:
    (arch,), rng = of_vertices(7, 1, seed=5), np.random.default_rng(0)
    neighbours = SPACE.neighbours(arch)
    counts = Counter(SPACE.mutate(arch, rng) for _ in range(150 * len(neighbours)))
    assert set(counts) == set(neighbours)
    # A right mutation would fail with probability 1e-4 were the seed drawn anew; it is fixed.
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


def test_mean_cluster_is_that_of_the_docstring() -> None:
    sizes = [len(SPACE.neighbours(arch)) for arch in SPACE.sample_many(2_000, np.random.default_rng(4))]
    assert np.median(sizes) == 17
    # Few small cells have most of the spread: the mean of 2,000 lay from 19 to 24 over ten seeds.
    assert 17 < np.mean(sizes) < 28


def test_samples_are_uniform() -> None:
    draws = [SPACE.index(arch) for arch in SPACE.sample_many(20_000, np.random.default_rng(0))]
    bins = np.array(draws) * 50 // SIZE
    # Both at 1e-4, so a right sampler would fail with probability 2e-4 were the seed not fixed. The bins differ in
    # size by at most one of 8,473 cells.
    assert stats.chisquare(np.bincount(bins, minlength=50)).pvalue > 1e-4
    assert stats.chisquare(np.bincount(np.array(draws) % 8, minlength=8)).pvalue > 1e-4


def test_matrix_sampling_is_that_of_random_matrices() -> None:
    space = NASBench101(sampling="matrix")
    matrices = np.random.default_rng(9).integers(2, size=(1 << 15, BITS))
    drawn = Counter(len(pruned(arch)[0]) for arch in space.sample_many(6_000, np.random.default_rng(1)))
    by_hand: Counter[int] = Counter()
    for bits in matrices[:6_000].tolist():
        left = pruned_by_hand(graph_of((*bits, *[0] * INNER)))
        if left is not None and len(left[0]) <= 9:
            by_hand[len({v for edge in left[0] for v in edge})] += 1
    table = [[counts[v] for v in range(2, 7)] for counts in (drawn, by_hand)]
    # Two samples of one distribution would fail with probability 1e-4 were the seeds not fixed.
    assert stats.chi2_contingency(table).pvalue > 1e-4
    assert (
        drawn[7]
        < 100
        < Counter(len(pruned(a)[0]) for a in SPACE.sample_many(200, np.random.default_rng(1)))[7]
    )


def test_unknown_sampling() -> None:
    with pytest.raises(InvalidSetting, match="sampling is one of unique, matrix, not 'edges'"):
        NASBench101(sampling="edges")


def test_a_space_goes_to_another_process_without_its_tables() -> None:
    assert len(pickle.dumps(SPACE)) < 200


def test_graph_is_the_cell() -> None:
    graph = SPACE.graph(VALID)
    assert graph.adjacency.astype(int).tolist() == [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert [graph.names[op] for op in graph.ops.tolist()] == ["input", "conv3x3", "maxpool3x3", "output"]


def test_published_hashes_and_parameters(real_data: Path) -> None:
    with np.load(real_data / "nasbench101" / "nasbench101.npz") as data:
        hashes, matrices, ops, params = (data[name] for name in ("hash", "matrix", "ops", "params"))
    task = NASBench101Benchmark.datasets()["cifar10"].task
    for row in np.random.default_rng(0).integers(SIZE, size=60).tolist():
        size = int((ops[row] != -3).sum())
        names = [PUBLISHED[op] for op in ops[row, 1 : size - 1].tolist()]
        arch = cell(matrices[row, :size, :size].tolist(), names)
        assert SPACE.key(arch) == hashes[row].decode()
        assert parameters(SPACE.network(arch, task)) == params[row]


@pytest.mark.slow
def test_keys_of_all_cells_are_the_published_hashes(real_data: Path) -> None:
    with np.load(real_data / "nasbench101" / "nasbench101.npz") as data:
        published = {value.decode() for value in data["hash"].tolist()}
    assert {SPACE.key(arch) for arch in SPACE.all()} == published


@pytest.fixture
def installed(data_dir: Path) -> Table:
    """Install a made-up table of three trainings per cell."""
    dataset = NASBench101Benchmark.datasets()["cifar10"]
    values = 10.0 + np.arange(6 * SIZE).reshape(2, 3, SIZE) % 83
    meta = {"format": FORMAT, "space": "nasbench101", "dataset": "cifar10", "unit": "percent"}
    rows = np.arange(SIZE, dtype=np.int32)
    table = Table(values[0], values[1], None, rows, {**meta, "higher_is_better": True, "note": dataset.note})
    table.save(NASBench101Benchmark.table_path("cifar10"))
    return table


def test_a_benchmark_answers_by_the_place_of_a_cell(installed: Table) -> None:
    benchmark, rng = NASBench101Benchmark.open(), np.random.default_rng(0)
    assert benchmark.dataset.name == "cifar10"
    for arch in SPACE.sample_many(200, rng):
        place = SPACE.index(arch)
        answer = benchmark.query(arch, rng)
        assert answer.valid in installed.valid[:, place]
        # The mean may be summed in another order: roundings of float64.
        assert answer.test == pytest.approx(installed.test[:, place].mean(), rel=1e-12)
    with pytest.raises(InvalidArch, match="nasbench101"):
        benchmark.query(UNUSED, rng)
    by_matrix = NASBench101MatrixBenchmark.open()
    assert by_matrix.digest == benchmark.digest
    assert by_matrix.space.sample_many(9, np.random.default_rng(1)) == NASBench101("matrix").sample_many(
        9, np.random.default_rng(1)
    )


def test_a_missing_table_names_the_command() -> None:
    for benchmark in (NASBench101Benchmark, NASBench101MatrixBenchmark):
        with pytest.raises(MissingData, match="nassearch bench import nasbench101 FILE"):
            benchmark.open()


def test_names_of_operations_are_short_for_the_published() -> None:
    assert [name.removesuffix("-bn-relu") for name in PUBLISHED] == list(OPS)
