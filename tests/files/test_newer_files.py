"""Files of the newer kinds that are cut or planted: refused by an error of nassearch, and nothing in them runs."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import call
from payloads import Payload
from search_folders import WINNER, entries, write_folder

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.formats.base import Reading
from nassearch.benchmarks.read.formats.nasbench_macro import NASBenchMacroFile
from nassearch.benchmarks.read.formats.transnas import TransNASFile
from nassearch.errors import NassearchError
from nassearch.scorers.lookups.base import Place
from nassearch.scorers.lookups.files import read_scores
from nassearch.search.trained.standing import Standing
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nasbench_macro import NASBenchMacro
from nassearch.spaces.transnas.macro import TransNASMacro

Read = Callable[[Path], Any]
FOLDER = ("search.json", "winner.json", "spent.json", "trained.jsonl", "events.jsonl")


def macro() -> bytes:
    return json.dumps({"02012100": {"test_acc": [90.5, 91], "params": 1.5}}).encode()


def suite() -> bytes:
    cell = {"synflow": {"score": 1.5, "time": 0.1}, "val_accuracy": 90.25}
    return json.dumps({"cifar10": {"(4, 0, 3, 1, 4, 3)": cell, "(0, 4, 0, 3, 3, 3)": cell}}).encode()


def transnas(planted: object = 0.5) -> bytes:
    tasks: dict[str, Any] = {
        task: {"metrics": {"valid_top1": [planted], "test_top1": [0.5], "time_elapsed": [1.0]}}
        for task in ("class_scene", "class_object")
    }
    whole = {"task_list": ["class_scene", "room_layout"], "data": {"macro": {"64-1234-basic": tasks}}}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(whole, protocol=2))
    return file.getvalue()


def read_macro(path: Path) -> Any:
    return list(NASBenchMacroFile().read(path, Reading(NASBenchMacro())))


def read_suite(path: Path) -> Any:
    return read_scores(path, "synflow", Place(NASBench201(), NASBench201Benchmark, "cifar10"))


def read_transnas(path: Path) -> Any:
    return list(TransNASFile("macro").read(path, Reading(TransNASMacro())))


READERS: dict[str, tuple[bytes, Read]] = {
    "macro": (macro(), read_macro),
    "suite": (suite(), read_suite),
    "transnas": (transnas(), read_transnas),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_cut_at_any_byte_is_refused(kind: str, tmp_path: Path) -> None:
    path, (whole, read) = tmp_path / "given", READERS[kind]
    path.write_bytes(whole)
    assert read(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(NassearchError):
            read(path)


@pytest.mark.parametrize("name", FOLDER)
def test_a_search_whose_file_is_cut_is_told_or_ends_where_whole_lines_do(name: str, tmp_path: Path) -> None:
    path = write_folder(tmp_path / "found", entries(2), winner=WINNER) / name
    if name == "spent.json":
        path.write_text('{"seconds": 812.5}')
    whole, before = path.read_bytes(), Standing.of(path.parent)
    step = 1 if len(whole) < 700 else 37
    for length in range(0, len(whole), step):
        path.write_bytes(whole[:length])
        try:
            standing = Standing.of(path.parent)
        except NassearchError:
            continue
        assert name.endswith(".jsonl"), f"{length} bytes of {name} were taken for all of it"
        assert standing.told == before.told[: len(standing.told)]


@pytest.mark.parametrize("kind", READERS)
def test_nothing_runs_in_files_of_benchmarks(kind: str, marker: Path, tmp_path: Path) -> None:
    path, read = (
        tmp_path / "given",
        {"macro": read_macro, "suite": read_suite, "transnas": read_transnas}[kind],
    )
    contents = [pickle.dumps(Payload(marker), protocol) for protocol in (0, 2, 4)]
    code = f"__import__('os').mkdir({str(marker)!r})"
    planted: tuple[Any, ...] = ({code: {"test_acc": [code]}}, {"cifar10": {code: {"synflow": code}}})
    contents += [json.dumps(each).encode() for each in planted]
    for content in [*contents, transnas(Payload(marker))]:
        path.write_bytes(content)
        with pytest.raises(NassearchError):
            read(path)
        for benchmark in ("nasbench-macro", "transnas-macro", "nasbench201", "nasbench301"):
            assert call("bench", "import", benchmark, path).exit_code == 1


@pytest.mark.parametrize("name", [*FOLDER, "weights/winner.safetensors"])
def test_nothing_runs_in_the_folder_of_a_search(name: str, marker: Path, tmp_path: Path) -> None:
    path = write_folder(tmp_path / "found", entries(2), winner=WINNER)
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_bytes(
        pickle.dumps(Payload(marker)) + b"\n"
    )  # a whole line, not one that a kill has torn
    for command in (["watch", path, "--json"], ["export", path, "-o", tmp_path / "best.py"]):
        done = call(*command)
        assert done.exit_code == (0 if "weights" in name and command[0] == "watch" else 1)


def test_a_search_that_names_code_runs_none(marker: Path, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(f"import os\nos.mkdir({str(marker)!r})\n")
    for made in ({"space": f"__import__('os').mkdir({str(marker)!r})"}, {"strategy": "planted:run"}):
        path = write_folder(tmp_path / "found", entries(2), made=made, winner=WINNER)
        call("watch", path, "--json")
        call("report", path, "--json")
