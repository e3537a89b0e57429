"""Networks of NAS-Bench-101: their layers in every interpreter, held against each other and against published facts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cells101 import OPS, Cell, cell, random_cells
from torch import Tensor, nn

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.constant.parts import parted
from nassearch.networks.counting import macs, operations, parameters
from nassearch.networks.graph import Builder, Network
from nassearch.networks.modules.network import TorchNetwork, constant_outputs, one_thread
from nassearch.networks.positive.channel_groups import channel_groups
from nassearch.networks.positive.classes import innermost
from nassearch.networks.positive.expected import expected_synflow
from nassearch.networks.positive.expected_log import expected_logsynflow
from nassearch.networks.positive.module import module_synflow
from nassearch.networks.positive.sampled import scaled_dual
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.tape.probe import TapeProbe
from nassearch.networks.probe.tape.tape import fits
from nassearch.proxies.epsilon import distance
from nassearch.proxies.model import ModelProxy
from nassearch.spaces.nasbench101.network import network101, vertex_channels
from nassearch.training.grouped import GroupedNetworks
from nassearch.types import Batch, Task

PUBLISHED = Task((3, 32, 32), 10, (128, 256, 512), 3)
SMALL = Task((3, 8, 8), 10, (5, 10, 20), 2)
ONE_STACK = Task((3, 6, 6), 10, (7,), 2)
# Three vertices share the output's channels, which three does not divide; what feeds the narrower ones is truncated.
UNEVEN = cell("01 12 13 14 25 35 45 05", "31p3")
CELLS = [
    cell("01", ""),
    cell("01 02 12", "p"),
    cell("01 12 23 34", "3p1"),
    cell("01 02 13 23", "31"),
    UNEVEN,
    *random_cells(7),
]


@pytest.fixture(autouse=True)
def single() -> Iterator[None]:
    """Small layers only wait for a second thread."""
    with one_thread():
        yield


def build(cells: list[Cell], task: Task) -> list[Network]:
    return [network101(*each, task) for each in cells]


def inputs(task: Task, batch: int = 12) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, *task.input_shape)).astype(np.float32)


# ---- the published networks


def test_channels_of_the_vertices() -> None:
    matrix, _ = UNEVEN
    # 8 = 3 + 3 + 2 for the three vertices that are concatenated; the first is as wide as the widest of them.
    assert vertex_channels(matrix, 4, 8) == (4, 3, 3, 3, 2, 8)
    assert vertex_channels(((0, 1), (0, 0)), 4, 8) == (4, 8)


@pytest.mark.parametrize(
    ("edges", "ops", "count"),
    [
        ("01", "", 882570),
        ("01 02 12", "1", 2793866),
        ("01 03 12 23", "pp", 1756298),
        ("01 04 05 12 23 35 36 45 56", "3p331", 8555530),
        ("01 05 12 23 25 34 36 45 56", "pp131", 3729162),
        ("01 03 04 06 12 26 34 45 56", "3p11p", 5039754),
    ],
)
def test_published_parameter_counts(edges: str, ops: str, count: int) -> None:
    assert parameters(network101(*cell(edges, ops), PUBLISHED)) == count


@pytest.fixture(scope="module")
def published(real_data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the number of vertices, matrix, operations and parameters of every cell."""
    with np.load(real_data / "nasbench101" / "nasbench101.npz") as table:
        return table["n_vertices"].astype(int), table["matrix"], table["ops"], table["params"]


def counted(vertices: int, matrix: np.ndarray, ops: np.ndarray) -> int:
    inner = tuple(OPS[op] for op in ops[1 : vertices - 1].tolist())
    rows = tuple(map(tuple, matrix[:vertices, :vertices].tolist()))
    return parameters(network101(rows, ("input", *inner, "output"), PUBLISHED))


def test_parameters_of_published_cells(published: tuple[np.ndarray, ...]) -> None:
    drawn = np.random.default_rng(0).choice(len(published[0]), 500, replace=False)
    for *each, count in zip(*(column[drawn] for column in published), strict=True):
        assert counted(*each) == count


@pytest.mark.slow
def test_parameters_of_all_published_cells(published: tuple[np.ndarray, ...]) -> None:
    assert len(published[0]) == 423_624
    assert all(counted(*each) == count for *each, count in zip(*published, strict=True))


# ---- against the network of the package nasbench-pytorch


