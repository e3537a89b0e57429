"""The written file does what the searched network does, without nassearch, and reads as a person's does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gated import described, random_stages
from written import STRANGE, run_alone, write

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.export.code.layout import literal
from nassearch.export.code.network import write_network
from nassearch.networks.graph import Builder, Layer, Network
from nassearch.networks.recurrent import OPS, Cell, CellNode, RecurrentNetwork
from nassearch.spaces import open_space
from nassearch.spaces.nasbench_asr.space import NASBenchASR
from nassearch.types import Task

CLOSE = 1e-6
"""Of the largest logit: global pooling is torch's own there and a mean here, which sum in other orders."""
SMALL: dict[str, dict[str, Any]] = {
    "darts": {"channels": (4,), "layers": 5},
    "transnas-macro": {"input_shape": (3, 64, 64), "channels": (8,), "cells": 2},
    "transnas-micro": {"input_shape": (3, 64, 64), "channels": (8,), "cells": 2},
    "nasbench101": {"channels": (8, 16), "cells": 2},
    "nasbench201": {"channels": (4, 8), "cells": 2},
}
"""Tasks of some spaces, where those that are usual take long."""
EACH = 4


def cell(rng: np.random.Generator) -> Cell:
    """Draw a recurrent cell with every kind of node likely in it."""
    states = int(rng.integers(1, 3))
    nodes = [CellNode("linear", (0, *range(1, states + 1)))]
    for _ in range(7):
        op = str(rng.choice(OPS))
        there = range(1, states + 1 + len(nodes))
        count = {"linear": int(rng.integers(1, 4)), "blend": 3}.get(op, 2 if op.startswith("element") else 1)
        nodes.append(CellNode(op, tuple(int(rng.choice(there)) for _ in range(count))))
    outputs = rng.choice(range(states + 1, states + 1 + len(nodes)), states, replace=False)
    return Cell(tuple(map(int, outputs)), tuple(nodes))


def networks() -> Iterator[tuple[str, Any, int]]:
    """Yield networks of all spaces and kinds, with names for their files and their number of classes."""
    rng = np.random.default_rng(20)
    for name in registry.BUILT_IN["spaces"]:
        chosen = open_space(name)
        fields = {"input_shape": (3, 32, 32), "classes": 5, **chosen.skeleton, **SMALL.get(name, {})}
        for number, arch in enumerate(chosen.space.sample_many(EACH, rng)):
            yield f"{name.replace('-', '_')}_{number}", chosen.space.network(arch, Task(**fields)), 5
    signals = Task((2, 40), 5, (4, 8), 2, "pool", 2)
    space = open_space("nasbench201").space
    yield "signals", space.network((0, 3, 4, 1, 2, 3), signals), 5
    yield "nothing", space.network((0,) * 6, Task((3, 16, 16), 5, (4, 8), 1)), 5
    asr = NASBenchASR()
    for number, arch in enumerate(asr.sample_many(EACH, rng)):
        yield f"asr_{number}", asr.network(arch, Task((80, 30), 5, (100, 200), 2)), 5
    for number in range(2 * EACH):
        yield f"gated_{number}", described(random_stages(rng), (3, 24, 24), 5, number % 2 == 1), 5
    rng = np.random.default_rng(6)  # whatever spaces there are: outputs of many cells are not finite
    for number in range(EACH):
        yield f"words_{number}", RecurrentNetwork(cell(rng), (12, 10), 50), 0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    folder = tmp_path_factory.mktemp("written")
    counts = {}
    for number, (name, network, classes) in enumerate(networks()):
        names = STRANGE[number % 4 : number % 4 + classes]
        counts[name] = write(folder, name, network, names, number)
    return folder, counts


def test_files_do_what_the_searched_networks_do_without_nassearch(files: tuple[Path, dict[str, int]]) -> None:
    folder, counts = files
    found = run_alone(folder, list(counts))
    assert {name: told[1] for name, told in found.items()} == counts
    apart = {name: told[0] for name, told in found.items() if not told[0] <= CLOSE}
    assert not apart
    assert not any(told[3] for told in found.values()), "load() gives networks in evaluation mode"


def test_files_are_formatted_and_typed(files: tuple[Path, dict[str, int]]) -> None:
    folder, counts = files
    ruff = [sys.executable, "-m", "ruff"]
    checks = [[*ruff, "format", "--isolated", "--check", "--line-length", length] for length in ("88", "110")]
    checks.append(
        [*ruff, "check", "--isolated", "--select", "A,E,F,I,UP,B,SIM,RUF,N,ANN", "--ignore", "E501,ANN401"]
    )
    for check in checks:
        run = subprocess.run([*check, "."], cwd=folder, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout
    one_each = {name.rstrip("0123456789"): f"{name}.py" for name in counts}
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", "cache"]
    run = subprocess.run([*mypy, *one_each.values()], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_class_names_are_text_whatever_they_hold(tmp_path: Path) -> None:
    build = Builder((3, 8, 8))
    build.linear(build.global_pool(build.conv(0, 4)), len(STRANGE))
    write(tmp_path, "strange", Network(((build.done(), 1),)), STRANGE)
    source = (tmp_path / "strange.py").read_text("utf-8")
    assert all(line.isprintable() for line in source.split("\n"))
    assert tuple(run_alone(tmp_path, ["strange"])["strange"][2]) == STRANGE
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "strange.py"]
    assert subprocess.run(command, cwd=tmp_path).returncode == 0


def test_literals_give_the_text_back() -> None:
    rng = np.random.default_rng(0)
    signs = ["'", '"', "\\", "\n", "a", "{", "\u202e", "\x7f", "\U0001f408", "\udc80"]
    for _ in range(500):
        text = "".join(rng.choice(signs, rng.integers(0, 8)))
        assert eval(literal(text)) == text


def test_a_cell_reads_as_a_person_writes_it() -> None:
    space = open_space("nasbench201").space
    arch = space.parse(
        "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    )
    text = "\n".join(write_network(space.network(arch, Task((3, 32, 32), 10))).lines)
    assert (
        """\
class Cell(nn.Module):
    \"""The graph of layers that the search has found.\"""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv3x3_1 = relu_conv_bn(channels, channels, 3)
        self.convolutions = nn.Sequential(
            relu_conv_bn(channels, channels, 1),
            relu_conv_bn(channels, channels, 3),
        )
        self.avg_pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        node1 = self.conv3x3_1(x)
        x = x + self.avg_pool(node1) + self.convolutions(node1)
        return x
""".replace("conv3x3_1", "conv3x3")
        in text
    )
    assert "*[Cell(16) for _ in range(5)],\n            Reduction(16, 32)," in text


def test_a_layer_that_is_not_known_is_refused() -> None:
    layers = (Layer("input", (), 3, (8, 8)), Layer("fourier", (0,), 3, (8, 8)))
    with pytest.raises(InvalidSetting, match="'fourier' cannot be written as code"):
        write_network(Network(((layers, 1),)))


def test_the_process_of_these_tests_has_no_nassearch(tmp_path: Path) -> None:
    (tmp_path / "cheat.py").write_text("import nassearch\n")
    with pytest.raises(AssertionError, match="there is no nassearch here"):
        run_alone(tmp_path, ["cheat"])
