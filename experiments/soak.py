"""Kill commands with SIGKILL at random moments, start them again until they are through, and compare with a quiet run.

    python experiments/soak.py --kills 200 [--only run --only score] [--tmpfs FOLDER]

Each command is killed in its turn until all kills are spent, at moments drawn from the first 70 % of the duration of
its undisturbed run. When it is through, its files have to be byte for byte those of the undisturbed run (without times of day or
processor seconds, which are held still or left out), and no unit of work may have been begun twice unless it was the
one in flight when a kill came. What is interrupted: the rounds of `run`, the chunks of `score` and `correlate`, the
groups of `bench build` (cells without 3x3 operations, 40 examples, one epoch), the members of a made-up NATS-Bench folder
in `bench import` (128 networks of the size space). `--tmpfs FOLDER` mounts a disk of 1 MB there, which needs the right
to do so, and fills it under `run`, `score` and `bench import`: a message, no traceback, and what was written is whole.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import json
import os
import pickle
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from _common import markdown, say

MEMBERS = 128
PATIENCE = 600.0
"""Seconds after which a command counts as hung."""
COMMANDS = {
    "run": "run ae --rounds 600 --budget 100 --warmup 200 --scorer params --out out/a.jsonl",
    "score": "score --all --proxies params,flops,synflow -o out/a.csv",
    "correlate": "correlate --all --proxies params,synflow --neighbourhoods 200 --draws 50 -o out/a.csv",
    "build": "bench build --seeds 1 --out out",
    "import": "bench import nats-size {folder}",
}
CLOCKS = {"seconds", "shared"}
"""Columns of `correlate` that tell what this process computed, and so depend on where it was interrupted."""


def member(index: int) -> dict[str, Any]:
    """Return what the file of one network holds."""
    arch = ":".join(str(8 * (1 + index // base % 8)) for base in (4096, 512, 64, 8, 1))
    sets = {
        "cifar10-valid": ("x-valid",),
        "cifar10": ("ori-test",),
        "cifar100": ("x-valid", "x-test"),
        "ImageNet16-120": ("x-valid", "x-test"),
    }
    results = {}
    for name, parts in sets.items():
        keys = [f"{part}@{epoch}" for part in parts for epoch in range(90)]
        curve = {epoch: 1.0 for epoch in range(90)}
        draws = random.Random(f"{index} {name}")
        results[name, 777] = {
            "name": name, "train_acc1es": curve, "train_losses": curve, "train_times": curve, "seed": "777",
            "arch_config": {"arch_str": arch}, "epochs": 90, "eval_names": list(parts),
            "eval_acc1es": {key: draws.uniform(1, 99) for key in keys}, "eval_times": dict.fromkeys(keys, 1.0),
            "eval_losses": dict.fromkeys(keys, 0.5),
        }  # fmt: skip
    names = {name: [777] for name in sets}
    return {"90": {"arch_index": index, "arch_str": arch, "all_results": results, "dataset_seed": names}}


def write_folder(folder: Path) -> Path:
    """Write a folder as NATS-Bench's is, of the networks whose first two widths are 8 and third is 8 or 16."""
    folder.mkdir(parents=True)
    for index in range(MEMBERS):
        content = pickle.dumps(member(index), protocol=4)
        (folder / f"{index:06d}.pickle.pbz2").write_bytes(bz2.compress(content))
    return folder


