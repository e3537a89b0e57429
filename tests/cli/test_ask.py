"""`nassearch begin`, `ask`, `tell`, `serve` and what reads their folder, as they are typed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from asking import value
from click.testing import CliRunner
from commands import call, command, environment

import nassearch as ns
from nassearch import AskTell
from nassearch.cli.commands import watch
from nassearch.cli.main import cli
from nassearch.search.asking.steps import FILE

SPACE = "nasbench201(channels=4, cells=1)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    result = call(
        *("begin", tmp_path / "asked", "--space", SPACE, "--strategy", "rand", "--budget", 4),
        *("--input", "3,8,8", "--classes", 3),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"rand, in {SPACE}: 4 models",
        f"next: nassearch ask {tmp_path / 'asked'}",
    ]
    return tmp_path / "asked"


def asked(folder: Path, *more: Any) -> list[tuple[int, str]]:
    result = call("ask", folder, *more)
    assert result.exit_code == 0, result.output
    return [(int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in result.stdout.splitlines()]


def test_a_search_by_hand(folder: Path) -> None:
    ((one, first),) = asked(folder)
    two, three = asked(folder, "--count", 2, "--worker", "w")
    assert [one, two[0], three[0]] == [1, 2, 3]
    assert asked(folder, "--worker", "w") == [two]
    assert asked(folder, "--again", 0) == [(1, first)]
    result = call("tell", folder, 1, "91.5", "--seconds", 3)
    assert (result.exit_code, result.stdout) == (0, f"1 {first}: 91.5\n")
    assert call("tell", folder, 1, "91.5").stdout == f"1 {first}: 91.5, as it was told before\n"
    assert call("tell", folder, 2, "--failed", "--note", "out of memory").stdout == f"2 {two[1]}: failed\n"
    assert call("tell", folder, 3, "--forget").stdout == "3 forgotten\n"
    assert call("tell", folder, 3, "--forget").stdout == "3 was forgotten before\n"
    assert call("tell", folder, "--arch", "6111", "-80").stdout.endswith(": -80\n")
    assert len(asked(folder, "--count", 9)) == 2
    result = call("ask", folder)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "nassearch: the budget of 4 is used up\n"
    assert call("ask", folder, "--again", 1e6).exit_code == 4
    said = json.loads(call("tell", folder, 4, 70, "--json").stdout)
    assert (said["id"], said["values"], said["new"], said["learnt"]) == (4, [70.0], True, True)
    assert json.loads(call("tell", folder, 3, "--forget", "--json").stdout) == {
        "id": 3,
        "forgotten": True,
        "new": False,
    }


def test_json_has_what_is_needed_to_build_it(folder: Path) -> None:
    result = call("ask", folder, "--json", "--count", 2)
    said = json.loads(result.stdout)
    assert [each["id"] for each in said["asks"]] == [1, 2] and said["why"] is None and not said["ended"]
    assert said["asks"][0]["network"]["blocks"][0]["layers"][0] == {
        "op": "input",
        "inputs": [],
        "channels": 3,
        "size": [8, 8],
    }
    call("ask", folder, "--count", 2)
    result = call("ask", folder, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {
        "folder": str(folder),
        "asks": [],
        "ended": True,
        "why": "the budget of 4 is used up",
    }


def test_code_of_an_ask_needs_nassearch_no_more(folder: Path, tmp_path: Path) -> None:
    found = asked(folder, "--count", 2, "--code", tmp_path / "model_{id}.py")
    for ident, text in found:
        script = f"import torch, model_{ident} as m; print(m.load()(torch.zeros(2, 3, 8, 8)).shape, m.ARCHITECTURE)"
        done = subprocess.run(
            [*command()[:1], "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.stdout == f"torch.Size([2, 3]) {text}\n", done.stderr
    before = (folder / FILE).read_bytes()
    result = call("ask", folder, "--count", 2, "--code", tmp_path / "model.py")
    assert result.exit_code == 1 and "put the id into its name" in result.stderr
    result = call("ask", folder, "--code", tmp_path / "model.txt")
    assert result.exit_code == 1 and "--code is a file of Python" in result.stderr
    assert (folder / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        (
            "ask nothing",
            1,
            "nothing holds no search that can be asked: begin one with nassearch begin nothing",
        ),
        ("tell nothing 1 2", 1, "nothing holds no search that can be asked"),
        ("serve nothing", 1, "nothing holds no search that can be asked"),
        ("tell asked", 2, "behind FOLDER there is nothing"),
        ("tell asked 1", 2, "behind FOLDER there is 1"),
        ("tell asked 1 2 3", 2, "behind FOLDER there is 1 2 3"),
        ("tell asked 1 2 --failed", 2, "behind FOLDER there is 1 2"),
        ("tell asked x 2", 2, "ID is the number that nassearch ask printed, not 'x'"),
        ("tell asked 1.5 2", 2, "ID is the number that nassearch ask printed, not '1.5'"),
        ("tell asked 1 high", 2, "VALUE is a number, such as 93.1, not 'high'"),
        (
            "tell asked 1 nan",
            1,
            "the value is a finite number, not nan: where a training came to nothing, tell --failed",
        ),
        ("tell asked 1 -inf", 1, "the value is a finite number, not -inf"),
        ("tell asked 1 1e400", 1, "the value is a finite number, not inf"),
        ("tell asked 7 93", 1, "no ask of asked has the id 7: they are 1 to 1"),
        ("tell asked 0 93", 1, "no ask of asked has the id 0"),
        ("tell asked -1 93", 1, "no ask of asked has the id -1"),
        ("tell asked 1 93 --failde", 2, "No such option"),
        ("tell asked 1 93 --metric energy", 2, "is not of the form NAME=VALUE"),
        ("tell asked 1 93 --metric energy=low", 1, "metric energy is a finite number, not 'low'"),
        ("tell asked 1 93 --metric energy=NaN", 1, "metric energy is a finite number, not nan"),
        ("tell asked 1 93 --seconds -3", 1, "seconds is a number"),
        ("tell asked 1 --failed --forget", 2, "--forget is about one ID"),
        ("tell asked 1 --forget --note x", 2, "--forget is about one ID"),
        ("tell asked --arch nonsense 93", 1, "nonsense"),
        ("tell asked --arch 6111 1 93", 2, "behind FOLDER there is 1 93"),
        ("tell asked --arch 6111 93 --epochs 3", 1, "trainings of this search have epochs"),
        ("ask asked --count 0", 1, "count is a whole number from 1 to 1000, not 0"),
        ("ask asked --again -1", 1, "again is a number"),
        ("begin new", 1, "give --space SPACE, or --benchmark NAME"),
        (
            "begin new --space nasbench201 --benchmark nasbench101",
            1,
            "give --space SPACE, or --benchmark NAME",
        ),
        ("begin new --space nasbench210", 1, "did you mean nasbench201"),
        ("begin new --space nasbench201 --input 3,x", 1, "a network needs the shape of one input"),
        ("begin new --space nasbench201 --told a,accuracy", 1, "a told objective is a name of its own"),
        ("begin new --space nasbench201 --fidelity x", 1, "numbers of epochs"),
        ("begin new --space nasbench201 --max-params 1", 1, "params"),
        ("begin new --space nasbench201 --latency-by measured", 1, "add --max-latency"),
        ("begin new --space nasbench201 --strategy sh", 1, "has no shorter trainings of 12 epochs"),
        ("begin asked --space nasbench201", 1, "asked holds a search with"),
        ("watch new", 1, "new"),
    ],
)
def test_what_people_get_wrong(
    line: str, status: int, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    asked(Path("asked"))
    before = (folder / FILE).read_bytes()
    result = CliRunner().invoke(cli, line.split())
    assert result.exit_code == status, result.output
    assert message in " ".join(result.stderr.split()), result.stderr
    assert (folder / FILE).read_bytes() == before
    assert not Path("new").exists() and not Path("nothing").exists()


def test_one_process_speaks_json(folder: Path) -> None:
    lines = ['{"ask": 2}', "nonsense", '{"tell": 1, "value": 91.5}', '{"tell": 9, "value": 1}', '{"ask": 0}']
    done = subprocess.run(
        command("serve", folder),
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    two, bad, told, unknown, none = map(json.loads, done.stdout.splitlines())
    assert [each["id"] for each in two["asks"]] == [1, 2]
    assert told["told"]["new"]
    for each, words in ((bad, "JSON object"), (unknown, "has the id 9"), (none, "count is")):
        assert words in each["error"]["message"]


def test_what_a_users_space_prints_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loudmodels.py").write_text(
        "from torch import nn\nimport nassearch as ns\nprint('loud')\n\n\n"
        "def build(width, *, classes, input_shape):\n"
        "    print('louder')\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0], width), nn.Linear(width, classes))\n\n\n"
        "space = ns.Space({'width': [4, 8, 16]}, build)\n"
    )
    monkeypatch.chdir(tmp_path)
    wanted = ["--space", "loudmodels:space", "--input", "5", "--classes", "2", "--strategy", "rand"]
    where = {"cwd": tmp_path, "capture_output": True, "text": True, "env": environment(), "check": False}
    done = subprocess.run(command("begin", "own", *wanted), **where)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    done = subprocess.run(command("serve", "own"), input='{"ask": 1}\n', **where)  # type: ignore[call-overload]
    assert set(json.loads(done.stdout)["asks"][0]["choices"]) == {"width"}


def test_the_folder_is_read_as_a_result(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_LOOKS", 0.01)
    assert call("show", folder).exit_code == 1  # nothing was told
    search = AskTell.open(folder)
    for ask in search.ask(4):
        search.tell(ask.id, value(ask.arch))
    best = max(search.course().models, key=lambda each: each.values[0] or 0.0)
    text, reached = search.space.format(best.key[0]), best.values[0]
    shown = call("show", folder)
    assert shown.exit_code == 0, shown.output
    assert f"validation accuracy at the end: {reached:.2f}" in shown.stdout
    said = json.loads(call("compare", folder, "--json").stdout)
    assert "rand" in json.dumps(said)
    assert call("plot", folder, "-o", tmp_path / "curve.svg").exit_code == 0
    watched = call("watch", folder)
    assert watched.stdout == (
        f"4 of 4 models asked for; 4 told; 0 pending; best accuracy {reached:.6g} (percent): {text}\n"
    )
    standing = json.loads(call("watch", folder, "--json").stdout)
    assert standing["over"] and standing["best"]["values"] == {"accuracy": reached}
    exported = call("export", folder, "-o", tmp_path / "best.py")
    assert exported.exit_code == 0, exported.output
    assert "(drawn, not trained)" in exported.stdout and f'"{text}"' in (tmp_path / "best.py").read_text()
    result = call("export", folder, "-o", tmp_path / "again.py", "--retrained")
    assert result.exit_code == 1 and "trains nothing itself" in result.stderr
    page = ns.report(tmp_path)  # a folder in the folder
    assert [each["label"] for section in page.data["sections"] for each in section["searches"]] == ["rand"]
    result = call("retrain", folder)
    assert result.exit_code == 1 and "no folder of a search" in result.stderr


def test_watching_ends_where_the_search_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = AskTell.open(folder)
    asks = search.ask(4)

    def told(seconds: float) -> None:
        ask = asks.pop()
        search.tell(ask.id, value(ask.arch))

    monkeypatch.setattr(watch.time, "sleep", told)
    lines = call("watch", folder).stdout.splitlines()
    assert [re.sub(r".*; (\d) told; (\d) pending.*", r"\1 \2", line) for line in lines] == [
        "0 4",
        "1 3",
        "2 2",
        "3 1",
        "4 0",
    ]
