"""Train a few architectures, be killed at random moments and go on; print how often, and what is left at the end.

python killed.py FOLDER SEED KILLS
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from made_up import blobs

from nassearch.benchmarks import TrainedBenchmark
from nassearch.spaces import NASBench201
from nassearch.training import Recipe
from nassearch.training.single import loop

ARCHS = ((1, 2, 3, 1, 2, 3), (3, 3, 0, 3, 0, 3))
RECIPE = Recipe(epochs=3, batch_size=16)


def work(folder: Path) -> None:
    """Train all that is not trained yet."""
    skeleton = {"channels": (2, 2, 2), "cells": 1}
    bench = TrainedBenchmark(NASBench201(), blobs(), RECIPE, folder, skeleton=skeleton, seed=1)
    for arch in ARCHS:
        bench.entry(arch)


def child(folder: Path) -> int:
    """Work in a process of its own, and return its number."""
    number = os.fork()
    if not number:
        work(folder)
        os._exit(0)
    return number


def left(folder: Path) -> dict[str, object]:
    """Return what is in a folder at the end, times aside."""
    lines = [json.loads(line) for line in (folder / "trained.jsonl").read_text().splitlines()]
    files = sorted((folder / "weights").iterdir())
    weights = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {"lines": [{**line, "seconds": None} for line in lines], "weights": weights}


def main(folder: Path, seed: int, wanted: int) -> None:
    loop.EVERY = 0.02
    rng, kills, ends = random.Random(seed), 0, []
    started = time.monotonic()
    os.waitpid(child(folder / "whole"), 0)
    whole = time.monotonic() - started
    while kills < wanted:
        place, window = folder / f"{len(ends)}", whole / 2
        while True:
            number = child(place)
            time.sleep(rng.uniform(0, window))
            window *= 1.2  # on a busy machine a child may come to no state within the first
            os.kill(number, signal.SIGKILL)
            if os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0:
                break
            kills += 1
        ends.append(left(place))
    unfinished = [str(path) for path in folder.glob("*/unfinished/*")]  # hidden ones too
    print(
        json.dumps({"kills": kills, "whole": left(folder / "whole"), "ends": ends, "unfinished": unfinished})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
