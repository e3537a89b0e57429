"""What lies in the current folder is not imported, by the command or by its workers; what a user names is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, START, environment, install

OTHERS = """
    click cloudpickle cupy filelock google joblib lz4 matplotlib mnist1d numba numpy pandas pip
    platformdirs psutil pyarrow ray requests rich scipy setproctitle setuptools sitecustomize tblib torch usercustomize
    uvloop yaml
"""
NAMES = sorted({*sys.stdlib_module_names, *OTHERS.split()} - {"sitecustomize", "usercustomize"})
LATER = ("joblib", "numpy", "queue", "random", "torch")
"""What no start of Python imports, before any program could ask it not to."""
COMMANDS = {
    "run": "run ae --dataset cifar10 --rounds 3 --budget 70 --warmup 40 --scorer synflow --json --out {out}",
    "score": "score --dataset cifar10 --sample 8 --proxies params,synflow,epsilon",
    "correlate": "correlate --dataset cifar10 --sample 40 --proxies params --draws 5 --json",
}


def plant(folder: Path, names: tuple[str, ...] | list[str], log: Path) -> Path:
    """Put files of these names into a folder, each of which notes that it ran, and then fails."""
    folder.mkdir()
    for name in names:
        code = f"with open({str(log)!r}, 'a') as file:\n    file.write('{name}\\n')\nraise ImportError('planted')\n"
        (folder / f"{name}.py").write_text(code)
    return folder


def outcome(begin: list[str], line: str, folder: Path, **more: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *begin, *line.split()],
        cwd=folder,
        env=environment(MPLBACKEND="agg", **more),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, re.sub(r'"seconds": .*', "", done.stdout), done.stderr


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Return a script such as pip makes for the command."""
    path = tmp_path / "bin" / "nassearch"
    path.parent.mkdir()
    path.write_text("from nassearch.cli import main\nif __name__ == '__main__':\n    main()\n")
    return str(path)


def compare(
    tmp_path: Path, names: tuple[str, ...] | list[str], begin: list[str], line: str, **more: str
) -> None:
    """Give a command in a folder of planted files and in an empty one."""
    install()
    log = tmp_path / "log"
    (tmp_path / "empty").mkdir()
    found = []
    for folder in (tmp_path / "empty", plant(tmp_path / "planted", names, log)):
        found.append(outcome(begin, line.format(out=tmp_path / "a.jsonl"), folder, **more))
        ran = sorted(set(log.read_text().split())) if log.exists() else []
        assert ran == []
        for kept in ("a.jsonl", "a.png"):
            (tmp_path / kept).unlink(missing_ok=True)
    assert found[0][0] == 0, found[0]
    assert found[1] == found[0]


@pytest.mark.parametrize("command", ["run", "score", pytest.param("correlate", marks=pytest.mark.slow)])
def test_workers_import_nothing_from_the_current_folder(tmp_path: Path, script: str, command: str) -> None:
    compare(tmp_path, NAMES, [script], f"{COMMANDS[command]} --workers 2 --no-cache")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_cluster_of_this_machine_neither(tmp_path: Path, script: str, command: str) -> None:
    pytest.importorskip("ray")
    line = f"{COMMANDS[command]} --workers 2 --no-cache --executor ray"
    compare(tmp_path, NAMES, [script], line, RAY_ADDRESS="")


@pytest.mark.parametrize("begin", [["-m", "nassearch"], ["-c", START]], ids=["-m", "-c"])
def test_however_the_command_is_begun(tmp_path: Path, begin: list[str]) -> None:
    compare(tmp_path, NAMES, begin, f"{COMMANDS['score']} --workers 2 --no-cache")


def test_an_empty_part_of_the_path_is_no_wish(tmp_path: Path, script: str) -> None:
    line = f"{COMMANDS['score']} --workers 2 --no-cache"
    compare(tmp_path, LATER, [script], line, PYTHONPATH=f"{os.pathsep}{ROOT}")


@pytest.mark.parametrize(
    ("name", "text", "scorer"),
    [
        ("matplotlibrc", "backend: module://planted\naxes.facecolor: red\n", "params"),
        # Compiling takes minutes where the machine has other work.
        pytest.param(
            ".numba_config.yaml", "cache_dir: there\n", "epsilon(path=compiled)", marks=pytest.mark.slow
        ),
    ],
)
def test_settings_that_lie_there_change_nothing(
    tmp_path: Path, script: str, name: str, text: str, scorer: str
) -> None:
    pytest.importorskip("numba", reason="needs nassearch[fast]")
    install()
    line = f"run ae --dataset cifar10 --rounds 2 --budget 70 --scorer {scorer} --warmup 9 --no-cache --out a.jsonl"
    plain, settings = tmp_path / "empty", plant(tmp_path / "planted", ["planted"], tmp_path / "log")
    plain.mkdir()
    (settings / name).write_text(text)
    told = [outcome([script], line, place) for place in (plain, settings)]
    assert (told[0][0], told[1]) == (0, told[0])
    assert (plain / "a.png").read_bytes() == (settings / "a.png").read_bytes()
    assert not (tmp_path / "log").exists()
    assert {path.name for path in settings.iterdir()} == {"planted.py", name, "a.png", "a.jsonl"}


def test_what_a_user_names_is_imported(tmp_path: Path, script: str) -> None:
    (tmp_path / "models.py").write_text("import helper\nsmall = helper.small\n")
    (tmp_path / "helper.py").write_text(
        "import torch\ndef small():\n    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))\n"
    )
    line = "score --model models:small --input 3,2,2 --classes 3 --proxies params --json"
    status, out, err = outcome([script], line, tmp_path)
    assert (status, err) == (0, "")
    assert '"params": 39' in out


USERS = """
import sys
sys.path[:] = [part for part in sys.path if part != {there!r}]
from helper import sevenfold
from nassearch.workers.spread import in_order
if __name__ == "__main__":
    print(list(in_order(sevenfold, range(3), 2, sys.argv[1])))
"""


@pytest.mark.parametrize(
    "executor",
    ["processes", pytest.param("ray", marks=pytest.mark.slow)],
)
def test_modules_beside_a_users_program_reach_its_workers(tmp_path: Path, executor: str) -> None:
    pytest.importorskip({"processes": "joblib"}.get(executor, executor))
    there = plant(tmp_path / "there", NAMES, tmp_path / "log")
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "helper.py").write_text("def sevenfold(item):\n    return 7 * item\n")
    (tmp_path / "program" / "program.py").write_text(USERS.format(there=str(there)))
    for folder in (there, tmp_path / "program"):
        told = outcome(["../program/program.py"], executor, folder, RAY_ADDRESS="")
        assert (told[0], told[1]) == (0, "[0, 7, 14]\n"), told
    assert not (tmp_path / "log").exists()


def test_the_program_finds_its_surroundings_as_it_left_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nassearch.workers.spread import in_order

    monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}{ROOT}")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)

    def surroundings() -> tuple[dict[str, str], str, str]:
        told = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
        return told, sys.executable, os.getcwd()

    before = surroundings()
    first, second = in_order(abs, [-1, -2], 2), in_order(abs, [-3, -4], 2)
    assert [next(first), next(second), *first] == [1, 3, 2]
    assert os.environ["PYTHONSAFEPATH"] == "1", "the second goes on"
    assert list(second) == [4]
    assert surroundings() == before
