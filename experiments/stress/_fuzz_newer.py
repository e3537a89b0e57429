"""What is fuzzed of the newer files: benchmarks in JSON, published scores, further metrics, folders of searches."""

from __future__ import annotations

import io
import json
import pickle
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nassearch import AskTell
from nassearch.benchmarks.base import Dataset, Metric
from nassearch.benchmarks.metrics import load_metrics
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.read.further import import_metrics
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import BadData
from nassearch.export.results.found import chosen
from nassearch.scorers.lookups.base import Place
from nassearch.scorers.lookups.files import read_scores
from nassearch.search.asking.steps import FILE
from nassearch.search.asking.talk import talk
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.standing import Standing
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nasbench_macro import NASBenchMacro
from nassearch.spaces.transnas.macro import TransNASMacro
from nassearch.types import Task

TESTS = Path(__file__).parents[2] / "tests"
sys.path += [str(TESTS / "support"), str(TESTS / "benchmarks" / "read")]  # whose made-up files are taken
SPACE = NASBench201()
CELLS = ["(4, 0, 3, 1, 4, 3)", "(0, 4, 0, 3, 3, 3)"]
TASKS = {"class_scene": "top1", "room_layout": "neg_loss", "segmentsemantic": "mIoU"}


def chains() -> list[bytes]:
    """Return NAS-Bench-Macro's file of three chains."""
    row = {"test_acc": [90.5, 90.25, 91], "mean_acc": 90.58, "std": 0.3, "params": 1.5, "flops": 99.0}
    archs = NASBenchMacro().sample_many(3, np.random.default_rng(0))
    return [json.dumps({NASBenchMacro().format(arch): row for arch in archs}).encode()]


def skeletons() -> list[bytes]:
    """Return TransNAS-Bench-101's file as torch writes it, and its pickle."""
    texts = [
        TransNASMacro().format(arch) for arch in TransNASMacro().sample_many(2, np.random.default_rng(0))
    ]
    each = {
        task: {
            "total_epochs": 2,
            "metrics": {
                **{f"{part}_{name}": [0.5, 0.75] for part in ("train", "valid", "test")},
                "time_elapsed": [1.5, 3.0],
            },
        }
        for task, name in TASKS.items()
    }
    value = {"task_list": list(TASKS), "data": {"macro": dict.fromkeys(texts, each), "micro": {}}}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, protocol=2))
        archive.writestr("archive/version", "3\n")
    return [file.getvalue()]


def suites() -> list[bytes]:
    """Return the layouts of NAS-Bench-Suite-Zero."""
    full = {
        cell: {"idx": "1", "arch": cell, "synflow": {"score": 1.5 + n, "time": 0.1}, "val_accuracy": 60.5}
        for n, cell in enumerate(CELLS)
    }
    plain = {cell: {"synflow": 2.5, "val_accuracy": 60.5} for cell in CELLS}
    shapes: list[Any] = [
        {"cifar10": full, "cifar100": full},
        {"nasbench201": {"cifar10": plain}},
        list(full.values()),
    ]
    return [json.dumps(shape).encode() for shape in shapes]


def check_scores(data: bytes, folder: Path) -> None:
    """What is taken has to be finite or NaN, of architectures, and the same once it is written as a sheet."""
    path = folder / "zc.json"
    path.write_bytes(data)
    place = Place(SPACE, NASBench201Benchmark, "cifar10")
    found, rows = read_scores(path, "synflow", place)
    assert 0 < len(found) <= rows
    lines = ["arch,synflow"]
    for arch, score in found.items():
        assert SPACE.check(arch) == arch and type(score) is float and not np.isinf(score)
        lines.append(f"{SPACE.format(arch)},{score!r}")
    again = folder / "again.csv"
    again.write_text("\n".join(lines))
    assert repr(read_scores(again, "synflow", place)[0]) == repr(found)


def devices(make_space: Callable[[], Any]) -> type[TabularBenchmark]:
    """Return a benchmark of this space with a metric of two devices."""

    class Devices(TabularBenchmark):
        """A benchmark whose architectures cost something on two devices."""

        name: ClassVar[str] = "fuzzed-devices"

        @classmethod
        def datasets(cls) -> dict[str, Dataset]:
            metrics = tuple(Metric(f"{device}_latency", "latency", "ms") for device in ("a", "b"))
            return {"cifar10": Dataset("cifar10", Task((1, 4), 2), note="", metrics=metrics)}

        @classmethod
        def make_space(cls, dataset: str | None = None) -> Any:
            return make_space()

    return Devices