def published_module(each: Cell, task: Task) -> Any:
    package = pytest.importorskip("nasbench_pytorch.model", reason="needs nasbench-pytorch")
    matrix, ops = each
    spec = (np.array(matrix), list(ops))
    size = {
        "num_labels": task.classes,
        "stem_out_channels": task.channels[0],
        "num_stacks": len(task.channels),
    }
    return package.Network(spec, num_modules_per_stack=task.cells, **size).train()


def weighted(module: nn.Module) -> list[Any]:
    return [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]


def in_our_order(module: Any, each: Cell) -> list[Any]:
    """Return the layers with weights, cell by cell and vertex by vertex, the projection of the input first."""
    found: list[Any] = []
    for layer in module.layers:
        parts = [layer]
        if hasattr(layer, "vertex_op"):
            projections = iter(list(layer.input_op)[1:])
            parts = []
            for projection, operation in zip(projections, list(layer.vertex_op)[1:], strict=False):
                parts += [projection, operation]
            parts.append(layer.last_inop)
        for part in parts:
            found += weighted(part)
    return [*found, module.classifier]


@pytest.mark.parametrize("each", CELLS[:8])
def test_the_logits_of_the_package_for_the_same_weights(each: Cell) -> None:
    task = Task((3, 12, 12), 10, (5, 10, 20), 2)
    theirs = published_module(each, task).double()
    ours = TorchNetwork(network101(*each, task), torch.Generator().manual_seed(0)).train().double()
    with torch.no_grad():
        for one, other in zip(weighted(ours), in_our_order(theirs, each), strict=True):
            one.weight.copy_(other.weight)
            if other.bias is not None:
                one.bias.copy_(other.bias)
    x = torch.from_numpy(inputs(task)).double()
    # float64: what is left is the order of additions.
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_parameters_and_epsilon_of_the_package() -> None:
    """100 cells at full width on 8 small images, constant weights 1e-4 and 10."""
    task = Task((3, 16, 16), 10, PUBLISHED.channels, PUBLISHED.cells)
    x = inputs(task, 8)
    scored = 0
    for each in random_cells(100, seed=1):
        network, theirs = network101(*each, task), published_module(each, task)
        assert sum(p.numel() for m in weighted(theirs) for p in m.parameters()) == parameters(network)
        rows = []
        for weight in (1e-4, 10.0):
            with torch.no_grad():
                for module in weighted(theirs):
                    module.weight.fill_(weight)
                    if module.bias is not None:
                        module.bias.zero_()
                rows.append(theirs(torch.from_numpy(x))[:, 0].numpy())
        expected = distance(np.stack(rows))
        found = distance(collapsed_outputs([network], x, (1e-4, 10.0))[0])
        assert np.isnan(found) == np.isnan(expected)
        scored += not np.isnan(found)
        # float32 sums of up to 4,608 terms in another order, on numbers from 0 to 1: that is all that is left where the
        # outputs under both weights differ by their scale alone. Outputs below 1e-38 have fewer digits than others.
        assert np.isnan(found) or found == pytest.approx(expected, rel=5e-3, abs=1e-4)
    assert 0 < scored < 100


# ---- constant weights


def test_the_collapsed_network_gives_the_outputs_of_the_full_one() -> None:
    task = Task((3, 12, 12), 10, (5, 10, 20), 2)
    x = inputs(task)
    networks = build(CELLS, task)
    for network, rows in zip(networks, collapsed_outputs(networks, x, (1e-2, 1.0)), strict=True):
        for weight, row in zip((1e-2, 1.0), rows, strict=True):
            full = constant_outputs(network, torch.from_numpy(x), weight).numpy()
            # Both are float32 with additions in another order, over up to some thousand terms per output.
            np.testing.assert_allclose(row, full, rtol=1e-3, atol=1e-4 * np.abs(full).max())


def test_a_network_does_not_depend_on_its_company() -> None:
    networks = build(CELLS, SMALL)
    x = inputs(SMALL)
    alone = np.concatenate([collapsed_outputs([network], x, (1e-4, 10.0)) for network in networks])
    np.testing.assert_array_equal(collapsed_outputs(networks, x, (1e-4, 10.0)), alone)
    alone = np.concatenate([expected_synflow([network]) for network in reversed(networks)])[::-1]
    np.testing.assert_array_equal(expected_synflow(networks), alone)


