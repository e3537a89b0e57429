"""The size space of NATS-Bench: its order, its network, its proxies, its tables."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dumps import dump
from torch import nn

from nassearch.benchmarks.nats_size import DATASETS, NATSSizeBenchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.table import Table
from nassearch.errors import InvalidArch, InvalidSetting
from nassearch.networks.counting import macs, parameters
from nassearch.networks.modules.network import constant_outputs, one_thread
from nassearch.proxies.epsilon import epsilon
from nassearch.proxies.naswot import naswot
from nassearch.proxies.synflow import logsynflow, synflow
from nassearch.spaces.nats_size import WIDTHS, NATSSize
from nassearch.testing import BenchmarkContract
from nassearch.types import Arch, Batch, Task

SPACE = NATSSize()
CIFAR10 = Task((3, 32, 32), 10)
SMALL = Task((3, 8, 8), 10)
EXAMPLES = [(0, 1, 2, 3, 7), (7, 0, 0, 5, 5), (3, 3, 3, 3, 3)]


def test_official_order_and_index() -> None:
    texts = [SPACE.format(arch) for arch in SPACE.all()]
    assert len(texts) == 32_768
    # The published list grows stage by stage, so the last turns fastest.
    assert texts[:2] == ["8:8:8:8:8", "8:8:8:8:16"]
    assert texts[8] == "8:8:8:16:8"
    assert texts[-1] == "64:64:64:64:64"
    for index in (0, 12, 1234, 32_767):
        assert SPACE.format(SPACE.parse(str(index))) == texts[index]
        assert SPACE.index(SPACE.parse(texts[index])) == index
    with pytest.raises(InvalidArch, match="from 0 to 32767, not 32768"):
        SPACE.parse("32768")


@pytest.mark.parametrize(
    "text", ["8:16:24:32", "8:16:24:32:72", "8:16:24:32:63", "8;16;24;32;64", "8:16:24:32:64:8"]
)
def test_malformed_text(text: str) -> None:
    with pytest.raises(InvalidArch, match=r"names between colons|is none of 8, 16"):
        SPACE.parse(text)


def test_one_edit_is_another_width_of_one_stage() -> None:
    for arch in SPACE.sample_many(50, np.random.default_rng(0)):
        near = SPACE.neighbours(arch)
        assert len(near) == len(set(near)) == 35
        assert all(sum(a != b for a, b in zip(arch, other, strict=True)) == 1 for other in near)


def test_the_graph_is_a_chain_of_widths() -> None:
    graph = SPACE.graph((0, 1, 2, 3, 7))
    assert [graph.names[op] for op in graph.ops] == ["input", "8", "16", "24", "32", "64", "output"]
    np.testing.assert_array_equal(graph.adjacency, np.eye(7, k=1, dtype=bool))


# ---- the network, beside one put together by hand from the published description


class Parallel(nn.Module):
    """A sum of ways through a block."""

    def __init__(self, *ways: nn.Module) -> None:
        super().__init__()
        self.ways = nn.ModuleList(ways)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([way(x) for way in self.ways]).sum(0)


def conv_bn(source: int, target: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(source, target, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(*[nn.ReLU()] * relu, conv, nn.BatchNorm2d(target))


class Cell(nn.Module):
    """`|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|`."""

    def __init__(self, source: int, target: int) -> None:
        super().__init__()
        self.first, self.second = conv_bn(source, target), conv_bn(source, target)
        self.skip = nn.Identity() if source == target else conv_bn(source, target, 1, relu=False)
        self.inner = nn.ModuleList(conv_bn(target, target) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = self.first(x)
        two = self.second(x) + self.inner[0](one)
        return self.skip(x) + self.inner[1](one) + self.inner[2](two)  # type: ignore[no-any-return]


def by_hand(arch: Arch, task: Task) -> nn.Module:
    a, b, c, d, e = (WIDTHS[option] for option in arch)

    def reduction(source: int, target: int) -> nn.Module:
        shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(source, target, 1, bias=False))
        return Parallel(shortcut, nn.Sequential(conv_bn(source, target, stride=2), conv_bn(target, target)))

    head = (nn.BatchNorm2d(e), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(e, task.classes))
    return nn.Sequential(
        conv_bn(task.input_shape[0], a, relu=False),
        Cell(a, a),
        reduction(a, b),
        Cell(b, c),
        reduction(c, d),
        Cell(d, e),
        *head,
    )


def test_parameters_and_flops_that_the_authors_print() -> None:
    # A notebook of the authors prints 0.067378 M parameters and 7.991706 M FLOPs for index 12; their counter adds one
    # for the bias of each class.
    network = SPACE.network(SPACE.parse("12"), CIFAR10)
    assert parameters(network) == 67_378
    assert macs(network) + CIFAR10.classes == 7_991_706


def test_parameters_of_the_network_by_hand() -> None:
    for arch in [*EXAMPLES, *SPACE.sample_many(20, np.random.default_rng(1))]:
        for task in (CIFAR10, Task((3, 16, 16), 120)):
            model = by_hand(arch, task)
            assert parameters(SPACE.network(arch, task)) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("arch", EXAMPLES)
def test_outputs_of_the_network_by_hand(arch: Arch) -> None:
    x = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with one_thread(), torch.no_grad():
        model = by_hand(arch, CIFAR10).train()
        for name, parameter in model.named_parameters():
            parameter.fill_(0.01 if name.endswith("weight") else 0)
        wanted = model(x)[:, 0]
        outputs = constant_outputs(SPACE.network(arch, Task((3, 16, 16), 10)), x, 0.01).reshape(4, -1)[:, 0]
    # Both are float32 with sums in another order, over up to 576 terms a layer.
    torch.testing.assert_close(outputs, wanted, rtol=1e-3, atol=0)


def test_only_the_published_skeleton() -> None:
    with pytest.raises(InvalidSetting, match="residual reductions, no others"):
        SPACE.network(EXAMPLES[0], Task((3, 8, 8), 10, reduction="pool"))


def test_proxies_score_networks_of_different_widths_together() -> None:
    rng = np.random.default_rng(0)
    batch = Batch(rng.normal(size=(8, *SMALL.input_shape)).astype(np.float32), rng.integers(10, size=8))
    archs = [*EXAMPLES, *SPACE.sample_many(3, np.random.default_rng(2))]
    networks = [SPACE.network(arch, SMALL) for arch in archs]
    with one_thread():
        for proxy, options in (
            (synflow, {}),
            (logsynflow, {}),
            (epsilon, {"weights": (1e-3, 1.0)}),
            (naswot, {"batch_size": 8}),
        ):
            together = proxy(networks, batch, **options)
            alone = [proxy([network], batch, **options)[0] for network in networks]
            assert np.isfinite(together).all(), proxy.name
            # Networks that run together may sum in another order: a few roundings of float32.
            np.testing.assert_allclose(together, alone, rtol=1e-5, err_msg=proxy.name)


def test_the_two_ways_to_epsilon_agree() -> None:
    rng = np.random.default_rng(0)
    batch = Batch(rng.normal(size=(8, *SMALL.input_shape)).astype(np.float32))
    networks = [SPACE.network(arch, SMALL) for arch in EXAMPLES]
    with one_thread():
        collapsed, full = (
            epsilon(networks, batch, weights=(1e-3, 1.0), path=path) for path in ("collapsed", "full")
        )
    # Sums in another order, in float32, and then a quotient of means of small differences.
    np.testing.assert_allclose(collapsed, full, rtol=1e-3)


# ---- the benchmark


def accuracy(arch: Arch) -> float:
    return 50 + sum((place + 1) * option for place, option in enumerate(arch)) / 10


@pytest.fixture(scope="module")
def table() -> Table:
    archs = list(SPACE.all())
    valid = np.array([[accuracy(arch) + seed for arch in archs] for seed in range(2)])
    return Table.build(SPACE, DATASETS[0], archs, valid, valid + 1, valid[:1])


class TestBenchmark(BenchmarkContract):
    @pytest.fixture
    def benchmark(self, table: Table, data_dir: Path) -> NATSSizeBenchmark:
        table.save(NATSSizeBenchmark.table_path("cifar10"))
        return NATSSizeBenchmark.open()


def test_a_sheet_of_the_size_space(tmp_path: Path) -> None:
    path = tmp_path / "sizes.csv"
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["index", "arch", "cifar100/valid", "cifar100/test"])
        rows.writerows([i, SPACE.format(a), accuracy(a), accuracy(a) - 1] for i, a in enumerate(SPACE.all()))
    import_file(NATSSizeBenchmark, path)
    benchmark = NATSSizeBenchmark.open("cifar100")
    metrics = benchmark.query(EXAMPLES[0], np.random.default_rng(0))
    assert (metrics.valid, metrics.test) == (accuracy(EXAMPLES[0]), accuracy(EXAMPLES[0]) - 1)


def short_results(index: int, arch: Arch) -> dict[str, Any]:
    """Write one budget of an architecture with what is read of it and no more."""
    parts = {"cifar10-valid": ["x-valid"], "cifar10": ["ori-test"], "cifar100": ["x-valid", "x-test"]}
    results = {
        (name, 777): {
            "epochs": 90,
            "train_times": dict.fromkeys(range(90), 2.0),
            "eval_acc1es": {f"{part}@89": accuracy(arch) + (part != "x-valid") for part in names},
        }
        for name, names in parts.items()
    }
    return {
        "90": {
            "arch_index": index,
            "arch_str": SPACE.format(arch),
            "all_results": results,
            "dataset_seed": {},
        }
    }


@pytest.mark.slow
def test_the_whole_archive_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "NATS-sss-v1_0-50262-simple.tar"
    with tarfile.open(path, "w") as tar:
        for index, arch in enumerate(SPACE.all()):
            data = dump(short_results(index, arch))
            entry = tarfile.TarInfo(f"NATS-sss-v1_0-50262-simple/{index:06d}.pickle.pbz2")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    report = import_file(NATSSizeBenchmark, path, only=["cifar10", "cifar100"])
    assert [table.dataset for table in report.tables] == ["cifar10", "cifar100"]
    benchmark = NATSSizeBenchmark.open("cifar10")
    metrics = benchmark.query(EXAMPLES[0], np.random.default_rng(0))
    assert (metrics.valid, metrics.test, metrics.seconds) == (
        accuracy(EXAMPLES[0]),
        accuracy(EXAMPLES[0]) + 1,
        180.0,
    )
