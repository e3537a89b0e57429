"""Kill commands with SIGKILL at random moments, start them again until they are through, and compare with a quiet run.

    python experiments/stress/soak.py --kills 216 --out soak.md [--only run --only score]
    python experiments/stress/soak.py --spoil --kills 32    # has to find faults

Each command is killed in its turn until all kills are spent: every other time at a moment drawn from the first 70 % of the
duration of its undisturbed run, every other time by itself at an operation on one of its files, drawn from those that its
undisturbed run makes. Of a pool of workers one kill takes all processes, the next only the one that was started, and the orphans are
still there when the command is given again. When it is through, its files have to be byte for byte those of the undisturbed run
(without processor seconds, which are held still or left out), and no unit of work may have been begun again unless
it was the one in flight when a kill came; with two workers, one of those that were handed out and had not come back. What is interrupted: the
rounds of `run` and the scores that it needs, the chunks of `score` and `correlate`, the groups of `bench build` (cells without 3x3
operations, 40 examples, one epoch), the members of a made-up NATS-Bench folder in `bench import` (128 networks of the
size space), and the import of a table and of images, which have no units and begin anew. `--spoil` holds lines and scores back in memory,
and succeeds where that is found. Strays are hidden files that a kill left between writing and renaming.
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
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, say
from _soak_child import MEMBERS

from nassearch.spaces.nasbench201 import NASBench201

PATIENCE = 600.0
"""Seconds after which a command counts as hung."""
COMMANDS = {
    "run": "run ae --rounds 15 --budget 70 --warmup 30 --move epsilon --out out/a.jsonl",
    "run, 2 workers": "run ae --rounds 500 --budget 120 --warmup 4 --scorer params --workers 2 --out out/a.jsonl",
    "score": "score --sample 3000 --proxies params,flops,synflow -o out/a.csv",
    "score, 2 workers": "score --sample 3000 --proxies params,synflow --workers 2 -o out/a.csv",
    "correlate": "correlate --sample 3000 --proxies params,synflow --neighbourhoods 100 --draws 50 -o out/a.csv",
    "bench build": "bench build --seeds 1 --out out",
    "bench import, folder": "bench import nats-size {folder}",
    "bench import, table": "bench import nasbench201 {table}",
    "bench import, images": "bench import nasbench201 {images} --dataset cifar10",
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


def write_sources(place: Path) -> dict[str, Path]:
    """Write what is imported: a folder as NATS-Bench's is, a table of two data sets, images."""
    found = {
        "folder": place / "NATS-sss-made-up",
        "table": place / "made-up.csv",
        "images": place / "images.npz",
    }
    found["folder"].mkdir(parents=True)
    for index in range(MEMBERS):
        content = pickle.dumps(member(index), protocol=4)
        (found["folder"] / f"{index:06d}.pickle.pbz2").write_bytes(bz2.compress(content))
    space, draws = NASBench201(), np.random.default_rng(0)
    with found["table"].open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            [
                "arch",
                *(f"{name}/{part}/200" for name in ("cifar10", "cifar100") for part in ("valid", "test")),
            ]
        )
        rows.writerows([space.format(arch), *draws.uniform(1, 99, 4).round(2)] for arch in space.all())
    images = draws.integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8)
    np.savez_compressed(found["images"], x_train=images, y_train=np.arange(2000) % 10)
    return found