def test_parts_of_a_concatenation_by_hand() -> None:
    build = Builder((2, 1, 1))
    first, second = build.conv(0, 3), build.conv(0, 2)
    joined = build.add([build.concat([first, second]), build.conv(0, 5)])
    block = build.done(build.conv(build.truncate(joined, 4), 1))
    steps, output = parted(block, (2,))
    # Input, three convolutions, the sum over three channels and over two, and the convolution of 3 + 1 of those.
    assert [step.layer.op for step in steps] == ["input", "conv", "conv", "conv", "add", "add", "conv"]
    assert steps[-1].copies == (3, 1)
    assert output == ((6, 1),)
    steps, _ = parted(block, (2,), merge=True)  # where weights are equal, so are all three convolutions
    assert [step.layer.op for step in steps] == ["input", "conv", "add", "conv"]
    assert steps[-1].copies == (4,)


def test_max_pooling_under_constant_weights_leaves_padding_out() -> None:
    stem = Builder((1, 2, 2))
    stem.max_pool(stem.conv(0, 1), 3, padding=1)
    head = Builder(stem.shape)
    head.linear(head.global_pool(0), 1)
    network = Network(((stem.done(), 1), (head.done(), 1)))
    x = np.array([[[[-1, -2], [-3, -4]]]], np.float32)
    assert collapsed_outputs([network], x, [1.0]).tolist() == [[[-1.0]]]


def test_raw_channels_beside_others_do_not_collapse() -> None:
    head = Builder((5, 2, 2))
    head.linear(head.global_pool(0), 1)
    joined, bare = Builder((3, 2, 2)), Builder((3, 2, 2))
    joined.conv(joined.concat([joined.conv(0, 2), 0]), 5)
    bare.concat([bare.conv(0, 2), 0])
    for stem in (joined, bare):
        with pytest.raises(InvalidSetting, match="does not collapse"):
            network = Network(((stem.done(), 1), (head.done(), 1)))
            collapsed_outputs([network], np.zeros((2, 3, 2, 2), np.float32), [1.0])


# ---- positive signals


class Innermost(nn.Module):
    """Max pooling that takes the input nearest to the middle without looking at values."""

    def __init__(self, pool: Any) -> None:
        super().__init__()
        self.window = (pool.kernel_size, pool.stride, pool.padding)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride, padding = self.window
        for axis in (2, 3):
            size = x.shape[axis]
            out = (size + 2 * padding - kernel) // stride + 1
            x = x.index_select(axis, torch.from_numpy(innermost(size, out, *self.window)))
        return x


