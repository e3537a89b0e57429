"""Data stay data: the package writes and loads nothing that could run, and code planted in files does not."""

from __future__ import annotations

import ast
import io
import json
import pickle
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call, install
from payloads import Payload

from nassearch.benchmarks.batches import load_batch, save_batch, synthetic_batch
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.worklog import WorkLog
from nassearch.errors import BadData
from nassearch.scorers.cache.scores import ScoreCache
from nassearch.search.records import Header
from nassearch.search.store import read_result
from nassearch.types import Task

PACKAGE = Path(__file__).resolve().parents[3] / "nassearch"
MODULES = {
    "_pickle",
    "cloudpickle",
    "code",
    "dill",
    "jsonpickle",
    "marshal",
    "pickle",
    "runpy",
    "shelve",
    "yaml",
}
CALLS = {"compile", "eval", "exec", "execfile", "__import__"}
UNUSED = {
    ("compile", "provenance/sources.py"),
    ("exec", "export/checked.py"),
    ("compile", "export/checked.py"),
}
"""Code that is made to be compared with what is imported, and never run; and a file that export has written itself, run
before it is handed over, in which names from outside are literals."""
METHODS = {
    "read_pickle",
    "to_pickle",
    "loads_pickle",
    "set_named_type",
    "enable_load_extension",
    "load_extension",
}
LOADS = {"np.load": ("allow_pickle", False), "numpy.load": ("allow_pickle", False)}
SAVES = {
    "np.save",
    "numpy.save",
    "torch.save",
    "torch.load",
    "joblib.dump",
    "joblib.load",
    "os.system",
    "os.popen",
}
IMPORTERS = {
    "__init__.py": "the modules of its public names",
    "cli/main.py": "its own commands",
    "files/lazy.py": "the modules of a folder's public names",
    "provenance/from_here.py": "the user's own module, which a source such as module:function names",
    "export/onnx_file.py": "onnx, onnxscript and onnxruntime",
    "workers/ray_tasks.py": "ray",
    "workers/spread.py": "the package of an executor",
    "registry.py": "built-in parts and installed entry points",
    "provenance/faults.py": "the classes that parts of a kind are",
    "workers/parts.py": "a part's own module, in a worker process",
}
"""The files that may import by a name that is not written there: none of the names is out of a data file."""
IN_MEMORY = {"workers/shipping.py", "testing/benchmarks/contract.py", "testing/spaces/contract.py"}
"""What goes to a worker process, and contract tests of it; nothing goes to the disk, and no data file is read so."""