def latencies(make_space: Callable[[], Any]) -> list[bytes]:
    space = make_space()
    rows = [f"{space.format(arch)},{n + 0.5},{-1 if n == 2 else n * 2}" for n, arch in enumerate(space.all())]
    return ["\n".join(["arch,a_latency,b_latency", *rows]).encode()]


def check_latencies(make_space: Callable[[], Any], data: bytes, folder: Path) -> None:
    """What is taken has to be there again, one number of at least 0 or NaN for each architecture."""
    path, benchmark = folder / "hw.csv", devices(make_space)
    path.write_bytes(data)
    made = import_metrics(benchmark, path, "cifar10")
    space, about = make_space(), benchmark.datasets()["cifar10"]
    for values in load_metrics(made.path, about, space.size, benchmark.name).values():
        assert values.shape == (space.size,) and not (values < 0).any() and not np.isinf(values).any()


# ---- folders of searches


def folder_of_a_search(folder: Path) -> Path:
    from search_folders import WINNER, entries, write_folder

    write_folder(folder, entries(5), winner=WINNER)
    (folder / "spent.json").write_text(json.dumps({"seconds": 812.5}))
    return folder


def found(name: str) -> list[bytes]:
    """Return one file of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        return [(folder_of_a_search(Path(folder)) / name).read_bytes()]


def check_folder(name: str, data: bytes, folder: Path) -> None:
    """What is taken has to be told again the same, as plain JSON."""
    path = folder_of_a_search(folder / "found")
    (path / name).write_bytes(data)
    standing = Standing.of(path)
    told = json.dumps(standing.as_dict(), allow_nan=True)
    assert told == json.dumps(Standing.of(path).as_dict(), allow_nan=True)
    if standing.best is not None:
        assert np.isfinite(standing.best.valid or 0.0)


def check_choice(name: str, data: bytes, folder: Path) -> None:
    """Choose what an export would write: an architecture of the space that the search says."""
    path = folder_of_a_search(folder / "found")
    (path / name).write_bytes(data)
    choice = chosen(SearchFolder.open(path))
    assert NASBench201().check(choice.arch) == choice.arch


def genotypes() -> list[bytes]:
    """Return trainings of NAS-Bench-301, a file each."""
    from test_nasbench301_files import usual

    return [json.dumps(each).encode() for each in usual().values()][-6:]


# ---- searches that are trained elsewhere


def an_asked_search(folder: Path) -> AskTell:
    search = AskTell.begin(folder, strategy="rand", space="nasbench201", budget=6, seed=3)
    for ask in search.ask(2, worker="w1"):
        search.tell(ask.id, 90.5 + ask.id, seconds=3)
    search.ask()
    return search


def steps() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        an_asked_search(Path(folder) / "asked")
        return [(Path(folder) / "asked" / FILE).read_bytes()]


def check_steps(data: bytes, folder: Path) -> None:
    """What is taken leads to the same asks again, and goes on."""
    path = folder / "asked"
    path.mkdir()
    (path / FILE).write_bytes(data)
    pending = [(ask.id, ask.text) for ask in AskTell.open(path).pending]
    assert pending == [(ask.id, ask.text) for ask in AskTell.open(path).pending]
    for ask in AskTell.open(path).ask():
        assert ask.id not in dict(pending)


def wishes() -> list[bytes]:
    """Return what a process may ask and tell, a request a line."""
    lines = [
        {"ask": 2, "worker": "w1", "again": 7200},
        {"tell": 1, "value": 93.5, "metrics": {}, "seconds": 340},
        {"tell": 3, "failed": True, "note": "out of memory"},
        {"tell": SPACE.format((1, 2, 3, 4, 0, 1)), "value": 71.5},
        {"forget": 3},
        {"status": True},
    ]
    return ["".join(f"{json.dumps(line)}\n" for line in lines).encode()]


def check_wishes(data: bytes, folder: Path) -> None:
    """Every request has one answer, which is JSON, and what is kept can be followed again."""
    search, answers = an_asked_search(folder / "asked"), list[str]()
    talk(search, io.BytesIO(data), answers.append)
    assert len(answers) == len([line for line in data.split(b"\n") if line.strip()])
    kinds = [json.loads(answer) for answer in answers]
    kept = [ask.id for ask in AskTell.open(folder / "asked").pending]
    assert kept == [ask.id for ask in search.pending]
    if all("error" in kind for kind in kinds):
        raise BadData("nothing of it was a request")