def mean_weights(network: Network, chosen: bool) -> TorchNetwork:
    """Set weights to E|theta|, and with `chosen` let pools take the innermost input."""
    model = TorchNetwork(network, None).double()
    for module in list(model.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            for parameter in module.parameters():
                nn.init.constant_(parameter, 1 / (2 * math.sqrt(module.weight[0].numel())))
        for name, child in list(module.named_children()):
            if chosen and isinstance(child, nn.MaxPool2d):
                setattr(module, name, Innermost(child))
    return model


@pytest.mark.parametrize("task", [SMALL, ONE_STACK], ids=["small", "one stack"])
def test_expected_synflow_is_that_of_the_mean_weights_at_full_width(task: Task) -> None:
    for network in build(CELLS, task):
        score = expected_synflow([network])[0]
        # Where weights are equal, the innermost value is the largest, so that both ways to pool are one.
        for model in (mean_weights(network, True), mean_weights(network, False)):
            assert score == pytest.approx(scaled_dual(model, task.input_shape).value, rel=1e-12)


@pytest.mark.parametrize("shift", [1.0, 1e-6])
def test_expected_logsynflow_is_that_of_the_mean_weights_at_full_width(shift: float) -> None:
    for network in build(CELLS, SMALL):
        full = module_synflow(mean_weights(network, True), SMALL.input_shape, shift=shift)
        assert expected_logsynflow([network], shift)[0] == pytest.approx(full, rel=1e-9)


def test_dual_numbers_give_the_synflow_of_autograd() -> None:
    for network in build(CELLS, SMALL):
        model = TorchNetwork(network, torch.Generator().manual_seed(3)).double()
        expected = module_synflow(model, SMALL.input_shape)
        assert scaled_dual(model, SMALL.input_shape).value == pytest.approx(expected, rel=1e-9)


def test_cells_with_one_function_tie_exactly() -> None:
    # The same cell with its vertices in another order, and 1x1 and 3x3 convolution swapped on one path.
    first, second, third = (
        cell("01 12 03 24 34", "31p"),
        cell("01 02 23 14 34", "p31"),
        cell("01 12 03 24 34", "13p"),
    )
    scores = expected_synflow(build([first, second, third], Task((3, 8, 8), 10, (6, 12), 2)))
    assert scores[0] == scores[1] == scores[2] > 0


def test_maxima_besides_uneven_windows_are_refused() -> None:
    stem = Builder((1, 8, 8))
    stem.max_pool(stem.conv(0, 2, kernel=3, stride=2), 3, padding=1)
    head = Builder(stem.shape)
    head.linear(head.global_pool(0), 1)
    network = Network(((stem.done(), 1), (head.done(), 1)))
    with pytest.raises(InvalidSetting, match="no mirror image"):
        expected_synflow([network])
    assert expected_logsynflow([network])[0] > 0  # it follows values, and so sees which is the largest


def test_synflow_cannot_truncate_what_differs() -> None:
    stem = Builder((2, 4, 4))
    joined = stem.concat([stem.conv(0, 2, kernel=3), stem.conv(0, 2)])
    stem.truncate(joined, 3)
    head = Builder(stem.shape)
    head.linear(head.global_pool(0), 1)
    with pytest.raises(InvalidSetting, match="truncate channels that differ"):
        expected_synflow([Network(((stem.done(), 1), (head.done(), 1)))])


def test_groups_of_channels_by_hand() -> None:
    build = Builder((4, 1, 1))
    wide, narrow = build.conv(0, 3), build.conv(0, 2)
    build.add([build.truncate(build.relu(wide), 2), narrow])
    # Of the 3 channels the last goes nowhere, so its gradient is another one; the 2 after it are alike.
    assert channel_groups([build.done()]) == [[(4,), (2, 1), (2,), (2, 1), (2,), (2,)]]


# ---- gradients


def read(name: str, probe: Probe) -> float:
    proxy: ModelProxy = registry.load("proxies", name)
    return proxy.reader({})(probe)


@pytest.mark.parametrize("each", CELLS)
def test_the_tape_computes_what_autograd_computes(each: Cell) -> None:
    model = TorchNetwork(network101(*each, SMALL), torch.Generator().manual_seed(0)).double()
    assert fits(model)
    x, labels = torch.from_numpy(inputs(SMALL)).double(), torch.arange(12) % 10
    names = ("grad_norm", "snip", "plain", "fisher", "grasp", "jacob_cov")
    reads = set().union(*(registry.load("proxies", name).reads for name in names))
    probes = [kind(model, x, labels, reads=reads) for kind in (TapeProbe, Probe)]
    for name in names:
        tape, autograd = (read(name, probe) for probe in probes)
        # Sums over channels are float32 in places; eigenvalues near 0 weigh much in jacob_cov.
        assert tape == pytest.approx(autograd, rel=1e-3 if name == "jacob_cov" else 1e-6), name


def test_every_proxy_gives_a_finite_number() -> None:
    task = Task((3, 16, 16), 10, (6, 12, 24), 1)
    rng = np.random.default_rng(0)
    batch = Batch(inputs(task, 16), rng.integers(10, size=16))
    networks = build([UNEVEN, cell("01 02 12", "3"), cell("01 02 13 23", "3p")], task)
    for name in registry.names("proxies"):
        proxy = registry.load("proxies", name)
        options: dict[str, Any] = {"weights": (1e-2, 1.0)} if name == "epsilon" else {}
        if "batch_size" in proxy.options:
            options["batch_size"] = 16
        scores = proxy(networks, batch, **options)
        assert np.isfinite(scores).all(), name


def test_sampled_estimates_of_a_cell() -> None:
    networks = build(CELLS[3:6], SMALL)
    for name in ("synflow", "logsynflow"):
        proxy = registry.load("proxies", name)
        assert (proxy(networks, None, estimator="sampled") > 0).all()


# ---- counting, and what does not know these layers


def test_counts_by_hand() -> None:
    stem = Builder((2, 4, 4))
    pooled = stem.max_pool(stem.conv(0, 3), 2, stride=2)
    stem.concat([pooled, stem.truncate(pooled, 1)])
    head = Builder(stem.shape)
    head.linear(head.global_pool(0), 2)
    network = Network(((stem.done(), 1), (head.done(), 1)))
    assert parameters(network) == 2 * 3 + 4 * 2 + 2
    assert macs(network) == 2 * 3 * 16 + 4 * 2
    # A window of 4 for each of 3 x 4 pooled numbers, and of 3 x 3 for the global pooling of each of 4 channels.
    assert operations(network) == macs(network) + 4 * 12 + 9 * 4


def test_training_many_at_once_refuses_layers_it_does_not_know() -> None:
    with pytest.raises(InvalidSetting, match="knows no layer 'max_pool'"):
        GroupedNetworks(build(CELLS[:1], SMALL), [0])
