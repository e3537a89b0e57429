"""What one input of a user's module is: said, or taken from a file, and never guessed from the number of axes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call

import nassearch
from nassearch.errors import BadData, InvalidSetting
from nassearch.scorers.model_batches import Input, open_model_batch, read_input

SOURCE = """
import torch
from torch import nn

def vectors():
    return nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.hidden, self.out = nn.Embedding(30, 16), nn.Linear(16, 32), nn.Linear(32, 4)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(self.embedding(x).mean(1))))
"""
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(64, 12))
LABELS = RNG.integers(0, 4, 64)
WORDS = RNG.integers(0, 30, (64, 7))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_networks.py").write_text(SOURCE)
    return tmp_path


def save(**arrays: Any) -> str:
    np.savez("data.npz", **arrays)
    return "data.npz"


def score(model: str, *args: object) -> dict[str, Any]:
    result = call("score", "--model", f"own_networks:{model}", *args, "--json")
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)
    return dict(row)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize(
    "said", [[], ["--input", "12"], ["--classes", 4], ["--input", "12", "--classes", 4]], ids=str
)
def test_vectors_of_a_file_have_the_scores_of_the_api(kind: Any, said: list[object]) -> None:
    inputs = VECTORS.astype(kind)
    batch = save(inputs=inputs, labels=LABELS.astype(np.int32))
    row = score("vectors", "--batch", batch, *said, "--proxies", "snip,jacob_cov,flops")
    import own_networks  # type: ignore[import-not-found]
    import torch

    torch.manual_seed(0)
    expected = nassearch.score(own_networks.vectors(), (inputs, LABELS), ["snip", "jacob_cov", "flops"])
    assert {name: row[name] for name in expected} == expected
    assert row["batch"] == "64 inputs of data.npz"


def test_vectors_are_made_up_as_numbers() -> None:
    row = score("vectors", "--input", "12", "--classes", 4, "--proxies", "snip,flops")
    assert row["batch"] == "256 inputs made up (normal), random labels"
    assert row["snip"] > 0 and row["flops"] == 12 * 32 + 32 * 4
    batch, _ = open_model_batch("uniform", Input((12,), classes=4), [])
    assert batch.inputs.dtype == np.float32 and batch.inputs.shape == (256, 12)


def test_words_are_declared() -> None:
    batch, told = open_model_batch(None, read_input("words:7", 30, 4), [])
    assert batch.inputs.dtype == np.int64 and batch.inputs.shape == (256, 7) and batch.inputs.max() == 29
    assert told == "256 inputs made up (uniform words), random labels"
    assert open_model_batch(None, read_input("words:7", None, 4), [])[0].inputs.max() == 3
    taken, _ = open_model_batch(save(inputs=WORDS.astype(np.uint16)), read_input(None), [])
    np.testing.assert_array_equal(taken.inputs, WORDS)
    assert taken.inputs.dtype == np.int64
    assert score("Words", "--input", "words:7", "--vocabulary", 30, "--classes", 4, "--proxies", "params")[
        "params"
    ] == (30 * 16 + 16 * 32 + 32 + 32 * 4 + 4)


def test_words_are_scored_as_the_same_numbers_that_a_model_converts() -> None:
    import own_networks  # type: ignore[import-not-found]
    import torch

    class Converting(own_networks.Words):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.long())  # type: ignore[no-any-return]

    proxies = ["snip", "grad_norm", "fisher", "plain", "grasp", "l2_norm", "params", "flops", "cv"]
    models = []
    for kind in (own_networks.Words, Converting):
        torch.manual_seed(0)
        models.append(kind())
    converted = nassearch.score(models[1], (WORDS.astype("float32"), LABELS), proxies)
    assert nassearch.score(models[0], (WORDS, LABELS), proxies) == converted
    assert np.isfinite(list(converted.values())).all() and converted["flops"] == 16 * 32 + 32 * 4
    row = score("Words", "--batch", save(inputs=WORDS, labels=LABELS), "--proxies", "snip,jacob_cov,synflow")
    assert row["snip"] == converted["snip"] and row["jacob_cov"] is row["synflow"] is None
    assert "words, which have no gradient" in row["reasons"]["jacob_cov"]
    assert "takes words, which ones are not" in row["reasons"]["synflow"]


def test_the_other_kind_of_input_is_told_with_the_remedy() -> None:
    refused = call(
        "score", "--model", "own_networks:Words", "--input", 7, "--classes", 4, "--proxies", "snip"
    )
    assert (
        refused.exit_code == 1
        and "looks words up, which are whole numbers [B, T]: --input words:T" in refused.stderr
    )
    refused = call(
        "score", "--model", "own_networks:vectors", "--input", "words:12", "--classes", 4, "--proxies", "snip"
    )
    assert refused.exit_code == 1 and "convert them to floating point where they are none" in refused.stderr


def test_labels_are_needed_by_those_who_look_at_them_alone() -> None:
    batch = save(inputs=VECTORS)
    assert np.isfinite(score("vectors", "--batch", batch, "--proxies", "jacob_cov")["jacob_cov"])
    refused = call("score", "--model", "own_networks:vectors", "--batch", batch, "--proxies", "snip")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "nassearch: snip looks at data and needs a batch with labels\n",
    )


NUMBERS = {"inputs": VECTORS, "labels": LABELS}


@pytest.mark.parametrize(
    ("arrays", "given", "message"),
    [
        (NUMBERS, Input((13,)), "its inputs are 12, and --input is 13"),
        (NUMBERS, Input((3, 4)), "its inputs are 12, and --input is 3,4"),
        (NUMBERS, Input((12,), words=True), "its inputs are 12, and --input is words:12"),
        (NUMBERS, read_input(None, vocabulary=9), "its inputs are 12, no words"),
        ({"inputs": WORDS}, Input((7,)), "its inputs are words:7, and --input is 7"),
        ({"inputs": WORDS}, read_input("words:7", 20), "words are 0 to 29, not within 0 to 19"),
        (NUMBERS, Input(classes=3), "labels are 0 to 3, not within 0 to 2"),
        ({"inputs": VECTORS, "labels": LABELS - 1}, Input(), "labels are -1 to 2"),
        (
            {"inputs": VECTORS, "labels": LABELS[1:]},
            Input(),
            "labels are one number for each of the 64 inputs",
        ),
        (
            {"inputs": VECTORS, "labels": VECTORS[:, 0]},
            Input(),
            "an array or a tensor of whole numbers, not ndarray",
        ),
        ({"inputs": VECTORS * np.inf}, Input(), "an input of the batch is not a finite number"),
        ({"inputs": VECTORS[:1]}, Input(), "at least 2"),
        ({"inputs": VECTORS[:, 0]}, Input(), "at least 2"),
        ({"inputs": VECTORS[:, :0]}, Input(), "not a finite number"),
        ({"inputs": WORDS - 1}, Input(), r"nor words \[B, T\], whole numbers from 0"),
        ({"inputs": WORDS.reshape(64, 7, 1)}, Input(), r"nor words \[B, T\], whole numbers from 0"),
        ({"inputs": VECTORS > 0}, Input(), "floating-point or whole numbers, not ndarray bool"),
        ({"inputs": VECTORS + 1j}, Input(), "floating-point or whole numbers, not ndarray complex"),
        ({"x": VECTORS}, Input(), "holds no array called inputs"),
    ],
    ids=str,
)
def test_a_file_is_what_was_said_of_it(arrays: dict[str, Any], given: Input, message: str) -> None:
    with pytest.raises(BadData, match=f"^data.npz.*{message}"):
        open_model_batch(save(**arrays), given, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-3",
        "3,,8",
        "3x8",
        "a",
        "words:",
        "words:0",
        "words:3,4",
        "word:4",
        "1e3",
        "9" * 8 + ",9",
        "1_0",
    ],
)
def test_other_inputs_are_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"such as --input 3,32,32|words stand in a row"):
        read_input(text)


def test_what_is_not_said_is_asked_for() -> None:
    with pytest.raises(InvalidSetting, match=r"such as --input 3,32,32 .* or inputs by --batch FILE.npz"):
        open_model_batch(None, Input(classes=4), [])
    with pytest.raises(InvalidSetting, match="such as --classes 10, for labels that are made up"):
        open_model_batch("grey", Input((12,)), [])
    with pytest.raises(InvalidSetting, match="--input 12 is of numbers: give --input words:12"):
        read_input("12", vocabulary=30)
    refused = call("score", "6111", "--proxies", "params", "--vocabulary", 3)
    assert refused.exit_code == 2 and "describe a --model" in refused.stderr
