"""Kill the whole way from images to an exported network with SIGKILL, go on, and compare with a way that was never killed.

    python experiments/stress/search_soak.py --kills 50 --out search_soak.md

The way is three commands, each given again until it ends: `nassearch search` on a folder of images (reading, scores for
a warm-up, trainings, the final one, the winner), `nassearch report`, `nassearch export`. Kills take turns among
its phases, so that each is met; one whose phase is over kills nothing. Every other one comes at a moment drawn from the length of its phase, every other one at an operation on a file
that is drawn from those of the phase, in whichever process does it. Every other one takes all processes, the next only
the one that was started, whose worker is still at work when the command is given again. Trainings keep their state
ten times a second, not every half minute.

At the end of a way every file in its folder has to be there byte for byte as on the quiet way, and no other one: seconds
and milliseconds aside, of the page its data, of the cache its scores. No training may be begun that is recorded already, and
no epoch be done again but one for each kill. Processes are forks of this one: importing torch fifty times is not what
is in question. The workers that train are started anew, as always.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch: a process with threads must not fork
sys.path.append(str(Path(__file__).parents[1]))  # for _common
import numpy as np
from _common import markdown, say
from _search_soak_child import PHASES, Plan, command
from PIL import Image

SEARCH = (
    "search {images} --space nasbench201(channels=4,cells=1) --size 16 --strategy ae --set pool=2 --set tournament=2 "
    "--warmup 30 --scorer synflow --budget 3 --recipe epochs=2 --recipe batch_size=32 --threads 1 --out found"
)
COMMANDS = [each.split() for each in (SEARCH, "report found -o page.html", "export found -o best.py --force")]
PATIENCE = 600.0
"""Seconds after which a command counts as hung."""
LOOK = 0.0005
"""Seconds between two looks at what a process does."""
CLOCKS = re.compile(rb"[^\n]*(latency|seconds|spent)[^\n]*\n")
"""Lines of the card and of the code that tell how long something took."""
OF_A_PLACE = {"where", "wall_clock"}


def write_images(folder: Path) -> None:
    """Write 450 images of three kinds of stripes."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :96]
    for place, kind in itertools.product(range(150), ("lying", "slanting", "upright")):
        stripes = {"lying": rows, "slanting": rows + columns, "upright": columns}[kind]
        pixels = rng.normal(128, 50, (96, 96, 3)) + 50 * ((stripes + rng.integers(16)) % 16 < 8)[..., None]
        path = folder / kind / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, compress_level=1)


class Way:
    """One way through all commands, in a folder of its own, with what its processes noted of themselves."""

    def __init__(self, place: Path, images: Path) -> None:
        self.place, self.trace, self.life = place / "here", place / "trace", 0
        self.images = images
        self.place.mkdir(parents=True)
        self.trace.touch()

    def start(self, args: list[str], plan: Plan | None = None) -> int:
        """Start a command in a process group of its own, and return its number."""
        self.life += 1
        number = os.fork()
        if not number:
            os.setsid()
            said = os.open(self.place.parent / f"said{self.life}", os.O_WRONLY | os.O_CREAT)
            os.dup2(said, 1), os.dup2(said, 2)
            os.chdir(self.place)
            os.environ["NASSEARCH_DATA"] = str(self.place / "data")
            command([each.format(images=self.images) for each in args], self.trace, self.life, plan)
        return number

    def notes(self, life: int | None = None) -> list[tuple[str, str, float]]:
        """Return what was noted, of one life or of all: kind, of what, when."""
        found = [json.loads(line) for line in self.trace.read_text().splitlines()]
        return [tuple(rest) for number, *rest in found if life in (None, number)]

    def phase(self) -> str:
        """Return the phase in which the last process is, or was when it died."""
        return next((of for kind, of, _ in reversed(self.notes(self.life)) if kind == "phase"), "start")

    def end(self, number: int) -> bool:
        """Wait for a process; say whether it was killed. One that fails ends the soak."""
        status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        if status in (0, -signal.SIGKILL):
            return status != 0
        raise SystemExit(
            f"{status} in {self.place}: {(self.place.parent / f'said{self.life}').read_text()[-2000:]}"
        )

    def files(self) -> dict[str, Any]:
        """Return what lies in the folder, without seconds."""
        found: dict[str, Any] = {}
        for path in sorted(self.place.rglob("*")):
            if path.is_file() and not path.name.endswith(("-shm", "-wal")):
                found[str(path.relative_to(self.place))] = content(path)
        return found

    def repeated(self) -> tuple[int, int, list[str]]:
        """Return trainings, epochs that were done again, and trainings that were begun once they were recorded."""
        kept: set[str] = set()
        wrong, epochs = [], Counter[str]()
        for kind, of, _ in self.notes():
            if kind == "recorded":
                wrong += [f"{of} was recorded twice"] if of in kept else []
                kept.add(of)
            elif kind == "begun" and of in kept:
                wrong.append(f"{of} was begun again after it was recorded")
            elif kind == "epoch":
                epochs[of] += 1
        return len(kept), sum(epochs.values()) - len(epochs), wrong


