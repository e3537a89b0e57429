"""Import a table again and again, killed at random moments; print what was found in its place after each kill.

python killed_imports.py FOLDER KIND SEED KILLS
"""

from __future__ import annotations

import csv
import json
import os
import pickle
import random
import signal
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from nassearch.benchmarks import NASBench201Benchmark, NASBenchMacroBenchmark, TransNASMacroBenchmark
from nassearch.benchmarks.metrics import load_metrics
from nassearch.benchmarks.read.further import import_metrics
from nassearch.benchmarks.read.importing import import_file

TASKS = ("class_object", "class_scene")
KINDS = ("macro.json", "transnas.pth", "transnas.csv", "latencies.csv")
BENCHMARKS: dict[str, Any] = {
    "macro.json": NASBenchMacroBenchmark,
    "transnas.pth": TransNASMacroBenchmark,
    "transnas.csv": TransNASMacroBenchmark,
    "latencies.csv": NASBench201Benchmark,
}


def write(path: Path, kind: str, value: float) -> Path:
    """Write a whole file of this kind, in which every architecture has reached this value."""
    space = BENCHMARKS[kind].make_space()
    names = [space.format(arch) for arch in space.all()]
    if kind == "macro.json":
        path.write_text(json.dumps({name: {"test_acc": [value] * 3} for name in names}))
    elif kind == "transnas.pth":
        curves = {"valid_top1": [value], "test_top1": [value], "time_elapsed": [1.0]}
        data = {name: {task: {"metrics": dict(curves)} for task in TASKS} for name in names}
        whole = {"task_list": [*TASKS, "room_layout"], "data": {"macro": data, "micro": {}}}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(whole, protocol=2))
    else:
        head = ["arch", "edgegpu_latency", "edgegpu_energy"]
        rows = [[name, value, value] for name in names]
        if kind == "transnas.csv":
            head = ["arch", "dataset", "valid", "test"]
            rows = [[name, task, value, value] for task in TASKS for name in names]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    return path


def bring(path: Path, kind: str) -> None:
    """Import a file in the place of what is there."""
    if kind == "latencies.csv":
        import_metrics(NASBench201Benchmark, path, "cifar10", force=True)
    else:
        import_file(BENCHMARKS[kind], path, force=True)


def found(kind: str) -> list[float]:
    """Return what is in every table: each different value of it."""
    if kind == "latencies.csv":
        benchmark, about = NASBench201Benchmark, NASBench201Benchmark.datasets()["cifar10"]
        there = load_metrics(benchmark.metrics_path("cifar10"), about, benchmark.make_space().size, "")
        return sorted({float(value) for values in there.values() for value in values})
    names = ["cifar10"] if kind == "macro.json" else list(TASKS)
    tables = [BENCHMARKS[kind].open(name).table for name in names]
    return sorted({float(value) for table in tables for value in table.test.ravel()})


def child(path: Path, kind: str) -> int:
    """Import in a process of its own, and return its number."""
    number = os.fork()
    if not number:
        bring(path, kind)
        os._exit(0)
    return number


def main(folder: Path, kind: str, seed: int, wanted: int) -> None:
    os.environ["NASSEARCH_DATA"] = str(folder / "data")
    files = [write(folder / f"{place}-{kind}", kind, 40.0 + place) for place in (0, 1)]
    bring(files[0], kind)
    started = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(child(files[1], kind), 0)[1]) == 0
    whole = time.monotonic() - started
    rng, seen, kills = random.Random(seed), [found(kind)], 0
    while kills < wanted:
        place = len(seen) % 2
        number = child(files[place], kind)
        time.sleep(rng.uniform(0, 1.1 * whole))
        os.kill(number, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
        kills += not ended
        seen.append(found(kind))
    for path in files:  # both, so that one of them writes and clears what kills have left
        bring(path, kind)
    left = [path.name for path in (folder / "data").rglob(".*") if path.suffix != ".lock"]
    print(json.dumps({"kills": kills, "seen": seen, "end": found(kind), "left": left}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
