"""`nassearch run --oracle train`: the long form of a search that trains, with rounds that share what was trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import call

import nassearch as ns
from nassearch.datasets import open_dataset

QUICK = ("--space", "nasbench201(channels=2, cells=1)", "--recipe", "epochs=1", "--recipe", "batch_size=32")
RUN = ("run", "rand", "--oracle", "train", "--data", "toy.npz", *QUICK, "--budget", 3)


@pytest.fixture(autouse=True)
def in_a_folder_with_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    inputs = (rng.normal(100, 20, (90, 8, 8, 3)) + 40 * labels[:, None, None, None]).clip(0, 255)
    np.savez(tmp_path / "toy.npz", x_train=inputs.astype(np.uint8), y_train=labels)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*more: object, words: tuple[object, ...] = RUN) -> dict[str, object]:
    result = call(*words, *more, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


def trainings(folder: Path) -> list[dict[str, object]]:
    (ledger,) = folder.rglob("trained.jsonl")
    return [json.loads(line) for line in ledger.read_text().splitlines()[1:]]


def test_rounds_share_what_was_trained(in_a_folder_with_data: Path) -> None:
    data = ("--size", "6,8", "--valid", "0.3")
    first = run("--rounds", 1, *data)
    assert len(trainings(in_a_folder_with_data)) == 3
    again = run("--rounds", 2, *data)
    header = next(in_a_folder_with_data.rglob("trained.jsonl")).read_text().splitlines()[0]
    assert json.loads(header)["task"]["input_shape"] == [3, 6, 8]
    assert json.loads(header)["data"] == open_dataset("toy.npz", size=(6, 8), valid=0.3).digest
    assert again["rounds"] == {"read": 1, "computed": 1}
    assert again["results"] == first["results"]
    (result,) = ns.read(str(again["results"]))
    archs = {arch for each in result.rounds for arch in each.archs}
    entries = trainings(in_a_folder_with_data)
    assert {tuple(entry["arch"]) for entry in entries} == archs  # type: ignore[arg-type]
    assert len(entries) == len(archs)
    valid = {tuple(entry["arch"]): entry["valid"] for entry in entries}  # type: ignore[arg-type]
    for each in result.rounds:
        assert [valid[arch] for arch in each.archs] == each.valid.tolist()


def test_another_strategy_trains_nothing_twice(in_a_folder_with_data: Path) -> None:
    run("--rounds", 1)
    run("--rounds", 1, words=("run", "ls", *RUN[2:]))  # it begins at the same architecture, by the same seed
    keys = [tuple(entry["arch"]) for entry in trainings(in_a_folder_with_data)]  # type: ignore[arg-type]
    assert len(keys) == len(set(keys)) < 6
    assert len(ns.read("results/*.jsonl")) == 2


def test_a_result_says_what_was_trained_and_how(in_a_folder_with_data: Path) -> None:
    found = run("--rounds", 1)
    told = json.loads(Path(str(found["results"])).read_text().splitlines()[0])["experiment"]
    assert (told["benchmark"], told["dataset"], told["space"]) == ("train", "toy", "nasbench201")
    assert told["recipe"]["epochs"] == 1
    assert told["skeleton"]["channels"] == [2, 4, 8]
    assert told["untested"] is True
    longer = run("--rounds", 1, "--recipe", "epochs=2")
    assert longer["results"] != found["results"]
    text = call("show", found["results"]).stdout
    assert "train, toy: rand" in text
    assert "validation accuracy at the end" in text


def test_the_folder_of_a_search_stands_for_its_result(in_a_folder_with_data: Path) -> None:
    found = run("--rounds", 1, "--out", "mine/result.jsonl")
    Path("mine/search.json").write_text("{}")
    assert call("show", "mine").stdout == call("show", found["results"]).stdout
    assert "rand" in call("compare", "mine").stdout
    assert call("plot", "mine", "-o", "mine.svg").exit_code == 0
    (outcome,) = ns.read("mine")
    assert outcome.path == Path("mine/result.jsonl")
    Path("mine/result.jsonl").unlink()
    assert "nassearch search at its end" in call("show", "mine").stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "rand", "--data", "toy.npz"), "add --oracle train"),
        (("run", "rand", "--recipe", "epochs=3"), "add --oracle train"),
        (("run", "rand", "--valid", "0.2"), "add --oracle train"),
        (("run", "rand", "--oracle", "train"), "--data ./my_images"),
        ((*RUN, "--benchmark", "nasbench101"), "say --space and --data"),
        ((*RUN, "--dataset", "cifar10"), "say --space and --data"),
        ((*RUN, "--recipe", "epoch=3"), "did you mean epochs?"),
        ((*RUN, "--recipe", "learning_rate=-1"), "learning_rate is a number above 0"),
        ((*RUN, "--space", "nasbench102"), "did you mean nasbench"),
        ((*RUN, "--device", "tpu"), "device is auto, cpu or cuda"),
        ((*RUN, "--fidelity", "few"), "--fidelity is numbers of epochs"),
        ((*RUN, "--fidelity", "1"), "below the 1 of a whole one"),
        ((*RUN, "--threads", "0"), "threads is a whole number"),
        (("run", "rand", "--oracle", "train", "--data", "gone.npz"), "gone.npz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_said_before_anything_is_trained(words: tuple[object, ...], message: str) -> None:
    result = call(*words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not Path("results").exists()