class Case:
    """One command in folders of its own.

    Attributes:
        place: current folder; the data directory is in it.
        trace: the units that were begun, in order, with the number of the process that was started.
    """

    def __init__(self, name: str, place: Path, sources: dict[str, Path], spoil: bool = False) -> None:
        self.name, self.place, self.spoil = name, place / "here", spoil
        self.trace, self.started = place / "trace", 0
        self.args = COMMANDS[name].format(**sources).split()
        self.place.mkdir(parents=True)

    def start(self, die_at: int = 0) -> subprocess.Popen[bytes]:
        """Start the command at the head of a process group of its own."""
        self.started += 1
        self.said, plan = self.place.parent / f"said{self.started}", self.place.parent / f"plan{self.started}"
        facts = {"trace": str(self.trace), "place": str(self.place), "life": self.started}
        plan.write_text(json.dumps({**facts, "die_at": die_at, "spoil": self.spoil}))
        here = Path(__file__).resolve().parent
        environment = {**os.environ, "NASSEARCH_DATA": str(self.place / "data")}
        paths = [str(here.parent), str(here), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        with self.said.open("wb") as said:  # a file: orphans would keep the end of a pipe
            return subprocess.Popen(
                [sys.executable, str(here / "_soak_child.py"), str(plan), *self.args],
                cwd=self.place,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )

    def finish(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the command to end well and return what it said on standard error."""
        status = process.wait(timeout=PATIENCE)
        said = self.said.read_text()
        if status:
            raise SystemExit(f"{self.name} failed with {status} in {self.place}: {said}")
        return said

    def lives(self) -> list[defaultdict[str, list[list[str]]]]:
        """Return, for each process that was started, the units that were begun, by kind."""
        lives = [defaultdict[str, list[list[str]]](list) for _ in range(self.started)]
        for line in self.trace.read_text().splitlines():
            life, kind, units = json.loads(line)
            lives[life - 1][kind].append(units)
        return lives

    def through(self) -> bool:
        """Return whether the process that was started last has done all that it does."""
        return self.trace.exists() and bool(self.lives()[-1]["operations"])

    def operations(self) -> int:
        return int(self.lives()[-1]["operations"][0][0])

    def repeated(self) -> tuple[int, int, int, list[str]]:
        """Return units begun, those begun again, the most of them after one kill, and what must not have been."""
        lives, begun, again, most, wrong = self.lives(), 0, 0, 0, list[str]()
        for kind in {kind for life in lives for kind in life} - {"operations", "kept"}:
            ever: Counter[str] = Counter()
            kept: set[str] = set()
            for number, life in enumerate(lives, start=1):
                units = [unit for call in life[kind] for unit in call]
                kept |= {unit for call in life["kept"] for unit in call}
                after = {unit for later in lives[number:] for call in later[kind] for unit in call}
                lost = [unit for unit in units if unit in after]
                most = max(most, len(lost))
                wrong += [f"{kind} {unit}, which was kept" for unit in after & kept]
                wrong += [f"{kind} {unit}, within one process" for unit, n in Counter(units).items() if n > 1]
                if "workers" not in self.name:
                    in_flight = set(life[kind][-1]) if life[kind] else set()
                    wrong += [f"{kind} {unit}, not in flight" for unit in lost if unit not in in_flight]
                ever += Counter(units)
            begun, again = begun + sum(ever.values()), again + sum(ever.values()) - len(ever)
        return begun, again, most, wrong

    def files(self) -> dict[str, Any]:
        """Return what is on the disk by name: bytes, rows without clocks, scores of the cache."""
        found: dict[str, Any] = {}
        for path in sorted(self.place.rglob("*")):
            name = str(path.relative_to(self.place))
            if path.is_dir() or "-shm" in name or "-wal" in name:
                continue
            if path.suffix == ".sqlite":
                connection = sqlite3.connect(path)
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


def kill(process: subprocess.Popen[bytes], group: bool) -> None:
    with suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
    process.wait()


def one_run(
    case: Case, kills: int, draws: random.Random, duration: float, operations: int
) -> tuple[int, str]:
    """Start a command until it is through, and return the kills that it took and what its last process said."""
    spent, orphans = 0, list[subprocess.Popen[bytes]]()
    while True:
        at_file = spent < kills and draws.random() < 0.5
        process = case.start(draws.randint(1, operations) if at_file else 0)
        if spent < kills:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE if at_file else draws.uniform(0, 0.7 * duration))
        if process.poll() is None and spent < kills:
            kill(process, group=draws.random() < 0.5)
        killed = process.poll() == -signal.SIGKILL
        said = "" if killed else case.finish(process)
        for orphan in orphans:
            kill(orphan, group=True)
        spent += killed
        if not killed or case.through():  # a kill can come between its last act and its end
            return spent, said
        orphans = [process]


def soak(
    name: str, kills: int, draws: random.Random, place: Path, sources: dict[str, Path], spoil: bool
) -> list[object]:
    """Spend the kills on one command and return its row of the table."""
    first = Case(name, place / "first", sources)  # compiles what is compiled once
    first.finish(first.start())
    quiet = Case(name, place / "quiet", sources)
    begun = time.monotonic()
    quiet.finish(quiet.start())
    duration = time.monotonic() - begun
    wanted, operations, (units, *_) = quiet.files(), quiet.operations(), quiet.repeated()
    spent = completed = again = most = stray = 0
    faults: list[str] = []
    while spent < kills:
        case = Case(name, place / f"run{completed}", sources, spoil)
        taken, said = one_run(case, kills - spent, draws, duration, operations)
        spent, completed = spent + taken, completed + 1
        found = case.files()
        strays = {file for file in found if file not in wanted and Path(file).name.startswith(".")}
        differ = {
            file for file in found.keys() | wanted.keys() if found.get(file) != wanted.get(file)
        } - strays
        _, repeats, worst, wrong = case.repeated()
        again, most, stray = again + repeats, max(most, worst), stray + len(strays)
        new = [f"{file} differs" for file in differ] + [f"begun again: {unit}" for unit in wrong]
        new += [f"it said {said!r}"] if said else []
        faults += new
        if not new:
            shutil.rmtree(case.place.parent)
    say(f"{name}: {spent} kills, {len(faults)} faults" + "".join(f"\n  {fault}" for fault in faults[:10]))
    return [name, f"{duration:.1f}", operations, units, spent, completed, again, most, stray, len(faults)]


HEAD = ["command", "quiet, s", "file operations", "units", "kills", "runs", "begun again", "most after one kill", "strays", "faults"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=216, help="of all commands together")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", action="append", choices=COMMANDS, help="this command; repeat for more")
    parser.add_argument("--out", type=Path, help="write the table here too")
    parser.add_argument("--spoil", action="store_true", help="lose work on purpose: faults have to be found")
    args = parser.parse_args()
    names = args.only or list(COMMANDS)
    place = Path(tempfile.mkdtemp(prefix="nassearch-soak-"))
    sources = write_sources(place)
    rows: list[list[object]] = []
    for number, name in enumerate(names):
        kills = args.kills // len(names) + (number < args.kills % len(names))
        folder = place / str(number)
        rows.append(soak(name, kills, random.Random(f"{args.seed} {name}"), folder, sources, args.spoil))
        sums = [sum(int(str(row[column])) for row in rows) for column in (4, 5, 6, 8, 9)]
        total = ["all", "", "", "", *sums[:3], "", *sums[3:]]
        table = markdown(HEAD, [*rows, total])
        if args.out:
            args.out.write_text(table)
    print(table)
    found = [row[0] for row in rows if row[-1]]
    if args.spoil:
        shutil.rmtree(place)
        raise SystemExit(0 if found else "nothing was found of what was spoiled on purpose")
    if found:
        raise SystemExit(f"faults, see above; what differs is in {place}")
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