def content(path: Path) -> Any:
    if path.suffix == ".sqlite":
        connection = sqlite3.connect(path)
        rows = connection.execute(
            "SELECT contexts.context, key, score FROM scores JOIN contexts ON contexts.id = scores.context ORDER BY 1, 2"
        ).fetchall()
        connection.close()
        return rows
    if path.suffix in (".json", ".jsonl"):
        text = path.read_text()
        return timeless(
            [json.loads(each) for each in (text.splitlines() if path.suffix == ".jsonl" else [text])]
        )
    if path.name == "page.html":
        from nassearch import report

        return timeless(report(path.parent / "found").data)
    return CLOCKS.sub(b"", path.read_bytes()) if path.suffix in (".md", ".py") else path.read_bytes()


def timeless(value: Any) -> Any:
    """Return plain values without those that tell seconds, or where a folder lies."""
    if isinstance(value, dict):
        return {
            name: timeless(each)
            for name, each in value.items()
            if name not in OF_A_PLACE and "second" not in name
        }
    return [timeless(each) for each in value] if isinstance(value, list) else value


def kill_within(
    way: Way, args: list[str], phase: str, quiet: dict[str, Any], draws: random.Random, turn: int
) -> bool:
    """Start a command and kill it in a phase; say whether that came to be before its end."""
    group, at_file = turn % 2 == 0, turn // 2 % 2 == 0 and quiet["operations"][phase] > 0
    die_at = draws.randint(1, quiet["operations"][phase]) if at_file else 0
    number = way.start(args, Plan(phase, die_at, group) if die_at else None)
    started, moment = time.monotonic(), None
    while time.monotonic() - started < PATIENCE:
        if os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return way.end(number)
        if moment is None and way.phase() == phase:
            share = (
                draws.random() if not at_file else 1.0
            )  # or by the clock, where it makes fewer operations this time
            moment = time.monotonic() + share * quiet["seconds"][phase]
        if moment is not None and time.monotonic() >= moment:
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(number, signal.SIGKILL)
            return way.end(number)
        time.sleep(LOOK)
    raise SystemExit(f"{args[0]} hangs in {way.place}")


def measure(way: Way) -> dict[str, Any]:
    """Go the quiet way, and return how long each phase lasts, and its operations on files."""
    for args in COMMANDS:
        if way.end(way.start(args)):
            raise SystemExit("somebody else has killed the quiet way")
    seconds, operations = Counter[str](), Counter[str]()
    for life in range(1, way.life + 1):
        notes = way.notes(life)
        steps = [(of, when) for kind, of, when in notes if kind == "phase"]
        for (of, begun), (_, ended) in itertools.pairwise([*steps, ("end", notes[-1][2])]):
            seconds[of] = (
                max(seconds[of], ended - begun)
                if of in ("keeping state", "keeping weights")
                else seconds[of] + ended - begun
            )
        touched = Counter((kind, of) for kind, of, _ in notes if kind.startswith("operation"))
        for (_, of), count in touched.items():  # of the process that makes the most
            operations[of] = max(operations[of], count)
    return {"seconds": seconds, "operations": operations}


def go(way: Way, kills: int, quiet: dict[str, Any], draws: random.Random, spent: int) -> Counter[str]:
    """Go one way with at most so many kills, and return how many came in which phase."""
    met: Counter[str] = Counter()
    for args in COMMANDS:
        wanted = [phase for phase, of in PHASES.items() if of == args[0]]
        for phase in [phase for phase in wanted for _ in range(2)]:  # a later one ends what is before it
            if sum(met.values()) == kills:
                break
            if kill_within(way, args, phase, quiet, draws, spent + sum(met.values())):
                met[way.phase()] += 1
        if way.end(way.start(args)):
            raise SystemExit("somebody else kills too")
    return met


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--onnx", action="store_true", help="export ONNX too, which takes as long as the search"
    )
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    if args.onnx:
        COMMANDS[-1].append("--onnx")
    else:
        del PHASES["ONNX"]
    place, draws = Path(tempfile.mkdtemp(prefix="nassearch-search-soak-")), random.Random(args.seed)
    write_images(place / "images")
    first = Way(place / "quiet", place / "images")
    quiet, wanted = measure(first), first.files()
    met, faults, again, ways = Counter[str](), list[str](), 0, 0
    while met.total() < args.kills:
        way = Way(place / f"way{ways}", place / "images")
        here = go(way, args.kills - met.total(), quiet, draws, met.total())
        found, (trainings, epochs, wrong) = way.files(), way.repeated()
        names = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        left = [f"{name} is left" for name in names if name not in wanted]
        new = wrong + left + [f"{name} differs" for name in names if name in wanted]
        new += [f"{epochs} epochs were done again by {here.total()} kills"] if epochs > here.total() else []
        met, again, ways, faults = met + here, again + epochs, ways + 1, faults + new
        say(
            f"way {ways}: {here.total()} kills, {trainings} trainings, {epochs} epochs again, {new or 'no faults'}"
        )
        if not new:
            shutil.rmtree(way.place.parent)
    rows: list[list[object]] = [
        [phase, command, quiet["seconds"][phase], quiet["operations"][phase], met.pop(phase, 0)]
        for phase, command in PHASES.items()
    ]
    rows += [["between them", "", "", "", met.total()]]
    table = markdown(["phase", "command", "quiet, s", "file operations", "kills"], rows)
    table += f"\n{ways} ways, {again} epochs done again, {len(faults)} faults\n"
    if args.out:
        args.out.write_text(table)
    print(table)
    if faults:
        raise SystemExit(f"faults, see above; what differs is in {place}")
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
