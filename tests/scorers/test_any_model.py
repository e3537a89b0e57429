"""`nassearch score --model`, and the page that tells of it."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import ROOT, call

from nassearch.benchmarks.npz import write_npz

PAGE = (ROOT / "docs" / "guides" / "model.md").read_text()
GIVEN = ("--input", "3,16,16", "--classes", "10")
BROKEN = """
import torch
from torch import nn
number = 5
linear = nn.Sequential(nn.Flatten(), nn.Linear(768, 10))
def needs(width): return nn.Linear(width, 10)
def fails(): return {}["weights"]
def text(): return "model"
def pair():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(768, 10)
        def forward(self, x):
            return self.layer(x.flatten(1)), x
    return Pair()
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with the page's models.py, and forget what was imported from it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (folder / "models.py").write_text(blocks("python")[0])
    (folder / "broken.py").write_text(BROKEN)
    (folder / "unfinished.py").write_text("def net(:\n")
    yield folder
    for name in ("models", "broken", "unfinished"):
        sys.modules.pop(name, None)


def test_the_page_shows_what_the_command_prints() -> None:
    ((line, printed),) = re.findall(r"\$ nassearch (.*)\n((?:.+\n)*)", blocks("console")[0])
    path = list(sys.path)
    result = call(*line.split())
    assert result.exit_code == 0, result.stderr
    assert [row.rstrip() for row in result.stdout.splitlines()] == printed.splitlines()
    assert sys.path == [*path, str(Path.cwd())], "no file of the folder stands for a library"


def test_the_code_of_the_page_runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(here)
    exec(compile(blocks("python")[1], "any-model.md", "exec"), {})


def scored(*args: Any) -> dict[str, Any]:
    result = call("score", "--model", "models:small", *GIVEN, "--json", *args)
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)
    return row  # type: ignore[no-any-return]


def test_seeds_move_the_weights_and_nothing_else() -> None:
    before = torch.get_rng_state()
    first, again, other = (scored("--proxies", "synflow,params", "--seed", seed) for seed in (0, 0, 1))
    assert first == again
    assert first["synflow"] != other["synflow"]
    assert first["params"] == other["params"] == 634
    assert torch.equal(before, torch.get_rng_state())


def test_a_batch_from_a_file(here: Path) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(70, 3, 16, 16)).astype(np.float32)
    write_npz(here / "data.npz", {"inputs": inputs, "labels": rng.integers(0, 10, 70)})
    write_npz(here / "bare.npz", {"inputs": inputs})
    row = scored("--proxies", "snip,jacob_cov", "--batch", "data.npz")
    assert row["batch"] == "70 inputs of data.npz"
    assert row["snip"] != scored("--proxies", "snip")["snip"]
    assert row["jacob_cov"] == scored("--proxies", "jacob_cov", "--batch", "bare.npz")["jacob_cov"]
    result = call("score", "--model", "models:small", *GIVEN, "--proxies", "snip", "--batch", "bare.npz")
    assert (result.exit_code, "needs a batch with labels" in result.stderr) == (1, True)


def test_one_that_fails_is_told_of_and_empty(here: Path) -> None:
    args = ("score", "--model", "broken:linear", *GIVEN, "--proxies", "naswot,params")
    result = call(*args, "--json")
    assert result.exit_code == 0
    assert "nassearch: naswot has no score: it compares the patterns of ReLUs" in result.stderr
    assert json.loads(result.stdout)[0]["naswot"] is None
    assert call(*args, "-o", "scores.csv").exit_code == 0
    (row,) = csv.DictReader((here / "scores.csv").open())
    assert (row["model"], row["naswot"], float(row["params"])) == ("broken:linear", "", 7690)


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no function": (("--model", "models", *GIVEN), "--model is MODULE:FUNCTION"),
    "file": (("--model", "models.py:small", *GIVEN), "--model is MODULE:FUNCTION"),
    "no module": (("--model", "model:small", *GIVEN), "no module is called 'model' in .*here"),
    "not there": (("--model", "models:large", *GIVEN), "models:large: there is no 'large' in models"),
    "syntax": (("--model", "unfinished:net", *GIVEN), "importing unfinished failed: SyntaxError"),
    "number": (("--model", "broken:number", *GIVEN), "a value of type int, not a function"),
    "arguments": (("--model", "broken:needs", *GIVEN), "missing 1 required .*called without arguments"),
    "fails": (("--model", "broken:fails", *GIVEN), r"KeyError: 'weights' \(.*broken.py:7\)"),
    "text": (("--model", "broken:text", *GIVEN), "broken:text: .*returned a value of type str"),
    "pair": (("--model", "broken:pair", *GIVEN), "returned a tuple: wrap it"),
    "no input": (("--model", "models:small", "--classes", "10"), "such as --input 3,32,32"),
    "words": (("--model", "models:small", "--input", "3,x", "--classes", "10"), "not '3,x'"),
    "zero": (("--model", "models:small", "--input", "3,0", "--classes", "10"), "not '3,0'"),
    "no classes": (("--model", "models:small", "--input", "3,16,16"), "such as --classes 10"),
    "shape": (("--model", "models:small", "--input", "1,16,16", "--classes", "10"), r"\[256, 1, 16, 16\]"),
    "classes": (
        ("--model", "models:small", "--input", "3,16,16", "--classes", "12"),
        "labels go from 0 to 9",
    ),
    "batch": (("--model", "models:small", *GIVEN, "--batch", "gray"), "did you mean grey"),
    "proxy": (("--model", "models:small", *GIVEN, "--proxies", "snp"), "did you mean snip"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_models_are_told_of_without_a_traceback(case: str) -> None:
    args, message = BAD[case]
    result = call("score", "--proxies", "params", *args)
    assert result.exit_code == 1
    assert re.search(message, result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--model", "models:small", *GIVEN, "6111"), "one of the four"),
        (("--model", "models:small", *GIVEN, "--all"), "one of the four"),
        (("--model", "models:small", *GIVEN, "--dataset", "cifar10"), "of no --dataset"),
        (("6111", "--input", "3,32,32"), "describe a --model"),
    ],
)
def test_a_model_goes_with_no_architectures(args: tuple[str, ...], message: str) -> None:
    result = call("score", "--proxies", "params", *args)
    assert (result.exit_code, message in result.stderr) == (2, True)