def child(trace: Path, args: list[str]) -> None:
    """Run a command, writing down each unit of work as it begins."""
    from dataclasses import replace
    from types import SimpleNamespace

    descriptor = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def traced(module: Any, name: str, units: Callable[..., list[Any]]) -> None:
        function = getattr(module, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            os.write(descriptor, json.dumps(units(*args)).encode() + b"\n")
            return function(*args, **options)

        setattr(module, name, wrapper)

    os.write(descriptor, b"begin\n")
    if args[0] == "run":
        from nassearch import runner

        traced(runner, "run_round", lambda benchmark, make, budget, seed, number, warmup: [number])
    elif args[0] in ("score", "correlate"):
        from nassearch.scorers import learning

        def pairs(jobs: Any, item: Any) -> list[str]:
            number, archs = item
            return [f"{request[0].name} {arch}" for request in jobs[number][2] for arch in archs]

        traced(learning, "_compute", pairs)
    elif args[1] == "build":
        from nassearch.benchmarks import building, mnist1d
        from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
        from nassearch.networks.training import Training
        from nassearch.spaces.nasbench201 import NASBench201

        class Without3x3(NASBench201):
            def all(self) -> Iterator[tuple[int, ...]]:
                return (arch for arch in super().all() if 3 not in arch and 4 not in arch)

        Without3x3.size = len(list(Without3x3().all()))
        NASBench201Benchmark.make_space = classmethod(lambda cls, dataset=None: Without3x3())  # type: ignore
        sizes = dict.fromkeys(("train", "valid", "test"), 40)
        training = Training(epochs=1, batch_size=20)
        mnist1d.RECIPE = replace(mnist1d.RECIPE, sizes=sizes, training=training, group=2)
        building.time = SimpleNamespace(perf_counter=lambda: 0.0)  # seconds of training are in the table
        traced(building, "run_unit", lambda unit, **_: [[unit.seed, unit.first]])
    else:
        from nassearch.benchmarks.formats import nats
        from nassearch.benchmarks.nats_size import NATSSizeBenchmark
        from nassearch.spaces.nats_size import NATSSize

        widths = NATSSize.choices[0]
        some = (widths[:1], widths[:1], widths[: MEMBERS // 64], widths, widths)
        part = type("Part", (NATSSize,), {"choices": some})
        NATSSizeBenchmark.make_space = classmethod(lambda cls, dataset=None: part())  # type: ignore[method-assign]
        traced(nats, "_read_member", lambda file, origin, *_: [origin])
    from nassearch.cli import main

    sys.argv[1:] = args
    main()


class Case:
    """One command in folders of its own.

    Attributes:
        place: current folder; the data directory is in it.
        trace: the units that were begun, and `begin` before those of each process.
    """

    def __init__(self, name: str, place: Path, folder: Path) -> None:
        self.name, self.place, self.trace = name, place, place / "trace"
        self.args = COMMANDS[name].format(folder=folder).split()
        place.mkdir(parents=True)

    def start(self) -> subprocess.Popen[bytes]:
        child = [sys.executable, __file__, "--child", str(self.trace), *self.args]
        environment = {**os.environ, "NASSEARCH_DATA": str(self.place / "data")}
        root = str(Path(__file__).resolve().parents[1])
        environment["PYTHONPATH"] = os.pathsep.join([root, environment.get("PYTHONPATH", "")])
        return subprocess.Popen(
            child,
            cwd=self.place,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def repeated(self) -> tuple[int, int, list[str]]:
        """Return units begun, those begun again, and those begun again that were not in flight when a kill came."""
        lives: list[list[list[str]]] = []
        for line in self.trace.read_text().splitlines():
            if line == "begin":
                lives.append([])
            else:
                lives[-1].append([json.dumps(unit) for unit in json.loads(line)])
        seen: Counter[str] = Counter()
        wrong: list[str] = []
        for life, later in zip(lives, [*lives[1:], []], strict=True):
            again = {unit for units in later for unit in units}
            wrong += [unit for units in life[:-1] for unit in units if unit in again]
            within = Counter(unit for units in life for unit in units)
            wrong += [unit for unit, times in within.items() if times > 1]
            seen += within
        return sum(seen.values()), sum(seen.values()) - len(seen), wrong

    def files(self) -> dict[str, Any]:
        """Return what is on the disk by name: bytes, rows without clocks, scores of the cache."""
        found: dict[str, Any] = {}
        for path in sorted(self.place.rglob("*")):
            name = str(path.relative_to(self.place))
            if path.is_dir() or path == self.trace or "-shm" in name or "-wal" in name:
                continue
            if path.suffix == ".sqlite":
                with sqlite3.connect(path) as connection:
                    rows = connection.execute(
                        "SELECT contexts.context, key, score FROM scores JOIN contexts ON contexts.id = scores.context "
                        "ORDER BY contexts.context, key"
                    )
                    found[name] = rows.fetchall()
                connection.close()
            elif self.name == "correlate" and path.suffix == ".csv":
                lines = csv.DictReader(path.read_text().splitlines())
                found[name] = [{k: v for k, v in row.items() if k not in CLOCKS} for row in lines]
            else:
                found[name] = path.read_bytes()
        return found


def wait(process: subprocess.Popen[bytes]) -> str:
    """Wait for a command to end well and return what it said on standard error."""
    _, error = process.communicate(timeout=PATIENCE)
    if process.returncode:
        raise SystemExit(f"it failed with {process.returncode}: {error.decode()}")
    return error.decode()


def soak(name: str, kills: int, draws: random.Random, place: Path, folder: Path) -> list[object]:
    """Spend the kills on one command and return its row of the table."""
    wait(Case(name, place / "first", folder).start())  # compiles what is compiled once
    quiet = Case(name, place / "quiet", folder)
    begun = time.monotonic()
    wait(quiet.start())
    duration = time.monotonic() - begun
    wanted = quiet.files()
    units, _, _ = quiet.repeated()
    spent = completed = again = stray = 0
    faults: list[str] = []
    while spent < kills:
        case = Case(name, place / f"run{completed}", folder)
        while True:
            process = case.start()
            if spent < kills:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(draws.uniform(0, 0.7 * duration))
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.communicate()
                    spent += 1
                    continue
            said = wait(process)
            break
        completed += 1
        found = case.files()
        strays = {file for file in found if file not in wanted and Path(file).name.startswith(".")}
        differ = [
            f for f in found.keys() | wanted.keys() if found.get(f) != wanted.get(f) and f not in strays
        ]
        _, repeats, wrong = case.repeated()
        again, stray = again + repeats, stray + len(strays)
        faults += [f"{name}: {file} differs" for file in differ] + [
            f"{name}: {unit} repeated" for unit in wrong
        ]
        faults += [f"{name}: it said {said!r}"] if said else []
        if not differ and not wrong:
            shutil.rmtree(case.place)
    say(f"{name}: {spent} kills, {len(faults)} faults" + "".join(f"\n  {fault}" for fault in faults[:10]))
    return [name, f"{duration:.1f}", units, spent, completed, again, stray, len(faults)]


def full_disk(place: Path, folder: Path) -> list[list[object]]:
    """Run commands on a disk of 1 MB until it is full, and return a row for each: what they say, what is left."""
    rows: list[list[object]] = []
    for name in ("run", "score", "import"):
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
        try:
            case = Case(name, place / "full", folder)
            case.trace = folder.parent / f"trace of {name}"
            (place / "ballast").write_bytes(bytes(1_000_000 if name == "import" else 900_000))
            process = case.start()
            _, error = process.communicate(timeout=PATIENCE)
            said = error.decode().strip().replace(str(place), "")
            left = [file for file in (case.place / "out").glob("*") if file.suffix == ".jsonl"]
            whole = all(
                file.read_bytes()[-1:] in (b"", b"\n") for file in left
            )  # no torn line stays behind an error
            fine = "Traceback" not in said and whole
            rows.append([name, process.returncode, said.splitlines()[-1][:160] if said else "", fine])
        finally:
            subprocess.run(["umount", str(place)], check=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200, help="of all commands together")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", action="append", choices=COMMANDS, help="this command; repeat for more")
    parser.add_argument("--tmpfs", type=Path, help="mount a small disk here and fill it")
    args = parser.parse_args()
    names = args.only or list(COMMANDS)
    place = Path(tempfile.mkdtemp(prefix="nassearch-soak-"))
    folder = write_folder(place / "NATS-sss-made-up")
    if args.tmpfs:
        print(markdown(["command", "status", "message", "fine"], full_disk(args.tmpfs, folder)))
    rows = []
    for number, name in enumerate(names):
        kills = args.kills // len(names) + (number < args.kills % len(names))
        rows.append(soak(name, kills, random.Random(f"{args.seed} {name}"), place / name, folder))
        print(
            markdown(
                ["command", "quiet, s", "units", "kills", "runs", "begun again", "strays", "faults"], rows
            )
        )
    if any(row[-1] for row in rows):
        raise SystemExit(f"faults, see above; what differs is in {place}")
    shutil.rmtree(place)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]), sys.argv[3:])
    else:
        main()