def found(source: str, name: str) -> Iterator[str]:
    """Yield what in a source could run or store code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (
                alias.name
                for alias in node.names
                if alias.name.split(".")[0] in MODULES
                and not (alias.name in ("pickle", "cloudpickle") and name in IN_MEMORY)
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only", "shell"):
            safe = {"allow_pickle": False, "weights_only": True, "shell": False}[node.arg]
            if not (isinstance(node.value, ast.Constant) and node.value.value is safe):
                yield f"{node.arg} is not {safe}"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {word.arg for word in node.keywords}
            if (
                (called in CALLS and (called, name) not in UNUSED)
                or called in SAVES
                or called.rpartition(".")[2] in METHODS
            ):
                yield called
            elif called in LOADS and LOADS[called][0] not in given:
                yield f"{called} without {LOADS[called][0]}"
            elif called.rpartition(".")[2] == "import_module" and name not in IMPORTERS:
                yield called


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_nothing_runs_or_writes_code(path: Path) -> None:
    assert list(found(path.read_text(), path.relative_to(PACKAGE).as_posix())) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from pickle import loads", "import marshal", "import shelve", "import yaml", "eval(text)",
        "exec(text)",
        "np.load(path)", "np.load(path, allow_pickle=True)", "torch.load(path)", "torch.load(path, weights_only=False)",
        "torch.save(x, path)", "joblib.load(path)", "np.save(path, x)", "__import__(name)", "import_module(name)",
        "frame.to_pickle(path)", "subprocess.run(text, shell=True)", "os.system(text)",
        "connection.enable_load_extension(1)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_is_for(line: str) -> None:
    assert list(found(line, "store.py"))


def objects(marker: Path) -> np.ndarray:
    array = np.empty(1, object)
    array[0] = Payload(marker)
    return array


def archive(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_results(marker: Path, tmp_path: Path) -> None:
    path, code = tmp_path / "a.jsonl", f"__import__('os').system('touch {marker}')"
    line = {
        "round": 0,
        "archs": [[0]],
        "valid": [1.0],
        "test": [1.0],
        "seconds": [1.0],
        "revisits": 0,
        "report": {"a": code},
    }
    experiment = dict.fromkeys(("strategy", "benchmark", "dataset", "scorer"), code)
    header = Header({**experiment, "settings": {code: code}}, code, code)
    path.write_bytes(header.line() + json.dumps(line).encode() + b"\n")
    assert read_result(path).rounds[0].report == {"a": code}
    for command in (["show", path], ["compare", path], ["plot", path, "-o", tmp_path / "a.png"]):
        assert call(*command).exit_code in (0, 1)
    path.write_bytes(pickle.dumps(Payload(marker)))
    with pytest.raises(BadData):
        read_result(path)


def test_caches(marker: Path, tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    cache = ScoreCache(path, "context")
    cache.put({"key": 1.0, "other": 2.0})
    cache.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE scores SET score = ? WHERE key = 'key'", (pickle.dumps(Payload(marker)),))
    connection.execute("CREATE TRIGGER more AFTER INSERT ON scores BEGIN SELECT load_extension('x'); END")
    connection.commit()
    connection.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cache = ScoreCache(path, "context")
        assert cache.get(["key"]) == {}
        cache.put({"key": 3.0})
        cache.close()
    path.write_bytes(pickle.dumps(Payload(marker)))
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert ScoreCache(path, "context").get(["key"]) == {}


def test_work_files(marker: Path, tmp_path: Path) -> None:
    for content in (
        pickle.dumps(Payload(marker)),
        b'{"of": 1}\n' + pickle.dumps(Payload(marker)).hex().encode() + b"\n",
    ):
        (tmp_path / "work.jsonl").write_bytes(content)
        with suppress(BadData):
            WorkLog(tmp_path / "work.jsonl", {"of": 1}, "test")


@pytest.mark.parametrize("name", ["valid", "test", "seconds", "rows", "meta", "archs", "whole"])
def test_tables(marker: Path, name: str) -> None:
    install()
    path = NASBench201Benchmark.table_path("cifar10")
    with np.load(path, allow_pickle=False) as there:
        arrays = dict(there)
    whole = pickle.dumps(Payload(marker))
    path.write_bytes(whole if name == "whole" else archive(**{**arrays, name: objects(marker)}))
    with pytest.raises(BadData, match="damaged"):
        Table.load(path, "import it again")
    line = [
        "run",
        "rand",
        "--dataset",
        "cifar10",
        "--rounds",
        "1",
        "--budget",
        "5",
        "--out",
        path.with_name("a.jsonl"),
    ]
    assert call(*line).exit_code == 1


@pytest.mark.parametrize("name", ["inputs", "labels", "whole"])
def test_batches_and_images(marker: Path, name: str, tmp_path: Path) -> None:
    path, task = tmp_path / "batch.npz", Task((1, 4), 2)
    save_batch(path, synthetic_batch("grey", task, 4))
    with np.load(path, allow_pickle=False) as there:
        arrays = dict(there)
    path.write_bytes(
        pickle.dumps(Payload(marker)) if name == "whole" else archive(**{**arrays, name: objects(marker)})
    )
    with pytest.raises(BadData, match="damaged"):
        load_batch(path, task)
    planted = archive(x_train=objects(marker), y_train=np.zeros(1, np.int64))
    path.write_bytes(planted)
    assert call("bench", "import", "nasbench201", path, "--dataset", "cifar10", "--count", "1").exit_code == 1


def test_sheets(marker: Path, tmp_path: Path) -> None:
    for content in (
        pickle.dumps(Payload(marker)),
        f"arch,dataset,valid,test\n=cmd|'touch {marker}',cifar10,1,2\n".encode(),
    ):
        (tmp_path / "a.csv").write_bytes(content)
        assert call("bench", "import", "nasbench201", tmp_path / "a.csv").exit_code == 1


def test_specs_and_settings(marker: Path) -> None:
    code = f"__import__('os').system('touch {marker}')"
    for text in (code, f"synflow(seed={code})", f"rank({code}, synflow)", f"epsilon(weights=({code}, 1))"):
        assert call("score", "--sample", "1", "--proxies", text).exit_code == 1
        assert call("run", "ae", "--move", text).exit_code == 1
        assert call("run", "ae", "--set", f"fitness={text}").exit_code == 1
