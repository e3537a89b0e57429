"""What a search has found as files: what they answer, what they say, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import call
from searches import CLASSES, made_up_search
from written import STRANGE, run_alone

import nassearch
from nassearch.benchmarks import Entry
from nassearch.errors import InvalidSetting
from nassearch.export.results import found as results_found
from nassearch.export.results.found import found_in
from nassearch.search.trained.folder import SearchFolder
from nassearch.training import Recipe, evaluate
from nassearch.training.single.feed import Feed


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a search; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("searched") / "found"
    made_up_search(folder)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def copy(searched: Path, here: Path) -> Path:
    return Path(shutil.copytree(searched, here / "copy"))


def said(*args: Any) -> str:
    """Return the error of a command, which has one and leaves no file."""
    result = call(*args)
    assert result.exit_code == 1, result.output
    assert not list(Path().glob("best.*")), "nothing is written"
    return result.stderr


def test_the_files_answer_as_the_winner_does(searched: Path, here: Path) -> None:
    result = call("export", searched, "--json")
    assert result.exit_code == 0, result.output
    folder = SearchFolder.open(searched)
    winner, bench = folder.winner, folder.benchmark()
    assert winner is not None
    told = json.loads(result.stdout)
    assert told["weights"] == "trained"
    assert told["network"]["params"] == winner["params"]
    assert told["network"]["flops"] == winner["flops"]
    assert told["accuracy"]["test"] == winner["test"]
    assert told["checked"]["gaps"]["code"] <= 1e-5
    data = bench.data
    module = found_in(searched).module(found_in(searched).network())
    with torch.inference_mode():
        wanted = module(torch.from_numpy(data.inputs("test", range(len(data.test)))))
    np.savez("best.npz", x=data.inputs("test", range(len(data.test))), y=wanted.numpy())
    apart, count, classes, training = run_alone(here, ["best"])["best"]
    assert (apart <= 1e-6, count, tuple(classes), training) == (True, winner["params"], data.classes, False)
    # By the file alone, from raw pixels to names.
    names: dict[str, Any] = {"__name__": "best", "__file__": str(here / "best.py")}
    exec((here / "best.py").read_text(), names)
    answers = names["predict"](names["load"](), torch.from_numpy(data.test.take(range(len(data.test)))))
    right = sum(
        data.classes[label] == name for (name, _), label in zip(answers, data.test.labels, strict=True)
    )
    assert right == evaluate(module, data, "test").right
    shares = torch.softmax(wanted, 1).max(1).values
    assert np.allclose([share for _, share in answers], shares, atol=1e-6)  # normalised in another order


def test_images_are_shrunk_as_they_were_for_the_training(copy: Path) -> None:
    winner = json.loads((copy / "winner.json").read_text())
    winner["recipe"]["size"] = 5
    (copy / "winner.json").write_text(json.dumps(winner))
    result = call("export", copy)
    assert result.exit_code == 0, result.output
    names: dict[str, Any] = {"__name__": "best", "__file__": str(Path("best.py").resolve())}
    exec(Path("best.py").read_text(), names)
    data = SearchFolder.open(copy).data()
    raw = torch.from_numpy(data.test.take(range(len(data.test))))
    recipe = Recipe.of(winner["recipe"])
    wanted, _ = Feed(data, "test", recipe, torch.device("cpu")).batch(np.arange(len(data.test)))
    assert names["INPUT_SHAPE"] == (3, 5, 5)
    assert torch.equal(names["normalise"](raw), wanted)
    for check in (["ruff", "format", "--isolated", "--check"], ["mypy", "--strict", "--config-file", ""]):
        run = subprocess.run([sys.executable, "-m", *check, "best.py"], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr


def test_bytes_are_the_same_every_time(searched: Path, here: Path) -> None:
    written = []
    for name in ("one", "two"):
        (here / name).mkdir()
        assert call("export", searched, "-o", here / name / "best.py").exit_code == 0
        written.append([(here / name / f"best.{end}").read_bytes() for end in ("py", "safetensors")])
    assert written[0] == written[1]


def test_the_card_says_what_the_search_says(searched: Path, here: Path) -> None:
    assert call("export", searched).exit_code == 0
    card, folder = Path("best.md").read_text(), SearchFolder.open(searched)
    winner = folder.winner
    assert winner is not None
    rows = dict(re.findall(r"^\| ([^|]*?) \| ([^|]*?) \|", card, re.M))
    assert rows["validation"] == f"{winner['valid']:.2f} percent"
    assert rows["test"] == "50.00 percent, 95 % interval 30.00 to 70.00 (18 examples)"
    assert rows["parameters"] == f"{winner['params']:,}"
    assert rows["multiply-accumulates of one input"] == f"{winner['flops']:,}"
    assert rows["content"].startswith(f"`{folder.made['data']['digest']}`")
    assert rows["examples"] == "train 84, valid 18, test 18"
    assert rows["models"] == "7 trained, 1 diverged"
    assert rows["epochs"] == "3"
    assert rows["seed"] == "0"
    assert winner["text"] in card
    assert "Licence: *to be filled in" in card


def test_the_median_beside_it_is_of_models_that_cost_the_same(searched: Path) -> None:
    folder = SearchFolder.open(searched)
    assert folder.winner is not None
    params = folder.winner["params"]
    others = [
        entry.valid
        for entry in folder.entries
        if entry.valid is not None
        and list(entry.arch) != folder.winner["arch"]
        and abs((entry.params or 0) / params - 1) < 0.25
    ]
    beside = found_in(searched).facts["beside"]
    assert (beside["models"], beside["median"]) == (
        len(others),
        np.median(others) if len(others) > 2 else None,
    )
    assert not beside["random"], "they were chosen by a warm-up"


@pytest.mark.parametrize(
    ("others", "median", "told"),
    [
        ([], None, "No other model of the same number of parameters within 25% was trained"),
        ([(110, 60.0)], None, "One other model of .*, drawn at random, reached 60.00: too few for a median"),
        ([(110, 60.0), (80, 50.0), (130, 90.0), (70, 90.0)], None, "2 other .* reached 50.00 and 60.00: too few"),
        ([(110, 60.0), (80, 50.0), (124, 40.0)], 50.0, "The median of 3 other models .* was 50.00"),
    ],
)  # fmt: skip
def test_a_median_is_of_three_models_or_more(
    others: list[tuple[int, float]], median: float | None, told: str
) -> None:
    pairs = [(100, 70.0), *others]  # parameters and validation accuracy; the first is the winner
    entries = [
        Entry((place,), str(place), 0, {"epochs": 1}, valid=valid, params=params)
        for place, (params, valid) in enumerate(pairs)
    ]
    beside = results_found._beside(entries, (0,), random=True)
    assert beside is not None and beside["median"] == median
    assert re.search(told, beside["sentence"]), beside["sentence"]


def test_an_architecture_that_was_not_trained_has_drawn_weights(searched: Path, here: Path) -> None:
    result = call("export", searched, "--arch", "0")
    assert result.exit_code == 0, result.output
    assert "drawn, not trained" in result.stdout
    assert "drawn, not trained" in Path("best.md").read_text()
    assert "are drawn, not trained" in Path("best.py").read_text()
    assert "accuracy" not in found_in(searched, "0").facts


def test_a_search_that_goes_on_gives_its_best_so_far_without_the_test_part(here: Path) -> None:
    made_up_search(here / "found", finished=False)
    result = call("export", "found")
    assert result.exit_code == 0, result.output
    best = SearchFolder.open(here / "found").best
    assert best is not None
    assert best.text in result.stdout
    assert "| test | not looked at |" in Path("best.md").read_text()


def test_data_that_are_gone_are_not_needed(searched: Path, here: Path) -> None:
    copy = shutil.copytree(searched, here / "copy")
    made = json.loads((copy / "search.json").read_text())
    made["made"]["data"]["path"] = made["made"]["data"]["source"] = "/nowhere/at/all.npz"
    (copy / "search.json").write_text(json.dumps(made))
    result = call("export", copy)
    assert result.exit_code == 0, result.output
    assert "normal noise" in result.stdout


def test_the_best_of_a_table(here: Path) -> None:
    result = nassearch.Experiment("rand", rounds=3, budget=20).run("found.jsonl")
    assert call("export", "found.jsonl").exit_code == 0
    best = max(
        (valid, arch) for done in result.rounds for arch, valid in zip(done.archs, done.valid, strict=True)
    )
    space = nassearch.load_benchmark().space
    assert f'ARCHITECTURE = "{space.format(best[1])}"' in Path("best.py").read_text()
    card = Path("best.md").read_text()
    assert f"| validation | {best[0]:.2f} percent |" in card
    assert "drawn, not trained" in card


def test_files_that_are_there_stay(searched: Path, here: Path) -> None:
    for name in ("best.py", "best.safetensors", "best.md"):
        Path(name).write_text("mine")
        result = call("export", searched)
        assert result.exit_code == 1
        assert f"{name} is there already" in result.stderr
        assert Path(name).read_text() == "mine"
        assert [path.name for path in here.iterdir()] == [name]
        Path(name).unlink()
    Path("best.py").write_text("mine")
    assert call("export", searched, "--force").exit_code == 0
    assert "class Network" in Path("best.py").read_text()


@pytest.mark.parametrize("name", ["best.txt", "best", "my-best.py", "1.py", "class.txt", ".py"])
def test_names_that_cannot_be_imported_are_refused(searched: Path, here: Path, name: str) -> None:
    assert "-o is a file of Python that can be imported" in said("export", searched, "-o", name)


@pytest.mark.parametrize("name", ["class.py", "code.py", "torch.py", "random.py"])
def test_names_that_python_or_torch_need_are_refused(searched: Path, here: Path, name: str) -> None:
    """A `code.py` beside whoever imports torch would be imported by it."""
    rule = "can be imported" if name == "class.py" else f"{name} would stand for Python's or torch's own"
    assert rule in said("export", searched, "-o", name)


def change(folder: Path, **values: Any) -> None:
    """Change what `search.json` says was asked for."""
    found = json.loads((folder / "search.json").read_text())
    found["made"] |= values
    (folder / "search.json").write_text(json.dumps(found))


def test_the_card_says_all_limits(copy: Path) -> None:
    most = {"params": 500_000.0, "latency": 4.5, "memory": 2e6}
    change(copy, constraints={**most, "latency_by": "phone:ms"})
    limits = found_in(copy).facts["search"]["limits"]
    assert limits == "params at most 500k, memory at most 2 MB, latency at most 4.5 ms, latency by phone:ms"


@pytest.mark.parametrize("name", ["shape", "classes", "mean", "digest", "sizes"])
def test_a_search_that_does_not_say_its_data_is_refused(copy: Path, name: str) -> None:
    data = dict(SearchFolder.open(copy).made["data"])
    change(copy, data={each: value for each, value in data.items() if each != name})
    assert f"search.json is damaged: data is without {name}" in said("export", copy)
    change(copy, data={**data, name: 5j.imag})
    assert f"search.json is damaged: data is {name} is" in said("export", copy)


def test_a_skeleton_that_is_none_is_refused(copy: Path) -> None:
    change(copy, skeleton={"floors": 3})
    assert "does not say what its networks are built for" in said("export", copy)


def winners_weights(folder: Path) -> Path:
    winner = SearchFolder.open(folder).winner
    assert winner is not None
    return folder / str(winner["weights"])


def test_weights_that_are_missing_damaged_or_of_another_network(copy: Path) -> None:
    path = winners_weights(copy)
    whole, others = path.read_bytes(), [other.read_bytes() for other in sorted(path.parent.iterdir())]
    for content, rule in (
        (whole[: len(whole) // 2], "is truncated or damaged"),
        (b"", "is truncated or damaged"),
        (b"\xff" * 64, "is truncated or damaged"),
        (next(other for other in others if len(other) != len(whole)), "not those of"),
    ):
        path.write_bytes(content)
        assert rule in said("export", copy)
    path.unlink()
    assert "there is no file of weights" in said("export", copy)
    path.mkdir()
    assert "cannot be read: it is a directory" in said("export", copy)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "weights/../../x", "C:\\x", "weights\\..\\x", "", 7, None]
)
def test_weights_outside_of_the_folder_are_not_read(copy: Path, name: Any) -> None:
    winner = json.loads((copy / "winner.json").read_text())
    (copy / "winner.json").write_text(json.dumps({**winner, "weights": name}))
    told = said("export", copy)
    assert any(words in told for words in ("outside of it", "has no weights", "a directory", "is damaged"))


def test_results_that_are_none(copy: Path) -> None:
    assert "there is no" in said("export", "nothing")
    Path("empty").mkdir()
    assert "is no folder of a search" in said("export", "empty")
    Path("text.jsonl").write_text("text\n")
    assert "is not a result" in said("export", "text.jsonl")
    made = json.loads((copy / "search.json").read_text())
    (copy / "search.json").write_text(json.dumps({**made, "version": 99}))
    assert "of another version" in said("export", copy)


def test_what_has_no_meaning_is_refused(searched: Path, here: Path) -> None:
    for args, rule in (
        ((searched, "--arch", "nonsense"), "'nonsense'"),
        ((searched, "--space", "nasbench201"), "leave --space"),
        ((searched, "--retrained"), "nothing was trained again"),
        ((), "needs a RESULT, or --space and --arch"),
        (("--space", "nasbench201"), "needs a RESULT, or --space and --arch"),
        (("--space", "nonsense", "--arch", "0"), "no space is called 'nonsense'"),
        (("--space", "nasbench201", "--arch", "99999"), "is from 0 to 15624"),
        (("--space", "nasbench201", "--arch", "0", "--input", "3,0,3"), "--input is the shape of one input"),
        (("--space", "nasbench201", "--arch", "0", "--input", "3x32x32x32x32"), "--input is the shape"),
        (("--space", "nasbench201", "--arch", "0", "--classes", "0"), "--classes is a whole number"),
    ):
        assert rule in said("export", *args), args


@pytest.mark.parametrize("shape", ["3,2,2", "3", "1,1", "5000,1,1"])
def test_inputs_too_small_for_a_space_are_refused_in_words(here: Path, shape: str) -> None:
    result = call("export", "--space", "transnas-macro", "--arch", "1234", "--input", shape)
    assert result.exit_code in (0, 1), result.output
    assert result.exit_code == 0 or result.stderr.startswith("nassearch: ")


@pytest.mark.posix
def test_a_full_disk_leaves_what_was_there(small_disk: Path) -> None:
    result = call("export", "--space", "nasbench201", "--arch", "6111", "-o", small_disk / "best.py")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert not list(small_disk.iterdir())


TEXTS = [name for name in STRANGE if name != "\ud800"]
"""No text of a search has half a surrogate pair."""


@pytest.mark.parametrize("first", range(0, len(TEXTS), len(CLASSES)))
def test_names_of_classes_and_folders_are_text_on_the_card(copy: Path, first: int) -> None:
    names = [*TEXTS, *TEXTS][first : first + len(CLASSES)]
    found = json.loads((copy / "search.json").read_text())
    found["made"]["data"] |= {"classes": names, "name": "".join(names), "notes": [*names, "1. <b>", "- x"]}
    (copy / "search.json").write_text(json.dumps(found))
    result = call("export", copy, "-o", "strange.py")
    assert result.exit_code == 0, result.stderr
    card = Path("strange.md").read_text("utf-8")
    assert all(line.isprintable() for line in card.split("\n"))
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", re.sub(r"(?ms)^```.*?^```|`[0-9a-z ]*`", "", card))
    assert not re.search(r"[<>]|://|www\.|\]\(|`|(?<![\w])@", bare), bare
    assert all(row.count("|") == 3 for row in re.findall(r"^\|.*data|^\| .* classes .*$", bare, re.M))
    names_: dict[str, Any] = {"__name__": "strange", "__file__": str(Path("strange.py").resolve())}
    exec(Path("strange.py").read_text("utf-8"), names_)
    assert names_["CLASSES"] == tuple(names)


def test_from_python_the_files_are_those_of_the_command(searched: Path, here: Path) -> None:
    assert call("export", searched, "-o", "theirs.py").exit_code == 0
    for given in (searched, str(searched), SearchFolder.open(searched)):
        done = nassearch.export_network(given, "best.py", force=True)
        assert (done.trained, done.files["code"]) == (True, Path("best.py"))
        for suffix in (".py", ".safetensors"):
            theirs = Path(f"theirs{suffix}").read_bytes().replace(b"theirs", b"best")
            assert Path(f"best{suffix}").read_bytes() == theirs
    with pytest.raises(InvalidSetting, match=r"best\.py is there already"):
        nassearch.export_network(searched)
    for wrong in (5, None, b"best.py", [searched], np.zeros(3)):
        with pytest.raises(InvalidSetting, match="from the path of a result"):
            nassearch.export_network(wrong, "other.py")  # type: ignore[arg-type]
        with pytest.raises(InvalidSetting, match="out is the path of a file of Python"):
            nassearch.export_network(searched, wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match="arch is the text of an architecture"):
        nassearch.export_network(searched, "other.py", arch=(1, 2))  # type: ignore[arg-type]
    assert not list(here.glob("other.*"))
