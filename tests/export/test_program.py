"""A torch module of a user's own is exported so that the project that built it may be gone."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import call
from searches import made_up_search, write_images
from written import run_alone

import nassearch
from nassearch.benchmarks.trained.oracle import open_oracle
from nassearch.errors import InvalidModel
from nassearch.export.program import program_bytes
from nassearch.export.results.found import found_in
from nassearch.search.trained.folder import SearchFolder

MODELS = """
import torch
from helpers import Block
from torch import nn

choices = {"depth": [1, 2], "width": [2, 4, 6, 8, 10], "tied": [False, True]}

def build(depth, width, tied, classes, input_shape):
    blocks = [Block(width) for _ in range(depth)]
    if tied:
        blocks = [blocks[0]] * depth
    stem = nn.Conv2d(input_shape[0], width, 3, padding=1)
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))

space = choices, build
"""
HELPERS = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("scale", torch.full((1,), 0.5), persistent=False)

    def forward(self, x):
        return x + self.scale * self.drop(torch.relu(self.norm(self.conv(x))))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mymodels.py").write_text(MODELS)
    (folder / "helpers.py").write_text(HELPERS)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    return folder


def test_a_run_on_a_space_of_ones_own_says_how_to_open_it(project: Path) -> None:
    images = write_images(project / "images.npz", count=60)
    oracle = open_oracle(images, "mymodels:space", {"epochs": 1, "batch_size": 32})
    found = nassearch.Experiment("rand", oracle, budget=1, rounds=1).run("rand.jsonl")
    subject = found_in(Path("rand.jsonl"))
    assert (subject.arch, subject.space_text) == (found.rounds[0].archs[0], "mymodels:space")
    assert subject.text == oracle.space.format(subject.arch)


def test_it_answers_where_the_project_is_gone(project: Path, tmp_path: Path) -> None:
    made_up_search(project / "found", models=3, space="mymodels:space")
    alone = tmp_path / "alone"
    alone.mkdir()
    result = call("export", "found", "-o", alone / "best.py")
    assert result.exit_code == 0, result.output
    folder = SearchFolder.open(project / "found")
    subject, data = found_in(project / "found"), folder.data()
    inputs = torch.from_numpy(data.inputs("test", range(len(data.test))))
    with torch.inference_mode():
        np.savez(alone / "best.npz", x=inputs.numpy(), y=subject.module(subject.network())(inputs).numpy())
    for name in ("mymodels.py", "helpers.py", "found"):
        (project / name).rename(tmp_path / f"gone {name}")
    apart, _, classes, _ = run_alone(alone, ["best"])["best"]
    assert apart <= 1e-6  # of the largest logit; the same operations in the same order
    assert tuple(classes) == data.classes
    files = {path.suffix for path in alone.iterdir() if path.is_file()}
    assert files == {".md", ".npz", ".pt2", ".py", ".safetensors"}
    with zipfile.ZipFile(alone / "best.pt2") as archive:
        assert not [name for name in archive.namelist() if str(project).encode() in archive.read(name)]
    for check in (["ruff", "format", "--isolated", "--check"], ["mypy", "--strict", "--config-file", ""]):
        run = subprocess.run(
            [sys.executable, "-m", *check, "best.py"], cwd=alone, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_weights_that_are_shared_are_exported_too(project: Path) -> None:
    line = ("export", "--space", "mymodels:space", "--input", "3,8,8", "--arch")
    result = call(*line, "depth=2,width=4,tied=True", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["checked"]["gaps"]["code"] <= 1e-6


class Branches(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) if x.sum() > 0 else -x.flatten(1)


class Fixed(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(2, -1)


@pytest.mark.parametrize("module", [Branches(), Fixed()], ids=["branches", "fixed"])
def test_what_torch_cannot_follow_is_told(module: torch.nn.Module) -> None:
    with pytest.raises(
        InvalidModel, match=r"torch.export cannot follow the module .*: let forward take one tensor"
    ):
        program_bytes(module.eval(), torch.zeros(2, 3, 4, 4))
